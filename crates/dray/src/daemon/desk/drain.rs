//! Real servers that are emptied.

use dray_api::{
    Caller, service_name,
    v1::{
        AtDeadline, ConfigurationTurn, Drain, DrainEvent, DrainRequest, DrainTurn, Event, Problem,
    },
};
use dray_control::RealName;
use dray_intent::{End, Note, Occupancy, Request, Then};
use dray_model::document::Endpoint;

use super::Desk;
use crate::daemon::{clock::now, problem, wire};

impl Desk {
    pub(in crate::daemon) async fn drain(
        &mut self,
        caller: &Caller,
        request: DrainRequest,
    ) -> Result<Drain, Problem> {
        let service = request.service.as_deref().map(service_name).transpose()?;
        let real: Endpoint = request
            .real
            .parse()
            .map_err(|error| Problem::bad_request(format!("`{}`: {error}", request.real)))?;
        let mut request = dray_intent::DrainRequest {
            service,
            real,
            patience: request.deadline.duration(),
            then: match request.then {
                AtDeadline::Keep => Then::Keep,
                AtDeadline::Reset => Then::Reset,
                AtDeadline::Move => Then::Move,
            },
            who: caller.name().to_owned(),
            connections: 0,
        };
        let targets = request.targets(&self.state().in_force().effective);
        let names = targets.map(|(service, real)| {
            RealName::within(&service.name, Endpoint::of(real, &service.identity))
        });
        let live = self.control.live(names.collect()).await;
        let live = live.map_err(problem::control)?;
        request.connections = live.active + live.inactive;
        let step = self.state().step(Request::Drain(request), now());
        self.carry_out(step.map_err(problem::refused)?).await?;
        self.tell(ConfigurationTurn::Edited, caller.name());
        let drain = self.state().drains().last();
        let drain = drain.expect("the one that was just started");
        self.tell_of(drain.id, drain.real, DrainTurn::Started);
        Ok(wire::drain::running(
            drain,
            live.active + live.inactive,
            now(),
        ))
    }

    pub(in crate::daemon) async fn cancel_drain(
        &mut self,
        caller: &Caller,
        id: u64,
    ) -> Result<Drain, Problem> {
        let step = self.state().step(Request::CancelDrain { id }, now());
        self.carry_out(step.map_err(problem::refused)?).await?;
        self.tell(ConfigurationTurn::Edited, caller.name());
        let mut drains = self.state().ended_drains().iter();
        let ended = drains.find(|ended| ended.drain.id == id);
        let ended = ended.expect("the one that was just cancelled");
        Ok(wire::drain::ended(ended))
    }

    /// How many connections the real servers of drains have.
    pub(super) async fn count_drains(&self) -> Vec<Occupancy> {
        let mut counted = Vec::new();
        for one in self.state().drains().iter().flat_map(|drain| &drain.reals) {
            let name = RealName::within(&one.service, one.real);
            // What cannot be counted may have connections.
            if let Ok(live) = self.control.live(vec![name]).await {
                counted.push(Occupancy {
                    service: one.service.clone(),
                    real: one.real,
                    connections: live.active + live.inactive,
                });
            }
        }
        counted
    }

    /// Tells whoever listens of drains that ended.
    pub(super) fn tell_of_drains(&self, notes: &[Note]) {
        for note in notes {
            let Note::DrainEnded { id, how } = note else {
                continue;
            };
            let what = match how {
                End::Drained => DrainTurn::Empty,
                End::Overdue => DrainTurn::Overdue,
                End::Cancelled => DrainTurn::Cancelled,
                End::Overtaken => DrainTurn::Overtaken,
            };
            let mut ended = self.state().ended_drains().iter();
            if let Some(ended) = ended.find(|ended| ended.drain.id == *id) {
                self.tell_of(*id, ended.drain.real, what);
            }
        }
    }

    fn tell_of(&self, id: u64, real: Endpoint, what: DrainTurn) {
        self.news.tell(Event::Drain(DrainEvent {
            id,
            real: real.to_string(),
            what,
        }));
    }
}
