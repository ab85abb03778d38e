//! A daemon to put behind the router. It has no data plane, but keeps everything else as a director does: configurations
//! and edits, their history, what waits for a confirmation, drains, connections.

use std::sync::{Arc, Mutex, MutexGuard};

use dray_api::{
    Application, Backend, Caller, Configuration, Edited, Precondition,
    v1::{
        Applied, Change, ConfigurationEvent, ConfigurationStatus, ConfigurationTurn, Confirmed,
        Connection, Connections, ConnectionsQuery, Drain, DrainRequest, DrainState,
        DrainedDestination, Drains, EndQuery, Ended, Event, HistoricConfiguration, History,
        HistoryEntry, Outcome, Pending, Plan, Problem, Reloaded, RollbackRequest, ServiceChange,
        Status, StopMode, Stopped, Templates, TemplatesQuery,
    },
};
use dray_model::{
    Desired, Service, ServiceName, config,
    document::Endpoint,
    edit::{self, Edit},
};
use tokio::sync::broadcast;

use super::samples;

/// What it begins with.
pub(crate) const CONFIGURATION: &str = r#"
[director]
interfaces = ["eth0"]

[director.fullnat]
addresses = ["10.77.0.200"]

[[service]]
name = "web"
address = "tcp://10.77.0.100:80"
scheduler = "wrr"
forward = "nat"
real = [{ address = "10.77.0.11" }, { address = "10.77.0.12:8080", weight = 3 }]

[[service]]
name = "six"
address = "tcp://[2001:db8::100]:80"
forward = "nat"
real = [{ address = "[2001:db8::1]:8080" }]

[[service]]
name = "marked"
mark = 5

[[mark]]
mark = 5
destination = ["10.77.0.101"]
"#;

/// The clock of the tests, in seconds since 1970.
const NOW: u64 = 1_800_000_000;

#[derive(Clone, Debug)]
pub(crate) struct Director {
    state: Arc<Mutex<State>>,
    events: broadcast::Sender<Event>,
}

#[derive(Debug)]
struct State {
    broken_file: bool,
    revision: u64,
    desired: Arc<Desired>,
    history: Vec<Entry>,
    /// What comes back unless it is confirmed.
    pending: Option<Back>,
    drains: Vec<Drain>,
    connections: Vec<Connection>,
    calls: Vec<(String, String)>,
}

#[derive(Clone, Debug)]
struct Entry {
    number: u64,
    who: Option<String>,
    file: Option<String>,
    text: String,
    desired: Desired,
}

#[derive(Clone, Copy, Debug)]
struct Back {
    to: u64,
    seconds: u64,
}

impl Default for Director {
    fn default() -> Self {
        let desired = config::parse("dray.toml", CONFIGURATION).expect("a good configuration");
        let entry = Entry {
            number: 1,
            who: None,
            file: Some("dray.toml".to_owned()),
            text: CONFIGURATION.to_owned(),
            desired: desired.clone(),
        };
        let connections = [
            ("10.9.8.7:40000", "web", "10.77.0.11"),
            ("10.9.8.8:40001", "web", "10.77.0.12"),
            ("192.0.2.1:40002", "web", "10.77.0.12"),
            ("[2001:db8:9::1]:40003", "six", "2001:db8::1"),
        ];
        let connections = connections
            .map(|(client, service, real)| samples::connection(client, service, real))
            .to_vec();
        Self {
            state: Arc::new(Mutex::new(State {
                broken_file: false,
                revision: 1,
                desired: Arc::new(desired),
                history: vec![entry],
                pending: None,
                drains: Vec::new(),
                connections,
                calls: Vec::new(),
            })),
            events: broadcast::channel(16).0,
        }
    }
}

impl Director {
    pub(crate) fn with_a_broken_file() -> Self {
        let director = Self::default();
        director.lock().broken_file = true;
        director
    }

    /// Who changed things, and how.
    pub(crate) fn calls(&self) -> Vec<(String, String)> {
        self.lock().calls.clone()
    }

    pub(crate) fn desired(&self) -> Arc<Desired> {
        Arc::clone(&self.lock().desired)
    }

    pub(crate) fn happen(&self, event: Event) {
        self.events.send(event).expect("somebody listens");
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no call panics")
    }

    fn note(&self, caller: &Caller, call: impl Into<String>) {
        self.lock().calls.push((caller.to_string(), call.into()));
    }

    fn tell(&self, caller: &Caller, what: ConfigurationTurn) {
        let event = {
            let state = self.lock();
            ConfigurationEvent {
                revision: state.revision,
                base: state.base().number,
                what,
                who: caller.to_string(),
            }
        };
        // Nobody need listen.
        let _ = self.events.send(Event::Configuration(event));
    }
}

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

