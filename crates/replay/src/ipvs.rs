//! IPVS's configuration as a state machine without effects: commands come in, actions for the data plane go out.
//!
//! ```text
//!   command ─▶ Ipvs ─▶ actions ─▶ data plane
//!               ▲                     │
//!               └──── cursors, counts ┘
//! ```
//!
//! It owns what the data plane does not know: the order of real servers (newest first), those that were removed
//! and may come back with their connections, and the counters as users see them. Each command is one edit, so that a
//! scheduler's memory goes through the same steps as in the kernel (`net/netfilter/ipvs/ip_vs_ctl.c`).

mod destination;
mod method;
mod removed;
mod scheduler;
mod service;
mod statistics;

use std::{net::IpAddr, time::Duration};

use dray_ipvsadm::{DestinationSettings, Method, Refusal, ServiceSettings};
use dray_model::{
    Action, DataPlane, DestinationId, HopId, KernelRules, ServiceId, ServiceIdentity, Way,
};
use dray_sched::{BuildError, Overhead};

pub use destination::Destination;
pub use scheduler::Scheduler;
pub use service::Service;
pub use statistics::{Statistics, TICK};

use removed::Removed;

/// What the director knows of the network around it.
pub trait Surroundings {
    /// Whether the address is one of the director's own.
    fn is_own(&self, address: IpAddr) -> bool;

    /// The way to a real server.
    fn way_to(&self, address: IpAddr) -> Option<Way>;
}

/// IPVS's configuration, and what it remembers.
#[derive(Debug)]
pub struct Ipvs {
    rules: KernelRules,
    services: Vec<Service>,
    removed: Removed,
    /// The next hops so far: one for each real server and way of reaching it.
    hops: Vec<(IpAddr, Method, HopId)>,
    total: Statistics,
    next_service: u32,
    next_destination: u32,
}

/// A command could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// IPVS refuses it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// No scheduling record can be made of the service.
    #[error("no scheduling record can be made of {service}")]
    Record {
        /// The service.
        service: ServiceIdentity,
        /// Why.
        #[source]
        source: BuildError,
    },
}

type Actions = Result<Vec<Action>, CommandError>;

impl Ipvs {
    /// Without services, by the rules of one kernel.
    pub fn new(rules: KernelRules) -> Self {
        Self {
            rules,
            services: Vec::new(),
            removed: Removed::default(),
            hops: Vec::new(),
            total: Statistics::default(),
            next_service: 0,
            next_destination: 1,
        }
    }

    /// The services, in the order in which they were added.
    pub fn services(&self) -> &[Service] {
        &self.services
    }

    /// The service of that identity.
    pub fn service(&self, identity: &ServiceIdentity) -> Option<&Service> {
        self.services
            .iter()
            .find(|service| service.identity == *identity)
    }

    /// The destination of a number, removed or not.
    pub fn destination(&self, id: DestinationId) -> Option<&Destination> {
        self.services
            .iter()
            .flat_map(|service| &service.list)
            .chain(self.removed.all())
            .find(|destination| destination.id == id)
    }

    /// The service that a destination is of, or was when it was removed, and whether that is persistent, or was.
    pub fn service_of(&self, id: DestinationId) -> Option<(ServiceIdentity, bool)> {
        let has = |service: &&Service| service.list.iter().any(|destination| destination.id == id);
        let origin = match self.services.iter().find(has) {
            Some(service) => service.origin(),
            None => *self.removed.origin(id)?,
        };
        Some((origin.service, origin.persistent))
    }

    /// The counters of all services together.
    pub const fn total(&self) -> &Statistics {
        &self.total
    }

    /// `-A`: adds a service.
    ///
    /// # Errors
    /// When it is there, or its scheduler is not.
    pub fn add_service(&mut self, identity: ServiceIdentity, wanted: &ServiceSettings) -> Actions {
        if self.service(&identity).is_some() {
            return Err(Refusal::Exists.into());
        }
        service::check(wanted)?;
        let mut service = Service::new(self.fresh_service(), identity, wanted.clone());
        let publish = service.rebuild(self.overhead(), None)?;
        self.services.push(service);
        Ok(vec![publish])
    }

