//! The services of the desired state, to be looked up by what they are and by name.

use std::{collections::HashMap, sync::Arc};

use dray_model::{Desired, Service, ServiceIdentity, ServiceName};

use crate::difference::Difference;

/// Finds services of the desired state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Catalog {
    by_identity: HashMap<ServiceIdentity, Arc<Service>>,
    by_name: HashMap<ServiceName, ServiceIdentity>,
}

impl Catalog {
    pub(crate) fn of(desired: &Desired) -> Self {
        let mut catalog = Self::default();
        for service in &desired.services {
            catalog.insert(service);
        }
        catalog
    }

    /// Brings it from one desired state to another, at the cost of what differs.
    pub(crate) fn change(&mut self, difference: &Difference) {
        let changed = difference.changed.values();
        let before = changed.clone().map(|changed| &changed.before);
        // Names first: a service may have got the name that another one had.
        for service in difference.removed.values().chain(before) {
            self.by_identity.remove(&service.identity);
            self.by_name.remove(&service.name);
        }
        let after = changed.map(|changed| &changed.after);
        for service in difference.added.values().chain(after) {
            self.insert(service);
        }
    }

    fn insert(&mut self, service: &Arc<Service>) {
        self.by_name.insert(service.name.clone(), service.identity);
        self.by_identity
            .insert(service.identity, Arc::clone(service));
    }

    /// The service of this name.
    pub(crate) fn named(&self, name: &ServiceName) -> Option<&Arc<Service>> {
        self.by_identity.get(self.by_name.get(name)?)
    }

    /// The name of the service that is this.
    pub(crate) fn name(&self, identity: ServiceIdentity) -> Option<&ServiceName> {
        Some(&self.by_identity.get(&identity)?.name)
    }
}

#[cfg(test)]
mod tests {
    use dray_model::Scheduler;

    use super::*;
    use crate::plan::tests::world;

    fn service(number: u8, name: &str) -> Arc<Service> {
        let service = world::service(number, Scheduler::RoundRobin, &[(1, 1)]);
        Arc::new(Service {
            name: ServiceName::new(name).unwrap(),
            ..service
        })
    }

    fn desired(services: &[Arc<Service>]) -> Desired {
        Desired {
            services: services.to_vec(),
            ..world::nothing()
        }
    }

    #[test]
    fn a_catalog_that_was_changed_is_as_one_made_anew() {
        let states = [
            desired(&[]),
            desired(&[service(0, "a"), service(1, "b")]),
            desired(&[service(1, "a"), service(0, "b")]),
            desired(&[service(2, "a"), service(0, "b"), service(3, "c")]),
            desired(&[service(3, "b")]),
        ];
        let mut catalog = Catalog::of(&states[0]);
        for pair in states.windows(2) {
            catalog.change(&Difference::between(&pair[0], &pair[1]));
            assert_eq!(catalog, Catalog::of(&pair[1]));
        }
        let name = ServiceName::new("b").unwrap();
        let found = catalog.named(&name).unwrap();
        assert_eq!(catalog.name(found.identity), Some(&name));
        assert_eq!(catalog.named(&ServiceName::new("a").unwrap()), None);
    }
}
