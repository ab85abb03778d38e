//! How `rr` and `wrr` go round a list, as their records hold it.

use crate::sequence::Sequence;
use crate::walk::Cursor;

/// What a record holds besides the list.
#[derive(Default)]
pub(crate) enum Turns {
    /// The scheduler takes no turns.
    #[default]
    None,
    /// The order of picks, written down: for lists in which every destination always takes connections.
    Sequence {
        sequence: Sequence,
        /// The turn of the first pick.
        start: u64,
        /// Position of the entry that `rr` picked last, by an earlier record.
        mark: Option<usize>,
    },
    /// The list itself is walked, because some of its destinations may be overloaded at times.
    Walk {
        /// Where the walk stands.
        cursor: Cursor,
        /// By how much the current weight of `wrr` goes down from lap to lap.
        step: u32,
        /// The current weight of its first lap.
        top: u32,
    },
}
