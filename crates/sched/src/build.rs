//! Building a record from a service's list of destinations and the record before it.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::net::IpAddr;

use crate::kind::{Kind, Overhead};
use crate::lineage::Lineage;
use crate::record::{DecodeError, Draft, MAX_DESTINATION, Past};
use crate::turns::Turns;
use crate::{dh, mh, rr, sh, stateless, wrr};

/// The most destinations that a service can have.
pub const MAX_LIST: usize = 4096;

/// The greatest weight, which is that of IPVS: its weights are signed 32-bit numbers.
pub const MAX_WEIGHT: u32 = i32::MAX as u32;

/// A destination in a service's list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Its number, 1 to [`MAX_DESTINATION`].
    pub destination: u32,
    /// Its weight, 0 to [`MAX_WEIGHT`]; 0 quiesces it.
    pub weight: u32,
    /// Whether packets can be sent to it: its neighbour is known. If not, it is scheduled as if it were not in the list.
    pub eligible: bool,
    /// Whether it has an upper threshold, and so may be overloaded at times.
    pub limited: bool,
    /// The real server's address, which `mh` hashes.
    pub address: IpAddr,
    /// The real server's port, which `mh` hashes.
    pub port: u16,
}

/// Builds the record of a service.
///
/// `list` is in IPVS's order: newest first, and what is taken out and added again is new. `before` is the record that this one
/// replaces, and the value that its cursor has now. Schedulers with a memory go on from it as IPVS does after the
/// edits that lead from its list to `list`: deletions, changes of weight, additions, each from the oldest to the newest.
/// A list without any difference is taken for an edit that changed nothing, which sends `wrr` to the head of the
/// list; so a record that only moves in the arena is to be copied, not built. Without `before`, the list is added to an
/// empty service, oldest first.
///
/// The record begins with its cursor at its start, and is published by writing all of its words.
///
/// # Errors
/// The list breaks one of the limits named above, names a destination twice, or is too long for the table of `mh`; or
/// `before` is not a record.
pub fn build(
    kind: Kind,
    overhead: Overhead,
    list: &[Entry],
    before: Option<(&[u64], u64)>,
) -> Result<Vec<u64>, BuildError> {
    check(kind, list)?;
    let past = match before {
        Some((words, cursor)) => Some(Past::decode(words, cursor)?),
        None => None,
    };
    let old = past.as_ref().map_or(&[][..], |past| &past.list);
    let lineage = Lineage::trace(old, list);
    let new = lineage.list(old, list);
    let turns = match kind {
        Kind::RoundRobin => rr::turns(past.as_ref(), &lineage, &new),
        Kind::WeightedRoundRobin => wrr::turns(past.as_ref(), &lineage, &new),
        _ => Turns::None,
    };
    let table = match kind {
        Kind::DestinationHash => dh::table(&new),
        Kind::SourceHash { .. } => sh::table(&new),
        Kind::MaglevHash { .. } => mh::table(&new, list),
        _ => stateless::table(&new, list),
    };
    let draft = Draft {
        kind,
        overhead,
        list: new,
        turns,
        table,
    };
    Ok(draft.encode())
}

fn check(kind: Kind, list: &[Entry]) -> Result<(), BuildError> {
    if list.len() > MAX_LIST {
        return Err(BuildError::List(list.len()));
    }
    if matches!(kind, Kind::MaglevHash { .. }) && list.len() > mh::SLOTS as usize {
        return Err(BuildError::Maglev(list.len()));
    }
    let mut seen = BTreeSet::new();
    for entry in list {
        let destination = entry.destination;
        if !(1..=MAX_DESTINATION).contains(&destination) {
            return Err(BuildError::Destination(destination));
        }
        if !seen.insert(destination) {
            return Err(BuildError::Twice(destination));
        }
        if entry.weight > MAX_WEIGHT {
            return Err(BuildError::Weight {
                destination,
                weight: entry.weight,
            });
        }
    }
    Ok(())
}

/// Why a record cannot be built.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BuildError {
    /// The list is longer than [`MAX_LIST`].
    #[error("a service can have {MAX_LIST} destinations, not {0}; split it into several services")]
    List(usize),
    /// The list is longer than the table of `mh`.
    #[error("the table of mh has room for {MAGLEV} destinations, not for {0}; choose another scheduler", MAGLEV = mh::SLOTS)]
    Maglev(usize),
    /// A destination's number is out of range.
    #[error("{0} is no destination number; they go from 1 to {MAX_DESTINATION}")]
    Destination(u32),
    /// A destination is in the list twice.
    #[error("destination {0} is in the list twice")]
    Twice(u32),
    /// A weight is greater than [`MAX_WEIGHT`].
    #[error("destination {destination} has the weight {weight}; the greatest is {MAX_WEIGHT}")]
    Weight {
        /// Number of the destination.
        destination: u32,
        /// Its weight.
        weight: u32,
    },
    /// The record before is not one.
    #[error("the record to go on from cannot be read")]
    Before(#[from] DecodeError),
}
