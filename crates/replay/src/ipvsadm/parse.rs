//! From words to a command: the checks of `ipvsadm`, in its order.

use std::num::NonZeroU32;

use dray_model::{Family, Forward, Mark, Protocol, ServiceAddress, ServiceIdentity};

use super::{
    Command, List, SetTimeouts, Usage,
    address::{self, number},
    options::{Options, Tag},
};
use crate::{
    ipvs::{DestinationSettings, Netmask, SchedulerFlags, ServiceSettings, Tunnel, TunnelChecksum},
    listing::Format,
};

/// The longest timeout: 31 days, in seconds.
const MAX_TIMEOUT: i64 = 31 * 86400;

/// How long clients are persistent if a command says no time, in seconds.
const PERSISTENT: u32 = 360;

/// The command of these words, which follow `ipvsadm`.
///
/// # Errors
/// When `ipvsadm` refuses them itself.
pub fn parse(words: &[String]) -> Result<Command, Usage> {
    if words.is_empty() {
        return Ok(Command::List(List::All, Format::default()));
    }
    let mut options = Options::of(words);
    let Ok(Some((tag, argument))) = options.next() else {
        return Err(Usage::try_help());
    };
    if tag == Tag::Help {
        return Ok(Command::Help);
    }
    let mut line = Line::new(verb(tag, argument)?);
    loop {
        match options.next() {
            Ok(Some((tag, _))) if verb(tag, None).is_ok() || tag == Tag::Help => {
                return Err(Usage::wrong(format!("invalid option `{}'", options.word())));
            }
            Ok(Some((tag, argument))) => line.take(tag, argument)?,
            Ok(None) => break,
            Err(bad) => {
                return Err(Usage {
                    status: 255,
                    text: bad.0 + "\n",
                });
            }
        }
    }
    line.finish(&options.others)
}

/// What a line is to do, by its first option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    AddService,
    EditService,
    DeleteService,
    Clear,
    List,
    AddServer,
    DeleteServer,
    EditServer,
    Set,
    StartDaemon,
    StopDaemon,
    Restore,
    Save,
    Zero,
}

fn verb(tag: Tag, argument: Option<&str>) -> Result<Verb, Usage> {
    let daemon = matches!(argument, Some("master" | "backup"));
    Ok(match tag {
        Tag::AddService => Verb::AddService,
        Tag::EditService => Verb::EditService,
        Tag::DeleteService => Verb::DeleteService,
        Tag::Clear => Verb::Clear,
        Tag::List => Verb::List,
        Tag::Zero => Verb::Zero,
        Tag::AddServer => Verb::AddServer,
        Tag::EditServer => Verb::EditServer,
        Tag::DeleteServer => Verb::DeleteServer,
        Tag::Set => Verb::Set,
        Tag::Restore => Verb::Restore,
        Tag::Save => Verb::Save,
        Tag::StartDaemon if daemon => Verb::StartDaemon,
        Tag::StartDaemon => return Err(Usage::wrong("illegal start-daemon parameter specified")),
        Tag::StopDaemon if daemon => Verb::StopDaemon,
        Tag::StopDaemon => return Err(Usage::wrong("illegal start_daemon specified")),
        Tag::Version => {
            return Err(Usage {
                status: 0,
                text: super::VERSION.to_owned(),
            });
        }
        _ => return Err(Usage::try_help()),
    })
}

