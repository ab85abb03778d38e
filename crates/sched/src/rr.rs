//! `rr`: every destination in turn, whatever its weight, unless that is 0.
//!
//! IPVS remembers the destination it picked last. The next pick is the first usable one behind it in the list, so a new
//! destination, which is added at the head, waits for the next lap. When the one picked last is taken out, its
//! predecessor stands in for it.

use alloc::vec::Vec;

use crate::kind::Kind;
use crate::lineage::Lineage;
use crate::record::{Listed, Past, PastTurns};
use crate::sequence::Sequence;
use crate::turns::Turns;
use crate::walk::Cursor;

/// The turns over `new`, going on from where the record before has come.
pub(crate) fn turns(past: Option<&Past>, lineage: &Lineage, new: &[Listed]) -> Turns {
    let mark = past.and_then(|past| lineage.survivor(&past.list, new, last_picked(past)?));
    if new.iter().any(|entry| entry.limited()) {
        let place = mark.map_or(0, |mark| mark as u32 + 1);
        return Turns::Walk {
            cursor: Cursor { place, current: 0 },
            step: 0,
            top: 0,
        };
    }
    let sequence = sequence(new);
    let start = match mark {
        Some(mark) => first_behind(&sequence.order, mark),
        None => 0,
    };
    Turns::Sequence {
        sequence,
        start,
        mark,
    }
}

fn sequence(list: &[Listed]) -> Sequence {
    let position = |(position, entry): (usize, &Listed)| entry.usable().then_some(position as u16);
    let usable: Vec<u16> = list.iter().enumerate().filter_map(position).collect();
    let mut sequence = Sequence::default();
    sequence.push(1, &usable);
    sequence
}

/// The turn of the first entry behind position `mark`, or of the first of all if there is none.
fn first_behind(order: &[u16], mark: usize) -> u64 {
    let turn = order.partition_point(|position| usize::from(*position) <= mark);
    if turn == order.len() { 0 } else { turn as u64 }
}

/// The position of the entry that was picked last.
fn last_picked(past: &Past) -> Option<usize> {
    if past.kind != Kind::RoundRobin {
        return None;
    }
    let (last_turn, mark) = match past.turns {
        PastTurns::Sequence {
            last_turn, mark, ..
        } => (last_turn, mark),
        PastTurns::Walk { last, .. } => return last,
    };
    let order = sequence(&past.list).order;
    match last_turn {
        Some(turn) if !order.is_empty() => {
            let turn = (turn % order.len() as u64) as usize;
            Some(usize::from(order[turn]))
        }
        _ => mark,
    }
}
