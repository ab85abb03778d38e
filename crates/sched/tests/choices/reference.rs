//! IPVS's schedulers, written down from its rules and nothing else: a list that is walked, and state that changes. Plain, slow, and
//! without a thought for the records that are compared with it.

mod counting;
mod locality;
mod tables;
mod turns;

use std::collections::HashMap;

use dray_sched::{Flow, Kind, Load, Overhead};

use locality::Cache;
use turns::Turns;

/// A service, as the kernel keeps it.
pub(crate) struct Ipvs {
    kind: Kind,
    overhead: Overhead,
    /// Newest first.
    list: Vec<Dest>,
    /// Those that were taken out, by number. Caches still name them.
    trash: HashMap<u32, Dest>,
    state: State,
}

/// A destination.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dest {
    pub(crate) number: u32,
    pub(crate) weight: i64,
    /// The latest weight that was not 0.
    pub(crate) last_weight: i64,
    /// The real server's address, folded.
    pub(crate) address: u32,
    pub(crate) port: u16,
}

impl Dest {
    fn weigh(&mut self, weight: u32) {
        self.weight = i64::from(weight);
        if weight != 0 {
            self.last_weight = self.weight;
        }
    }
}

/// What a scheduler remembers.
enum State {
    Nothing,
    Turns(Turns),
    Table(Vec<Option<u32>>),
    Cache(Cache),
}

/// What a pick sees besides the list.
pub(crate) struct Moment<'a> {
    pub(crate) flow: &'a Flow,
    /// By number.
    pub(crate) loads: &'a [Load],
    /// Numbers drawn at random, in the order of their use.
    pub(crate) random: [u32; 2],
}

impl Moment<'_> {
    fn load(&self, number: u32) -> Load {
        self.loads[number as usize]
    }

    fn overloaded(&self, dest: &Dest) -> bool {
        self.load(dest.number).overloaded
    }

    fn active(&self, dest: &Dest) -> i32 {
        self.load(dest.number).active as i32
    }
}

impl Ipvs {
    pub(crate) fn new(kind: Kind, overhead: Overhead) -> Self {
        let mut service = Self {
            kind,
            overhead,
            list: Vec::new(),
            trash: HashMap::new(),
            state: State::Nothing,
        };
        service.init(kind);
        service
    }

    /// `ipvsadm -E … -s`: what the old scheduler remembers ends, and the new one looks at the list as it is.
    pub(crate) fn init(&mut self, kind: Kind) {
        self.kind = kind;
        self.state = match kind {
            Kind::RoundRobin | Kind::WeightedRoundRobin => State::Turns(Turns::begin(&self.list)),
            Kind::DestinationHash | Kind::SourceHash { .. } | Kind::MaglevHash { .. } => {
                State::Table(tables::build(kind, &self.list))
            }
            Kind::LocalityBased | Kind::LocalityBasedReplicated => State::Cache(Cache::default()),
            _ => State::Nothing,
        };
    }

    /// Only what is added by `ipvsadm` goes to place 0; what was there already and could not be reached may come back elsewhere.
    pub(crate) fn insert(&mut self, place: usize, dest: Dest) {
        self.trash.remove(&dest.number);
        self.list.insert(place, dest);
        self.after_edit(true);
    }

    pub(crate) fn delete(&mut self, number: u32) {
        let place = self.place(number);
        let dest = self.list.remove(place);
        self.trash.insert(number, dest);
        if let State::Turns(turns) = &mut self.state
            && self.kind == Kind::RoundRobin
        {
            turns.forget(
                number,
                place.checked_sub(1).map(|before| self.list[before].number),
            );
        }
        self.after_edit(true);
    }

    pub(crate) fn weigh(&mut self, number: u32, weight: u32) {
        let place = self.place(number);
        self.list[place].weigh(weight);
        self.after_edit(false);
    }

    /// An edit that changes nothing that a scheduler looks at.
    pub(crate) fn touch(&mut self) {
        self.after_edit(false);
    }

    /// `ipvsadm -E … -b`: the flags change, and nothing is built anew.
    pub(crate) fn set_flags(&mut self, kind: Kind) {
        self.kind = kind;
    }

    /// What could not be reached comes back to its place, with all that it had.
    pub(crate) fn restore(&mut self, place: usize, number: u32) {
        self.insert(place, self.trash[&number]);
    }

    /// A change of what cannot be reached.
    pub(crate) fn weigh_in_trash(&mut self, number: u32, weight: u32) {
        if let Some(dest) = self.trash.get_mut(&number) {
            dest.weigh(weight);
        }
    }

    fn after_edit(&mut self, list_changed: bool) {
        match (&mut self.state, self.kind) {
            (State::Turns(turns), Kind::WeightedRoundRobin) => turns.settle(&self.list),
            // The table of dh does not hear of edits.
            (State::Table(_), Kind::DestinationHash) if !list_changed => {}
            (State::Table(table), kind) => *table = tables::build(kind, &self.list),
            _ => {}
        }
    }

    pub(crate) fn pick(&mut self, now: &Moment) -> Option<u32> {
        let Self {
            kind,
            overhead,
            list,
            trash,
            state,
        } = self;
        match state {
            State::Turns(turns) if *kind == Kind::RoundRobin => turns.pick_rr(list, now),
            State::Turns(turns) => turns.pick_wrr(list, now),
            State::Table(table) => tables::pick(*kind, table, list, now),
            State::Cache(cache) => {
                let service = locality::Service {
                    replicated: *kind == Kind::LocalityBasedReplicated,
                    overhead: *overhead,
                    list,
                    trash,
                };
                cache.pick(&service, now)
            }
            State::Nothing => counting::pick(*kind, *overhead, list, now),
        }
    }

    fn place(&self, number: u32) -> usize {
        place(&self.list, number)
    }
}

fn place(list: &[Dest], number: u32) -> usize {
    let is = |dest: &Dest| dest.number == number;
    list.iter().position(is).expect("a destination of the list")
}
