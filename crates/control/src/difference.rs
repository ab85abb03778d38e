//! What has changed, so that a plan looks only at that.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::IpAddr,
    sync::Arc,
};

use dray_model::{Desired, Service, ServiceIdentity};

use crate::view::View;

/// Services that differ between two desired states.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) added: BTreeMap<ServiceIdentity, Arc<Service>>,
    pub(crate) changed: BTreeMap<ServiceIdentity, Changed>,
    pub(crate) removed: BTreeMap<ServiceIdentity, Arc<Service>>,
}

/// A service that both states have and that is not the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Changed {
    pub(crate) before: Arc<Service>,
    pub(crate) after: Arc<Service>,
}

impl Difference {
    pub(crate) fn between(before: &Desired, after: &Desired) -> Self {
        let mut difference = Self::default();
        let mut left: HashMap<ServiceIdentity, &Arc<Service>> = HashMap::new();
        let mut new: Vec<&Arc<Service>> = Vec::new();
        // Most often both have the same services in the same order, and nothing needs looking up.
        let mut pairs = before.services.iter();
        for after in &after.services {
            match pairs.next() {
                Some(before) if before.identity == after.identity => difference.pair(before, after),
                Some(before) => {
                    left.insert(before.identity, before);
                    new.push(after);
                }
                None => new.push(after),
            }
        }
        left.extend(pairs.map(|before| (before.identity, before)));
        for after in new {
            match left.remove(&after.identity) {
                Some(before) => difference.pair(before, after),
                None => _ = difference.added.insert(after.identity, Arc::clone(after)),
            }
        }
        let removed = left.into_iter();
        difference.removed = removed
            .map(|(identity, before)| (identity, Arc::clone(before)))
            .collect();
        difference
    }

    fn pair(&mut self, before: &Arc<Service>, after: &Arc<Service>) {
        // Quick where both states share the service: `Arc` compares itself first.
        if before != after {
            let changed = Changed {
                before: Arc::clone(before),
                after: Arc::clone(after),
            };
            self.changed.insert(after.identity, changed);
        }
    }

    /// All of them.
    pub(crate) fn services(&self) -> BTreeSet<ServiceIdentity> {
        let Self {
            added,
            changed,
            removed,
        } = self;
        let added = added.keys().chain(removed.keys());
        added.chain(changed.keys()).copied().collect()
    }
}

/// Services that have one of these real servers, or had it and still send packets to it. What is wanted and has no destination
/// yet is made by the full pass that is tried until it succeeds.
pub(crate) fn touched(view: &View, reals: &BTreeSet<IpAddr>) -> BTreeSet<ServiceIdentity> {
    let destinations = reals.iter().flat_map(|real| view.destinations_at(*real));
    destinations
        .filter_map(|id| view.destinations().get(&id))
        .map(|destination| destination.service)
        .collect()
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use dray_model::{
        ClientAddress, Family, Forward, HashFlags, Mark, Protocol, Scheduler, ServiceAddress,
        ServiceName, ServiceOptions,
    };

    use super::*;
    use crate::plan::tests::world;

    fn service(number: u8, scheduler: Scheduler) -> Service {
        Service {
            name: ServiceName::new("web").unwrap(),
            identity: identity(number),
            scheduler,
            options: ServiceOptions::default(),
            forward: Forward::DirectRouting,
            client_address: ClientAddress::Hidden,
            mss: None,
            reals: Vec::new(),
        }
    }

    fn desired(services: Vec<Service>) -> Desired {
        Desired {
            services: services.into_iter().map(Arc::new).collect(),
            ..world::nothing()
        }
    }

    /// Odd ones are addresses, even ones marks.
    fn identity(number: u8) -> ServiceIdentity {
        let address = ServiceAddress {
            protocol: Protocol::Udp,
            vip: [10, 77, 0, number].into(),
            port: 53,
        };
        let mark = Mark {
            number: NonZeroU32::new(number.into()).unwrap(),
            family: Family::Ipv4,
        };
        match number % 2 {
            0 => mark.into(),
            _ => address.into(),
        }
    }

    /// In the order of the numbers that they were made with.
    fn keys<T>(services: &BTreeMap<ServiceIdentity, T>) -> Vec<ServiceIdentity> {
        let all = (1..=9).map(identity);
        let found: Vec<_> = all
            .filter(|identity| services.contains_key(identity))
            .collect();
        assert_eq!(found.len(), services.len());
        found
    }

    #[test]
    fn services_are_told_apart_by_identity_wherever_they_stand() {
        use Scheduler::{RoundRobin, SourceHash};
        let before = [1, 2, 3, 4].map(|number| service(number, RoundRobin));
        let after = [
            service(1, RoundRobin),
            service(4, SourceHash(HashFlags::default())),
            service(3, RoundRobin),
            service(5, RoundRobin),
            service(6, RoundRobin),
        ];
        let difference = Difference::between(&desired(before.to_vec()), &desired(after.to_vec()));
        assert_eq!(keys(&difference.added), [identity(5), identity(6)]);
        assert_eq!(keys(&difference.changed), [identity(4)]);
        assert_eq!(keys(&difference.removed), [identity(2)]);
        let changed = &difference.changed[&identity(4)];
        assert_eq!(changed.before.scheduler, RoundRobin);
        assert_ne!(changed.after.scheduler, RoundRobin);
        assert_eq!(difference.services().len(), 4);
    }

    #[test]
    fn what_comes_last_is_removed_when_it_is_gone() {
        let before = [1, 2, 3].map(|number| service(number, Scheduler::RoundRobin));
        let difference =
            Difference::between(&desired(before.to_vec()), &desired(before[..1].to_vec()));
        assert_eq!(keys(&difference.removed), [identity(2), identity(3)]);
        assert_eq!(difference.services().len(), 2);
    }

    #[test]
    fn an_option_alone_is_a_change() {
        let before = desired(vec![service(1, Scheduler::RoundRobin)]);
        let mut after = before.clone();
        Arc::make_mut(&mut after.services[0]).options.one_packet = true;
        let difference = Difference::between(&before, &after);
        assert_eq!(keys(&difference.changed), [identity(1)]);
    }
}
