//! A data plane of plain maps.

mod entries;
mod state;

use std::sync::{Arc, Mutex, MutexGuard};

use dray_model::{
    Action, Actual, Connection, Counters, DataPlane, DataPlaneError, DestinationId,
    InterfaceStatus, Live, LocalAddresses, MAX_MARK_RULES, MarkRule, Part, Policy, ReasonCount,
    Record, Room, ServiceId, ServiceIdentity, Sweep, Template, XdpMode,
};

use state::{DestinationsOf, State};

/// A [`DataPlane`] of plain maps. Clones share one state: a test keeps one clone and hands another to
/// the code under test; what a restart of the daemon would find is what the next clone observes.
///
/// It is as strict as the port's contract: an action that the contract forbids (freeing what something
/// names, naming what is not there, taking a number that is taken) panics and says which.
#[derive(Clone, Debug)]
pub struct FakeDataPlane {
    state: Arc<Mutex<State>>,
    destinations_of: DestinationsOf,
}

impl FakeDataPlane {
    /// An empty data plane with one interface, `eth0`, of number 1, and all the room there can be.
    /// `destinations_of` reads the destinations that a record names.
    pub fn new(destinations_of: fn(&Record) -> Vec<DestinationId>) -> Self {
        let state = State {
            interfaces: vec![InterfaceStatus {
                name: "eth0".to_owned(),
                index: 1,
                mode: XdpMode::Native,
            }],
            ..State::default()
        };
        Self {
            state: Arc::new(Mutex::new(state)),
            destinations_of,
        }
    }

    /// Sets how much room there is.
    pub fn set_room(&self, room: Room) {
        self.state().room = Some(room);
    }

    /// Makes every action and every change of the local addresses after `carried_out` more ones fail with a system
    /// error, until [`FakeDataPlane::accept`].
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

    /// Sets the connections of the table. What counts towards their destinations is set by [`FakeDataPlane::set_live`].
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

    /// The connections of the table.
    pub fn all_connections(&self) -> Vec<Connection> {
        self.state().connections.clone()
    }

    /// The persistence templates.
    pub fn all_templates(&self) -> Vec<Template> {
        self.state().templates.clone()
    }

    /// The part that each call so far went through that ended connections or templates.
    pub fn endings(&self) -> Vec<Part> {
        self.state().endings.clone()
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

    /// FULLNAT's local addresses.
    pub fn local_addresses(&self) -> LocalAddresses {
        self.state().locals.clone()
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
}

/// Local addresses of a family that there is room for, by the port's contract.
const MOST_LOCAL_ADDRESSES: usize = 256;

impl DataPlane for FakeDataPlane {
    fn observe(&mut self) -> Result<Actual, DataPlaneError> {
        Ok(self.actual())
    }

    fn room(&self) -> Room {
        self.state().room()
    }

    fn apply(&mut self, action: &Action) -> Result<(), DataPlaneError> {
        let mut state = self.state();
        state.check(action, self.destinations_of);
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

    fn set_local_addresses(&mut self, locals: &LocalAddresses) -> Result<(), DataPlaneError> {
        let mut state = self.state();
        for ipv4 in [true, false] {
            let of_family = locals.addresses.iter().filter(|own| own.is_ipv4() == ipv4);
            if of_family.count() > MOST_LOCAL_ADDRESSES {
                return Err(DataPlaneError::Full {
                    what: "local addresses",
                    room: MOST_LOCAL_ADDRESSES as u64,
                    cure: "ask for less",
                });
            }
        }
        state.refuse(&"take local addresses")?;
        state.locals = locals.clone();
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

    fn end_connections(&mut self, part: Part, which: &dyn Fn(&Connection) -> bool) -> u64 {
        self.state().end_connections(part, which)
    }

    fn end_templates(&mut self, part: Part, which: &dyn Fn(&Template) -> bool) -> u64 {
        self.state().end_templates(part, which)
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
