//! From what the options said to a command: the checks that look at several of them.

use std::{net::IpAddr, num::NonZeroU32};

use dray_model::{Family, Protocol, ServiceIdentity};

use super::{
    line::{Line, Named},
    number::timeout,
    rules::{self, Opt},
    scheduler_flags::scheduler_flags,
    tunnel,
    verb::Verb,
};
use crate::{
    Change, Command, DestinationSettings, List, Method, Role, SchedulerFlags, ServiceSettings,
    SetTimeouts, StartDaemon, Usage, listing::Format,
};

/// The scheduler of a command that names none.
const SCHEDULER: &str = "wlc";

/// The interface of a synchronisation daemon that names none.
const INTERFACE: &str = "eth0";

impl Line<'_> {
    /// The command, with the words that are no options.
    ///
    /// # Errors
    /// When the options do not go together.
    pub(super) fn finish(mut self, others: &[&str]) -> Result<Command, Usage> {
        let mut others = others.iter();
        let timeouts = match self.verb {
            Verb::Set => Some(set_timeouts(&mut others)?),
            _ => None,
        };
        if let Some(word) = others.next() {
            return Err(Usage::wrong(format!("unexpected argument {word}")));
        }
        if self.scheduler.is_empty() {
            self.scheduler = SCHEDULER.to_owned();
        }
        let flags = scheduler_flags(&self.scheduler, &self.flags)?;
        rules::check(self.verb, &self.given)?;
        Ok(Command::Change(match self.verb {
            Verb::AddService => {
                let (service, settings) = self.service_settings(flags)?;
                Change::AddService(service, settings)
            }
            Verb::EditService => {
                let (service, settings) = self.service_settings(flags)?;
                Change::EditService(service, settings)
            }
            Verb::DeleteService => Change::DeleteService(self.identity()?),
            Verb::Clear => Change::Clear,
            Verb::AddServer => {
                let (service, settings) = self.server_settings()?;
                Change::AddServer(service, settings)
            }
            Verb::EditServer => {
                let (service, settings) = self.server_settings()?;
                Change::EditServer(service, settings)
            }
            Verb::DeleteServer => Change::DeleteServer(self.identity()?, self.real()?),
            Verb::Set => Change::SetTimeouts(timeouts.ok_or_else(three_needed)?),
            Verb::StartDaemon(role) => Change::StartDaemon(self.daemon(role)),
            Verb::StopDaemon(role) => Change::StopDaemon(role),
            Verb::Zero => Change::Zero(self.zeroed()),
            Verb::Restore => return Ok(Command::Restore),
            Verb::Save => {
                return Ok(Command::Save {
                    numeric: self.has(Opt::Numeric),
                });
            }
            Verb::List => return self.list(),
        }))
    }

    fn identity(&self) -> Result<ServiceIdentity, Usage> {
        match self.service {
            Named::Address(address) => Ok(address.into()),
            Named::Mark(mark) => Ok(mark.into()),
            Named::Nothing => Err(rules::needed(self.verb, Opt::Service)),
        }
    }

    fn real(&self) -> Result<(IpAddr, u16), Usage> {
        self.real
            .ok_or_else(|| rules::needed(self.verb, Opt::RealServer))
    }

    /// The one service to be zeroed, if it is one: `ipvsadm` takes address and port of 0 for none.
    fn zeroed(&self) -> Option<ServiceIdentity> {
        self.identity().ok().filter(|service| {
            service
                .address()
                .is_none_or(|address| !address.vip.is_unspecified() || address.port != 0)
        })
    }

    fn service_settings(
        self,
        flags: SchedulerFlags,
    ) -> Result<(ServiceIdentity, ServiceSettings), Usage> {
        let identity = self.identity()?;
        if let Named::Address(address) = self.service {
            if address.port == 0 && self.persistent.is_none() {
                return Err(Usage::wrong(
                    "Zero port specified for non-persistent service",
                ));
            }
            if self.one_packet && address.protocol != Protocol::Udp {
                return Err(Usage::wrong(
                    "One-Packet Scheduling is only for UDP virtual services",
                ));
            }
        }
        let settings = ServiceSettings {
            scheduler: self.scheduler,
            flags,
            persistent: self.persistent,
            netmask: self.netmask,
            engine: self.engine.filter(|engine| !engine.is_empty()),
            one_packet: self.one_packet,
        };
        Ok((identity, settings))
    }

    fn server_settings(&self) -> Result<(ServiceIdentity, DestinationSettings), Usage> {
        let identity = self.identity()?;
        let (address, mut port) = self.real()?;
        let by_address = matches!(self.service, Named::Address(_));
        if by_address && self.method.keeps_port() {
            port = self.service.port();
        }
        if Family::of(address) != self.service.family() && !matches!(self.method, Method::Tunnel(_))
        {
            return Err(Usage::wrong(
                "Different address family is allowed only for tunneling servers",
            ));
        }
        let settings = DestinationSettings {
            address,
            port,
            method: tunnel::with_tunnel(self)?,
            weight: self.weight,
            upper: self.upper,
            lower: self.lower,
        };
        Ok((identity, settings))
    }

    fn daemon(self, role: Role) -> StartDaemon {
        let mut daemon = self.daemon;
        if daemon.interface.is_empty() {
            daemon.interface = INTERFACE.to_owned();
        }
        StartDaemon {
            role,
            interface: daemon.interface,
            syncid: daemon.syncid,
            longest: daemon.longest,
            group: daemon.group,
            port: daemon.port,
            ttl: daemon.ttl,
        }
    }

    fn list(self) -> Result<Command, Usage> {
        let special = [Opt::Connection, Opt::Timeout, Opt::Daemon].map(|it| self.has(it));
        let counted = self.has(Opt::Stats) || self.has(Opt::Rate) || self.has(Opt::Thresholds);
        let (timeout, daemon) = (self.has(Opt::Timeout), self.has(Opt::Daemon));
        if special.contains(&true) && counted
            || (timeout || daemon) && self.has(Opt::PersistentConn)
        {
            return Err(Usage::wrong("options conflicts in the list command"));
        }
        let format = Format {
            numeric: self.has(Opt::Numeric),
            stats: self.has(Opt::Stats),
            rate: self.has(Opt::Rate),
            thresholds: self.has(Opt::Thresholds),
            persistent_conn: self.has(Opt::PersistentConn),
            tunnels: self.has(Opt::TunInfo),
            nosort: self.has(Opt::NoSort),
            exact: self.has(Opt::Exact),
        };
        let list = if self.has(Opt::Connection) {
            List::Connections
        } else if self.service != Named::Nothing {
            List::One(self.identity()?)
        } else if timeout {
            List::Timeouts
        } else if daemon {
            List::Daemons
        } else {
            List::All
        };
        Ok(Command::List(list, format))
    }
}

fn set_timeouts<'a>(words: &mut impl Iterator<Item = &'a &'a str>) -> Result<SetTimeouts, Usage> {
    let three = [words.next(), words.next(), words.next()];
    let [Some(tcp), Some(tcp_fin), Some(udp)] = three else {
        return Err(three_needed());
    };
    Ok(SetTimeouts {
        tcp: NonZeroU32::new(timeout(tcp, 0)?),
        tcp_fin: NonZeroU32::new(timeout(tcp_fin, 0)?),
        udp: NonZeroU32::new(timeout(udp, 0)?),
    })
}

fn three_needed() -> Usage {
    Usage::wrong("--set option requires 3 timeout values")
}
