//! Every scheduler compared with IPVS's, pick by pick, while destinations are edited, fill up and empty.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use dray_sched::{Entry, Flow, Kind, Load, Overhead};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::reference::{Dest, Ipvs, Moment};
use crate::service::{Service, client, fold};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn turns_without_thresholds_are_ipvs_turns(
        kind in turns(),
        steps in vec(steps(turns().boxed(), any_weight().boxed()), 1..24),
    ) {
        let mut pair = Pair::new(kind, Overhead::Inactive, Limits::None);
        for step in steps {
            pair.play(step)?;
        }
    }

    #[test]
    fn turns_with_thresholds_are_ipvs_turns(
        kind in turns(),
        steps in vec(steps(turns().boxed(), small_weight().boxed()), 1..32),
    ) {
        let mut pair = Pair::new(kind, Overhead::Inactive, Limits::Some);
        for step in steps {
            pair.play(step)?;
        }
    }

    #[test]
    fn every_choice_is_ipvs_choice(
        kind in kinds(),
        overhead in overheads(),
        steps in vec(steps(kinds().boxed(), small_weight().boxed()), 1..32),
    ) {
        let mut pair = Pair::new(kind, overhead, Limits::Some);
        for step in steps {
            pair.play(step)?;
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    /// So many new connections, each of which stays.
    Connect(usize, Visitor),
    /// One edit, then a record.
    Edit(Edit),
    /// Several edits, then one record.
    Batch {
        deletions: Vec<usize>,
        weights: Vec<(usize, u32)>,
        additions: Vec<u32>,
    },
    /// What a destination has now.
    Load(usize, Load),
    /// Ticks that pass.
    Wait(u32),
    Reschedule(Kind),
}

/// Destinations are named by any number, to be taken modulo the length of the list.
#[derive(Clone, Debug)]
enum Edit {
    Add(u32),
    Delete(usize),
    Weight(usize, u32),
    /// Taken out and added again, between two records.
    Readd(usize, u32),
    /// Its neighbour becomes known or unknown.
    Neighbour(usize),
    /// It gets an upper threshold, or loses it.
    Limit(usize),
    Nothing,
}

#[derive(Clone, Debug)]
struct Visitor {
    client: u32,
    port: u16,
    vip: u32,
}

/// Whether destinations may have upper thresholds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Limits {
    None,
    Some,
}

fn turns() -> impl Strategy<Value = Kind> {
    prop_oneof![Just(Kind::RoundRobin), Just(Kind::WeightedRoundRobin)]
}

pub(crate) fn kinds() -> impl Strategy<Value = Kind> {
    let hash = |(mh, fallback, port)| match mh {
        true => Kind::MaglevHash { fallback, port },
        false => Kind::SourceHash { fallback, port },
    };
    prop_oneof![
        Just(Kind::RoundRobin),
        Just(Kind::WeightedRoundRobin),
        Just(Kind::LeastConnection),
        Just(Kind::WeightedLeastConnection),
        Just(Kind::ShortestExpectedDelay),
        Just(Kind::NeverQueue),
        Just(Kind::LocalityBased),
        Just(Kind::LocalityBasedReplicated),
        Just(Kind::DestinationHash),
        any::<(bool, bool, bool)>().prop_map(hash),
        Just(Kind::Failover),
        Just(Kind::Overflow),
        Just(Kind::PowerOfTwo),
    ]
}

pub(crate) fn overheads() -> impl Strategy<Value = Overhead> {
    prop_oneof![Just(Overhead::Inactive), Just(Overhead::Total)]
}

fn any_weight() -> impl Strategy<Value = u32> {
    prop_oneof![
        6 => small_weight(),
        1 => 1..65536_u32,
        1 => Just(i32::MAX as u32),
    ]
}

/// The reference walks lap by lap, and with a heavy destination that is overloaded there are many.
fn small_weight() -> impl Strategy<Value = u32> {
    prop_oneof![
        4 => 0..7_u32,
        2 => (1..9_u32).prop_map(|n| n * 10),
        1 => (1..5_u32).prop_map(|n| n * 6),
        1 => 1..300_u32,
    ]
}

