//! How packets are treated, and with which defences against a flood of connections, by how full the table is.
//!
//! IPVS looks at the host's free memory once a second (`update_defense_level`, net/netfilter/ipvs/ip_vs_ctl.c of
//! Linux 6.1). dray looks at the room that is left in the connection table, which is what a flood takes away.

use std::num::NonZeroU32;

use dray_model::{DataPlane, Defence, Director, IpvsOptions, Policy};
use tracing::{debug, info};

use crate::event::Happening;

/// Defences that are on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Defences {
    /// `drop_packet`: of the packets that would be scheduled, each so-manieth is dropped.
    pub drop_rate: Option<NonZeroU32>,
    /// `drop_entry`: once a second some connections are ended that are half open or little used.
    pub drop_entry: bool,
    /// `secure_tcp`: a connection is not taken for established before a reply was seen.
    pub secure_tcp: bool,
}

impl Defences {
    /// The defences that these settings ask for while `connections` of `room` are there.
    ///
    /// Automatic ones are on while less room is free than the threshold leaves, `scarce`. Their drop rate is then
    /// `scarce / (scarce - free)`, as IPVS's is by memory: each second packet when half of the scarce room is
    /// taken, each packet when there is none.
    pub(crate) fn called_for(options: &IpvsOptions, connections: u64, room: u64) -> Self {
        let beyond = 100_u64.saturating_sub(options.defence_threshold.into());
        let scarce = (u128::from(room) * u128::from(beyond) / 100)
            .try_into()
            .unwrap_or(room);
        let free = room.saturating_sub(connections);
        let taken: u64 = scarce.saturating_sub(free);
        let on = |defence| match defence {
            Defence::Off => false,
            Defence::Automatic => taken > 0,
            Defence::On => true,
        };
        let automatic_rate = scarce
            .checked_div(taken)
            .map(|rate| u32::try_from(rate).unwrap_or(u32::MAX))
            .and_then(NonZeroU32::new);
        Self {
            drop_rate: match options.drop_packet {
                Defence::Off => None,
                Defence::Automatic => automatic_rate,
                Defence::On => Some(options.am_droprate),
            },
            drop_entry: on(options.drop_entry),
            secure_tcp: on(options.secure_tcp),
        }
    }

    /// Which of the three are on.
    const fn on(&self) -> (bool, bool, bool) {
        (self.drop_rate.is_some(), self.drop_entry, self.secure_tcp)
    }
}

/// Has packets treated as the operator and the table ask for.
#[derive(Debug, Default)]
pub(crate) struct Guard {
    defences: Defences,
    /// What the data plane was told; none before the first time.
    policy: Option<Policy>,
}

impl Guard {
    pub(crate) const fn defences(&self) -> Defences {
        self.defences
    }

    /// Tells the data plane what has changed while `connections` are in its table. Says when other defences are on now.
    pub(crate) fn treat<D: DataPlane>(
        &mut self,
        dataplane: &mut D,
        director: &Director,
        connections: u64,
    ) -> Option<Happening> {
        let defences = Defences::called_for(&director.ipvs, connections, room(director));
        let (drop_packet, drop_entry, secure_tcp) = defences.on();
        let changed = defences.on() != self.defences.on();
        if changed {
            info!(
                connections,
                drop_packet, drop_entry, secure_tcp, "defences changed"
            );
        }
        let before = std::mem::replace(&mut self.defences, defences);
        let policy = Policy {
            timeouts: director.timeouts,
            ipvs: director.ipvs,
            drop_rate: defences.drop_rate,
            secure_tcp,
        };
        if self.policy != Some(policy) {
            dataplane.set_policy(&policy);
            self.policy = Some(policy);
        }
        changed.then_some(Happening::DefencesChanged {
            before,
            after: defences,
        })
    }

    /// The `drop_entry` defence, if it is on: to be called once a second.
    pub(crate) fn drop_entries<D: DataPlane>(&self, dataplane: &mut D) {
        if self.defences.drop_entry {
            let dropped = dataplane.drop_entries();
            debug!(dropped, "connections dropped at random");
        }
    }
}

/// Connections that there is room for, in each address family.
pub(crate) fn room(director: &Director) -> u64 {
    director.max_connections.get().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: u64 = 1_000;

    /// All three defences in the same mode; 100 connections are left at the threshold.
    fn all(defence: Defence) -> IpvsOptions {
        IpvsOptions {
            drop_entry: defence,
            drop_packet: defence,
            secure_tcp: defence,
            defence_threshold: 90,
            ..IpvsOptions::default()
        }
    }

    #[test]
    fn automatic_defences_are_on_beyond_the_threshold_and_drop_the_more_the_fuller_it_is() {
        for (connections, rate) in [
            (0, None),
            (900, None),
            (901, Some(100)),
            (910, Some(10)),
            (950, Some(2)),
            (999, Some(1)),
            (1_000, Some(1)),
            (2_000, Some(1)),
        ] {
            let defences = Defences::called_for(&all(Defence::Automatic), connections, ROOM);
            let wanted = Defences {
                drop_rate: rate.and_then(NonZeroU32::new),
                drop_entry: rate.is_some(),
                secure_tcp: rate.is_some(),
            };
            assert_eq!(defences, wanted, "{connections} connections");
        }
    }

    #[test]
    fn what_is_always_on_does_not_look_at_the_table() {
        let options = all(Defence::On);
        for connections in [0, ROOM] {
            let wanted = Defences {
                drop_rate: Some(options.am_droprate),
                drop_entry: true,
                secure_tcp: true,
            };
            assert_eq!(Defences::called_for(&options, connections, ROOM), wanted);
        }
    }

    #[test]
    fn what_is_off_stays_off_and_a_threshold_of_100_is_never_passed() {
        let never = IpvsOptions {
            defence_threshold: 100,
            ..all(Defence::Automatic)
        };
        for options in [all(Defence::Off), never] {
            assert_eq!(
                Defences::called_for(&options, 2 * ROOM, ROOM),
                Defences::default()
            );
        }
    }

    #[test]
    fn a_threshold_of_0_defends_from_the_first_connection_on() {
        let always = IpvsOptions {
            defence_threshold: 0,
            ..all(Defence::Automatic)
        };
        assert!(!Defences::called_for(&always, 0, ROOM).drop_entry);
        let rate = |connections| Defences::called_for(&always, connections, u64::MAX).drop_rate;
        assert_eq!(rate(1), NonZeroU32::new(u32::MAX));
        assert_eq!(rate(u64::MAX), NonZeroU32::new(1));
    }
}
