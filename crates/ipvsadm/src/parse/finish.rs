//! From what the options said to a command: the checks that look at several of them.

use std::num::NonZeroU32;

use dray_model::{Family, Protocol, ServiceIdentity};

use super::{
    line::{Line, Named, timeout},
    rules::{self, Opt},
    tunnel,
    verb::Verb,
};
use crate::{
    Command, DestinationSettings, List, Method, SchedulerFlags, ServiceSettings, SetTimeouts,
    Usage, listing::Format,
};

impl Line {
    /// The command, with the words that are no options.
    ///
    /// # Errors
    /// When the options do not go together.
    pub(super) fn finish(self, others: &[&str]) -> Result<Command, Usage> {
        let mut others = others.iter();
        let timeouts = if self.verb == Verb::Set {
            Some(set_timeouts(&mut others)?)
        } else {
            None
        };
        if let Some(word) = others.next() {
            return Err(Usage::wrong(format!("unexpected argument {word}")));
        }
        let flags = scheduler_flags(&self.scheduler, &self.flags)?;
        rules::check(self.verb, &self.given)?;
        match self.verb {
            Verb::AddService => self
                .service_settings(flags)
                .map(|(service, it)| Command::AddService(service, it)),
            Verb::EditService => self
                .service_settings(flags)
                .map(|(service, it)| Command::EditService(service, it)),
            Verb::DeleteService => Ok(Command::DeleteService(self.identity()?)),
            Verb::Clear => Ok(Command::Clear),
            Verb::AddServer => self
                .server(true)
                .map(|(service, it)| Command::AddServer(service, it)),
            Verb::EditServer => self
                .server(true)
                .map(|(service, it)| Command::EditServer(service, it)),
            Verb::DeleteServer => self
                .server(false)
                .map(|(service, it)| Command::DeleteServer(service, it)),
            Verb::Set => Ok(Command::SetTimeouts(timeouts.unwrap_or(SetTimeouts {
                tcp: None,
                tcp_fin: None,
                udp: None,
            }))),
            Verb::StartDaemon => Ok(Command::StartDaemon),
            Verb::StopDaemon => Ok(Command::StopDaemon),
            Verb::Restore => Ok(Command::Restore),
            Verb::Save => Ok(Command::Save),
            Verb::Zero => Ok(Command::Zero(match self.service {
                Named::Nothing => None,
                _ => Some(self.identity()?),
            })),
            Verb::List => self.list(),
        }
    }

    fn identity(&self) -> Result<ServiceIdentity, Usage> {
        match self.service {
            Named::Address(address) => Ok(address.into()),
            Named::Mark(mark) => Ok(mark.into()),
            // The rules have seen to it for every command that needs one.
            Named::Nothing => Err(Usage::try_help()),
        }
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
            scheduler: if self.scheduler.is_empty() {
                "wlc".to_owned()
            } else {
                self.scheduler
            },
            flags,
            persistent: self.persistent,
            netmask: self.netmask,
            engine: self.engine.filter(|engine| !engine.is_empty()),
            one_packet: self.one_packet,
        };
        Ok((identity, settings))
    }

    /// The real server of a command; those that delete one do not look at what it is like.
    fn server(&self, whole: bool) -> Result<(ServiceIdentity, DestinationSettings), Usage> {
        let identity = self.identity()?;
        let (address, mut port) = self.real.ok_or_else(Usage::try_help)?;
        let mut method = self.method;
        if whole {
            let by_address = matches!(self.service, Named::Address(_));
            if by_address && self.method.keeps_port() {
                port = self.service.port();
            }
            if Family::of(address) != self.service.family()
                && !matches!(self.method, Method::Tunnel(_))
            {
                return Err(Usage::wrong(
                    "Different address family is allowed only for tunneling servers",
                ));
            }
            method = tunnel::with_tunnel(self)?;
        }
        let settings = DestinationSettings {
            address,
            port,
            method,
            weight: self.weight,
            upper: self.upper,
            lower: self.lower,
        };
        Ok((identity, settings))
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
        return Err(Usage::wrong("--set option requires 3 timeout values"));
    };
    Ok(SetTimeouts {
        tcp: NonZeroU32::new(timeout(tcp, 0)?),
        tcp_fin: NonZeroU32::new(timeout(tcp_fin, 0)?),
        udp: NonZeroU32::new(timeout(udp, 0)?),
    })
}

/// The flags of `-b`: those with a scheduler's name in them are that scheduler's.
fn scheduler_flags(scheduler: &str, text: &str) -> Result<SchedulerFlags, Usage> {
    let mut flags = SchedulerFlags::default();
    for flag in text.split(',').filter(|flag| !flag.is_empty()) {
        let owner = match flag {
            "flag-1" | "flag-2" | "flag-3" => None,
            "sh-fallback" | "sh-port" => Some("sh"),
            "mh-fallback" | "mh-port" => Some("mh"),
            _ => return Err(Usage::wrong(format!("invalid scheduler flag `{flag}'"))),
        };
        if owner.is_some_and(|owner| owner != scheduler) {
            return Err(Usage::wrong(format!(
                "incompatible scheduler flag `{flag}'"
            )));
        }
        match flag {
            "flag-1" | "sh-fallback" | "mh-fallback" => flags.first = true,
            "flag-2" | "sh-port" | "mh-port" => flags.second = true,
            _ => flags.third = true,
        }
    }
    Ok(flags)
}
