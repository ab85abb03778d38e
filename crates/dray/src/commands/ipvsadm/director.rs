//! A running daemon as `ipvsadm` sees it: in the kernel's place.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::Path,
    sync::Arc,
};

use anyhow::{Context, anyhow};
use dray_api::{
    CallError, Client, Precondition,
    v1::{self, ConnectionsQuery, Limit, Problem, TemplatesQuery, Traffic, ZeroQuery},
};
use dray_ipvsadm::{
    Change, Director, Refusal,
    edits::{self, Step},
    snapshot::{Connection, Counts, Destination, Service, Snapshot, Statistics},
};
use dray_model::{
    Desired, ServiceIdentity, Timeouts, config,
    edit::{self, Edit},
};
use tokio::runtime::{Builder, Runtime};

use crate::commands::unreachable;

/// The daemon of a runtime directory.
pub(super) struct Daemon<'a> {
    runtime: Runtime,
    runtime_dir: &'a Path,
    client: Client,
    /// What it desired when it was asked last, and what our commands made of that.
    desired: Option<Arc<Desired>>,
}

/// The most connections that one answer holds.
const MOST: u32 = 100_000;

impl<'a> Daemon<'a> {
    /// Nothing is asked yet.
    ///
    /// # Errors
    /// When this process cannot wait for answers.
    pub(super) fn at(runtime_dir: &'a Path) -> anyhow::Result<Self> {
        Ok(Self {
            runtime: Builder::new_current_thread()
                .enable_all()
                .build()
                .context("failed to start the asynchronous runtime")?,
            runtime_dir,
            client: Client::new(runtime_dir),
            desired: None,
        })
    }

    fn ask<T>(
        &self,
        question: impl AsyncFnOnce(&Client) -> Result<T, CallError>,
    ) -> anyhow::Result<T> {
        self.runtime
            .block_on(question(&self.client))
            .map_err(|error| unreachable::explain(error, self.runtime_dir))
    }

    fn desired(&mut self) -> anyhow::Result<Arc<Desired>> {
        if let Some(desired) = &self.desired {
            return Ok(Arc::clone(desired));
        }
        let text = self.ask(async |client| client.configuration_text().await)?;
        let desired = config::parse("the daemon's configuration", &text.value)
            .map_err(|wrong| anyhow!("{wrong}"))
            .context("the daemon's configuration is none that this version of dray can read")?;
        Ok(Arc::clone(self.desired.insert(Arc::new(desired))))
    }

    /// The services with what was counted of them. Of the services in force, those that a daemon does not count yet have had
    /// nothing.
    fn counted(&mut self) -> anyhow::Result<Snapshot> {
        let desired = self.desired()?;
        let counters = self.ask(async |client| client.counters().await)?;
        let mut snapshot = Snapshot::from(&*desired);
        for (service, named) in snapshot.services.iter_mut().zip(&desired.services) {
            let mut of_all = counters.services.iter();
            if let Some(counted) = of_all.find(|it| it.service == named.name.as_str()) {
                count(service, counted);
            }
        }
        Ok(snapshot)
    }

    /// Sends an edit that the state known here allows.
    fn send(&self, edit: &Edit) -> anyhow::Result<Result<(), Refusal>> {
        let always = &Precondition::None;
        let sent = self.runtime.block_on(async {
            let client = &self.client;
            match edit {
                Edit::AddService(service) => client.add_service(service, always).await.map(drop),
                Edit::PutService { name, document } => client
                    .put_service(name.as_str(), document, always)
                    .await
                    .map(drop),
                Edit::PatchService { name, patch } => client
                    .patch_service(name.as_str(), patch, always)
                    .await
                    .map(drop),
                Edit::RemoveService { name } => client.remove_service(name.as_str(), always).await,
                Edit::AddReal { service, real } => client
                    .add_real(service.as_str(), real, always)
                    .await
                    .map(drop),
                Edit::PutReal {
                    service,
                    real,
                    document,
                } => client
                    .put_real(service.as_str(), &real.to_string(), document, always)
                    .await
                    .map(drop),
                Edit::PatchReal {
                    service,
                    real,
                    patch,
                } => client
                    .patch_real(service.as_str(), &real.to_string(), patch, always)
                    .await
                    .map(drop),
                Edit::RemoveReal { service, real } => {
                    client
                        .remove_real(service.as_str(), &real.to_string(), always)
                        .await
                }
                Edit::PatchDirector { patch } => {
                    client.patch_director(patch, always).await.map(drop)
                }
                Edit::Clear => client.clear(always).await,
            }
        });
        self.refused(sent)
    }

    /// What the daemon refuses, in its words; 403 as the kernel has it.
    fn refused(&self, sent: Result<(), CallError>) -> anyhow::Result<Result<(), Refusal>> {
        match sent {
            Ok(()) => Ok(Ok(())),
            Err(CallError::Denied { .. })
            | Err(CallError::Refused(Problem { status: 403, .. })) => {
                Ok(Err(Refusal::NotPermitted))
            }
            Err(CallError::Refused(problem)) => Ok(Err(Refusal::Words(problem.detail))),
            Err(error) => Err(unreachable::explain(error, self.runtime_dir)),
        }
    }
}

