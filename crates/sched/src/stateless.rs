//! Choosing without a connection table: for the new connections that find it full.
//!
//! Nothing is remembered, so every packet of the connection must lead to the same destination, and with several directors
//! each must choose alike. `dh`, `sh` and `mh` do that anyway. The records of the others carry a small Maglev table for it.

#[cfg(feature = "host")]
mod table;

use core::num::NonZero;

use crate::record::{Code, NONE, Record, found};
use crate::{Flow, Tables, dh, mh, sh};
#[cfg(feature = "host")]
pub(crate) use table::table;

/// The destination of a flow that is given no connection entry; `None` when no destination takes connections.
///
/// It depends on nothing but the record's list and the flow, not even on the order of the list where the scheduler
/// is not itself a table.
#[inline(always)]
pub fn stateless<T: Tables>(tables: &T, record: u32, flow: &Flow) -> Option<u32> {
    let record = Record::open(tables, record)?;
    let choice = match record.code() {
        Code::DH => dh::stateless(tables, record, flow),
        Code::SH => sh::stateless(tables, record, flow),
        Code::MH => mh::stateless(tables, record, flow),
        _ => own_table(tables, record, flow).unwrap_or(NONE),
    };
    found(choice)
}

#[inline(always)]
fn own_table<T: Tables>(tables: &T, record: Record, flow: &Flow) -> Option<u32> {
    let slots = record.table_len(tables)?;
    let slot = flow.hash % NonZero::new(slots)?;
    let entry = record.slot(tables, slots, slot)?;
    Some(entry.destination())
}
