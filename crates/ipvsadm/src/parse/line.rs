//! What the options of a command line say, one after the other.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    num::{NonZeroU16, NonZeroU32},
    ops::RangeInclusive,
};

use dray_model::{Family, Mark, Protocol, ServiceAddress, Tunnel};

use super::{
    address,
    number::{leading, number, timeout},
    options::Tag,
    rules::Opt,
    verb::Verb,
};
use crate::{Method, Names, Netmask, Usage};

/// How long clients are persistent if a command says no time, in seconds.
const PERSISTENT: u32 = 360;

/// What the options said so far.
pub(super) struct Line<'a> {
    pub(super) verb: Verb,
    names: &'a dyn Names,
    /// The options that were there, as they are counted.
    pub(super) given: Vec<Opt>,
    pub(super) service: Named,
    pub(super) scheduler: String,
    pub(super) flags: String,
    pub(super) persistent: Option<NonZeroU32>,
    pub(super) netmask: Netmask,
    pub(super) engine: Option<String>,
    pub(super) one_packet: bool,
    pub(super) real: Option<(IpAddr, u16)>,
    pub(super) method: Method,
    pub(super) weight: u32,
    pub(super) upper: u32,
    pub(super) lower: u32,
    pub(super) tunnel: &'static str,
    pub(super) tunnel_port: Option<NonZeroU16>,
    pub(super) daemon: Daemon,
}

/// What the options say of a synchronisation daemon.
#[derive(Default)]
pub(super) struct Daemon {
    pub(super) interface: String,
    pub(super) syncid: u8,
    pub(super) longest: Option<NonZeroU16>,
    pub(super) group: Option<IpAddr>,
    pub(super) port: Option<NonZeroU16>,
    pub(super) ttl: Option<u8>,
}

/// The service that the options name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    Nothing,
    Address(ServiceAddress),
    Mark(Mark),
}

impl Named {
    pub(super) const fn port(self) -> u16 {
        match self {
            Self::Address(address) => address.port,
            Self::Nothing | Self::Mark(_) => 0,
        }
    }

    /// The protocol whose names its ports and those of its real servers have.
    const fn protocol(self) -> Option<Protocol> {
        match self {
            Self::Address(address) => Some(address.protocol),
            Self::Mark(_) => Some(Protocol::Tcp),
            Self::Nothing => None,
        }
    }

    pub(super) const fn family(self) -> Family {
        match self {
            Self::Address(address) => Family::of(address.vip),
            Self::Mark(mark) => mark.family,
            Self::Nothing => Family::Ipv4,
        }
    }
}

impl<'a> Line<'a> {
    pub(super) fn new(verb: Verb, names: &'a dyn Names) -> Self {
        Self {
            verb,
            names,
            given: Vec::new(),
            service: Named::Nothing,
            scheduler: String::new(),
            flags: String::new(),
            persistent: None,
            netmask: Netmask::ALL4,
            engine: None,
            one_packet: false,
            real: None,
            method: Method::DirectRouting,
            weight: 1,
            upper: 0,
            lower: 0,
            tunnel: "ipip",
            tunnel_port: None,
            daemon: Daemon::default(),
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

    pub(super) fn has(&self, option: Opt) -> bool {
        self.given.contains(&option)
    }

    /// Takes an option in. False when it is none that can follow a command.
    pub(super) fn take(&mut self, tag: Tag, argument: Option<&str>) -> Result<bool, Usage> {
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
                self.scheduler = cut(text, 15);
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
                self.engine = Some(cut(text, 16));
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
                let (address, port) = address::service(text, self.service.protocol(), self.names)
                    .ok_or_else(|| {
                    Usage::wrong("illegal real server address[:port] specified")
                })?;
                self.real = Some((address, port.unwrap_or(self.service.port())));
            }
            Tag::Masquerading => self.method(Method::Nat)?,
            Tag::Ipip => self.method(Method::Tunnel(Tunnel::IpIp))?,
            Tag::Gatewaying => self.method(Method::DirectRouting)?,
            Tag::Weight => {
                self.weight =
                    self.ranged(Opt::Weight, text, NUMBERS, "illegal weight specified")?;
            }
            Tag::Upper => {
                self.upper =
                    self.ranged(Opt::Upper, text, NUMBERS, "illegal u_threshold specified")?;
            }
            Tag::Lower => {
                self.lower =
                    self.ranged(Opt::Lower, text, NUMBERS, "illegal l_threshold specified")?;
            }
            Tag::TunType => {
                self.count(Opt::TunType)?;
                self.tunnel = ["ipip", "gue", "gre"]
                    .into_iter()
                    .find(|name| *name == text)
                    .ok_or_else(|| Usage::wrong("illegal tunnel type specified"))?;
            }
            Tag::TunPort => {
                let wrong = "illegal tunnel port specified";
                let port = self.ranged(Opt::TunPort, text, 1..=65535, wrong)?;
                self.tunnel_port = NonZeroU16::new(port);
            }
            _ => return self.take_of_daemon(tag, text),
        }
        Ok(true)
    }

