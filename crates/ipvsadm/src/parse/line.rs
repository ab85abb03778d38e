//! What the options of a command line say, one after the other.

use std::{
    net::IpAddr,
    num::{NonZeroU16, NonZeroU32},
};

use dray_model::{Family, Mark, Protocol, ServiceAddress, Tunnel};

use super::{
    address::{self, number},
    options::Tag,
    rules::Opt,
    verb::Verb,
};
use crate::{Method, Netmask, Usage};

/// The longest timeout: 31 days, in seconds.
const MAX_TIMEOUT: i64 = 31 * 86400;

/// How long clients are persistent if a command says no time, in seconds.
const PERSISTENT: u32 = 360;

/// What the options said so far.
pub(super) struct Line {
    pub(super) verb: Verb,
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

    pub(super) const fn family(self) -> Family {
        match self {
            Self::Address(address) => Family::of(address.vip),
            Self::Mark(mark) => mark.family,
            Self::Nothing => Family::Ipv4,
        }
    }
}

impl Line {
    pub(super) fn new(verb: Verb) -> Self {
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
            method: Method::DirectRouting,
            weight: 1,
            upper: 0,
            lower: 0,
            tunnel: "ipip",
            tunnel_port: None,
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

    pub(super) fn take(&mut self, tag: Tag, argument: Option<&str>) -> Result<(), Usage> {
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
            Tag::Masquerading => self.method(Method::Nat)?,
            Tag::Ipip => self.method(Method::Tunnel(Tunnel::IpIp))?,
            Tag::Gatewaying => self.method(Method::DirectRouting)?,
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
                let port = number(text, 1, 65535).and_then(|port| NonZeroU16::new(port as u16));
                if port.is_none() {
                    return Err(Usage::wrong("illegal tunnel port specified"));
                }
                self.tunnel_port = port;
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

    fn method(&mut self, method: Method) -> Result<(), Usage> {
        self.count(Opt::Forwarding)?;
        self.method = method;
        Ok(())
    }

    fn counted(&mut self, option: Opt, text: &str, wrong: &str) -> Result<u32, Usage> {
        self.count(option)?;
        let number = number(text, 0, i64::from(i32::MAX));
        number
            .map(|number| number as u32)
            .ok_or_else(|| Usage::wrong(wrong))
    }
}

/// A time in seconds, from `least` to 31 days.
pub(super) fn timeout(text: &str, least: i64) -> Result<u32, Usage> {
    number(text, least, MAX_TIMEOUT)
        .map(|seconds| seconds as u32)
        .ok_or_else(|| Usage::wrong(format!("invalid timeout value `{text}' specified")))
}
