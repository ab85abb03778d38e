//! A director in the kernel and its model, which live through the same.

use std::net::SocketAddr;

use dray_abi::{Features, ServiceKey, duration_of_ticks};
use dray_dataplane::{Capacity, Occupancy};
use dray_model::{Connection, Counters, DataPlane as _, Family, Live, ServiceIdentity, Sweep};
use proptest::{prelude::*, test_runner::TestCaseError};

use crate::{
    common::{DROP, Director, Fate, OTHER_PORT, OWN, Real, identity, mac_of},
    model::{Listed, Model, Target},
    packet::{Key, mapped},
    random::{Event, translated},
    scene::{Methods, Pool, Reach, Scene, Server},
    way::Way,
};

/// Room for far more connections than a test has, as the model's tables are never full.
const CAPACITY: Capacity = Capacity {
    connections: 512,
    translations: 64,
    services: 64,
    destinations: 256,
    words: 1 << 16,
    hops: 256,
};

/// Of another size, so that its programs, which have more parts, are kept apart.
const TRANSLATING: Capacity = Capacity {
    translations: 1024,
    ..CAPACITY
};

pub(crate) struct Pair {
    director: Director,
    model: Model,
    /// Every destination and the index of its service.
    destinations: Vec<(u32, usize)>,
}

impl Pair {
    pub(crate) fn new(scene: &Scene, methods: Methods) -> Self {
        let mut director = Director::with(match methods {
            Methods::Direct => CAPACITY,
            Methods::Any => TRANSLATING,
        });
        director.policy(|policy| *policy = scene.policy);
        let plane = director.private.data_plane();
        plane.set_mark_rules(&scene.rules).expect("room for rules");
        let mut model = Model::new(scene.policy, vec![OWN, OTHER_PORT]);
        model.rules = scene.rules.clone();
        if methods == Methods::Any {
            let parts = plane.require(Features::TRANSLATION | Features::MSS);
            parts.expect("the program loads");
            model.translates = true;
        }
        let Pool { addresses, ports } = &scene.pool;
        director.locals(addresses, ports.clone());
        model.pool = pairs(&scene.pool);
        let mut pair = Self {
            director,
            model,
            destinations: Vec::new(),
        };
        for service in &scene.services {
            let identity = identity(&service.identity);
            let index = pair.director.services();
            let ways: Vec<Way> = service
                .servers
                .iter()
                .enumerate()
                .map(|(place, server)| Way::to(identity.family(), (index, place), server))
                .collect();
            let reals: Vec<Real> = ways.iter().map(|way| way.real).collect();
            let numbers =
                pair.director
                    .service_to(&service.identity, service.kind, service.options, &reals);
            for ((number, server), way) in numbers.into_iter().zip(&service.servers).zip(&ways) {
                pair.equip(index, number, server, way);
            }
            let record = pair.director.record(index);
            pair.model
                .add_service(key(&identity), service.options, record);
        }
        pair
    }

    /// Gives a destination its thresholds, and the model the same destination.
    fn equip(&mut self, index: usize, number: u32, server: &Server, way: &Way) {
        let has_hop = !matches!(server.reach, Reach::Nowhere | Reach::Local);
        self.director.change(number, |destination| {
            destination.hop = destination.hop.filter(|_| has_hop);
            destination.local = server.reach == Reach::Local;
        });
        if server.upper != 0 {
            self.director.limit(number, server.upper, 0);
        }
        let mut hop = way.real.hop.next;
        hop.destination = mac_of(number);
        let target = Target {
            service: index as u32,
            weight: server.weight,
            available: true,
            local: server.reach == Reach::Local,
            hop: has_hop.then_some(hop),
            mss: server.mss,
            forwarding: way.forwarding,
            upper: server.upper,
            lower: 0,
            active: 0,
            inactive: 0,
            overloaded: false,
            counters: Counters::default(),
        };
        self.model.destinations.insert(number, target);
        self.destinations.push((number, index));
    }

    pub(crate) fn play(&mut self, event: &Event) -> Result<(), TestCaseError> {
        match event {
            Event::Frame(port, bytes) => self.frame(*port, bytes)?,
            Event::Translated(port, which, side, draft) => {
                let there = self.model.translated();
                if there.is_empty() {
                    return Ok(());
                }
                let bytes = translated(*port, *side, draft, *which.get(&there));
                self.frame(*port, &bytes)?;
            }
            Event::Pass(ticks) => {
                self.director.advance(duration_of_ticks(*ticks));
                self.director.sweep();
                self.model.pass(*ticks);
            }
            Event::Weigh(which, weight) => {
                if let Some((number, index)) = self.destination(which) {
                    if !self.model.destinations[&number].available {
                        return Ok(());
                    }
                    self.director.weigh(number, *weight);
                    self.edited(number, index, |target| target.weight = *weight);
                }
            }
            Event::RemoveOrRestore(which) => {
                if let Some((number, index)) = self.destination(which) {
                    let available = self.model.destinations[&number].available;
                    if available {
                        self.director.remove(number);
                    } else {
                        self.director.restore(number);
                    }
                    self.edited(number, index, |target| target.available = !available);
                }
            }
        }
        self.compare()
    }

