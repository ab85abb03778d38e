//! The configuration file: TOML text in, [`Desired`] or every error of the file out.
//!
//! ```text
//!          ┌──────── mended text ─────────┐
//!          ▼                              │
//! text ─ toml ─▶ errors ─ syntax ─▶ mend, or go on ─▶ faults ─────────────┐
//!          └───▶ table ─▶ director, service, mark ─▶ Desired, or faults ──┴─▶ Diagnostics
//! ```
//!
//! No error hides another: what toml cannot read is told and mended (`syntax`, with the help of `statement`,
//! `slip`, `wording` and `edits`), and the rest of the file is checked all the same. The tables are read by
//! `director` (with `ipvs`, `tunnel_source`, `locals` and `api`), `service` (with `identity`, `scheduler`, `options`, `method`,
//! `client_address` and `real`) and `mark` by way of `table` and `value`; what is between tables is checked by `seat`. Which keys there are
//! is data, in [`TABLES`]. Start with [`parse`].

mod address;
mod api;
mod client_address;
mod diagnostic;
mod director;
mod duration;
mod edits;
mod fault;
mod identity;
mod ipvs;
mod keys;
mod lines;
mod load;
mod locals;
mod mark;
mod method;
mod options;
mod ports;
mod prefix;
mod protocol;
mod real;
mod render;
mod scheduler;
mod seat;
mod service;
mod slip;
mod statement;
mod syntax;
mod table;
mod tunnel_source;
mod twice;
mod value;
mod wording;
mod wrong;

use std::borrow::Cow;

use toml::de::DeTable;

use crate::Desired;

use self::{fault::Faults, syntax::Repair, table::Entries};

pub use diagnostic::{Diagnostic, Diagnostics, Label, Place};
pub use keys::{Key, Presence, TABLES, Table};
pub use load::{LoadError, load};
pub use real::MAX_REALS;

/// Reads a configuration. `file_name` is only for the messages.
///
/// # Errors
/// With every error of the text, in its order.
pub fn parse(file_name: &str, text: &str) -> Result<Desired, Diagnostics> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut repair = Repair::new(text);
    let mut mended = repair.mended().map_or(Cow::Borrowed(text), Cow::Owned);
    let (table, errors) = loop {
        let (table, errors) = DeTable::parse_recoverable(&mended);
        match repair.absorb(&errors) {
            None => break (table, errors),
            Some(next) => {
                drop(table);
                mended = Cow::Owned(next);
            }
        }
    };
    let mut found = Faults::new(&repair);
    let desired = lower(table.get_ref(), &mut found);
    let mut faults = found.into_original();
    faults.extend(repair.into_faults(&errors));
    match desired {
        Some(desired) if faults.is_empty() => Ok(desired),
        _ => Err(Diagnostics::new(file_name, text, faults)),
    }
}

/// Turns the file's table into the desired state; `None` only with a fault.
fn lower(table: &DeTable<'_>, faults: &mut Faults<'_>) -> Option<Desired> {
    let file = Entries::open(&keys::FILE, 0..0, table, faults);
    let director = director::open(&file, faults);
    let interfaces = director
        .as_ref()
        .and_then(|entries| director::interfaces(entries, faults));
    let mut services = service::read(&file, faults);
    let marks = mark::read(
        &file,
        interfaces.as_deref(),
        &services.marked,
        &mut services.vips,
        faults,
    );
    let locals = director
        .as_ref()
        .and_then(|entries| locals::read(entries, faults));
    seat::check_against_vips(&services.seats, &services.vips, faults);
    if let Some(locals) = &locals {
        seat::check_against_locals(&services.seats, &services.vips, locals, faults);
    }
    let fullnat = locals.map(|locals| locals.addresses);
    Some(Desired {
        director: director::read(&director?, interfaces, marks, fullnat, faults)?,
        services: services.list,
    })
}
