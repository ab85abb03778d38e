//! `lblc` and `lblcr`.

use std::collections::HashMap;

use dray_sched::Overhead;

use super::counting::{overhead, wlc};
use super::{Dest, Moment};

/// How long a set with more than one member may stay as it is: 24 hours, in ticks of 2²⁶ ns.
const EXPIRATION: u32 = 1_287_460;

/// By VIP.
#[derive(Default)]
pub(super) struct Cache(HashMap<u32, Set>);

/// What is remembered of a VIP; `lblc` has one member.
struct Set {
    /// The newest first.
    members: Vec<u32>,
    modified: u32,
}

pub(super) struct Service<'a> {
    pub(super) replicated: bool,
    pub(super) overhead: Overhead,
    pub(super) list: &'a [Dest],
    pub(super) trash: &'a HashMap<u32, Dest>,
}

impl Cache {
    pub(super) fn pick(&mut self, service: &Service, now: &Moment) -> Option<u32> {
        let tick = now.flow.tick;
        if let Some(set) = self.0.get_mut(&now.flow.vip) {
            let kept = if service.replicated {
                let least = service.least(&set.members, now);
                if set.members.len() > 1
                    && tick.wrapping_sub(set.modified) > EXPIRATION
                    && let Some(most) = service.most(&set.members, now)
                {
                    set.members.retain(|member| *member != most);
                    set.modified = tick;
                }
                least
            } else {
                service.only(&set.members)
            };
            if let Some(kept) = kept
                && !service.is_overloaded(kept, now)
            {
                return Some(kept.number);
            }
        }
        let chosen = wlc(service.overhead, service.list, now)?.number;
        match self.0.get_mut(&now.flow.vip) {
            Some(set) if service.replicated => {
                if !set.members.contains(&chosen) {
                    set.members.insert(0, chosen);
                    set.modified = tick;
                }
            }
            _ => {
                let set = Set {
                    members: vec![chosen],
                    modified: tick,
                };
                self.0.insert(now.flow.vip, set);
            }
        }
        Some(chosen)
    }
}

impl<'a> Service<'a> {
    fn available(&self, member: u32) -> Option<&'a Dest> {
        self.list.iter().find(|dest| dest.number == member)
    }

    fn only(&self, members: &[u32]) -> Option<&'a Dest> {
        self.available(members[0]).filter(|dest| dest.weight > 0)
    }

    fn least(&self, members: &[u32], now: &Moment) -> Option<&'a Dest> {
        let mut open = members
            .iter()
            .filter_map(|member| self.available(*member))
            .filter(|dest| dest.weight > 0 && !now.overloaded(dest));
        let mut least = open.next()?;
        for dest in open {
            if self.load(least, now) * dest.weight > self.load(dest, now) * least.weight {
                least = dest;
            }
        }
        Some(least)
    }

    fn most(&self, members: &[u32], now: &Moment) -> Option<u32> {
        let mut weighty = members
            .iter()
            .map(|member| {
                self.available(*member)
                    .unwrap_or_else(|| &self.trash[member])
            })
            .filter(|dest| dest.weight > 0);
        let mut most = weighty.next()?;
        for dest in weighty {
            if self.load(most, now) * dest.weight < self.load(dest, now) * most.weight {
                most = dest;
            }
        }
        Some(most.number)
    }

    fn load(&self, dest: &Dest, now: &Moment) -> i64 {
        i64::from(overhead(self.overhead, now.load(dest.number)))
    }

    fn is_overloaded(&self, dest: &Dest, now: &Moment) -> bool {
        let half_idle = |other: &Dest| i64::from(now.active(other)) * 2 < other.weight;
        i64::from(now.active(dest)) > dest.weight && self.list.iter().any(half_idle)
    }
}
