//! Drains: started, looked after, ended.

use std::sync::Arc;

use dray_model::{Desired, Service, ServiceName, Weight, document::Endpoint};

use crate::{
    Drain, DrainRequest, ENDED_DRAINS, End, EndedDrain, Note, Occupancy, Quiesced, Then, Timestamp,
};

use super::{Effect, Refusal, State, Step};

impl State {
    pub(super) fn drain(&self, request: DrainRequest, now: Timestamp) -> Result<Step, Refusal> {
        let effective = &self.in_force.effective;
        let mut reals = Vec::new();
        for (service, real) in request.targets(effective) {
            let endpoint = Endpoint::of(real, &service.identity);
            let name = service.name.clone();
            if let Some(drain) = self.drains.iter().find(|drain| drain.has(&name, &endpoint)) {
                return Err(Refusal::AlreadyDraining {
                    id: drain.id,
                    service: name,
                    real: endpoint,
                });
            }
            reals.push(Quiesced {
                edited_weight: self
                    .in_force
                    .edits
                    .weight(name.as_str(), &endpoint.to_string()),
                service: name,
                real: endpoint,
            });
        }
        if reals.is_empty() {
            return Err(Refusal::NothingToDrain {
                service: request.service,
                real: request.real,
            });
        }
        let quiesce = |desired: &Desired| weighed(desired, &reals, |_| Weight::new(0));
        let mut state = self.with_weights(quiesce);
        state.last_drain += 1;
        state.drains.push(Drain {
            id: state.last_drain,
            who: request.who,
            service: request.service,
            real: request.real,
            connections: request.connections,
            since: now,
            deadline: now.after(request.patience),
            then: request.then,
            reals,
        });
        Ok(self.finish(state, None, Vec::new(), now))
    }

    pub(super) fn cancel_drain(&self, id: u64, now: Timestamp) -> Result<Step, Refusal> {
        let Some(drain) = self.drains.iter().find(|drain| drain.id == id) else {
            let ended = self.ended_drains.iter().find(|ended| ended.drain.id == id);
            return Err(Refusal::NoSuchDrain {
                id,
                ended: ended.map(|ended| ended.how),
            });
        };
        let base = &self.in_force.base;
        let before = |real: &Quiesced| match real.edited_weight {
            Some(weight) => Weight::new(weight),
            None => real
                .find(base)
                .map_or(Weight::DEFAULT, |(_, real)| real.weight),
        };
        let mut state = self.with_weights(|desired| weighed(desired, &drain.reals, before));
        let mut notes = Vec::new();
        state.end_drains(&mut notes, now, |drain| {
            (drain.id == id).then_some(End::Cancelled)
        });
        Ok(self.finish(state, None, notes, now))
    }

    pub(super) fn tick(&self, counted: &[Occupancy], now: Timestamp) -> Step {
        let mut notes = Vec::new();
        let is_due = self
            .unconfirmed
            .as_ref()
            .is_some_and(|unconfirmed| unconfirmed.until <= now);
        let back = is_due.then(|| self.gone_back(&mut notes)).flatten();
        let mut state = back.unwrap_or_else(|| self.clone());
        state.settle_drains(&mut notes, now);
        let end = |drain: &Drain| drain.end(counted, now);
        let overdue = state
            .drains
            .iter()
            .filter(|drain| end(drain) == Some(End::Overdue));
        let ends: Vec<Effect> = overdue.filter_map(end_connections).collect();
        state.end_drains(&mut notes, now, end);
        let mut step = self.finish(state, None, notes, now);
        step.effects.splice(..0, ends);
        step
    }

    /// Ends the drains that have nothing to wait for, because of what others made of their real servers.
    pub(super) fn settle_drains(&mut self, notes: &mut Vec<Note>, now: Timestamp) {
        for drain in &mut self.drains {
            drain.let_go(&self.in_force.effective);
        }
        self.end_drains(notes, now, |drain| {
            drain.reals.is_empty().then_some(End::Overtaken)
        });
    }

    fn end_drains(
        &mut self,
        notes: &mut Vec<Note>,
        now: Timestamp,
        end: impl Fn(&Drain) -> Option<End>,
    ) {
        for drain in std::mem::take(&mut self.drains) {
            let Some(how) = end(&drain) else {
                self.drains.push(drain);
                continue;
            };
            notes.push(Note::DrainEnded { id: drain.id, how });
            self.ended_drains.push(EndedDrain {
                drain,
                at: now,
                how,
            });
        }
        let surplus = self.ended_drains.len().saturating_sub(ENDED_DRAINS);
        self.ended_drains.drain(..surplus);
    }

    /// The state with weights changed, also in what it goes back to.
    fn with_weights(&self, change: impl Fn(&Desired) -> Desired) -> Self {
        let back = self
            .unconfirmed
            .as_ref()
            .map(|unconfirmed| change(&unconfirmed.back.effective));
        self.with(change(&self.in_force.effective), back)
    }
}

/// What a drain does at its deadline.
fn end_connections(drain: &Drain) -> Option<Effect> {
    let templates = match drain.then {
        Then::Keep => return None,
        Then::Reset => false,
        Then::Move => true,
    };
    let name = |real: &Quiesced| -> (ServiceName, Endpoint) { (real.service.clone(), real.real) };
    Some(Effect::EndConnections {
        reals: drain.reals.iter().map(name).collect(),
        templates,
    })
}

/// The state with other weights. A weight fits whatever else there is, so nothing has to be checked.
fn weighed(desired: &Desired, reals: &[Quiesced], weight: impl Fn(&Quiesced) -> Weight) -> Desired {
    let mut weighed = desired.clone();
    for service in &mut weighed.services {
        let name = service.name.clone();
        let of_service: Vec<_> = reals.iter().filter(|real| real.service == name).collect();
        if of_service.is_empty() {
            continue;
        }
        let Service {
            identity, reals, ..
        } = Arc::make_mut(service);
        for quiesced in of_service {
            let mut reals = reals.iter_mut();
            if let Some(real) = reals.find(|real| quiesced.real.names(real, identity)) {
                real.weight = weight(quiesced);
            }
        }
    }
    weighed
}
