//! Addresses as the model names them: a virtual service's address and an Ethernet address.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    num::NonZeroU32,
    str::FromStr,
};

/// A transport protocol that a virtual service can balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// RFC 9293.
    Tcp,
    /// RFC 768.
    Udp,
    /// RFC 9260.
    Sctp,
}

impl Protocol {
    /// The number in the IP header (IANA protocol numbers).
    pub const fn number(self) -> u8 {
        match self {
            Self::Tcp => 6,
            Self::Udp => 17,
            Self::Sctp => 132,
        }
    }

    /// The protocol of an IP header's number, if it is one that can be balanced.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            6 => Some(Self::Tcp),
            17 => Some(Self::Udp),
            132 => Some(Self::Sctp),
            _ => None,
        }
    }

    /// `tcp`, `udp` or `sctp`, as in a service address.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
        }
    }
}

/// What identifies a virtual service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServiceIdentity {
    /// Protocol, VIP and port.
    Address(ServiceAddress),
    /// A mark that [rules](crate::MarkRule) give to packets: IPVS's firewall mark services.
    Mark(Mark),
}

impl ServiceIdentity {
    /// The family of its clients, VIPs and (but for tunnels) real servers.
    pub const fn family(&self) -> Family {
        match self {
            Self::Address(address) => Family::of(address.vip),
            Self::Mark(mark) => mark.family,
        }
    }

    /// Its address, unless it is a mark.
    pub const fn address(&self) -> Option<ServiceAddress> {
        match self {
            Self::Address(address) => Some(*address),
            Self::Mark(_) => None,
        }
    }
}

impl From<ServiceAddress> for ServiceIdentity {
    fn from(address: ServiceAddress) -> Self {
        Self::Address(address)
    }
}

impl From<Mark> for ServiceIdentity {
    fn from(mark: Mark) -> Self {
        Self::Mark(mark)
    }
}

impl fmt::Display for ServiceIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Mark(mark) => mark.fmt(f),
        }
    }
}

/// A mark, in one address family. Written `mark 5` or `mark 5 ipv6`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mark {
    /// 1 to 4,294,967,295.
    pub number: NonZeroU32,
    /// The family of the packets that the service is for.
    pub family: Family,
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.family {
            Family::Ipv4 => write!(f, "mark {}", self.number),
            Family::Ipv6 => write!(f, "mark {} ipv6", self.number),
        }
    }
}

/// An address family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// RFC 791.
    Ipv4,
    /// RFC 8200.
    Ipv6,
}

impl Family {
    /// The family of an address.
    pub const fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::Ipv4,
            IpAddr::V6(_) => Self::Ipv6,
        }
    }
}

/// Protocol, VIP and port. Written `tcp://10.77.0.100:80`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceAddress {
    /// Transport protocol.
    pub protocol: Protocol,
    /// The VIP.
    pub vip: IpAddr,
    /// Port, host byte order; 0 in a service's address stands for every port that has no service of its own.
    pub port: u16,
}

impl fmt::Display for ServiceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}://{}",
            self.protocol.name(),
            SocketAddr::new(self.vip, self.port)
        )
    }
}

/// An Ethernet address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mac(pub [u8; 6]);

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

/// The text was not six hexadecimal bytes with colons between them.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{0}` is not an Ethernet address (six hexadecimal bytes with colons, as 02:00:00:00:00:01)"
)]
pub struct NotAMac(String);

impl FromStr for Mac {
    type Err = NotAMac;

    fn from_str(text: &str) -> Result<Self, NotAMac> {
        let wrong = || NotAMac(text.to_owned());
        let mut bytes = [0; 6];
        let mut parts = text.split(':');
        for byte in &mut bytes {
            let part = parts
                .next()
                .filter(|part| part.len() == 2)
                .ok_or_else(wrong)?;
            *byte = u8::from_str_radix(part, 16).map_err(|_| wrong())?;
        }
        if parts.next().is_some() {
            Err(wrong())
        } else {
            Ok(Self(bytes))
        }
    }
}