    /// `-E`: changes a service. Its scheduler keeps what it remembers unless it is another one.
    ///
    /// # Errors
    /// When the service or its scheduler is not there.
    pub fn edit_service(
        &mut self,
        identity: &ServiceIdentity,
        wanted: &ServiceSettings,
        plane: &dyn DataPlane,
    ) -> Actions {
        let place = self.place(identity)?;
        service::check(wanted)?;
        let overhead = self.overhead();
        let service = &mut self.services[place];
        let before = service::kind(&service.settings);
        let cursor = plane.cursor(service.id);
        service.settings = wanted.clone();
        let kind = service::kind(&service.settings);
        Ok(vec![if kind == before {
            service.published_again(cursor)
        } else {
            service.rebuild(overhead, Some(cursor))?
        }])
    }

    /// `-D`: removes a service. Its connections stay.
    ///
    /// # Errors
    /// When it is not there.
    pub fn delete_service(&mut self, identity: &ServiceIdentity, now: Duration) -> Actions {
        let service = self.services.remove(self.place(identity)?);
        let origin = service.origin();
        let mut actions = Vec::new();
        for mut destination in service.list {
            destination.available = false;
            actions.push(destination.set(identity));
            self.removed.put(origin, destination, now);
        }
        actions.push(Action::Withdraw {
            id: service.id,
            service: *identity,
        });
        Ok(actions)
    }

    /// `-C`: removes all services.
    ///
    /// # Errors
    /// None of IPVS's.
    pub fn clear(&mut self, now: Duration) -> Actions {
        let all: Vec<ServiceIdentity> = self
            .services
            .iter()
            .map(|service| service.identity)
            .collect();
        let mut actions = Vec::new();
        for identity in all {
            actions.extend(self.delete_service(&identity, now)?);
        }
        Ok(actions)
    }

    /// `-a`: adds a real server at the head of the service's list. One that was removed and is remembered comes back with its
    /// connections and counters.
    ///
    /// # Errors
    /// When the service is not there, or the real server is, or cannot be one.
    pub fn add_destination(
        &mut self,
        identity: &ServiceIdentity,
        wanted: &DestinationSettings,
        plane: &dyn DataPlane,
        around: &dyn Surroundings,
    ) -> Actions {
        let place = self.place(identity)?;
        destination::check(wanted, identity, self.rules)?;
        if self.services[place]
            .position(wanted.address, wanted.port)
            .is_some()
        {
            return Err(Refusal::Exists.into());
        }
        let mut actions = Vec::new();
        let destination = match self.removed.take(identity, wanted.address, wanted.port) {
            Some((service, mut destination)) => {
                if service != self.services[place].id {
                    destination.statistics.zero();
                }
                let hop = self.hop(wanted, around, &mut actions);
                destination.become_available(wanted, hop);
                actions.push(destination.set(identity));
                destination
            }
            None => {
                destination::check_address(wanted.address, around)?;
                let id = DestinationId(self.next_destination);
                self.next_destination += 1;
                let hop = self.hop(wanted, around, &mut actions);
                let destination = Destination::new(id, hop, around.is_own(wanted.address), *wanted);
                actions.push(destination.added(identity));
                destination
            }
        };
        let overhead = self.overhead();
        let service = &mut self.services[place];
        let cursor = plane.cursor(service.id);
        service.list.insert(0, destination);
        actions.push(service.rebuild(overhead, Some(cursor))?);
        Ok(actions)
    }

    /// `-e`: changes a real server, where it stands in the list.
    ///
    /// # Errors
    /// When the service or the real server is not there, or cannot be so.
    pub fn edit_destination(
        &mut self,
        identity: &ServiceIdentity,
        wanted: &DestinationSettings,
        plane: &dyn DataPlane,
        around: &dyn Surroundings,
    ) -> Actions {
        let place = self.place(identity)?;
        destination::check(wanted, identity, self.rules)?;
        let position = self.services[place]
            .position(wanted.address, wanted.port)
            .ok_or(Refusal::NoEntry)?;
        let mut actions = Vec::new();
        let hop = self.hop(wanted, around, &mut actions);
        let overhead = self.overhead();
        let service = &mut self.services[place];
        let cursor = plane.cursor(service.id);
        service.list[position].become_available(wanted, hop);
        actions.push(service.list[position].set(identity));
        // dh builds its table when real servers come and go, and at no other time; its table does not depend on weights.
        actions.push(service.rebuild(overhead, Some(cursor))?);
        Ok(actions)
    }