impl Verb {
    const fn name(self) -> &'static str {
        match self {
            Self::AddService => "add-service",
            Self::EditService => "edit-service",
            Self::DeleteService => "delete-service",
            Self::Clear => "flush",
            Self::List => "list",
            Self::AddServer => "add-server",
            Self::DeleteServer => "delete-server",
            Self::EditServer => "edit-server",
            Self::Set => "set",
            Self::StartDaemon => "start-daemon",
            Self::StopDaemon => "stop-daemon",
            Self::Restore => "restore",
            Self::Save => "save",
            Self::Zero => "zero",
        }
    }

    const fn rule(self, option: Opt) -> Rule {
        use Opt::{
            Connection, Daemon, Engine, Exact, Forwarding, Lower, McastGroup, McastInterface,
            McastPort, McastTtl, Netmask, NoSort, Numeric, OnePacket, Persistent, PersistentConn,
            Rate, RealServer, Scheduler, SchedulerFlags, Service, Stats, SyncId, SyncMaxlen,
            Thresholds, Timeout, TunCsum, TunInfo, TunNocsum, TunPort, TunRemcsum, TunType, Upper,
            Weight,
        };
        match (self, option) {
            (
                Self::AddService
                | Self::EditService
                | Self::DeleteService
                | Self::AddServer
                | Self::DeleteServer
                | Self::EditServer,
                Service,
            )
            | (Self::AddServer | Self::DeleteServer | Self::EditServer, RealServer) => Rule::Needed,
            (Self::List, Connection | Service | Timeout | Daemon) => Rule::OneOf,
            (
                Self::AddService | Self::EditService,
                Scheduler | Persistent | Netmask | OnePacket | Engine | SchedulerFlags,
            )
            | (
                Self::List,
                Numeric | Stats | Rate | Thresholds | PersistentConn | NoSort | SyncId | Exact
                | TunInfo,
            )
            | (
                Self::AddServer | Self::EditServer,
                Forwarding | Weight | Upper | Lower | TunType | TunPort | TunNocsum | TunCsum
                | TunRemcsum,
            )
            | (
                Self::StartDaemon,
                McastInterface | SyncId | McastGroup | McastPort | McastTtl | SyncMaxlen,
            )
            | (Self::StopDaemon, SyncId)
            | (Self::Save, Numeric)
            | (Self::Zero, Service) => Rule::Free,
            _ => Rule::Illegal,
        }
    }
}

/// How an option goes with a verb.
#[derive(PartialEq, Eq)]
enum Rule {
    Needed,
    Illegal,
    OneOf,
    Free,
}