fn steps(kinds: BoxedStrategy<Kind>, weights: BoxedStrategy<u32>) -> impl Strategy<Value = Step> {
    let place = 0..64_usize;
    let weight = || weights.clone();
    let edit = prop_oneof![
        4 => weight().prop_map(Edit::Add),
        2 => place.clone().prop_map(Edit::Delete),
        3 => (place.clone(), weight()).prop_map(|(place, weight)| Edit::Weight(place, weight)),
        1 => (place.clone(), weight()).prop_map(|(place, weight)| Edit::Readd(place, weight)),
        2 => place.clone().prop_map(Edit::Neighbour),
        2 => place.clone().prop_map(Edit::Limit),
        1 => Just(Edit::Nothing),
    ];
    let batch = (
        vec(place.clone(), 0..3),
        vec((place.clone(), weight()), 0..4),
        vec(weight(), 0..4),
    );
    let visitor = (any::<u32>(), any::<u16>(), 0..6_u32).prop_map(|(client, port, vip)| Visitor {
        client,
        port,
        vip,
    });
    // Beyond 2²³ active connections the kernel's sums wrap.
    let connections = || prop_oneof![6 => 0..12_u32, 2 => 0..2000_u32, 1 => 0..0x0180_0000_u32];
    let load =
        (connections(), connections(), any::<bool>()).prop_map(|(active, inactive, overloaded)| {
            Load {
                active,
                inactive,
                overloaded,
            }
        });
    // Around the 24 hours after which a set of lblcr shrinks.
    let wait = prop_oneof![1..2000_u32, 1_287_450..1_287_470_u32];
    prop_oneof![
        8 => (1..30_usize, visitor).prop_map(|(count, visitor)| Step::Connect(count, visitor)),
        8 => edit.prop_map(Step::Edit),
        2 => batch.prop_map(|(deletions, weights, additions)| Step::Batch {
            deletions,
            weights,
            additions,
        }),
        6 => (place, load).prop_map(|(place, load)| Step::Load(place, load)),
        1 => wait.prop_map(Step::Wait),
        1 => kinds.prop_map(Step::Reschedule),
    ]
}

/// As many as a set of `lblcr` has room for, which in the kernel has no end.
const MOST: u32 = 16;

/// The service under test and the reference, edited alike.
struct Pair {
    service: Service,
    ipvs: Ipvs,
    limits: Limits,
    next: u32,
    tick: u32,
}

impl Pair {
    fn new(kind: Kind, overhead: Overhead, limits: Limits) -> Self {
        let mut service = Service::new(kind);
        service.overhead = overhead;
        service.arena.live = vec![Load::default(); MOST as usize + 1];
        Self {
            service,
            ipvs: Ipvs::new(kind, overhead),
            limits,
            next: 1,
            tick: 0,
        }
    }

    fn play(&mut self, step: Step) -> Result<(), TestCaseError> {
        match step {
            Step::Connect(count, visitor) => {
                for nth in 0..count {
                    self.connect(&visitor, nth as u32)?;
                }
            }
            Step::Edit(edit) => {
                self.edit(edit);
                self.service.rebuild();
            }
            Step::Batch {
                deletions,
                weights,
                additions,
            } => {
                self.batch(deletions, weights, additions);
                self.service.rebuild();
            }
            Step::Load(place, load) => {
                if let Some(place) = self.place(place) {
                    let entry = self.service.list[place];
                    self.service.arena.live[entry.destination as usize] = Load {
                        overloaded: load.overloaded && entry.limited,
                        ..load
                    };
                }
            }
            Step::Wait(ticks) => self.tick += ticks,
            Step::Reschedule(kind) if kind != self.service.kind => {
                let flags_only = same_scheduler(kind, self.service.kind);
                self.service.reschedule(kind);
                if flags_only {
                    self.ipvs.set_flags(kind);
                } else {
                    self.ipvs.init(kind);
                }
            }
            Step::Reschedule(_) => {}
        }
        Ok(())
    }

    fn connect(&mut self, visitor: &Visitor, nth: u32) -> Result<(), TestCaseError> {
        let vip = 0x0a09_0000 + visitor.vip * 7919;
        let flow = Flow {
            client: visitor.client.wrapping_add(nth),
            vip,
            vip_words: [0, u64::from(vip)],
            tick: self.tick,
            ..client("0.0.0.0", visitor.port)
        };
        let now = Moment {
            flow: &flow,
            loads: &self.service.arena.live,
            random: self.service.arena.upcoming(),
        };
        let expected = self.ipvs.pick(&now);
        let picked = self.service.pick(&flow);
        prop_assert_eq!(picked, expected, "{:?}, {:?}", self.service.kind, flow);
        if let Some(picked) = picked {
            let load = &mut self.service.arena.live[picked as usize];
            load.active = load.active.wrapping_add(1);
        }
        Ok(())
    }

