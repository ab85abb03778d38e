//! The `drop_entry` defence: connections that are half open or little used make room, chosen at random.
//!
//! IPVS looks at a thirty-second of its buckets each second, and so does this. Of connections that were established,
//! and of those without states, IPVS ends each so-manieth by the number of packets that it had, from 1 to 8; dray does not
//! count packets of connections. What stands for their number is how long the connection was used, in ticks: one
//! that had packets for `n` ticks (67 ms), and none in the last minute, ends with a chance of 1 in `n + 1`, and with 8 or more never.

use dray_abi::{Meta, Settings, Template};
use dray_packet::state::State;

use crate::{
    KernelDataPlane,
    ending::Why,
    mapped::Mapped,
    maps::Maps,
    slots::{self, ConnectionBucket, ConnectionSlot},
};

/// Of so many buckets one is looked at.
const SHARE: u32 = 32;
/// A connection with a packet in the last 60 s is in use: in ticks.
const IN_USE: u32 = (60_000_000_000_u64 >> dray_abi::TICK_SHIFT) as u32;
/// One that was used for so many ticks or more is worth keeping.
const WELL_USED: u32 = 8;

/// Ends some; says how many connections that were.
pub(crate) fn drop_entries(plane: &mut KernelDataPlane) -> u64 {
    let maps = &plane.maps;
    let mut round = Round {
        maps,
        settings: maps.settings(),
        tick: plane.tick(),
        dice: &mut plane.dice,
    };
    let dropped = round.connections(&maps.connections4) + round.connections(&maps.connections6);
    round.templates();
    dropped
}

struct Round<'a> {
    maps: &'a Maps,
    settings: Settings,
    tick: u32,
    dice: &'a mut Dice,
}

impl Round<'_> {
    fn connections<B: ConnectionBucket>(&mut self, table: &Mapped<B>) -> u64 {
        let mut dropped = 0;
        for _ in 0..table.len().div_ceil(SHARE) {
            let bucket = self.dice.below(table.len());
            for slot in slots::connections(table, bucket..bucket + 1) {
                let meta = slot.meta();
                if meta.is_live() && self.is_to_go(&slot, meta) {
                    dropped += u64::from(self.maps.end_connection(&slot, meta, Why::Forced));
                }
            }
        }
        dropped
    }

    fn templates(&mut self) {
        let table = &self.maps.templates;
        for _ in 0..table.len().div_ceil(SHARE) {
            let bucket = self.dice.below(table.len());
            for slot in slots::templates(table, bucket..bucket + 1) {
                let meta = slot.meta();
                let assured = meta.state() & Template::ASSURED != 0;
                if meta.is_live() && !assured && slot.children() == 0 {
                    self.maps.end_template(&slot, meta);
                }
            }
        }
    }

    fn is_to_go(&mut self, slot: &ConnectionSlot<'_>, meta: Meta) -> bool {
        match State::from_number(meta.state()) {
            Some(State::SynReceived | State::SynAck | State::SctpInit1 | State::SctpInit) => true,
            Some(State::Established | State::Udp | State::SctpEstablished) => {
                let timeout = self.settings.timeouts[usize::from(meta.state())];
                let last = meta.over().wrapping_sub(timeout);
                let used = last.wrapping_sub(slot.since());
                let idle = self.tick.wrapping_sub(last);
                idle >= IN_USE && used < WELL_USED && self.dice.below(used + 1) == 0
            }
            _ => false,
        }
    }
}

/// Chance: `splitmix64`, which is enough to spread, and need not be secret.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `sides`, each as likely as another; 0 for none.
    fn below(&mut self, sides: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        (((mixed >> 32) * u64::from(sides)) >> 32) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::Dice;

    #[test]
    fn every_side_comes_up_about_as_often() {
        let mut dice = Dice::new(1);
        let mut seen = [0; 6];
        for _ in 0..60_000 {
            seen[dice.below(6) as usize] += 1;
        }
        assert!(
            seen.iter().all(|count| (9_500..10_500).contains(count)),
            "{seen:?}"
        );
    }
}
