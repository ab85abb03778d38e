//! What is asked of the director.

use std::sync::Arc;

use dray_api::{
    Application, Backend, Caller, Configuration, Edited, Precondition,
    v1::{
        ConfigurationStatus, ConfigurationTurn, Confirmed, Connection, Connections,
        ConnectionsQuery, Drain, DrainRequest, Drains, EndQuery, Ended, Event,
        HistoricConfiguration, History, Outcome, Plan, Problem, Reloaded, RollbackRequest, Status,
        StopMode, Stopped, Templates, TemplatesQuery,
    },
};
use dray_model::{
    ServiceName,
    edit::{self, Edit},
};
use tokio::sync::broadcast;

use super::{
    Director,
    plan::plan,
    samples,
    state::{Back, Entry},
};

impl Backend for Director {
    async fn status(&self) -> Result<Status, Problem> {
        let state = self.lock();
        Ok(Status {
            configuration: ConfigurationStatus {
                revision: state.revision,
                base: state.base().number,
                edits: Vec::new(),
                pending: state.pending(),
            },
            ..samples::status()
        })
    }

    async fn connections(&self, query: ConnectionsQuery) -> Result<Connections, Problem> {
        let state = self.lock();
        state.known(query.service.as_deref())?;
        let asked = EndQuery {
            client: query.client,
            service: query.service,
            real: query.real,
            state: query.state,
            ..EndQuery::default()
        };
        let mut found: Vec<_> = state
            .connections
            .iter()
            .filter(|connection| fits(connection, &asked))
            .cloned()
            .collect();
        let limit = usize::try_from(query.limit.value()).expect("small");
        let more = found.len() > limit;
        found.truncate(limit);
        Ok(Connections {
            connections: found,
            more,
        })
    }

    async fn templates(&self, _: TemplatesQuery) -> Result<Templates, Problem> {
        Ok(samples::templates())
    }

    async fn configuration(&self) -> Result<Configuration, Problem> {
        let state = self.lock();
        Ok(Configuration {
            revision: state.revision,
            desired: Arc::clone(&state.desired),
        })
    }

    async fn history(&self) -> Result<History, Problem> {
        let state = self.lock();
        let entries = state.history.iter().rev().map(|entry| state.entry(entry));
        Ok(History {
            entries: entries.collect(),
        })
    }

    async fn historic(&self, number: u64) -> Result<HistoricConfiguration, Problem> {
        let state = self.lock();
        let entry = state.kept(number)?;
        Ok(HistoricConfiguration {
            entry: state.entry(entry),
            text: entry.text.clone(),
        })
    }

    async fn drains(&self) -> Result<Drains, Problem> {
        let drains = self.lock().drains.iter().rev().cloned().collect();
        Ok(Drains { drains })
    }