    fn frame(&mut self, port: usize, bytes: &[u8]) -> Result<(), TestCaseError> {
        let mut did = self.director.fate_on(port, bytes);
        let listed = self.director.list().into_iter();
        let drawn = listed.filter_map(|one| Some((listed_key(&one), one.local?)));
        self.model.drawn = drawn.collect();
        let should = self.model.packet(port, bytes);
        prop_assert_ne!(did.verdict, 0, "aborted");
        if self.model.follows_the_dead && did.reasons == ["no-translation"] {
            // What its connection was may be known after that has ended, or not any more; another's it never is.
            prop_assert_eq!(did, Fate::dropped("no-translation", bytes));
            return Ok(());
        }
        if should.reasons == ["tunnel-checksum"] && should.verdict == DROP {
            // That is found when part of the frame is written.
            did.frame.clone_from(&should.frame);
        }
        prop_assert_eq!(did, should, "of {:02x?}", bytes);
        Ok(())
    }

    /// After so long a time nothing is left of any connection, and every count of what there is is 0.
    pub(crate) fn end(&mut self) -> Result<(), TestCaseError> {
        const LONG: u32 = 1 << 21;
        self.play(&Event::Pass(LONG))?;
        // What this one finds was over before.
        let sweep = self.director.sweep();
        prop_assert_eq!(sweep, Sweep::default());
        let occupancy = self.director.private.data_plane().occupancy();
        prop_assert_eq!(occupancy, Occupancy::default());
        for (number, _) in &self.destinations {
            let live = self.director.all_live(*number);
            prop_assert_eq!((live.total(), live.persistent), (0, 0));
        }
        Ok(())
    }

    fn destination(&self, which: &prop::sample::Index) -> Option<(u32, usize)> {
        (!self.destinations.is_empty()).then(|| *which.get(&self.destinations))
    }

    /// Does to the model what was done to the director.
    fn edited(&mut self, number: u32, index: usize, change: impl FnOnce(&mut Target)) {
        let target = self.model.destinations.get_mut(&number);
        change(target.expect("a destination"));
        self.model.publish(index, self.director.record(index));
    }

    /// The two have the same connections and templates, and the same counts.
    fn compare(&mut self) -> Result<(), TestCaseError> {
        let mut listed: Vec<_> = self.director.list().iter().map(listed_as).collect();
        let mut should = self.model.list();
        listed.sort_unstable();
        should.sort_unstable();
        let connections = should.len() as u64;
        prop_assert_eq!(listed, should);
        let (templates, _) = self.model.templates(0);
        let wanted = Occupancy {
            connections,
            returns: self.model.returns() as u64,
            translations: self.model.translated().len() as u64,
            templates: templates as u64,
        };
        prop_assert_eq!(self.director.private.data_plane().occupancy(), wanted);
        for (number, _) in &self.destinations {
            let live = self.director.all_live(*number);
            let target = &self.model.destinations[number];
            let (_, persistent) = self.model.templates(*number);
            let should = Live {
                active: target.active,
                inactive: target.inactive,
                persistent: persistent as u32,
                overloaded: target.overloaded,
            };
            prop_assert_eq!(live, should, "of destination {}", number);
            let counters = self.director.counters(*number);
            prop_assert_eq!(counters, target.counters, "of destination {}", number);
        }
        Ok(())
    }
}

/// Every pair of address and port.
fn pairs(Pool { addresses, ports }: &Pool) -> Vec<SocketAddr> {
    let pair = |address: &str, port| {
        let address = address.parse().expect("an address");
        SocketAddr::new(address, port)
    };
    let of_address = |address| ports.clone().map(move |port| pair(address, port));
    addresses.iter().copied().flat_map(of_address).collect()
}

fn listed_as(one: &Connection) -> Listed {
    Listed {
        client: one.client,
        service: SocketAddr::new(one.service.vip, one.service.port),
        protocol: one.service.protocol.number(),
        destination: one.destination.0,
        local: one.local,
        state: one.state,
        expires: one.expires,
    }
}

fn listed_key(one: &Connection) -> Key {
    let Listed {
        client,
        service,
        protocol,
        ..
    } = listed_as(one);
    Key::between(protocol, client, service)
}

fn key(identity: &ServiceIdentity) -> ServiceKey {
    match identity {
        ServiceIdentity::Address(address) => ServiceKey {
            vip: mapped(address.vip),
            port: address.port.to_be_bytes(),
            protocol: address.protocol.number(),
            mark_family: 0,
        },
        ServiceIdentity::Mark(mark) => ServiceKey::of_mark(
            mark.number.get(),
            match mark.family {
                Family::Ipv4 => 4,
                Family::Ipv6 => 6,
            },
        ),
    }
}
