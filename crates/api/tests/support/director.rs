//! A daemon to put behind the router: it remembers what it was asked and answers with fixed values.

use std::sync::{Arc, Mutex};

use dray_api::{
    Backend,
    v1::{
        ConfigError, Connection, Connections, ConnectionsQuery, Destination, DestinationState,
        Interface, NextHop, Problem, Protocol, Rates, Reason, Reloaded, Service, Status, StopMode,
        Stopped, Table, Traffic, Verdict, XdpMode,
    },
};

#[derive(Clone, Default)]
pub(crate) struct Director {
    broken_config: bool,
    calls: Arc<Mutex<Vec<Call>>>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Call {
    Connections(ConnectionsQuery),
    Stop(StopMode),
}

impl Director {
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.lock().expect("no call panics").clone()
    }

    pub(crate) fn with_a_broken_config() -> Self {
        Self {
            broken_config: true,
            ..Self::default()
        }
    }

    fn note(&self, call: Call) {
        self.calls.lock().expect("no call panics").push(call);
    }
}

impl Backend for Director {
    async fn status(&self) -> Result<Status, Problem> {
        Ok(status())
    }

    async fn connections(&self, query: ConnectionsQuery) -> Result<Connections, Problem> {
        self.note(Call::Connections(query));
        Ok(connections())
    }

    async fn reload(&self) -> Result<Reloaded, Problem> {
        if self.broken_config {
            return Err(bad_config());
        }
        Ok(Reloaded {
            config: "/etc/dray.toml".to_owned(),
            services: 1,
            reals: 1,
        })
    }

    async fn stop(&self, mode: StopMode) -> Result<Stopped, Problem> {
        self.note(Call::Stop(mode));
        Ok(Stopped { mode })
    }
}

pub(crate) fn status() -> Status {
    let traffic = Traffic {
        active: 3,
        inactive: 2,
        connections: 12,
        packets: 340,
        bytes: 51_000,
        rates: Rates {
            connections: 0.5,
            packets: 17.25,
            bytes: 2_550.0,
        },
    };
    Status {
        version: "0.1.0".to_owned(),
        abi: 1,
        config: "/etc/dray.toml".to_owned(),
        problems: vec![],
        interfaces: vec![Interface {
            name: "eth0".to_owned(),
            index: 2,
            xdp: XdpMode::Native,
        }],
        tables: vec![Table {
            name: "connections".to_owned(),
            used: 5,
            room: 1_048_576,
        }],
        services: vec![Service {
            name: "web".to_owned(),
            protocol: Protocol::Tcp,
            vip: "10.77.0.100".parse().expect("an address"),
            port: 80,
            scheduler: "wrr".to_owned(),
            forward: "dr".to_owned(),
            traffic,
            refused: 1,
            destinations: vec![Destination {
                real: "10.77.0.11".parse().expect("an address"),
                weight: 3,
                state: DestinationState::Eligible,
                why: None,
                next_hop: Some(NextHop {
                    interface: 2,
                    vlan: Some(7),
                    mac: "02:00:00:00:00:11".to_owned(),
                }),
                traffic,
            }],
        }],
        reasons: vec![Reason {
            name: "not-ours".to_owned(),
            verdict: Verdict::Pass,
            meaning: "The packet is for no virtual service.".to_owned(),
            packets: 9,
        }],
    }
}

pub(crate) fn connections() -> Connections {
    Connections {
        connections: vec![Connection {
            protocol: Protocol::Tcp,
            client: "10.9.8.7:40000".parse().expect("an address"),
            virtual_: "10.77.0.100:80".parse().expect("an address"),
            service: Some("web".to_owned()),
            real: Some("10.77.0.11".parse().expect("an address")),
            state: "ESTABLISHED".to_owned(),
            expires_seconds: 899,
            age_seconds: 4,
        }],
        more: true,
    }
}

pub(crate) fn bad_config() -> Problem {
    let error = ConfigError {
        line: 3,
        column: 1,
        cause: "unknown key `vpi`".to_owned(),
        cure: "did you mean `vip`?".to_owned(),
    };
    Problem::bad_config(
        "/etc/dray.toml has 1 error; nothing was changed",
        "error: …".to_owned(),
        vec![error],
    )
}