    fn edit(&mut self, edit: Edit) {
        let len = self.service.list.len();
        match edit {
            Edit::Add(weight) => self.add(weight),
            Edit::Delete(place) if len > 0 => self.delete(place % len),
            Edit::Weight(place, weight) if len > 0 => self.weigh(place % len, weight),
            // At the head, this leaves the same list as a change of weight, and so is none.
            Edit::Readd(place, weight) if len > 1 => {
                let entry = self.service.list.remove(place % (len - 1) + 1);
                if entry.eligible {
                    self.ipvs.delete(entry.destination);
                }
                self.insert(Entry {
                    weight,
                    eligible: true,
                    ..entry
                });
            }
            Edit::Neighbour(place) if len > 0 => self.neighbour(place % len),
            Edit::Limit(place) if len > 0 && self.limits == Limits::Some => {
                self.limit(place % len);
            }
            _ => self.ipvs.touch(),
        }
    }

    /// Makes the edits in the order in which a record is built from them: deletions, weights, additions, and each from the oldest
    /// destination to the newest.
    fn batch(&mut self, deletions: Vec<usize>, weights: Vec<(usize, u32)>, additions: Vec<u32>) {
        let mut places: Vec<_> = deletions
            .iter()
            .filter_map(|place| self.place(*place))
            .collect();
        places.sort_unstable_by(|a, b| b.cmp(a));
        places.dedup();
        for place in places {
            self.delete(place);
        }
        let mut places: Vec<_> = weights
            .iter()
            .filter_map(|(place, weight)| Some((self.place(*place)?, *weight)))
            .collect();
        places.sort_unstable_by(|a, b| b.cmp(a));
        places.dedup_by_key(|(place, _)| *place);
        for (place, weight) in places {
            self.weigh(place, weight);
        }
        for weight in additions {
            self.add(weight);
        }
        self.ipvs.touch();
    }

    fn place(&self, place: usize) -> Option<usize> {
        place.checked_rem(self.service.list.len())
    }

    fn add(&mut self, weight: u32) {
        let destination = self.next;
        if destination > MOST {
            return self.ipvs.touch();
        }
        self.next += 1;
        self.insert(Entry {
            destination,
            weight,
            eligible: true,
            limited: self.limits == Limits::Some && weight.is_multiple_of(2),
            address: address(destination),
            port: 80,
        });
    }

    fn insert(&mut self, entry: Entry) {
        self.service.list.insert(0, entry);
        self.ipvs.insert(0, dest(&entry));
    }

    fn delete(&mut self, place: usize) {
        let entry = self.service.list.remove(place);
        if entry.eligible {
            self.ipvs.delete(entry.destination);
        } else {
            self.ipvs.touch();
        }
    }

    fn weigh(&mut self, place: usize, weight: u32) {
        let entry = &mut self.service.list[place];
        entry.weight = weight;
        if entry.eligible {
            self.ipvs.weigh(entry.destination, weight);
        } else {
            self.ipvs.weigh_in_trash(entry.destination, weight);
            self.ipvs.touch();
        }
    }

    fn neighbour(&mut self, place: usize) {
        let list = &mut self.service.list;
        list[place].eligible = !list[place].eligible;
        let entry = list[place];
        if entry.eligible {
            let before = list[..place].iter().filter(|entry| entry.eligible).count();
            self.ipvs.restore(before, entry.destination);
        } else {
            self.ipvs.delete(entry.destination);
        }
    }

    /// A destination without a threshold is no longer overloaded.
    fn limit(&mut self, place: usize) {
        let entry = &mut self.service.list[place];
        entry.limited = !entry.limited;
        self.service.arena.live[entry.destination as usize].overloaded = false;
        self.ipvs.touch();
    }
}

fn dest(entry: &Entry) -> Dest {
    Dest {
        number: entry.destination,
        weight: i64::from(entry.weight),
        last_weight: i64::from(entry.weight),
        address: fold(entry.address),
        port: entry.port,
    }
}

/// Of either family.
fn address(number: u32) -> IpAddr {
    if number.is_multiple_of(2) {
        IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + number))
    } else {
        IpAddr::V6(Ipv6Addr::from_bits(0x2001_0db8 << 96 | u128::from(number)))
    }
}

fn same_scheduler(one: Kind, other: Kind) -> bool {
    std::mem::discriminant(&one) == std::mem::discriminant(&other)
}