impl State {
    /// The configuration that was applied last.
    fn base(&self) -> &Entry {
        self.history.last().expect("it began with one")
    }

    fn kept(&self, number: u64) -> Result<&Entry, Problem> {
        let found = self.history.iter().find(|entry| entry.number == number);
        found.ok_or_else(|| Problem::not_found(format!("configuration {number} is not kept")))
    }

    fn entry(&self, entry: &Entry) -> HistoryEntry {
        HistoryEntry {
            number: entry.number,
            at_unix_seconds: NOW + entry.number,
            who: entry.who.clone(),
            file: entry.file.clone(),
            bytes: u64::try_from(entry.text.len()).expect("small"),
            went_back: false,
            current: entry.number == self.base().number,
        }
    }

    fn pending(&self) -> Option<Pending> {
        self.pending.map(|back| Pending {
            until_unix_seconds: NOW + back.seconds,
            seconds_left: back.seconds,
            back_to: back.to,
        })
    }

    fn put_in_force(
        &mut self,
        who: String,
        file: Option<String>,
        text: String,
        desired: Desired,
    ) -> Outcome {
        let plan = plan(self.revision, &self.desired, &desired);
        let number = self.base().number + 1;
        self.revision += 1;
        self.desired = Arc::new(desired.clone());
        self.history.push(Entry {
            number,
            who: Some(who),
            file,
            text,
            desired,
        });
        let applied = Applied {
            number,
            revision: self.revision,
            services: self.desired.services.len(),
            reals: reals(&self.desired),
            edits_dropped: Vec::new(),
            pending: self.pending(),
            problems: Vec::new(),
        };
        Outcome {
            plan,
            applied: Some(applied),
        }
    }

    /// An error for the name of a service that is not there.
    fn known(&self, service: Option<&str>) -> Result<(), Problem> {
        let Some(name) = service else { return Ok(()) };
        let mut services = self.desired.services.iter();
        match services.any(|service| service.name.as_str() == name) {
            true => Ok(()),
            false => Err(Problem::not_found(format!("there is no service {name:?}"))),
        }
    }

    fn start_drain(&mut self, who: String, request: DrainRequest) -> Result<Drain, Problem> {
        let DrainRequest {
            real,
            service,
            deadline,
            then,
        } = request;
        self.known(service.as_deref())?;
        let none = || Problem::not_found(format!("there is no real server {real:?}"));
        let endpoint: Endpoint = real.parse().map_err(|_| none())?;
        let services = self.desired.services.iter().filter(|each| {
            let is_asked = service
                .as_ref()
                .is_none_or(|name| each.name.as_str() == name);
            let mut reals = each.reals.iter();
            is_asked && reals.any(|real| endpoint.names(real, &each.identity))
        });
        let destinations: Vec<_> = services
            .map(|service| DrainedDestination {
                service: service.name.to_string(),
                real: real.clone(),
            })
            .collect();
        if destinations.is_empty() {
            return Err(none());
        }
        let is_drained = |drain: &Drain| drain.real == real && drain.service == service;
        if self.drains.iter().any(is_drained) {
            return Err(Problem::conflict(format!(
                "{real} is being emptied already"
            )));
        }
        let drain = Drain {
            id: self.drains.last().map_or(1, |drain| drain.id + 1),
            who,
            real,
            service,
            then,
            since_unix_seconds: NOW,
            until_unix_seconds: NOW + u64::from(deadline.seconds()),
            seconds_left: u64::from(deadline.seconds()),
            state: DrainState::Draining,
            ended_unix_seconds: None,
            connections_before: 2,
            connections: Some(2),
            destinations,
        };
        self.drains.push(drain.clone());
        Ok(drain)
    }
}

fn reals(desired: &Desired) -> usize {
    let services = desired.services.iter();
    services.map(|service| service.reals.len()).sum()
}

/// Services by name; what changes in them is not told.
fn plan(revision: u64, before: &Desired, after: &Desired) -> Plan {
    let change = |service: &Service, change| ServiceChange {
        service: service.name.to_string(),
        identity: service.identity.into(),
        change,
        fields: Vec::new(),
        reals: Vec::new(),
        reordered: false,
        hash_slots: None,
    };
    let find = |desired: &Desired, name: &ServiceName| {
        let mut services = desired.services.iter();
        services.find(|service| service.name == *name).cloned()
    };
    let gone = before.services.iter().filter_map(|service| {
        let is_gone = find(after, &service.name).is_none();
        is_gone.then(|| change(service, Change::Removed))
    });
    let new = after
        .services
        .iter()
        .filter_map(|service| match find(before, &service.name) {
            None => Some(change(service, Change::Added)),
            Some(same) if same == *service => None,
            Some(_) => Some(change(service, Change::Changed)),
        });
    Plan {
        revision,
        services: gone.chain(new).collect(),
        ..Plan::default()
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
