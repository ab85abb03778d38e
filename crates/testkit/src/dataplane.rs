//! A data plane of plain maps.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
};

use dray_model::{
    Action, Actual, ActualDestination, ActualService, Connection, Counters, DataPlane,
    DataPlaneError, DestinationId, HopId, InterfaceStatus, Live, MAX_MARK_RULES, MarkRule, Policy,
    ReasonCount, Record, ServiceId, ServiceIdentity, Sweep, Template, Thresholds, XdpMode,
};

/// A [`DataPlane`] of plain maps. Clones share one state: a test keeps one clone and hands another to
/// the code under test; what a restart of the daemon would find is what the next clone observes.
///
/// It is as strict as the port's contract: an action that the contract forbids (freeing what something
/// names, naming what is not there, taking a number that is taken) panics and says which.
#[derive(Clone, Debug)]
pub struct FakeDataPlane {
    state: Arc<Mutex<State>>,
    destinations_of: fn(&Record) -> Vec<DestinationId>,
}

/// How many of each thing there is room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Services.
    pub services: usize,
    /// Destinations.
    pub destinations: usize,
    /// Next hops.
    pub hops: usize,
}

#[derive(Debug)]
struct State {
    actual: Actual,
    /// The services of `actual` by number.
    numbers: BTreeMap<ServiceId, ServiceIdentity>,
    room: Room,
    refuse_in: Option<usize>,
    actions: Vec<Action>,
    cursors: BTreeMap<ServiceId, u64>,
    refused: BTreeMap<ServiceId, u64>,
    live: BTreeMap<DestinationId, Live>,
    counters: BTreeMap<DestinationId, Counters>,
    connections: Vec<Connection>,
    templates: Vec<Template>,
    policies: Vec<Policy>,
    mark_rules: Vec<MarkRule>,
    droppable: u64,
    drops: u64,
    sweep: Sweep,
    sweeps: Vec<u32>,
    reasons: Vec<ReasonCount>,
    interfaces: Vec<InterfaceStatus>,
}

impl FakeDataPlane {
    /// An empty data plane with one interface, `eth0`, of number 1, and all the room there can be.
    /// `destinations_of` reads the destinations that a record names.
    pub fn new(destinations_of: fn(&Record) -> Vec<DestinationId>) -> Self {
        let state = State {
            actual: Actual::default(),
            numbers: BTreeMap::new(),
            room: Room {
                services: usize::MAX,
                destinations: usize::MAX,
                hops: usize::MAX,
            },
            refuse_in: None,
            actions: Vec::new(),
            cursors: BTreeMap::new(),
            refused: BTreeMap::new(),
            live: BTreeMap::new(),
            counters: BTreeMap::new(),
            connections: Vec::new(),
            templates: Vec::new(),
            policies: Vec::new(),
            mark_rules: Vec::new(),
            droppable: 0,
            drops: 0,
            sweep: Sweep::default(),
            sweeps: Vec::new(),
            reasons: Vec::new(),
            interfaces: vec![InterfaceStatus {
                name: "eth0".to_owned(),
                index: 1,
                mode: XdpMode::Native,
            }],
        };
        Self {
            state: Arc::new(Mutex::new(state)),
            destinations_of,
        }
    }

    /// Sets how much room there is.
    pub fn set_room(&self, room: Room) {
        self.state().room = room;
    }

    /// Makes every action after `carried_out` more ones fail with a system error, until
    /// [`FakeDataPlane::accept`].
    pub fn refuse_after(&self, carried_out: usize) {
        self.state().refuse_in = Some(carried_out);
    }

    /// Refuses no action any more.
    pub fn accept(&self) {
        self.state().refuse_in = None;
    }

    /// Sets a destination's connections.
    pub fn set_live(&self, destination: DestinationId, live: Live) {
        self.state().live.insert(destination, live);
    }

    /// Sets what a destination has had.
    pub fn set_counters(&self, destination: DestinationId, counters: Counters) {
        self.state().counters.insert(destination, counters);
    }

