//! What the fake data plane holds, and what the port's contract lets be done to it.

use std::collections::{BTreeMap, BTreeSet};

use dray_model::{
    Action, Actual, ActualDestination, ActualService, Connection, Counters, DataPlaneError,
    DestinationId, Forward, InterfaceStatus, Live, LocalAddresses, MarkRule, Part, Policy,
    ReasonCount, Record, Rewrite, Room, ServiceId, ServiceIdentity, Sweep, Template, Thresholds,
};

/// Reads the destinations that a record names.
pub(super) type DestinationsOf = fn(&Record) -> Vec<DestinationId>;

/// All that there can be.
const ENDLESS: Room = Room {
    services: u32::MAX,
    destinations: u32::MAX,
    hops: u32::MAX,
};

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) actual: Actual,
    /// The services of `actual` by number.
    pub(super) numbers: BTreeMap<ServiceId, ServiceIdentity>,
    /// None when there is all that there can be.
    pub(super) room: Option<Room>,
    pub(super) refuse_in: Option<usize>,
    pub(super) actions: Vec<Action>,
    pub(super) cursors: BTreeMap<ServiceId, u64>,
    pub(super) refused: BTreeMap<ServiceId, u64>,
    pub(super) live: BTreeMap<DestinationId, Live>,
    pub(super) counters: BTreeMap<DestinationId, Counters>,
    pub(super) connections: Vec<Connection>,
    pub(super) templates: Vec<Template>,
    pub(super) endings: Vec<Part>,
    pub(super) policies: Vec<Policy>,
    pub(super) mark_rules: Vec<MarkRule>,
    pub(super) locals: LocalAddresses,
    pub(super) droppable: u64,
    pub(super) drops: u64,
    pub(super) sweep: Sweep,
    pub(super) sweeps: Vec<u32>,
    pub(super) reasons: Vec<ReasonCount>,
    pub(super) interfaces: Vec<InterfaceStatus>,
}

impl State {
    pub(super) fn room(&self) -> Room {
        self.room.unwrap_or(ENDLESS)
    }

    /// Refuses what is to be done when a test asked for it.
    pub(super) fn refuse(&mut self, what: &impl ToString) -> Result<(), DataPlaneError> {
        let Some(left) = self.refuse_in else {
            return Ok(());
        };
        self.refuse_in = Some(left.saturating_sub(1));
        if left > 0 {
            return Ok(());
        }
        Err(DataPlaneError::System {
            what: what.to_string(),
            source: "refused by the test".into(),
        })
    }

    /// Refuses the action when a test asked for it, or when there is no room.
    pub(super) fn admit(&mut self, action: &Action) -> Result<(), DataPlaneError> {
        self.refuse(action)?;
        let room = self.room();
        let (what, number, room) = match action {
            Action::WriteHop { id, .. } => ("a next hop", id.0, room.hops),
            Action::AddDestination { id, .. } => ("a destination", id.0, room.destinations),
            Action::Publish { id, service, .. } if !self.actual.services.contains_key(service) => {
                ("a service", id.0, room.services)
            }
            _ => return Ok(()),
        };
        if number <= room {
            return Ok(());
        }
        Err(DataPlaneError::Full {
            what,
            room: room.into(),
            cure: "ask for less",
        })
    }

    pub(super) fn carry_out(&mut self, action: &Action) {
        let Actual {
            services,
            destinations,
            hops,
        } = &mut self.actual;
        match action {
            Action::WriteHop { id, hop } => {
                hops.insert(*id, *hop);
            }
            Action::AddDestination { id, destination } => {
                destinations.insert(*id, *destination);
                self.counters.insert(*id, Counters::default());
                self.live.insert(*id, Live::default());
            }
            Action::SetDestination { id, destination } => {
                destinations.insert(*id, *destination);
            }
            Action::Publish {
                id,
                service,
                options,
                record,
            } => {
                let published = ActualService {
                    id: *id,
                    options: *options,
                    record: record.clone(),
                };
                services.insert(*service, published);
                self.numbers.insert(*id, *service);
            }
            Action::Withdraw { id, service } => {
                services.remove(service);
                self.numbers.remove(id);
            }
            Action::FreeDestination { id } => {
                destinations.remove(id);
            }
            Action::FreeHop { id } => {
                hops.remove(id);
            }
        }
    }

