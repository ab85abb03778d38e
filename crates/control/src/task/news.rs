//! What happens, told to those who listen.

use std::{collections::BTreeMap, net::SocketAddr};

use dray_model::{DataPlane, Net, RealServer, Service, document::Endpoint};

use super::{SLICES, Task};
use crate::{
    apply::Turned,
    difference::{Changed, Difference},
    event::Happening,
    overload::Overload,
};

impl<D: DataPlane, N: Net> Task<D, N> {
    /// Tells what another desired state changed: what it took away, what it changed, what it brought.
    pub(super) fn tell_replaced(&mut self, difference: &Difference, director: bool) {
        for service in difference.removed.values() {
            self.tell_removed(service);
        }
        for Changed { before, after } in difference.changed.values() {
            self.tell_changed(before, after);
        }
        for service in difference.added.values() {
            self.tell_added(service);
        }
        self.teller.tell(Happening::Replaced {
            added: difference.added.len(),
            changed: difference.changed.len(),
            removed: difference.removed.len(),
            director,
        });
    }

    fn tell_removed(&mut self, service: &Service) {
        for real in &service.reals {
            self.teller.tell(Happening::RealRemoved {
                service: service.name.clone(),
                real: Endpoint::of(real, &service.identity),
                settings: *real,
            });
        }
        self.teller.tell(Happening::ServiceRemoved {
            service: service.name.clone(),
            identity: service.identity,
        });
    }

    fn tell_added(&mut self, service: &Service) {
        self.teller.tell(Happening::ServiceAdded {
            service: service.name.clone(),
            identity: service.identity,
        });
        for real in &service.reals {
            self.teller.tell(Happening::RealAdded {
                service: service.name.clone(),
                real: Endpoint::of(real, &service.identity),
                settings: *real,
            });
        }
    }

    fn tell_changed(&mut self, before: &Service, after: &Service) {
        let service = || after.name.clone();
        let endpoint = |real: &RealServer| Endpoint::of(real, &after.identity);
        if !same_but_for_reals(before, after) {
            self.teller.tell(Happening::ServiceChanged {
                service: service(),
                identity: after.identity,
            });
        }
        let mut left: BTreeMap<SocketAddr, RealServer> = before
            .reals
            .iter()
            .map(|real| (name(real), *real))
            .collect();
        let mut new = Vec::new();
        for real in &after.reals {
            match left.remove(&name(real)) {
                Some(before) => self.tell_real_changed(after, before, *real),
                None => new.push(*real),
            }
        }
        for real in left.into_values() {
            self.teller.tell(Happening::RealRemoved {
                service: service(),
                real: endpoint(&real),
                settings: real,
            });
        }
        for real in new {
            self.teller.tell(Happening::RealAdded {
                service: service(),
                real: endpoint(&real),
                settings: real,
            });
        }
    }

    fn tell_real_changed(&mut self, service: &Service, before: RealServer, after: RealServer) {
        if before == after {
            return;
        }
        let real = Endpoint::of(&after, &service.identity);
        self.teller.tell(Happening::RealChanged {
            service: service.name.clone(),
            real,
            before,
            after,
        });
        let service = service.name.clone();
        match (before.weight.value(), after.weight.value()) {
            (1.., 0) => self.teller.tell(Happening::Quiesced { service, real }),
            (0, 1..) => self.teller.tell(Happening::Resumed { service, real }),
            _ => {}
        }
    }

    /// Tells which real servers may get new connections from now on, and which no more. What is of no service of the
    /// configuration was a step on a way that was not gone to its end.
    pub(super) fn tell_turned(&mut self, turned: Vec<Turned>) {
        for Turned {
            service,
            real,
            eligible,
        } in turned
        {
            let real = Endpoint::at((real.ip(), real.port()), &service);
            let Some(service) = self.catalog.name(service).cloned() else {
                continue;
            };
            self.teller.tell(match eligible {
                Ok(()) => Happening::Reachable { service, real },
                Err(why) => Happening::Unreachable { service, real, why },
            });
        }
    }

    /// Tells which real servers have reached their upper thresholds, of the services whose turn it is.
    pub(super) fn look_for_overload(&mut self, slice: u32) {
        let turned = self
            .overloads
            .look(&self.dataplane, &self.view, slice, SLICES);
        for Overload {
            destination,
            begins,
        } in turned
        {
            let Some(service) = self.catalog.name(destination.service).cloned() else {
                continue;
            };
            let place = (destination.real, destination.port);
            let real = Endpoint::at(place, &destination.service);
            self.teller.tell(if begins {
                Happening::Overloaded { service, real }
            } else {
                Happening::Relieved { service, real }
            });
        }
    }

    /// Tells which addresses were put on an interface and taken off.
    pub(super) fn tell_vips(&mut self) {
        for news in self.vips.take_news() {
            self.teller.tell(news);
        }
    }
}

const fn name(real: &RealServer) -> SocketAddr {
    SocketAddr::new(real.address, real.port)
}

fn same_but_for_reals(before: &Service, after: &Service) -> bool {
    let without = |service: &Service| Service {
        reals: Vec::new(),
        ..service.clone()
    };
    without(before) == without(after)
}
