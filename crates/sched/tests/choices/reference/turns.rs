//! `rr` and `wrr`.

use super::{Dest, Moment, place};

pub(super) struct Turns {
    /// The destination at which the walk stands; `None` for the head of the list.
    cursor: Option<u32>,
    current: i64,
    max: i64,
    step: i64,
}

impl Turns {
    pub(super) fn begin(list: &[Dest]) -> Self {
        let (max, step) = measure(list);
        Self {
            cursor: None,
            current: max,
            max,
            step,
        }
    }

    /// `rr` goes back to the predecessor of a destination that was taken out.
    pub(super) fn forget(&mut self, number: u32, predecessor: Option<u32>) {
        if self.cursor == Some(number) {
            self.cursor = predecessor;
        }
    }

    /// What any edit does to `wrr`.
    pub(super) fn settle(&mut self, list: &[Dest]) {
        self.cursor = None;
        (self.max, self.step) = measure(list);
        if self.current > self.max || self.current == 0 {
            self.current = self.max;
        } else if self.step > 1 {
            self.current = self.current / self.step * self.step + 1;
        }
    }

    pub(super) fn pick_rr(&mut self, list: &[Dest], now: &Moment) -> Option<u32> {
        let behind = self.cursor.map_or(0, |cursor| place(list, cursor) + 1);
        let usable = |dest: &&Dest| dest.weight > 0 && !now.overloaded(dest);
        let first = list[behind..].iter().find(usable);
        // The second pass ends with the cursor's own destination.
        let picked = first.or_else(|| list[..behind].iter().find(usable))?.number;
        self.cursor = Some(picked);
        Some(picked)
    }

    pub(super) fn pick_wrr(&mut self, list: &[Dest], now: &Moment) -> Option<u32> {
        if self.max == 0 {
            return None;
        }
        let last = self.cursor;
        let mut position = self.cursor;
        let mut stop = None;
        let mut last_pass = false;
        let mut restarted = false;
        loop {
            let behind = position.map_or(0, |position| place(list, position) + 1);
            for dest in &list[behind..] {
                if !now.overloaded(dest) && dest.weight >= self.current {
                    self.cursor = Some(dest.number);
                    return self.cursor;
                }
                if Some(dest.number) == stop {
                    self.cursor = stop;
                    return None;
                }
            }
            position = None;
            self.current -= self.step;
            if self.current <= 0 {
                self.current = self.max;
                if last_pass || last.is_none() {
                    self.cursor = None;
                    return None;
                }
                restarted = true;
            }
            last_pass = self.current <= self.step;
            if last_pass && restarted && last.is_some() {
                stop = last;
            }
        }
    }
}

/// The current weight of the first lap, and the step.
fn measure(list: &[Dest]) -> (i64, i64) {
    let positive = || {
        list.iter()
            .map(|dest| dest.weight)
            .filter(|weight| *weight > 0)
    };
    let step = positive().reduce(gcd).unwrap_or(1);
    let max = positive().max().map_or(0, |max| max - (step - 1));
    (max, step)
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