impl Director for Daemon<'_> {
    type Error = anyhow::Error;

    fn snapshot(&mut self) -> anyhow::Result<Snapshot> {
        self.counted()
    }

    fn service(&mut self, identity: &ServiceIdentity) -> anyhow::Result<Option<Service>> {
        let services = self.counted()?.services.into_iter();
        Ok(services
            .into_iter()
            .find(|service| service.identity == *identity))
    }

    fn connections(&mut self) -> anyhow::Result<Vec<Connection>> {
        let desired = self.desired()?;
        let limit = Limit::new(MOST).context("the limit is one")?;
        let query = ConnectionsQuery {
            limit,
            ..ConnectionsQuery::default()
        };
        let connections = self.ask(async |client| client.connections(&query).await)?;
        let templates =
            self.ask(async |client| client.templates(&TemplatesQuery { limit }).await)?;
        if connections.more || templates.more {
            eprintln!("there are more connections than the first {MOST} that are listed");
        }
        let connections = connections.connections.iter().map(connection);
        let templates = templates.templates.iter().map(|it| template(it, &desired));
        Ok(connections.chain(templates).collect())
    }

    fn timeouts(&mut self) -> anyhow::Result<Timeouts> {
        Ok(self.desired()?.director.timeouts)
    }

    fn daemons(&mut self) -> anyhow::Result<Vec<dray_ipvsadm::snapshot::Daemon>> {
        Ok(Vec::new())
    }

    fn change(&mut self, change: &Change) -> anyhow::Result<Result<(), Refusal>> {
        let desired = self.desired()?;
        let edit = match edits::step(change, &desired) {
            Ok(Step::Edit(edit)) => edit,
            Ok(Step::Zero(name)) => {
                let query = ZeroQuery {
                    service: name.map(|name| name.to_string()),
                };
                let sent = self.runtime.block_on(self.client.zero(&query));
                return self.refused(sent);
            }
            Err(refusal) => return Ok(Err(refusal)),
        };
        let edited = match edit::edit(&desired, &edit) {
            Ok(edited) => edited,
            Err(error) => return Ok(Err(edits::refusal(&error))),
        };
        let sent = self.send(&edit)?;
        // What is refused here and was allowed by what we know was changed by somebody else meanwhile.
        self.desired = sent.is_ok().then(|| Arc::new(edited));
        Ok(sent)
    }
}

fn count(service: &mut Service, counted: &v1::ServiceCounters) {
    service.statistics = statistics(&counted.traffic);
    for destination in &mut service.destinations {
        let mut of_all = counted.destinations.iter();
        let place = (destination.address, destination.port);
        if let Some(counted) = of_all.find(|it| (it.real, it.port) == place) {
            let Traffic {
                active,
                inactive,
                persistent,
                ..
            } = counted.traffic;
            *destination = Destination {
                active,
                inactive,
                persistent,
                statistics: statistics(&counted.traffic),
                ..*destination
            };
        }
    }
}

fn statistics(traffic: &Traffic) -> Statistics {
    Statistics {
        counts: Counts {
            connections: traffic.connections,
            in_packets: traffic.packets,
            out_packets: traffic.reply_packets,
            in_bytes: traffic.bytes,
            out_bytes: traffic.reply_bytes,
        },
        rates: Counts {
            connections: traffic.per_second.connections,
            in_packets: traffic.per_second.packets,
            out_packets: traffic.per_second.reply_packets,
            in_bytes: traffic.per_second.bytes,
            out_bytes: traffic.per_second.reply_bytes,
        },
    }
}

/// A real server that nobody knows any more.
const NOBODY: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

fn connection(it: &v1::Connection) -> Connection {
    Connection {
        protocol: number(it.protocol),
        client: (it.client.ip(), it.client.port()),
        virtual_service: (it.virtual_.ip(), it.virtual_.port()),
        destination: (it.real.unwrap_or(NOBODY), it.real_port.unwrap_or(0)),
        state: it.state.clone(),
        expires: it.expires_seconds,
        engine: None,
    }
}

/// A template as the kernel lists it: a connection from port 0, and of a mark one to an address that is the mark's number.
fn template(it: &v1::Template, desired: &Desired) -> Connection {
    let (protocol, virtual_service) = match it.to {
        v1::ServiceIdentity::Address(to) => (number(to.protocol), (to.vip, to.port)),
        v1::ServiceIdentity::Mark(to) => {
            let mark = to.mark.get();
            let address = match to.family {
                v1::Family::Ipv4 => Ipv4Addr::from_bits(mark).into(),
                v1::Family::Ipv6 => Ipv6Addr::from_bits(u128::from(mark) << 96).into(),
            };
            (0, (address, 0))
        }
    };
    let port = match virtual_service.1 {
        0 => None,
        _ => port_of(it, desired),
    };
    Connection {
        protocol,
        client: (it.client, 0),
        virtual_service,
        destination: (it.real.unwrap_or(NOBODY), port.unwrap_or(0)),
        state: it.state.clone(),
        expires: it.expires_seconds,
        engine: None,
    }
}

/// The port of a template's real server, if that is in the configuration still.
fn port_of(it: &v1::Template, desired: &Desired) -> Option<u16> {
    let mut services = desired.services.iter();
    let service = services.find(|service| Some(service.name.as_str()) == it.service.as_deref())?;
    let mut reals = service.reals.iter();
    Some(reals.find(|real| Some(real.address) == it.real)?.port)
}

const fn number(protocol: v1::Protocol) -> u8 {
    match protocol {
        v1::Protocol::Tcp => 6,
        v1::Protocol::Udp => 17,
        v1::Protocol::Sctp => 132,
    }
}
