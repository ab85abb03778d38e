//! The destinations of a service: made, set to what is wanted of them, marked as removed.

use std::{collections::BTreeMap, net::SocketAddr};

use dray_model::{
    Action, ActualDestination, DestinationId, Hop, HopId, RealServer, Service, ServiceIdentity,
};

use super::{Input, Listing, Planner, Reach, Step, judge};
use crate::view::{Listed, Way};

impl Planner<'_> {
    /// The service's destinations in IPVS's order, made if need be and set to what is wanted of them.
    pub(super) fn list(&mut self, service: &Service, present: &[Listed]) -> Vec<Listing> {
        let view = self.input.view;
        let places: BTreeMap<SocketAddr, usize> = (present.iter().enumerate())
            .filter_map(|(place, listed)| {
                let found = view.destinations().get(&listed.destination)?;
                Some((SocketAddr::new(found.real, found.port), place))
            })
            .collect();
        let mut new = Vec::new();
        let mut kept: Vec<Option<Listing>> = vec![None; present.len()];
        for real in &service.reals {
            let place = places
                .get(&SocketAddr::new(real.address, real.port))
                .copied();
            let was_eligible = place.is_some_and(|place| present[place].eligible);
            let listing = self.destination(service, real, was_eligible);
            match place {
                Some(place) => kept[place] = Some(listing),
                None => new.push(listing),
            }
        }
        new.into_iter()
            .rev()
            .chain(kept.into_iter().flatten())
            .collect()
    }

    /// The destination of a real server inside a service, made if need be.
    fn destination(&mut self, service: &Service, real: &RealServer, was_eligible: bool) -> Listing {
        let Input {
            desired,
            view,
            resolutions,
            interfaces,
            ..
        } = self.input;
        let name = SocketAddr::new(real.address, real.port);
        let present = view.destination(service.identity, name);
        let before = present.map_or(Way::Unknown, |id| view.way(id));
        let verdict = judge(
            Reach::wanted(&desired.director, service, real),
            resolutions.get(&real.address),
            interfaces,
            before,
            was_eligible,
        );
        let (hop, local) = self.sent(verdict.way);
        let wanted = ActualDestination {
            service: service.identity,
            real: real.address,
            port: real.port,
            forward: verdict.forward,
            hop,
            weight: u32::from(real.weight.value()),
            thresholds: real.thresholds,
            available: true,
            local,
        };
        let destination = match present {
            Some(id) => {
                self.needed_destinations.insert(id);
                self.set(id, wanted);
                id
            }
            None => self.add(wanted),
        };
        Listing {
            destination,
            real: real.address,
            port: real.port,
            weight: wanted.weight,
            limited: wanted.thresholds.upper != 0,
            eligible: verdict.eligible,
        }
    }

    /// Marks destinations that are leaving as removed, and keeps their next hops right: established
    /// connections still use them.
    pub(super) fn follow_leaving(&mut self, service: ServiceIdentity) {
        let Input {
            desired,
            view,
            resolutions,
            interfaces,
            ..
        } = self.input;
        for (_, id) in view.destinations_of(service) {
            let Some(present) = view.destinations().get(&id) else {
                continue;
            };
            if self.needed_destinations.contains(&id) {
                continue;
            }
            let last = present.hop.and_then(|hop| view.hop(hop));
            let verdict = judge(
                Reach::present(&desired.director, present, last),
                resolutions.get(&present.real),
                interfaces,
                view.way(id),
                false,
            );
            let (hop, local) = self.sent(verdict.way);
            let wanted = ActualDestination {
                hop,
                local,
                forward: verdict.forward,
                available: false,
                ..*present
            };
            self.set(id, wanted);
        }
    }

    fn add(&mut self, destination: ActualDestination) -> DestinationId {
        let id = DestinationId(self.free_destinations.take());
        self.add_destinations
            .push(Step::Do(Action::AddDestination { id, destination }));
        id
    }

    fn set(&mut self, id: DestinationId, destination: ActualDestination) {
        let present = self.input.view.destinations().get(&id);
        if present == Some(&destination) {
            return;
        }
        let step = Step::Do(Action::SetDestination { id, destination });
        let reached =
            |destination: &ActualDestination| destination.local || destination.hop.is_some();
        let cut_off = !reached(&destination) && present.is_some_and(reached);
        if cut_off || !destination.available {
            // Only after the record without it is out.
            self.take_from_destinations.push(step);
        } else {
            self.set_destinations.push(step);
        }
    }

    /// The way as a destination has it: next hop, written if need be, and whether it is local.
    fn sent(&mut self, way: Way) -> (Option<HopId>, bool) {
        match way {
            Way::Unknown => (None, false),
            Way::Local => (None, true),
            Way::Hop(hop) => (Some(self.hop(hop)), false),
        }
    }

    /// The number of a next hop, written if need be.
    fn hop(&mut self, hop: Hop) -> HopId {
        if let Some(id) = self.input.view.hop_number(&hop) {
            self.needed_hops.insert(id);
            return id;
        }
        *self.new_hops.entry(hop).or_insert_with(|| {
            let id = HopId(self.free_hops.take());
            self.write_hops.push(Step::Do(Action::WriteHop { id, hop }));
            id
        })
    }
}
