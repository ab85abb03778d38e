//! A director in the kernel and its model, which live through the same.

use dray_abi::{ServiceKey, duration_of_ticks};
use dray_dataplane::Capacity;
use dray_model::{DataPlane as _, Live, ServiceIdentity};
use proptest::{prelude::*, test_runner::TestCaseError};

use crate::{
    common::{Director, OTHER_PORT, OWN, identity, mac_of, next_hop},
    model::{Model, Target},
    random::Event,
    scene::{Reach, Scene, Server},
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

pub(crate) struct Pair {
    director: Director,
    model: Model,
    /// Every destination and the index of its service.
    destinations: Vec<(u32, usize)>,
}

impl Pair {
    pub(crate) fn new(scene: &Scene) -> Self {
        let mut director = Director::with(CAPACITY);
        director.policy(|policy| *policy = scene.policy);
        let plane = director.private.data_plane();
        plane.set_mark_rules(&scene.rules).expect("room for rules");
        let mut model = Model::new(scene.policy, vec![OWN, OTHER_PORT]);
        model.rules = scene.rules.clone();
        let mut pair = Self {
            director,
            model,
            destinations: Vec::new(),
        };
        for service in &scene.services {
            let weights: Vec<u32> = service.servers.iter().map(|server| server.weight).collect();
            let index = pair.director.services();
            let numbers = pair.director.service_with(
                &service.identity,
                service.kind,
                service.options,
                &weights,
            );
            for (number, server) in numbers.into_iter().zip(&service.servers) {
                pair.equip(index, number, server);
            }
            let record = pair.director.record(index);
            pair.model
                .add_service(key(&identity(&service.identity)), service.options, record);
        }
        pair
    }

    /// Gives a destination its way and its thresholds, in both.
    fn equip(&mut self, index: usize, number: u32, server: &Server) {
        let (interface, vlan, mtu) = match server.reach {
            Reach::OtherPort => (2, None, 65_535),
            Reach::Vlan => (1, Some(7), 65_535),
            Reach::SmallMtu => (1, None, 60),
            _ => (1, None, 65_535),
        };
        let hop = self.director.hop(number, interface, vlan, mtu);
        let has_hop = !matches!(server.reach, Reach::Nowhere | Reach::Local);
        self.director.change(number, |destination| {
            destination.hop = has_hop.then_some(hop);
            destination.local = server.reach == Reach::Local;
        });
        if server.upper != 0 {
            self.director.limit(number, server.upper, 0);
        }
        let hop = next_hop(interface, vlan, mac_of(number), mtu);
        let target = Target {
            service: index as u32,
            weight: server.weight,
            available: true,
            local: server.reach == Reach::Local,
            hop: has_hop.then_some(hop),
            upper: server.upper,
            lower: 0,
            active: 0,
            inactive: 0,
            overloaded: false,
        };
        self.model.destinations.insert(number, target);
        self.destinations.push((number, index));
    }

    pub(crate) fn play(&mut self, event: &Event) -> Result<(), TestCaseError> {
        match event {
            Event::Frame(port, bytes) => {
                let did = self.director.fate_on(*port, bytes);
                let should = self.model.packet(*port, bytes);
                prop_assert_ne!(did.verdict, 0, "aborted");
                prop_assert_eq!(did, should);
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

    fn destination(&self, which: &prop::sample::Index) -> Option<(u32, usize)> {
        (!self.destinations.is_empty()).then(|| *which.get(&self.destinations))
    }

    /// Does to the model what was done to the director.
    fn edited(&mut self, number: u32, index: usize, change: impl FnOnce(&mut Target)) {
        let target = self.model.destinations.get_mut(&number);
        change(target.expect("a destination"));
        self.model.publish(index, self.director.record(index));
    }

    /// The two have the same connections, and the same counts.
    fn compare(&mut self) -> Result<(), TestCaseError> {
        let listed = self.director.list().into_iter();
        let mut listed: Vec<_> = listed.map(|one| (one.destination.0, one.state)).collect();
        let mut should = self.model.list();
        listed.sort_unstable();
        should.sort_unstable();
        prop_assert_eq!(listed, should);
        for (number, _) in &self.destinations {
            let Live {
                active,
                inactive,
                overloaded,
                ..
            } = self.director.all_live(*number);
            let target = &self.model.destinations[number];
            prop_assert_eq!(
                (active, inactive, overloaded),
                (target.active, target.inactive, target.overloaded),
                "of destination {}",
                number
            );
        }
        Ok(())
    }
}

fn key(identity: &ServiceIdentity) -> ServiceKey {
    match identity {
        ServiceIdentity::Address(address) => ServiceKey {
            vip: match address.vip {
                std::net::IpAddr::V4(vip) => vip.to_ipv6_mapped().octets(),
                std::net::IpAddr::V6(vip) => vip.octets(),
            },
            port: address.port.to_be_bytes(),
            protocol: address.protocol.number(),
            mark_family: 0,
        },
        ServiceIdentity::Mark(mark) => ServiceKey::of_mark(
            mark.number.get(),
            match mark.family {
                dray_model::Family::Ipv4 => 4,
                dray_model::Family::Ipv6 => 6,
            },
        ),
    }
}
