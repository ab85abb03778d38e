//! The VIPs on the director's interface.

use std::{collections::BTreeSet, io};

use crate::snapshot::AddedVip;

/// Remembers across restarts which VIPs the director has put on an interface, so that it takes off what
/// it added and nothing else.
pub trait VipLedger: Send {
    /// The VIPs that earlier runs added; empty when there was none.
    ///
    /// # Errors
    /// When the record is there and cannot be read.
    fn load(&mut self) -> io::Result<BTreeSet<AddedVip>>;

    /// Replaces the record; durable on return. Called after each change, before the next.
    ///
    /// # Errors
    /// When it cannot be written.
    fn save(&mut self, added: &BTreeSet<AddedVip>) -> io::Result<()>;
}