    /// Sets how often a service had no destination to give.
    pub fn set_refused(&self, service: ServiceId, refused: u64) {
        self.state().refused.insert(service, refused);
    }

    /// Sets where packets have got to in a service's record.
    pub fn set_cursor(&self, service: ServiceId, cursor: u64) {
        self.state().cursors.insert(service, cursor);
    }

    /// Sets the connections of the table.
    pub fn set_connections(&self, connections: Vec<Connection>) {
        self.state().connections = connections;
    }

    /// Sets the persistence templates.
    pub fn set_templates(&self, templates: Vec<Template>) {
        self.state().templates = templates;
    }

    /// Sets how many connections each call of the `drop_entry` defence ends.
    pub fn set_droppable(&self, connections: u64) {
        self.state().droppable = connections;
    }

    /// Sets what each sweep answers.
    pub fn set_sweep(&self, sweep: Sweep) {
        self.state().sweep = sweep;
    }

    /// Sets the counted reasons.
    pub fn set_reasons(&self, reasons: Vec<ReasonCount>) {
        self.state().reasons = reasons;
    }

    /// Sets the interfaces in use.
    pub fn set_interfaces(&self, interfaces: Vec<InterfaceStatus>) {
        self.state().interfaces = interfaces;
    }

    /// What it holds now.
    pub fn actual(&self) -> Actual {
        self.state().actual.clone()
    }

    /// The number of the destination of that real server inside that service, if it is there.
    pub fn destination(
        &self,
        service: impl Into<ServiceIdentity>,
        real: std::net::IpAddr,
    ) -> Option<DestinationId> {
        let service = service.into();
        let state = self.state();
        let mut all = state.actual.destinations.iter();
        all.find(|(_, found)| found.service == service && found.real == real)
            .map(|(id, _)| *id)
    }

    /// The actions carried out since the last call.
    pub fn take_actions(&self) -> Vec<Action> {
        std::mem::take(&mut self.state().actions)
    }

    /// How packets and connections are treated, once that was set.
    pub fn policy(&self) -> Option<Policy> {
        self.state().policies.last().copied()
    }

    /// Every policy that was set since the start, in order.
    pub fn policies(&self) -> Vec<Policy> {
        self.state().policies.clone()
    }

    /// The rules that give marks.
    pub fn mark_rules(&self) -> Vec<MarkRule> {
        self.state().mark_rules.clone()
    }

    /// How often the `drop_entry` defence was called since the start.
    pub fn drops(&self) -> u64 {
        self.state().drops
    }

    /// In how many parts each sweep since the start divided the table.
    pub fn sweeps(&self) -> Vec<u32> {
        self.state().sweeps.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("no test goes on after a panic in the data plane")
    }

    /// Destinations that some record names.
    fn named(&self, state: &State) -> BTreeSet<DestinationId> {
        let records = state.actual.services.values();
        records
            .flat_map(|service| (self.destinations_of)(&service.record))
            .collect()
    }

