//! A virtual service edited as by `ipvsadm`, one command at a time, and picked from.

use std::net::{IpAddr, Ipv4Addr};

use dray_sched::{Entry, Flow, Kind, Overhead, Standing, build, pick, same_scheduler, stateless};

use crate::arena::Arena;

pub(crate) struct Service {
    pub(crate) kind: Kind,
    pub(crate) overhead: Overhead,
    /// Newest first.
    pub(crate) list: Vec<Entry>,
    pub(crate) arena: Arena,
}

impl Service {
    pub(crate) fn new(kind: Kind) -> Self {
        Self {
            kind,
            overhead: Overhead::Inactive,
            list: Vec::new(),
            arena: Arena::default(),
        }
    }

    /// A service whose destinations A, B, C … have these weights and were added in that order.
    pub(crate) fn with(kind: Kind, weights: &[u32]) -> Self {
        let mut service = Self::new(kind);
        for (weight, name) in weights.iter().zip('A'..) {
            service.add(entry(name, *weight));
        }
        service
    }

    pub(crate) fn add(&mut self, entry: Entry) {
        self.list.insert(0, entry);
        self.rebuild();
    }

    pub(crate) fn delete(&mut self, destination: u32) {
        self.list.retain(|entry| entry.destination != destination);
        self.rebuild();
    }

    pub(crate) fn edit(&mut self, destination: u32, change: impl FnOnce(&mut Entry)) {
        let place = |entry: &&mut Entry| entry.destination == destination;
        change(self.list.iter_mut().find(place).unwrap());
        self.rebuild();
    }

    pub(crate) fn reschedule(&mut self, kind: Kind) {
        self.kind = kind;
        let before = self.arena.record();
        self.rebuild();
        // As the data plane does.
        if let (Some((old, _)), Some((new, _))) = (before, self.arena.record())
            && !same_scheduler(old[0], new[0])
        {
            self.arena.forget_locality();
        }
    }

    pub(crate) fn rebuild(&mut self) {
        let before = self.arena.record();
        let before = before.as_ref().map(|(words, cursor)| (&words[..], *cursor));
        let record = build(self.kind, self.overhead, &self.list, before).unwrap();
        self.arena.publish(&record);
        self.tell_destinations();
    }

    fn tell_destinations(&mut self) {
        let standing = &mut self.arena.standing;
        standing.iter_mut().for_each(|one| one.available = false);
        for entry in &self.list {
            let number = entry.destination as usize;
            if number >= standing.len() {
                standing.resize(number + 1, NOBODY);
            }
            standing[number] = Standing {
                service: SERVICE,
                weight: entry.weight,
                available: entry.eligible,
            };
        }
    }

    pub(crate) fn pick(&self, flow: &Flow) -> Option<u32> {
        pick(&self.arena, Arena::RECORD, flow)
    }

    pub(crate) fn stateless(&self, flow: &Flow) -> Option<u32> {
        stateless(&self.arena, Arena::RECORD, flow)
    }

    /// The next `count` picks, by name; `-` where there is none.
    pub(crate) fn picks(&self, count: usize) -> String {
        (0..count)
            .map(|_| name(self.pick(&client("10.0.0.1", 0))))
            .collect()
    }
}

/// The number of the service.
pub(crate) const SERVICE: u32 = 7;

const NOBODY: Standing = Standing {
    service: 0,
    weight: 0,
    available: false,
};

/// Destination A is 10.0.0.11:80, B 10.0.0.12:80, and so on.
pub(crate) fn entry(name: char, weight: u32) -> Entry {
    let destination = number(name);
    Entry {
        destination,
        weight,
        eligible: true,
        limited: false,
        address: IpAddr::V4(Ipv4Addr::new(10, 0, 0, 10 + destination as u8)),
        port: 80,
    }
}

pub(crate) fn number(name: char) -> u32 {
    name as u32 - 'A' as u32 + 1
}

pub(crate) fn name(destination: Option<u32>) -> char {
    match destination {
        Some(destination) => char::from_u32('A' as u32 + destination - 1).unwrap(),
        None => '-',
    }
}

pub(crate) fn client(address: &str, port: u16) -> Flow {
    Flow {
        client: fold(address.parse().unwrap()),
        client_port: port,
        vip: 0x0a00_0064,
        vip_words: [0, 0x6400_000a_ffff_0000],
        service: SERVICE,
        tick: 0,
        hash: 0,
    }
}

pub(crate) fn fold(address: IpAddr) -> u32 {
    match address {
        IpAddr::V4(address) => u32::from(address),
        IpAddr::V6(address) => address.octets().chunks(4).fold(0, |fold, word| {
            fold ^ u32::from_be_bytes(word.try_into().unwrap())
        }),
    }
}
