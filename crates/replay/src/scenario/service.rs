//! What a scenario's director is set up with.

use std::{fmt, net::IpAddr, num::NonZeroU32, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::Endpoint;

/// A service that is there from the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// What it is for.
    pub name: ServiceName,
    /// The scheduler's name, as in `ipvsadm -s`.
    pub scheduler: String,
    /// The scheduler's flags, as in `ipvsadm -b`.
    pub flags: Option<String>,
    /// One-packet scheduling.
    pub one_packet: bool,
    /// The granularity of persistence, as in `ipvsadm -M`: a mask, or for IPv6 a prefix length.
    pub netmask: Option<String>,
    /// Persistence, in seconds.
    pub persistent: Option<u32>,
    /// Its real servers, in the order in which they are added.
    pub reals: Vec<RealServer>,
}

impl Service {
    /// The `ipvsadm` command lines that make it and its real servers, without that word.
    pub fn commands(&self) -> Vec<String> {
        let key = self.name.option();
        let mut line = format!("-A {key} -s {}", self.scheduler);
        if let Some(flags) = &self.flags {
            line += &format!(" -b {flags}");
        }
        if let Some(seconds) = self.persistent {
            line += &format!(" -p {seconds}");
        }
        if let Some(mask) = &self.netmask {
            line += &format!(" -M {mask}");
        }
        if self.one_packet {
            line += " -o";
        }
        let mut lines = vec![line];
        lines.extend(self.reals.iter().map(|real| real.command(&key)));
        lines
    }
}

/// What a service is for: `tcp 10.0.0.1:80`, `udp [2001:db8::1]:53`, `sctp 10.0.0.1:9`, `fwmark 5`, `fwmark6 5`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub enum ServiceName {
    /// TCP to an address and port.
    Tcp(Endpoint),
    /// UDP.
    Udp(Endpoint),
    /// SCTP.
    Sctp(Endpoint),
    /// IPv4 packets with a mark.
    Mark(NonZeroU32),
    /// IPv6 packets with a mark.
    Mark6(NonZeroU32),
}

impl ServiceName {
    /// The VIP, unless it is a mark.
    pub const fn vip(&self) -> Option<IpAddr> {
        match self {
            Self::Tcp(at) | Self::Udp(at) | Self::Sctp(at) => Some(at.address),
            Self::Mark(_) | Self::Mark6(_) => None,
        }
    }

    /// The words by which `ipvsadm` names it.
    pub fn option(&self) -> String {
        match self {
            Self::Tcp(at) => format!("-t {at}"),
            Self::Udp(at) => format!("-u {at}"),
            Self::Sctp(at) => format!("--sctp-service {at}"),
            Self::Mark(mark) => format!("-f {mark}"),
            Self::Mark6(mark) => format!("-f {mark} -6"),
        }
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(at) => write!(f, "tcp {at}"),
            Self::Udp(at) => write!(f, "udp {at}"),
            Self::Sctp(at) => write!(f, "sctp {at}"),
            Self::Mark(mark) => write!(f, "fwmark {mark}"),
            Self::Mark6(mark) => write!(f, "fwmark6 {mark}"),
        }
    }
}

impl FromStr for ServiceName {
    type Err = NotAService;

    fn from_str(text: &str) -> Result<Self, NotAService> {
        let wrong = || NotAService(text.to_owned());
        let (kind, rest) = text.split_once(' ').ok_or_else(wrong)?;
        let at = || rest.parse().map_err(|_| wrong());
        let mark = || rest.parse().map_err(|_| wrong());
        match kind {
            "tcp" => Ok(Self::Tcp(at()?)),
            "udp" => Ok(Self::Udp(at()?)),
            "sctp" => Ok(Self::Sctp(at()?)),
            "fwmark" => Ok(Self::Mark(mark()?)),
            "fwmark6" => Ok(Self::Mark6(mark()?)),
            _ => Err(wrong()),
        }
    }
}

impl TryFrom<String> for ServiceName {
    type Error = NotAService;

    fn try_from(text: String) -> Result<Self, NotAService> {
        text.parse()
    }
}

impl From<ServiceName> for String {
    fn from(name: ServiceName) -> Self {
        name.to_string()
    }
}

/// The text names no service.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a service (tcp 10.0.0.1:80, udp [2001:db8::1]:53, sctp 10.0.0.1:9, fwmark 5 or fwmark6 5)"
)]
pub struct NotAService(String);

/// A real server of such a service.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RealServer {
    /// Its address and port.
    pub real: Endpoint,
    /// Its weight.
    pub weight: u32,
    /// The forwarding method.
    pub forward: Forward,
    /// The upper threshold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upper: Option<u32>,
    /// The lower threshold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lower: Option<u32>,
    /// More words for `ipvsadm -a`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options: Option<String>,
}

impl RealServer {
    /// The command line that adds it to the service that `key` names.
    fn command(&self, key: &str) -> String {
        let mut line = format!(
            "-a {key} -r {} -{} -w {}",
            self.real,
            self.forward.letter(),
            self.weight
        );
        if let Some(upper) = self.upper {
            line += &format!(" -x {upper}");
        }
        if let Some(lower) = self.lower {
            line += &format!(" -y {lower}");
        }
        if let Some(options) = &self.options {
            line += &format!(" {options}");
        }
        line
    }
}

/// A forwarding method, by `ipvsadm`'s letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum Forward {
    /// Direct routing.
    #[serde(rename = "g")]
    DirectRouting,
    /// A tunnel.
    #[serde(rename = "i")]
    Tunnel,
    /// Masquerading.
    #[serde(rename = "m")]
    Nat,
}