    /// Destinations that some record names.
    fn named(&self, destinations_of: DestinationsOf) -> BTreeSet<DestinationId> {
        let records = self.actual.services.values();
        records
            .flat_map(|service| destinations_of(&service.record))
            .collect()
    }

    /// Panics when the contract forbids the action now.
    pub(super) fn check(&self, action: &Action, destinations_of: DestinationsOf) {
        let Actual {
            services,
            destinations,
            hops,
        } = &self.actual;
        match action {
            Action::WriteHop { id, .. } => {
                assert_ne!(id.0, 0, "next hop 0 is none");
                assert!(!hops.contains_key(id), "next hop {id} is taken");
            }
            Action::AddDestination { id, destination } => {
                let range = 1..=16_777_215;
                assert!(range.contains(&id.0), "destination {id} is out of range");
                assert!(!destinations.contains_key(id), "destination {id} is taken");
                self.check_destination(destination);
            }
            Action::SetDestination { id, destination } => {
                let before = destinations.get(id);
                let before = before.unwrap_or_else(|| panic!("no destination {id}"));
                let who = |destination: &ActualDestination| {
                    (destination.service, destination.real, destination.port)
                };
                assert_eq!(
                    who(before),
                    who(destination),
                    "destination {id} is another's"
                );
                self.check_destination(destination);
            }
            Action::Publish {
                id,
                service,
                record,
                ..
            } => {
                let number = services.get(service).map(|found| found.id);
                assert!(
                    number.is_none_or(|n| n == *id),
                    "{service} has {number:?}, not {id}"
                );
                let owner = self.numbers.get(id);
                assert!(
                    owner.is_none_or(|o| o == service),
                    "{owner:?} has {id}, not {service}"
                );
                for named in destinations_of(record) {
                    let found = destinations.get(&named);
                    let found =
                        found.unwrap_or_else(|| panic!("{service}: no destination {named}"));
                    assert_eq!(found.service, *service, "destination {named} is another's");
                }
            }
            Action::Withdraw { id, service } => {
                let found = services.get(service).map(|found| found.id);
                assert_eq!(found, Some(*id), "{service} is not service {id}");
            }
            Action::FreeDestination { id } => {
                assert!(destinations.contains_key(id), "no destination {id}");
                assert!(
                    !self.named(destinations_of).contains(id),
                    "a record names {id}"
                );
                let live = self.live.get(id).copied().unwrap_or_default();
                assert_eq!(live.total(), 0, "destination {id} has connections");
                assert_eq!(live.persistent, 0, "destination {id} has templates");
            }
            Action::FreeHop { id } => {
                assert!(hops.contains_key(id), "no next hop {id}");
                let named = destinations.values().any(|found| found.hop == Some(*id));
                assert!(!named, "a destination names next hop {id}");
            }
        }
    }

    fn check_destination(&self, destination: &ActualDestination) {
        if let Some(id) = destination.hop {
            let hop = self.actual.hops.get(&id);
            let hop = hop.unwrap_or_else(|| panic!("no next hop {id}"));
            let fits = matches!(
                (destination.forward, hop.rewrite),
                (Forward::DirectRouting, Rewrite::None)
                    | (Forward::Tunnel(_), Rewrite::Tunnel { .. })
                    | (Forward::Nat, Rewrite::Nat { .. })
                    | (Forward::FullNat, Rewrite::FullNat { .. })
            );
            let method = destination.forward.name();
            assert!(
                fits,
                "{destination}: next hop {id} is not for {method}: {hop}"
            );
        }
        let Thresholds { upper, lower } = destination.thresholds;
        assert!(lower <= upper, "{destination}: {lower} is above {upper}");
    }
}
