//! `wrr`: laps over the list, each taking the destinations whose weight reaches the lap's current weight.
//!
//! With `step` the greatest common divisor of the weights, the current weight goes down by `step` from lap to lap, from the
//! greatest weight (less `step - 1`, so that it ends at 1) to 1, and then begins again.
//!
//! IPVS keeps the current weight across edits: every edit of a destination sends the walk to the head of the list, but into
//! a lap like the one it was in.

use alloc::vec::Vec;

use crate::kind::Kind;
use crate::lineage::{Edits, Lineage};
use crate::record::{Listed, Past, PastTurns};
use crate::sequence::Sequence;
use crate::spread::Spread;
use crate::turns::Turns;
use crate::walk::Cursor;

/// The laps over `new`, going on from the lap in which the record before is.
pub(crate) fn turns(past: Option<&Past>, lineage: &Lineage, new: &[Listed]) -> Turns {
    let current = match past {
        Some(past) => carry(current(past), &lineage.edits(&past.list, new)),
        None => carry(0, &lineage.edits(&[], new)),
    };
    if new.iter().any(|entry| entry.limited()) {
        let spread = usable(new);
        return Turns::Walk {
            cursor: Cursor { place: 0, current },
            step: spread.step(),
            top: spread.top(),
        };
    }
    let laps = Laps::over(new);
    Turns::Sequence {
        sequence: laps.sequence(),
        start: laps.turn(current),
        mark: None,
    }
}

/// The current weight: that of the lap of the latest pick. A service that gets this scheduler begins with the greatest one.
fn current(past: &Past) -> u32 {
    if past.kind != Kind::WeightedRoundRobin {
        return usable(&past.list).top();
    }
    match past.turns {
        PastTurns::Sequence {
            last_turn, start, ..
        } => Laps::over(&past.list).current(last_turn.unwrap_or(start)),
        PastTurns::Walk { current, .. } => current,
    }
}

fn usable(list: &[Listed]) -> Spread {
    let usable = list.iter().filter(|entry| entry.usable());
    Spread::of(usable.map(|entry| entry.weight()))
}

/// The current weight after `edits`, made one at a time.
fn carry(current: u32, edits: &Edits) -> u32 {
    let Edits {
        changed,
        added,
        untouched,
    } = edits;
    let before = || changed.iter().map(|(before, _)| *before);
    let mut settled = Spread::of(untouched.iter().copied());

    // Several deletions come to the same as the last of them, because they can only bring the greatest weight down and the
    // divisor up.
    let mut current = settled.and(Spread::of(before())).settle(current);
    for ((_, after), left) in changed.iter().zip(behind_each(before())) {
        settled = settled.with(*after);
        current = settled.and(left).settle(current);
    }
    for weight in added {
        settled = settled.with(*weight);
        current = settled.settle(current);
    }
    current
}

/// For each weight the spread of those behind it.
fn behind_each(weights: impl DoubleEndedIterator<Item = u32>) -> Vec<Spread> {
    let mut behind: Vec<_> = weights
        .rev()
        .scan(Spread::default(), |spread, weight| {
            let behind = *spread;
            *spread = spread.with(weight);
            Some(behind)
        })
        .collect();
    behind.reverse();
    behind
}

impl Spread {
    /// By how much the current weight goes down from lap to lap.
    fn step(self) -> u32 {
        self.divisor.max(1)
    }

    /// The current weight of the first lap; 0 when no weight is above 0.
    fn top(self) -> u32 {
        self.greatest.saturating_sub(self.step() - 1)
    }

    /// What an edit that leads to these weights makes of the current weight: that of a lap that there is. One that was such a lap's
    /// already stays.
    fn settle(self, current: u32) -> u32 {
        if current == 0 || current > self.top() {
            return self.top();
        }
        match self.step() {
            1 => current,
            step => current / step * step + 1,
        }
    }
}

/// One period of laps.
struct Laps {
    spread: Spread,
    /// (weight, position in the list) of the usable entries, heaviest first.
    ranks: Vec<(u32, u16)>,
    /// From the highest to the lowest.
    levels: Vec<Level>,
    period: u64,
}

/// The laps that take the entries of one weight and those above it.
struct Level {
    /// That weight, in steps.
    height: u32,
    /// Number of its laps: the difference to the next height below.
    laps: u32,
    /// Entries in each of them.
    lap: u32,
    /// The turn that the first of them begins with.
    start: u64,
}

impl Laps {
    fn over(list: &[Listed]) -> Self {
        let rank = |(position, entry): (usize, &Listed)| {
            entry.usable().then(|| (entry.weight(), position as u16))
        };
        let mut ranks: Vec<_> = list.iter().enumerate().filter_map(rank).collect();
        ranks.sort_unstable_by(|a, b| b.cmp(a));
        let mut laps = Self {
            spread: Spread::of(ranks.iter().map(|(weight, _)| *weight)),
            ranks: Vec::new(),
            levels: Vec::new(),
            period: 0,
        };
        let step = laps.spread.step();
        let mut lap = 0;
        for equal in ranks.chunk_by(|(a, _), (b, _)| a == b) {
            lap += equal.len();
            let below = ranks.get(lap).map_or(0, |(weight, _)| *weight);
            laps.push(equal[0].0 / step, below / step, lap as u32);
        }
        laps.ranks = ranks;
        laps
    }

    fn push(&mut self, height: u32, below: u32, lap: u32) {
        let laps = height - below;
        self.levels.push(Level {
            height,
            laps,
            lap,
            start: self.period,
        });
        self.period += u64::from(laps) * u64::from(lap);
    }

    /// The current weight in which `turn` falls; 0 when there are no turns.
    fn current(&self, turn: u64) -> u32 {
        if self.period == 0 {
            return 0;
        }
        let turn = turn % self.period;
        let next = self.levels.partition_point(|level| level.start <= turn);
        let level = &self.levels[next - 1];
        let laps = (turn - level.start) / u64::from(level.lap);
        (level.height - laps as u32 - 1) * self.spread.step() + 1
    }

    /// The turn that begins the lap of `current`, which must be one of these laps', as [`Spread::settle`] makes it.
    fn turn(&self, current: u32) -> u64 {
        if self.period == 0 {
            return 0;
        }
        let height = (current - 1) / self.spread.step() + 1;
        let next = self.levels.partition_point(|level| level.height >= height);
        let level = &self.levels[next - 1];
        level.start + u64::from(level.height - height) * u64::from(level.lap)
    }

    fn sequence(&self) -> Sequence {
        let mut sequence = Sequence::default();
        // Each level takes those of the one above, and some more.
        let mut taken = Vec::with_capacity(self.ranks.len());
        for level in &self.levels {
            for (_, position) in &self.ranks[taken.len()..level.lap as usize] {
                let place = taken.partition_point(|before| before < position);
                taken.insert(place, *position);
            }
            sequence.push(u64::from(level.laps), &taken);
        }
        sequence
    }
}
