//! Waits that keep away from what expires.
//!
//! The kernel's timers fire late, by up to 80 ms below 5 s and up to 640 ms below 41 s, and the steps between two waits
//! take time too. A connection of which it is uncertain whether it is still there would be no ground for a comparison.
//! So no time from any step to any later one may lie near a timeout, or near the difference of two timeouts, at which
//! a template and its connection would race.

use super::{super::chance::Chance, world::World};

/// Waits to choose from, in seconds.
pub(super) const WAITS: &[f64] = &[0.05, 0.1, 0.4, 0.7, 1.1, 1.4, 2.4, 3.5, 6.0];

/// How much earlier a step may come than its plan says, and how much later.
const MARGIN: f64 = 0.45;

#[derive(Clone, Debug)]
pub(super) struct Clock {
    /// Whether time passes in this scenario at all.
    moves: bool,
    /// The moments at which there were steps, in seconds.
    moments: Vec<f64>,
    /// Lengths of time after which something ends, in seconds.
    ends: Vec<f64>,
}

impl Clock {
    pub(super) fn new(chance: &mut Chance, world: &World) -> Self {
        let timeouts = world.lifetimes();
        let mut ends = timeouts.clone();
        for one in &timeouts {
            ends.extend(
                timeouts
                    .iter()
                    .map(|other| one - other)
                    .filter(|time| *time > 0.0),
            );
        }
        Self {
            moves: chance.percent(60),
            moments: vec![0.0],
            ends,
        }
    }

    /// Whether time passes.
    pub(super) fn moves(&self) -> bool {
        self.moves
    }

    /// Lets `time` pass, in seconds, and returns true; or false if something would then be about to end.
    pub(super) fn pass(&mut self, time: f64) -> bool {
        let now = self.moments.last().expect("there is a beginning") + time;
        let certain = self
            .moments
            .iter()
            .all(|moment| self.ends.iter().all(|end| is_clear_of(now - moment, *end)));
        if certain {
            self.moments.push(now);
        }
        certain
    }
}

/// Whether after `time` it is certain that what ends after `end` is over, or is not.
fn is_clear_of(time: f64, end: f64) -> bool {
    let late = if end < 5.0 { 0.1 } else { 0.7 };
    time < end - MARGIN || time > end + MARGIN + late
}

#[cfg(test)]
mod tests {
    use super::{Clock, is_clear_of};

    #[test]
    fn near_an_end_nothing_is_certain() {
        assert!(is_clear_of(2.0, 3.0));
        assert!(!is_clear_of(2.8, 3.0));
        assert!(!is_clear_of(3.5, 3.0));
        assert!(is_clear_of(3.6, 3.0));
        assert!(!is_clear_of(11.0, 10.0));
    }

    #[test]
    fn waits_that_add_up_to_a_timeout_are_refused() {
        let mut clock = Clock {
            moves: true,
            moments: vec![0.0],
            ends: vec![2.0],
        };
        assert!(clock.pass(1.1));
        assert!(!clock.pass(1.1), "2.2 s after the beginning");
        assert!(clock.pass(3.0));
    }
}
