//! A daemon to put behind the router. It has no data plane, but keeps everything else as a director does: configurations
//! and edits, their history, what waits for a confirmation, drains, connections.
//!
//! What is asked of it is in `director/backend.rs`, what it keeps in `director/state.rs`, and what a change would do in
//! `director/plan.rs`.

mod backend;
mod plan;
mod state;

use std::sync::{Arc, Mutex, MutexGuard};

use dray_api::{
    Caller,
    v1::{ConfigurationEvent, ConfigurationTurn, Event},
};
use dray_model::{Desired, config};
use tokio::sync::broadcast;

use super::samples;

use state::{Entry, State};

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

#[derive(Clone, Debug)]
pub(crate) struct Director {
    state: Arc<Mutex<State>>,
    events: broadcast::Sender<Event>,
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
                judged: 0,
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

    /// How many edits were made or refused for what they are, and not for what their callers had not seen.
    pub(crate) fn judged(&self) -> usize {
        self.lock().judged
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