    /// `-d`: removes a real server. It is remembered while it has connections, and a while longer.
    ///
    /// # Errors
    /// When the service or the real server is not there.
    pub fn delete_destination(
        &mut self,
        identity: &ServiceIdentity,
        address: IpAddr,
        port: u16,
        plane: &dyn DataPlane,
        now: Duration,
    ) -> Actions {
        let place = self.place(identity)?;
        let overhead = self.overhead();
        let service = &mut self.services[place];
        let position = service.position(address, port).ok_or(Refusal::NoEntry)?;
        let cursor = plane.cursor(service.id);
        let mut destination = service.list.remove(position);
        destination.available = false;
        let actions = vec![
            destination.set(identity),
            service.rebuild(overhead, Some(cursor))?,
        ];
        let origin = service.origin();
        self.removed.put(origin, destination, now);
        Ok(actions)
    }

    /// `-Z`: the counters of a service and its real servers, or of all, begin at zero.
    ///
    /// # Errors
    /// When the service is not there.
    pub fn zero(&mut self, identity: Option<&ServiceIdentity>) -> Result<(), Refusal> {
        match identity {
            Some(identity) => {
                let place = self.place(identity)?;
                self.services[place].zero();
            }
            None => {
                self.services.iter_mut().for_each(Service::zero);
                self.total.zero();
            }
        }
        Ok(())
    }

    /// Takes in what the data plane has counted since the last time. To be called before anything changes.
    pub fn count(&mut self, plane: &dyn DataPlane) {
        for service in &mut self.services {
            for destination in &mut service.list {
                let counted = destination.count(plane);
                service.statistics.add(counted);
                self.total.add(counted);
            }
        }
    }

    /// The kernel's timer of [`TICK`]: what was counted is shown from now on.
    pub fn show_counts(&mut self) {
        for service in &mut self.services {
            service.statistics.tick();
            for destination in &mut service.list {
                destination.statistics.tick();
            }
        }
        self.total.tick();
    }

    /// Forgets real servers that were removed and had no connections for a while, as the kernel does at that time.
    pub fn forget_removed(&mut self, plane: &dyn DataPlane, now: Duration) -> Vec<Action> {
        let forgotten = self.removed.forget(now, |destination| {
            let live = plane.live(destination.id);
            live.total() != 0 || live.persistent != 0
        });
        forgotten
            .iter()
            .map(|destination| Action::FreeDestination { id: destination.id })
            .collect()
    }

    fn place(&self, identity: &ServiceIdentity) -> Result<usize, Refusal> {
        let place = self
            .services
            .iter()
            .position(|service| service.identity == *identity);
        place.ok_or(Refusal::NoProcess)
    }

    fn fresh_service(&mut self) -> ServiceId {
        let id = ServiceId(self.next_service);
        self.next_service += 1;
        id
    }

    const fn overhead(&self) -> Overhead {
        match self.rules {
            KernelRules::V6_1_176 => Overhead::Inactive,
            KernelRules::V6_1_192 => Overhead::Total,
        }
    }

    /// The number of the way to a real server; a way that is not known yet is written first.
    fn hop(
        &mut self,
        wanted: &DestinationSettings,
        around: &dyn Surroundings,
        actions: &mut Vec<Action>,
    ) -> Option<HopId> {
        let DestinationSettings {
            address, method, ..
        } = *wanted;
        let known = self
            .hops
            .iter()
            .find(|(other, by, _)| *other == address && *by == method);
        if let Some((_, _, id)) = known {
            return Some(*id);
        }
        let hop = method::hop(method, address, &around.way_to(address)?)?;
        let id = HopId(self.hops.len() as u32 + 1);
        self.hops.push((address, method, id));
        actions.push(Action::WriteHop { id, hop });
        Some(id)
    }
}