macro_rules! opts {
    ($($name:ident = $text:literal,)*) => {
        /// What options are counted as, in the order in which they are checked.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        enum Opt {
            $($name,)*
        }

        impl Opt {
            const ALL: &[Self] = &[$(Self::$name),*];

            const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

opts! {
    Numeric = "numeric",
    Connection = "connection",
    Service = "service-address",
    Scheduler = "scheduler",
    Persistent = "persistent",
    Netmask = "netmask",
    RealServer = "real-server",
    Forwarding = "forwarding-method",
    Weight = "weight",
    Upper = "u-threshold",
    Lower = "l-threshold",
    McastInterface = "mcast-interface",
    Timeout = "timeout",
    Daemon = "daemon",
    Stats = "stats",
    Rate = "rate",
    Thresholds = "thresholds",
    PersistentConn = "persistent-conn",
    NoSort = "nosort",
    SyncId = "syncid",
    Exact = "exact",
    OnePacket = "ops",
    Engine = "pe",
    SchedulerFlags = "sched-flags",
    McastGroup = "mcast-group",
    McastPort = "mcast-port",
    McastTtl = "mcast-ttl",
    SyncMaxlen = "sync-maxlen",
    TunInfo = "tun-info",
    TunType = "tun-type",
    TunPort = "tun-port",
    TunNocsum = "tun-nocsum",
    TunCsum = "tun-csum",
    TunRemcsum = "tun-remcsum",
}

/// What the options said so far.
struct Line {
    verb: Verb,
    given: Vec<Opt>,
    service: Named,
    scheduler: String,
    flags: String,
    persistent: Option<NonZeroU32>,
    netmask: Netmask,
    engine: Option<String>,
    one_packet: bool,
    real: Option<(std::net::IpAddr, u16)>,
    forward: Forward,
    weight: u32,
    upper: u32,
    lower: u32,
    tunnel: &'static str,
    tunnel_port: u16,
}

/// The service that the options name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Named {
    Nothing,
    Address(ServiceAddress),
    Mark(Mark),
}

impl Named {
    const fn port(self) -> u16 {
        match self {
            Self::Address(address) => address.port,
            Self::Nothing | Self::Mark(_) => 0,
        }
    }

    const fn family(self) -> Family {
        match self {
            Self::Address(address) => Family::of(address.vip),
            Self::Mark(mark) => mark.family,
            Self::Nothing => Family::Ipv4,
        }
    }
}

impl Line {
    fn new(verb: Verb) -> Self {
        Self {
            verb,
            given: Vec::new(),
            service: Named::Nothing,
            scheduler: String::new(),
            flags: String::new(),
            persistent: None,
            netmask: Netmask::ALL4,
            engine: None,
            one_packet: false,
            real: None,
            forward: Forward::DirectRouting,
            weight: 1,
            upper: 0,
            lower: 0,
            tunnel: "ipip",
            tunnel_port: 0,
        }
    }

    fn count(&mut self, option: Opt) -> Result<(), Usage> {
        if self.given.contains(&option) {
            return Err(Usage::wrong(format!(
                "multiple '{}' options specified",
                option.name()
            )));
        }
        self.given.push(option);
        Ok(())
    }

    fn has(&self, option: Opt) -> bool {
        self.given.contains(&option)
    }

    fn take(&mut self, tag: Tag, argument: Option<&str>) -> Result<(), Usage> {
        let text = argument.unwrap_or_default();
        match tag {
            Tag::Tcp => self.named(Protocol::Tcp, text)?,
            Tag::Udp => self.named(Protocol::Udp, text)?,
            Tag::Sctp => self.named(Protocol::Sctp, text)?,
            Tag::Mark => self.marked(text)?,
            Tag::Ipv6 => match &mut self.service {
                Named::Mark(mark) => {
                    mark.family = Family::Ipv6;
                    self.netmask = Netmask::ALL6;
                }
                _ => return Err(Usage::wrong("-6 used before -f\n")),
            },
            Tag::Scheduler => {
                self.count(Opt::Scheduler)?;
                self.scheduler = text.chars().take(15).collect();
            }
            Tag::Persistent => {
                self.count(Opt::Persistent)?;
                self.persistent = match argument {
                    Some(text) => NonZeroU32::new(timeout(text, 1)?),
                    None => NonZeroU32::new(PERSISTENT),
                };
            }
            Tag::Netmask => self.mask(text)?,
            Tag::Engine => {
                self.count(Opt::Engine)?;
                self.engine = Some(text.chars().take(16).collect());
            }
            Tag::OnePacket => {
                self.count(Opt::OnePacket)?;
                self.one_packet = true;
            }
            Tag::SchedulerFlags => {
                self.count(Opt::SchedulerFlags)?;
                self.flags = text.to_owned();
            }
            Tag::RealServer => {
                self.count(Opt::RealServer)?;
                let (address, port) = address::service(text)
                    .ok_or_else(|| Usage::wrong("illegal real server address[:port] specified"))?;
                self.real = Some((address, port.unwrap_or(self.service.port())));
            }
            Tag::Masquerading => self.method(Forward::Nat)?,
            Tag::Ipip => self.method(Forward::Tunnel)?,
            Tag::Gatewaying => self.method(Forward::DirectRouting)?,
            Tag::Weight => {
                self.weight = self.counted(Opt::Weight, text, "illegal weight specified")?
            }
            Tag::Upper => {
                self.upper = self.counted(Opt::Upper, text, "illegal u_threshold specified")?
            }
            Tag::Lower => {
                self.lower = self.counted(Opt::Lower, text, "illegal l_threshold specified")?
            }
            Tag::TunType => {
                self.count(Opt::TunType)?;
                self.tunnel = ["ipip", "gue", "gre"]
                    .into_iter()
                    .find(|name| *name == text)
                    .ok_or_else(|| Usage::wrong("illegal tunnel type specified"))?;
            }
            Tag::TunPort => {
                self.count(Opt::TunPort)?;
                let port = number(text, 1, 65535);
                self.tunnel_port =
                    port.ok_or_else(|| Usage::wrong("illegal tunnel port specified"))? as u16;
            }
            Tag::McastGroup => self.group(text)?,
            _ => return self.take_other(tag, text),
        }
        Ok(())
    }

    /// Options that say no more than that they are there, or a number that is of no use here.
    fn take_other(&mut self, tag: Tag, text: &str) -> Result<(), Usage> {
        let ranged = |least, most, wrong: &str| {
            number(text, least, most)
                .map(|_| ())
                .ok_or_else(|| Usage::wrong(wrong))
        };
        let option = match tag {
            Tag::Numeric => Opt::Numeric,
            Tag::Connection => Opt::Connection,
            Tag::McastInterface => Opt::McastInterface,
            Tag::SyncId => Opt::SyncId,
            Tag::Timeout => Opt::Timeout,
            Tag::Daemon => Opt::Daemon,
            Tag::Stats => Opt::Stats,
            Tag::Rate => Opt::Rate,
            Tag::Thresholds => Opt::Thresholds,
            Tag::PersistentConn => Opt::PersistentConn,
            Tag::NoSort => Opt::NoSort,
            Tag::Exact => Opt::Exact,
            Tag::McastPort => Opt::McastPort,
            Tag::McastTtl => Opt::McastTtl,
            Tag::SyncMaxlen => Opt::SyncMaxlen,
            Tag::TunInfo => Opt::TunInfo,
            Tag::TunNocsum => Opt::TunNocsum,
            Tag::TunCsum => Opt::TunCsum,
            Tag::TunRemcsum => Opt::TunRemcsum,
            Tag::Sort => return Ok(()),
            _ => return Err(Usage::try_help()),
        };
        self.count(option)?;
        match option {
            Opt::SyncId => ranged(0, 255, "illegal syncid specified"),
            Opt::McastPort => ranged(1, 65535, "illegal mcast-port specified"),
            Opt::McastTtl => ranged(1, 255, "illegal mcast-ttl specified"),
            Opt::SyncMaxlen => ranged(1, 65507, "illegal sync-maxlen specified"),
            _ => Ok(()),
        }
    }

    fn named(&mut self, protocol: Protocol, text: &str) -> Result<(), Usage> {
        self.count(Opt::Service)?;
        let (vip, port) = address::service(text)
            .ok_or_else(|| Usage::wrong("illegal virtual server address[:port] specified"))?;
        if vip.is_ipv6() {
            self.netmask = Netmask::ALL6;
        }
        self.service = Named::Address(ServiceAddress {
            protocol,
            vip,
            port: port.unwrap_or(0),
        });
        Ok(())
    }

    fn marked(&mut self, text: &str) -> Result<(), Usage> {
        self.count(Opt::Service)?;
        let mark =
            number(text, 1, i64::from(u32::MAX)).and_then(|mark| NonZeroU32::new(mark as u32));
        self.service = Named::Mark(Mark {
            number: mark
                .ok_or_else(|| Usage::wrong(format!("invalid fwmark value `{text}' specified")))?,
            family: Family::Ipv4,
        });
        Ok(())
    }

    fn mask(&mut self, text: &str) -> Result<(), Usage> {
        self.count(Opt::Netmask)?;
        self.netmask =
            match self.service.family() {
                Family::Ipv4 => Netmask::Ipv4(address::ipv4(text).ok_or_else(|| {
                    Usage::wrong("illegal virtual server persistent mask specified")
                })?),
                // Read with `atoi`: digits count up to what is none.
                Family::Ipv6 => {
                    let end = text
                        .find(|c: char| !c.is_ascii_digit())
                        .unwrap_or(text.len());
                    let length = number(&text[..end], 1, 128);
                    Netmask::Ipv6(
                        length.ok_or_else(|| Usage::wrong("illegal ipv6 netmask specified"))? as u8,
                    )
                }
            };
        Ok(())
    }

    fn group(&mut self, text: &str) -> Result<(), Usage> {
        self.count(Opt::McastGroup)?;
        let (version, multicast) = if text.contains(':') {
            let group = text.parse::<std::net::Ipv6Addr>();
            ("IPv6", group.is_ok_and(|group| group.is_multicast()))
        } else {
            let group = text.parse::<std::net::Ipv4Addr>();
            ("IPv4", group.is_ok_and(|group| group.is_multicast()))
        };
        if multicast {
            Ok(())
        } else {
            Err(Usage::wrong(format!(
                "invalid {version} mcast-group `{text}'"
            )))
        }
    }

    fn method(&mut self, forward: Forward) -> Result<(), Usage> {
        self.count(Opt::Forwarding)?;
        self.forward = forward;
        Ok(())
    }

    fn counted(&mut self, option: Opt, text: &str, wrong: &str) -> Result<u32, Usage> {
        self.count(option)?;
        let number = number(text, 0, i64::from(i32::MAX));
        number
            .map(|number| number as u32)
            .ok_or_else(|| Usage::wrong(wrong))
    }

    fn finish(self, others: &[&str]) -> Result<Command, Usage> {
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
        self.check_options()?;
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

    /// Which options a command needs, and which it may have.
    fn check_options(&self) -> Result<(), Usage> {
        let verb = self.verb.name();
        let mut only: Option<Opt> = None;
        for option in Opt::ALL.iter().copied() {
            let name = option.name();
            match (self.has(option), self.verb.rule(option)) {
                (false, Rule::Needed) => {
                    return Err(Usage::wrong(format!(
                        "You need to supply the '{name}' option for the '{verb}' command"
                    )));
                }
                (true, Rule::Illegal) => {
                    return Err(Usage::wrong(format!(
                        "Illegal '{name}' option with the '{verb}' command"
                    )));
                }
                (true, Rule::OneOf) => {
                    if let Some(other) = only {
                        return Err(Usage::wrong(format!(
                            "The option '{name}' conflicts with the '{}' option in the '{verb}' command",
                            other.name()
                        )));
                    }
                    only = Some(option);
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn identity(&self) -> Result<ServiceIdentity, Usage> {
        match self.service {
            Named::Address(address) => Ok(address.into()),
            Named::Mark(mark) => Ok(mark.into()),
            // `check_options` has seen to it for every command that needs one.
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
        let mut tunnel = Tunnel::default();
        if whole {
            let by_address = matches!(self.service, Named::Address(_));
            if by_address && self.forward != Forward::Nat {
                port = self.service.port();
            }
            if Family::of(address) != self.service.family() && self.forward != Forward::Tunnel {
                return Err(Usage::wrong(
                    "Different address family is allowed only for tunneling servers",
                ));
            }
            tunnel = self.tunnel()?;
        }
        let settings = DestinationSettings {
            address,
            port,
            forward: self.forward,
            weight: self.weight,
            upper: self.upper,
            lower: self.lower,
            tunnel,
        };
        Ok((identity, settings))
    }

    fn tunnel(&self) -> Result<Tunnel, Usage> {
        let checks = [Opt::TunNocsum, Opt::TunCsum, Opt::TunRemcsum];
        let any = self.has(Opt::TunType)
            || self.has(Opt::TunPort)
            || checks.iter().any(|it| self.has(*it));
        if any && self.forward != Forward::Tunnel {
            return Err(Usage::wrong("Tunnel options conflict with forward method"));
        }
        let kind = self.tunnel;
        let illegal = |option: Opt| match kind {
            "gue" => false,
            "gre" => matches!(option, Opt::TunPort | Opt::TunRemcsum),
            _ => true,
        };
        if kind == "gue" && !self.has(Opt::TunPort) {
            return Err(Usage::wrong(
                "You need to supply the 'tun-port' option for the 'gue' tunnel type",
            ));
        }
        let mut only: Option<Opt> = None;
        for option in [Opt::TunPort, Opt::TunNocsum, Opt::TunCsum, Opt::TunRemcsum] {
            if !self.has(option) {
                continue;
            }
            if illegal(option) {
                return Err(Usage::wrong(format!(
                    "Illegal '{}' option with the '{kind}' tunnel type",
                    option.name()
                )));
            }
            if option == Opt::TunPort {
                continue;
            }
            if let Some(other) = only {
                return Err(Usage::wrong(format!(
                    "The option '{}' conflicts with the '{}' option in the '{kind}' tunnel type",
                    option.name(),
                    other.name()
                )));
            }
            only = Some(option);
        }
        let checksum = match only {
            Some(Opt::TunCsum) => TunnelChecksum::Own,
            Some(Opt::TunRemcsum) => TunnelChecksum::Remote,
            _ => TunnelChecksum::None,
        };
        Ok(match kind {
            "gue" => Tunnel::Gue {
                port: self.tunnel_port,
                checksum,
            },
            "gre" => Tunnel::Gre { checksum },
            _ => Tunnel::Ipip,
        })
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

fn timeout(text: &str, least: i64) -> Result<u32, Usage> {
    number(text, least, MAX_TIMEOUT)
        .map(|seconds| seconds as u32)
        .ok_or_else(|| Usage::wrong(format!("invalid timeout value `{text}' specified")))
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
