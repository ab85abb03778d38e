//! `rr` and `wrr` as IPVS runs them, a walk over a list at every pick, and the sequences compared with that.

use dray_sched::{Entry, Kind};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::service::{Service, client, entry};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_sequence_picks_as_the_walk_does(kind in kinds(), steps in vec(steps(), 1..24)) {
        let mut pair = Pair::new(kind);
        for step in steps {
            pair.play(step)?;
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Pick(usize),
    /// One edit, then a record.
    Edit(Edit),
    /// Several edits, then one record.
    Batch {
        deletions: Vec<usize>,
        weights: Vec<(usize, u32)>,
        additions: Vec<u32>,
    },
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
    Nothing,
}

fn kinds() -> impl Strategy<Value = Kind> {
    prop_oneof![Just(Kind::RoundRobin), Just(Kind::WeightedRoundRobin)]
}

fn weights() -> impl Strategy<Value = u32> {
    prop_oneof![
        4 => 0..7_u32,
        2 => (1..9_u32).prop_map(|n| n * 10),
        1 => (1..5_u32).prop_map(|n| n * 6),
        1 => 1..65536_u32,
        1 => Just(i32::MAX as u32),
    ]
}

fn steps() -> impl Strategy<Value = Step> {
    let place = 0..64_usize;
    let edit = prop_oneof![
        4 => weights().prop_map(Edit::Add),
        2 => place.clone().prop_map(Edit::Delete),
        3 => (place.clone(), weights()).prop_map(|(place, weight)| Edit::Weight(place, weight)),
        1 => (place.clone(), weights()).prop_map(|(place, weight)| Edit::Readd(place, weight)),
        2 => place.clone().prop_map(Edit::Neighbour),
        1 => Just(Edit::Nothing),
    ];
    let batch = (
        vec(place.clone(), 0..3),
        vec((place, weights()), 0..4),
        vec(weights(), 0..4),
    );
    prop_oneof![
        6 => (1..40_usize).prop_map(Step::Pick),
        8 => edit.prop_map(Step::Edit),
        2 => batch.prop_map(|(deletions, weights, additions)| Step::Batch {
            deletions,
            weights,
            additions,
        }),
        1 => kinds().prop_map(Step::Reschedule),
    ]
}

/// The service under test and the model, edited alike.
struct Pair {
    service: Service,
    model: Model,
    next: u32,
}

impl Pair {
    fn new(kind: Kind) -> Self {
        Self {
            service: Service::new(kind),
            model: Model::new(kind),
            next: 1,
        }
    }

    fn play(&mut self, step: Step) -> Result<(), TestCaseError> {
        match step {
            Step::Pick(count) => {
                for _ in 0..count {
                    let picked = self.service.pick(&client("10.0.0.1", 0));
                    prop_assert_eq!(picked, self.model.pick());
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
            Step::Reschedule(kind) if kind != self.service.kind => {
                self.service.reschedule(kind);
                self.model.init(kind);
            }
            Step::Reschedule(_) => {}
        }
        Ok(())
    }

    fn edit(&mut self, edit: Edit) {
        let len = self.service.list.len();
        match edit {
            Edit::Add(weight) => self.add(weight),
            Edit::Delete(place) if len > 0 => self.delete(place % len),
            Edit::Weight(place, weight) if len > 0 => self.weight(place % len, weight),
            // At the head, this leaves the same list as a change of weight, and so is none.
            Edit::Readd(place, weight) if len > 1 => {
                let entry = self.service.list.remove(place % (len - 1) + 1);
                if entry.eligible {
                    self.model.delete(entry.destination);
                }
                self.insert(Entry {
                    weight,
                    eligible: true,
                    ..entry
                });
            }
            Edit::Neighbour(place) if len > 0 => self.neighbour(place % len),
            _ => self.model.touch(),
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
            self.weight(place, weight);
        }
        for weight in additions {
            self.add(weight);
        }
        self.model.touch();
    }

    fn place(&self, place: usize) -> Option<usize> {
        place.checked_rem(self.service.list.len())
    }

    fn add(&mut self, weight: u32) {
        let destination = self.next;
        self.next += 1;
        self.insert(Entry {
            destination,
            weight,
            ..entry('A', 1)
        });
    }

    fn insert(&mut self, entry: Entry) {
        self.service.list.insert(0, entry);
        self.model.insert(0, entry.destination, entry.weight);
    }

    fn delete(&mut self, place: usize) {
        let entry = self.service.list.remove(place);
        if entry.eligible {
            self.model.delete(entry.destination);
        } else {
            self.model.touch();
        }
    }

    fn weight(&mut self, place: usize, weight: u32) {
        let entry = &mut self.service.list[place];
        entry.weight = weight;
        if entry.eligible {
            self.model.weight(entry.destination, weight);
        } else {
            self.model.touch();
        }
    }

    fn neighbour(&mut self, place: usize) {
        let list = &mut self.service.list;
        list[place].eligible = !list[place].eligible;
        let entry = list[place];
        if entry.eligible {
            let before = list[..place].iter().filter(|entry| entry.eligible).count();
            self.model.insert(before, entry.destination, entry.weight);
        } else {
            self.model.delete(entry.destination);
        }
    }
}

/// What IPVS keeps of a service with `rr` or `wrr`. Only eligible destinations exist in it.
struct Model {
    kind: Kind,
    /// (destination, weight), newest first
    list: Vec<(u32, u32)>,
    /// The destination at which the walk stands; `None` for the head of the list.
    cursor: Option<u32>,
    current: i64,
    max: i64,
    step: i64,
}

impl Model {
    fn new(kind: Kind) -> Self {
        let mut model = Self {
            kind,
            list: Vec::new(),
            cursor: None,
            current: 0,
            max: 0,
            step: 1,
        };
        model.init(kind);
        model
    }

    fn init(&mut self, kind: Kind) {
        self.kind = kind;
        self.cursor = None;
        self.measure();
        self.current = self.max;
    }

    fn insert(&mut self, place: usize, destination: u32, weight: u32) {
        self.list.insert(place, (destination, weight));
        self.touch();
    }

    fn delete(&mut self, destination: u32) {
        let place = self.place(destination);
        self.list.remove(place);
        if self.kind == Kind::RoundRobin && self.cursor == Some(destination) {
            self.cursor = place.checked_sub(1).map(|before| self.list[before].0);
        }
        self.touch();
    }

    fn weight(&mut self, destination: u32, weight: u32) {
        let place = self.place(destination);
        self.list[place].1 = weight;
        self.touch();
    }

    /// What follows any edit: for `rr` nothing.
    fn touch(&mut self) {
        if self.kind != Kind::WeightedRoundRobin {
            return;
        }
        self.cursor = None;
        self.measure();
        if self.current > self.max || self.current == 0 {
            self.current = self.max;
        } else if self.step > 1 {
            self.current = self.current / self.step * self.step + 1;
        }
    }

    fn measure(&mut self) {
        let positive = || {
            self.list
                .iter()
                .map(|(_, weight)| i64::from(*weight))
                .filter(|w| *w > 0)
        };
        self.step = positive().reduce(gcd).unwrap_or(1);
        self.max = positive().max().map_or(0, |max| max - (self.step - 1));
    }

    fn pick(&mut self) -> Option<u32> {
        match self.kind {
            Kind::RoundRobin => self.pick_rr(),
            _ => self.pick_wrr(),
        }
    }

    fn pick_rr(&mut self) -> Option<u32> {
        let behind = self.cursor.map_or(0, |cursor| self.place(cursor) + 1);
        let usable = |(_, weight): &&(u32, u32)| *weight > 0;
        let first = self.list[behind..].iter().find(usable);
        // The second pass ends with the cursor's own destination.
        let picked = first.or_else(|| self.list[..behind].iter().find(usable))?.0;
        self.cursor = Some(picked);
        Some(picked)
    }

    fn pick_wrr(&mut self) -> Option<u32> {
        if self.max == 0 {
            return None;
        }
        let last = self.cursor;
        let mut position = self.cursor;
        let mut stop = None;
        let mut last_pass = false;
        let mut restarted = false;
        loop {
            let behind = position.map_or(0, |position| self.place(position) + 1);
            for (destination, weight) in &self.list[behind..] {
                if i64::from(*weight) >= self.current {
                    self.cursor = Some(*destination);
                    return self.cursor;
                }
                if Some(*destination) == stop {
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

    fn place(&self, destination: u32) -> usize {
        let place = |(listed, _): &(u32, u32)| *listed == destination;
        self.list.iter().position(place).unwrap()
    }
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