    fn check(&self, state: &State, action: &Action) {
        let Actual {
            services,
            destinations,
            hops,
        } = &state.actual;
        match action {
            Action::WriteHop { id, .. } => {
                assert_ne!(id.0, 0, "next hop 0 is none");
                assert!(!hops.contains_key(id), "next hop {id} is taken");
            }
            Action::AddDestination { id, destination } => {
                let range = 1..=16_777_215;
                assert!(range.contains(&id.0), "destination {id} is out of range");
                assert!(!destinations.contains_key(id), "destination {id} is taken");
                check_destination(state, destination);
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
                check_destination(state, destination);
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
                let owner = state.numbers.get(id);
                assert!(
                    owner.is_none_or(|o| o == service),
                    "{owner:?} has {id}, not {service}"
                );
                for named in (self.destinations_of)(record) {
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
                assert!(!self.named(state).contains(id), "a record names {id}");
                let live = state.live.get(id).copied().unwrap_or_default();
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
}

fn check_destination(state: &State, destination: &ActualDestination) {
    if let Some(hop) = destination.hop {
        assert!(state.actual.hops.contains_key(&hop), "no next hop {hop}");
    }
    let Thresholds { upper, lower } = destination.thresholds;
    assert!(lower <= upper, "{destination}: {lower} is above {upper}");
}

impl State {
    /// Refuses the action when a test asked for it, or when there is no room.
    fn admit(&mut self, action: &Action) -> Result<(), DataPlaneError> {
        if let Some(left) = self.refuse_in {
            self.refuse_in = Some(left.saturating_sub(1));
            if left == 0 {
                return Err(DataPlaneError::System {
                    what: action.to_string(),
                    source: "refused by the test".into(),
                });
            }
        }
        let Actual {
            services,
            destinations,
            hops,
        } = &self.actual;
        let (what, used, room) = match action {
            Action::WriteHop { .. } => ("a next hop", hops.len(), self.room.hops),
            Action::AddDestination { .. } => {
                ("a destination", destinations.len(), self.room.destinations)
            }
            Action::Publish { service, .. } if !services.contains_key(service) => {
                ("a service", services.len(), self.room.services)
            }
            _ => return Ok(()),
        };
        if used < room {
            return Ok(());
        }
        Err(DataPlaneError::Full {
            what,
            room: room as u64,
            cure: "ask for less",
        })
    }

    fn carry_out(&mut self, action: &Action) {
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
}

impl DataPlane for FakeDataPlane {
    fn observe(&mut self) -> Result<Actual, DataPlaneError> {
        Ok(self.actual())
    }

    fn apply(&mut self, action: &Action) -> Result<(), DataPlaneError> {
        let mut state = self.state();
        self.check(&state, action);
        state.admit(action)?;
        state.carry_out(action);
        state.actions.push(action.clone());
        Ok(())
    }

    fn cursor(&self, service: ServiceId) -> u64 {
        self.state().cursors.get(&service).copied().unwrap_or(0)
    }

    fn live(&self, destination: DestinationId) -> Live {
        let state = self.state();
        state.live.get(&destination).copied().unwrap_or_default()
    }

    fn counters(&self, destination: DestinationId) -> Counters {
        let state = self.state();
        state
            .counters
            .get(&destination)
            .copied()
            .unwrap_or_default()
    }

    fn refused(&self, service: ServiceId) -> u64 {
        self.state().refused.get(&service).copied().unwrap_or(0)
    }

    fn set_policy(&mut self, policy: &Policy) {
        self.state().policies.push(*policy);
    }

    fn set_mark_rules(&mut self, rules: &[MarkRule]) -> Result<(), DataPlaneError> {
        let mut state = self.state();
        if rules.len() > MAX_MARK_RULES {
            return Err(DataPlaneError::Full {
                what: "mark rules",
                room: MAX_MARK_RULES as u64,
                cure: "ask for less",
            });
        }
        let interfaces = rules.iter().filter_map(|rule| rule.interface.as_deref());
        for name in interfaces {
            if !state.interfaces.iter().any(|found| found.name == name) {
                return Err(DataPlaneError::System {
                    what: format!("give marks on {name}"),
                    source: "the interface is not in use".into(),
                });
            }
        }
        state.mark_rules = rules.to_vec();
        Ok(())
    }

    fn drop_entries(&mut self) -> u64 {
        let mut state = self.state();
        state.drops += 1;
        state.droppable
    }

    fn sweep(&mut self, parts: u32) -> Sweep {
        let mut state = self.state();
        state.sweeps.push(parts);
        state.sweep
    }

    fn connections(&self, keep: &dyn Fn(&Connection) -> bool, limit: usize) -> Vec<Connection> {
        let state = self.state();
        let kept = state
            .connections
            .iter()
            .filter(|connection| keep(connection));
        kept.take(limit).cloned().collect()
    }

    fn templates(&self, limit: usize) -> Vec<Template> {
        let state = self.state();
        state.templates.iter().take(limit).cloned().collect()
    }

    fn reasons(&self) -> Vec<ReasonCount> {
        self.state().reasons.clone()
    }

    fn interfaces(&self) -> Vec<InterfaceStatus> {
        self.state().interfaces.clone()
    }
}

#[cfg(test)]
mod tests;