impl Forward {
    const fn letter(self) -> char {
        match self {
            Self::DirectRouting => 'g',
            Self::Tunnel => 'i',
            Self::Nat => 'm',
        }
    }
}

/// A rule that marks packets.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct MarkRule {
    /// Destinations that it is for.
    pub dst: Prefix,
    /// The protocol that it is for, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proto: Option<MarkedProtocol>,
    /// The destination port that it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dport: Option<u16>,
    /// The mark that it sets; 0 takes one away.
    pub mark: u32,
}

/// A protocol that a rule can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MarkedProtocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

/// An address prefix: `10.9.0.0/16`, or a whole address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Prefix {
    /// The address.
    pub address: IpAddr,
    /// Bits of it that count; `None` when the text says none, which means all.
    pub length: Option<u8>,
}

impl Prefix {
    /// The bits that count.
    pub fn bits(&self) -> u8 {
        self.length
            .unwrap_or(if self.address.is_ipv4() { 32 } else { 128 })
    }

    /// Whether the address is in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        let (own, other, width) = match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                (own.to_bits().into(), other.to_bits().into(), 32)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => (own.to_bits(), other.to_bits(), 128),
            _ => return false,
        };
        let difference: u128 = own ^ other;
        difference
            .checked_shr(width - u32::from(self.bits()))
            .unwrap_or(0)
            == 0
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)?;
        self.length.map_or(Ok(()), |length| write!(f, "/{length}"))
    }
}

impl FromStr for Prefix {
    type Err = NotAPrefix;

    fn from_str(text: &str) -> Result<Self, NotAPrefix> {
        let wrong = || NotAPrefix(text.to_owned());
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length.parse::<u8>().map_err(|_| wrong())?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let widest = if address.is_ipv4() { 32 } else { 128 };
        if length.is_some_and(|length| length > widest) {
            return Err(wrong());
        }
        Ok(Self { address, length })
    }
}

impl TryFrom<String> for Prefix {
    type Error = NotAPrefix;

    fn try_from(text: String) -> Result<Self, NotAPrefix> {
        text.parse()
    }
}

impl From<Prefix> for String {
    fn from(prefix: Prefix) -> Self {
        prefix.to_string()
    }
}

/// The text is no prefix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an address prefix (10.9.0.0/16, 2001:db8::/32)")]
pub struct NotAPrefix(String);

/// The three timeouts of `ipvsadm --set`, in seconds; 0 leaves one as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Timeouts {
    /// TCP ESTABLISHED.
    pub tcp: u32,
    /// TCP FIN_WAIT.
    pub tcp_fin: u32,
    /// UDP.
    pub udp: u32,
}

impl fmt::Display for Timeouts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.tcp, self.tcp_fin, self.udp)
    }
}

impl TryFrom<String> for Timeouts {
    type Error = NotTimeouts;

    fn try_from(text: String) -> Result<Self, NotTimeouts> {
        let numbers: Option<Vec<u32>> = text.split_whitespace().map(|it| it.parse().ok()).collect();
        match numbers.as_deref() {
            Some([tcp, tcp_fin, udp]) => Ok(Self {
                tcp: *tcp,
                tcp_fin: *tcp_fin,
                udp: *udp,
            }),
            _ => Err(NotTimeouts(text)),
        }
    }
}

impl From<Timeouts> for String {
    fn from(timeouts: Timeouts) -> Self {
        timeouts.to_string()
    }
}

/// The text is not three numbers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not three timeouts in seconds (tcp, tcpfin, udp, as in `900 120 300`)")]
pub struct NotTimeouts(String);

/// Whose answers a file has, as the kernel calls itself: `Linux 6.1.176 #1 …`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Kernel(pub String);

impl Kernel {
    /// The first three numbers of its version; `None` when the text has none.
    pub fn version(&self) -> Option<(u32, u32, u32)> {
        let text = self.0.strip_prefix("Linux ")?;
        let end = text
            .find(|c: char| !(c.is_ascii_digit() || c == '.'))
            .unwrap_or(text.len());
        let mut numbers = text[..end].split('.').map(|number| number.parse().ok());
        Some((
            numbers.next()??,
            numbers.next()??,
            numbers.next().flatten().unwrap_or(0),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_contains_what_agrees_in_its_bits() {
        let prefix: Prefix = "10.9.0.0/16".parse().expect("a prefix");
        assert!(prefix.contains("10.9.255.1".parse().expect("an address")));
        assert!(!prefix.contains("10.8.0.1".parse().expect("an address")));
        let all: Prefix = "::/0".parse().expect("a prefix");
        assert!(all.contains("2001:db8::1".parse().expect("an address")));
        assert!(!all.contains("10.0.0.1".parse().expect("an address")));
        let one: Prefix = "10.0.0.145".parse().expect("a prefix");
        assert!(one.contains("10.0.0.145".parse().expect("an address")));
        assert!(!one.contains("10.0.0.144".parse().expect("an address")));
    }

    #[test]
    fn a_kernel_says_its_version() {
        let version = |text: &str| Kernel(text.to_owned()).version();
        assert_eq!(
            version("Linux 6.1.176 #1 Sat Jul  4 (UML)"),
            Some((6, 1, 176))
        );
        assert_eq!(version("Linux 6.12-rc1"), Some((6, 12, 0)));
        assert_eq!(version("dray 0.1.0"), None);
    }
}