    /// Options of the synchronisation daemons.
    fn take_of_daemon(&mut self, tag: Tag, text: &str) -> Result<bool, Usage> {
        match tag {
            Tag::McastInterface => {
                self.count(Opt::McastInterface)?;
                self.daemon.interface = cut(text, 15);
            }
            Tag::SyncId => {
                self.daemon.syncid =
                    self.ranged(Opt::SyncId, text, 0..=255, "illegal syncid specified")?;
            }
            Tag::McastGroup => {
                self.count(Opt::McastGroup)?;
                self.daemon.group = Some(group(text)?);
            }
            Tag::McastPort => {
                let wrong = "illegal mcast-port specified";
                let port = self.ranged(Opt::McastPort, text, 1..=65535, wrong)?;
                self.daemon.port = NonZeroU16::new(port);
            }
            Tag::McastTtl => {
                let wrong = "illegal mcast-ttl specified";
                self.daemon.ttl = Some(self.ranged(Opt::McastTtl, text, 1..=255, wrong)?);
            }
            Tag::SyncMaxlen => {
                let wrong = "illegal sync-maxlen specified";
                let longest = self.ranged(Opt::SyncMaxlen, text, 1..=65507, wrong)?;
                self.daemon.longest = NonZeroU16::new(longest);
            }
            _ => return self.take_plain(tag),
        }
        Ok(true)
    }

    /// Options that say no more than that they are there.
    fn take_plain(&mut self, tag: Tag) -> Result<bool, Usage> {
        self.count(match tag {
            Tag::Numeric => Opt::Numeric,
            Tag::Connection => Opt::Connection,
            Tag::Timeout => Opt::Timeout,
            Tag::Daemon => Opt::Daemon,
            Tag::Stats => Opt::Stats,
            Tag::Rate => Opt::Rate,
            Tag::Thresholds => Opt::Thresholds,
            Tag::PersistentConn => Opt::PersistentConn,
            Tag::NoSort => Opt::NoSort,
            Tag::Exact => Opt::Exact,
            Tag::TunInfo => Opt::TunInfo,
            Tag::TunNocsum => Opt::TunNocsum,
            Tag::TunCsum => Opt::TunCsum,
            Tag::TunRemcsum => Opt::TunRemcsum,
            Tag::Sort => return Ok(true),
            _ => return Ok(false),
        })?;
        Ok(true)
    }

    fn named(&mut self, protocol: Protocol, text: &str) -> Result<(), Usage> {
        self.count(Opt::Service)?;
        let (vip, port) = address::service(text, Some(protocol), self.names)
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
        let mark = number(text, 1, i64::from(u32::MAX))
            .and_then(|mark| u32::try_from(mark).ok())
            .and_then(NonZeroU32::new);
        self.service = Named::Mark(Mark {
            number: mark
                .ok_or_else(|| Usage::wrong(format!("invalid fwmark value `{text}' specified")))?,
            family: Family::Ipv4,
        });
        Ok(())
    }

    fn mask(&mut self, text: &str) -> Result<(), Usage> {
        self.count(Opt::Netmask)?;
        self.netmask = match self.service.family() {
            Family::Ipv4 => {
                let mask = address::host(text, self.names);
                Netmask::Ipv4(mask.ok_or_else(|| {
                    Usage::wrong("illegal virtual server persistent mask specified")
                })?)
            }
            Family::Ipv6 => {
                let length = u8::try_from(leading(text)).ok();
                let length = length.filter(|length| (1..=128).contains(length));
                Netmask::Ipv6(length.ok_or_else(|| Usage::wrong("illegal ipv6 netmask specified"))?)
            }
        };
        Ok(())
    }

    fn method(&mut self, method: Method) -> Result<(), Usage> {
        self.count(Opt::Forwarding)?;
        self.method = method;
        Ok(())
    }

    /// The number that is an option's argument.
    fn ranged<N: TryFrom<i64>>(
        &mut self,
        option: Opt,
        text: &str,
        range: RangeInclusive<i64>,
        wrong: &str,
    ) -> Result<N, Usage> {
        self.count(option)?;
        number(text, *range.start(), *range.end())
            .and_then(|number| N::try_from(number).ok())
            .ok_or_else(|| Usage::wrong(wrong))
    }
}

/// The range of weights and thresholds.
const NUMBERS: RangeInclusive<i64> = 0..=i32::MAX as i64;

/// A multicast group.
fn group(text: &str) -> Result<IpAddr, Usage> {
    let (version, group) = if text.contains(':') {
        ("IPv6", text.parse::<Ipv6Addr>().map(IpAddr::V6))
    } else {
        ("IPv4", text.parse::<Ipv4Addr>().map(IpAddr::V4))
    };
    group
        .ok()
        .filter(IpAddr::is_multicast)
        .ok_or_else(|| Usage::wrong(format!("invalid {version} mcast-group `{text}'")))
}

/// What fits of a name that the kernel keeps so many bytes of.
fn cut(text: &str, length: usize) -> String {
    text[..text.floor_char_boundary(length)].to_owned()
}
