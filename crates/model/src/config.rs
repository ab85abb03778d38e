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
//! `client_address` and `real`) and `mark` by way of `table` and `value`; what is between tables is checked by `across`. Which keys there are
//! is data, in [`TABLES`]. Start with [`parse`].
//!
//! JSON comes in by the same way: `json` writes it as text, and turns places of that text into paths of fields. `part` reads a
//! service or the director alone, for an edit, and `patched` merges patches into what it reads. `spelling` is the way back: how the values of a [`Desired`] are written.

mod across;
mod address;
mod api;
mod client_address;
mod diagnostic;
mod director;
pub mod duration;
mod edits;
mod fault;
mod field;
mod identity;
mod ipvs;
mod json;
mod keys;
mod lines;
mod load;
mod locals;
mod mark;
mod method;
mod options;
pub(crate) mod part;
pub(crate) mod patched;
mod ports;
mod prefix;
mod protocol;
mod real;
mod render;
mod scheduler;
mod service;
mod slip;
pub(crate) mod spelling;
mod statement;
mod syntax;
mod table;
mod tunnel_source;
mod twice;
mod value;
mod wording;
mod wrong;

use std::borrow::Cow;

use serde_json::Value;
use toml::de::DeTable;

use crate::Desired;

use self::{
    across::Facts,
    fault::{Fault, Faults},
    syntax::Repair,
    table::Entries,
};

pub use diagnostic::{Diagnostic, Diagnostics, Label, Place};
pub use field::FieldError;
pub use keys::{Key, Presence, TABLES, Table};
pub use load::{LoadError, load, read_text};
pub use real::MAX_REALS;

/// Reads a configuration. `file_name` is only for the messages.
///
/// # Errors
/// With every error of the text, in its order.
pub fn parse(file_name: &str, text: &str) -> Result<Desired, Diagnostics> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    lowered(text, whole).map_err(|faults| Diagnostics::new(file_name, text, faults))
}

/// Reads a configuration that is JSON: an object with the keys of the file.
///
/// # Errors
/// With every error, each at its field.
pub fn parse_json(value: &Value) -> Result<Desired, Vec<FieldError>> {
    json::read(value, whole)
}

/// Reads a text, and gives what `lower` makes of its table, or all faults at their places in the text.
fn lowered<T>(
    text: &str,
    lower: impl FnOnce(&DeTable<'_>, &mut Faults<'_>) -> Option<T>,
) -> Result<T, Vec<Fault>> {
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
    let read = lower(table.get_ref(), &mut found);
    let mut faults = found.into_original();
    faults.extend(repair.into_faults(&errors));
    match read {
        Some(read) if faults.is_empty() => Ok(read),
        _ => Err(faults),
    }
}

/// Turns a file's table into the desired state; `None` only with a fault.
fn whole(table: &DeTable<'_>, faults: &mut Faults<'_>) -> Option<Desired> {
    let file = Entries::open(&keys::FILE, 0..0, table, faults);
    let mut facts = Facts::default();
    let director = director::whole(&file, &mut facts, faults);
    let services = service::read(&file, &mut facts, faults);
    for fault in across::check(&facts) {
        faults.push(fault);
    }
    Some(Desired {
        director: director?,
        services,
    })
}