    fn events(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    async fn plan(&self, application: Application) -> Result<Plan, Problem> {
        let state = self.lock();
        application.precondition.check_revision(state.revision)?;
        Ok(plan(state.revision, &state.desired, &application.desired))
    }

    async fn apply(&self, caller: Caller, application: Application) -> Result<Outcome, Problem> {
        let outcome = {
            let mut state = self.lock();
            application.precondition.check_revision(state.revision)?;
            if state.pending.is_some() {
                return Err(Problem::conflict("another configuration waits"));
            }
            let back = state.base().number;
            state.pending = application.confirm.map(|time| Back {
                to: back,
                seconds: time.as_secs(),
            });
            let Application {
                text,
                desired,
                file,
                ..
            } = application;
            state.put_in_force(caller.to_string(), file, text, desired)
        };
        self.note(&caller, "apply");
        self.tell(&caller, ConfigurationTurn::Applied);
        Ok(outcome)
    }

    async fn confirm(&self, caller: Caller, number: Option<u64>) -> Result<Confirmed, Problem> {
        let none = || Problem::conflict("no such configuration waits for a confirmation");
        let number = {
            let mut state = self.lock();
            let waiting = state.base().number;
            if number.is_some_and(|number| number != waiting) {
                return Err(none());
            }
            state.pending.take().ok_or_else(none)?;
            waiting
        };
        self.note(&caller, "confirm");
        self.tell(&caller, ConfigurationTurn::Confirmed);
        Ok(Confirmed { number })
    }

    async fn rollback(&self, caller: Caller, request: RollbackRequest) -> Result<Outcome, Problem> {
        let outcome = {
            let mut state = self.lock();
            let number = request.number.unwrap_or(state.base().number - 1);
            let Entry { text, desired, .. } = state.kept(number)?.clone();
            state.pending = None;
            state.put_in_force(caller.to_string(), None, text, desired)
        };
        self.note(&caller, "rollback");
        self.tell(&caller, ConfigurationTurn::RolledBack);
        Ok(outcome)
    }

    async fn edit(
        &self,
        caller: Caller,
        edit: Edit,
        precondition: Precondition,
    ) -> Result<Edited, Problem> {
        let edited = {
            let mut state = self.lock();
            precondition.check_edit(&edit, &state.desired, state.revision)?;
            state.judged += 1;
            let before = Arc::clone(&state.desired);
            let after = Arc::new(edit::edit(&before, &edit)?);
            state.desired = Arc::clone(&after);
            state.revision += 1;
            Edited {
                revision: state.revision,
                before,
                after,
            }
        };
        self.note(&caller, "edit");
        self.tell(&caller, ConfigurationTurn::Edited);
        Ok(edited)
    }

    async fn drain(&self, caller: Caller, request: DrainRequest) -> Result<Drain, Problem> {
        let drain = self.lock().start_drain(caller.to_string(), request)?;
        self.note(&caller, "drain");
        Ok(drain)
    }

    async fn cancel_drain(&self, caller: Caller, id: u64) -> Result<Drain, Problem> {
        let cancelled = {
            let mut state = self.lock();
            let place = state.drains.iter().position(|drain| drain.id == id);
            let place = place.ok_or_else(|| Problem::not_found(format!("no drain {id}")))?;
            state.drains.remove(place)
        };
        self.note(&caller, "cancel drain");
        Ok(cancelled)
    }

    async fn end_connections(&self, caller: Caller, query: EndQuery) -> Result<Ended, Problem> {
        let ended = {
            let mut state = self.lock();
            state.known(query.service.as_deref())?;
            let before = state.connections.len();
            state
                .connections
                .retain(|connection| !fits(connection, &query));
            before - state.connections.len()
        };
        self.note(&caller, "end connections");
        Ok(Ended {
            ended: u64::try_from(ended).expect("small"),
        })
    }

    async fn zero(&self, caller: Caller, service: Option<ServiceName>) -> Result<(), Problem> {
        let name = service.as_ref().map(ServiceName::as_str);
        self.lock().known(name)?;
        self.note(&caller, format!("zero {}", name.unwrap_or("all")));
        Ok(())
    }

    async fn reload(&self, caller: Caller) -> Result<Reloaded, Problem> {
        if self.lock().broken_file {
            return Err(samples::bad_config());
        }
        self.note(&caller, "reload");
        Ok(samples::reloaded())
    }

    async fn stop(&self, caller: Caller, mode: StopMode) -> Result<Stopped, Problem> {
        self.note(&caller, format!("stop {mode:?}"));
        Ok(Stopped { mode })
    }
}

fn fits(connection: &Connection, query: &EndQuery) -> bool {
    let client = query.client.is_none_or(|prefix| {
        let own = format!("{}/{}", connection.client.ip(), prefix.length());
        own.parse() == Ok(prefix)
    });
    let state = |state: &String| state.eq_ignore_ascii_case(&connection.state);
    client
        && query.real.is_none_or(|real| connection.real == Some(real))
        && (query.service.is_none() || connection.service == query.service)
        && query.state.as_ref().is_none_or(state)
}
