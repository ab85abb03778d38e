//! `service`.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{Checksum, Real, from_checked, method::Method};
use crate::{
    ClientAddress, Family, Forward, Granularity, HashFlags, Persistence, PersistenceEngine,
    Scheduler, ServiceIdentity,
    config::{FieldError, part, spelling},
};

/// One virtual service. It has an `address` or a `mark`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ServiceDocument)]
pub struct Service {
    /// Its name: 1 to 63 characters out of `a-z A-Z 0-9 . _ -`.
    #[schema(example = "web")]
    pub name: String,
    /// Protocol, VIP and port; port 0 for every port that has no service of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "tcp://10.77.0.100:80")]
    pub address: Option<String>,
    /// The mark of its packets (1 to 4,294,967,295).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<u32>,
    /// The family of a mark's packets: `ipv4`, unless it is said, or `ipv6`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "ipv6")]
    pub family: Option<String>,
    /// How a new connection's real server is chosen; `wlc` unless it is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "wrr")]
    pub scheduler: Option<String>,
    /// Flags of the scheduler.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!(["sh-fallback"]))]
    pub flags: Vec<String>,
    /// How long a client is remembered after its latest new connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "6m")]
    pub persistent: Option<String>,
    /// Which clients count as one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub netmask: Option<Netmask>,
    /// What tells sessions apart beside the client's address: `sip`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "sip")]
    pub persistence_engine: Option<String>,
    /// Whether every datagram is scheduled anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub one_packet: Option<bool>,
    /// How real servers are reached that name no method of their own: `dr`, unless it is said, `tun`, `nat` or `fullnat`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "nat")]
    pub forward: Option<String>,
    /// What tunnels are made of: `ipip`, unless it is said, `gre` or `gue`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "gue")]
    pub tunnel: Option<String>,
    /// The real server's UDP port for GUE; 6080 unless it is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tunnel_port: Option<u16>,
    /// Whether tunnels have a checksum over the inner packet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tunnel_checksum: Option<Checksum>,
    /// What FULLNAT's real servers are told of the client: `hidden`, unless it is said, or `toa`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "toa")]
    pub client_address: Option<String>,
    /// The kind of TOA's TCP option; 254 unless it is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub toa_option: Option<u8>,
    /// The largest TCP segment that SYNs may ask for, in bytes (536 to 65,495).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mss: Option<u16>,
    /// The real servers, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub real: Vec<Real>,
}

/// Which clients of a persistent service count as one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Netmask {
    /// Of IPv4, a mask (`255.255.255.0`).
    Mask(String),
    /// Of IPv6, the length of a prefix, 1 to 128.
    Length(u8),
}

impl Service {
    /// A service that is written in JSON. What it says is checked as far as it can be alone.
    ///
    /// # Errors
    /// With every error, each at its field.
    pub fn from_json(value: &Value) -> Result<Self, Vec<FieldError>> {
        part::check_service(value)?;
        from_checked(value)
    }
}

impl From<&crate::Service> for Service {
    fn from(service: &crate::Service) -> Self {
        let method = Method::beside(service.forward, Forward::DirectRouting);
        let (address, mark, family) = match service.identity {
            ServiceIdentity::Address(address) => (Some(address.to_string()), None, None),
            ServiceIdentity::Mark(mark) => {
                let family =
                    (mark.family != Family::Ipv4).then(|| spelling::family(mark.family).to_owned());
                (None, Some(mark.number.get()), family)
            }
        };
        let persistence = service.options.persistence;
        let toa = match service.client_address {
            ClientAddress::Hidden => None,
            ClientAddress::TcpOption { kind } => Some(kind),
        };
        Self {
            name: service.name.to_string(),
            address,
            mark,
            family,
            scheduler: (service.scheduler != spelling::SCHEDULER)
                .then(|| service.scheduler.name().to_owned()),
            flags: flags(service.scheduler),
            persistent: persistence
                .map(|persistence| spelling::duration(persistence.timeout.get().into())),
            netmask: persistence.and_then(netmask),
            persistence_engine: persistence.and_then(|persistence| match persistence.engine? {
                PersistenceEngine::Sip => Some("sip".to_owned()),
            }),
            one_packet: service.options.one_packet.then_some(true),
            forward: method.forward,
            tunnel: method.tunnel,
            tunnel_port: method.tunnel_port,
            tunnel_checksum: method.tunnel_checksum,
            client_address: toa.map(|_| "toa".to_owned()),
            toa_option: toa.filter(|kind| *kind != spelling::TOA),
            mss: service.mss.map(Into::into),
            real: service
                .reals
                .iter()
                .map(|real| Real::of(real, service))
                .collect(),
        }
    }
}

/// The flags by their names, of which each scheduler has its own.
fn flags(scheduler: Scheduler) -> Vec<String> {
    let (Scheduler::SourceHash(flags) | Scheduler::MaglevHash(flags)) = scheduler else {
        return Vec::new();
    };
    let HashFlags { fallback, port } = flags;
    [(fallback, "fallback"), (port, "port")]
        .into_iter()
        .filter(|(is_set, _)| *is_set)
        .map(|(_, flag)| format!("{}-{flag}", scheduler.name()))
        .collect()
}

/// The mask, unless each address is a client for itself.
fn netmask(persistence: Persistence) -> Option<Netmask> {
    match persistence.granularity {
        Granularity::Ipv4(mask) if mask.is_broadcast() => None,
        Granularity::Ipv4(mask) => Some(Netmask::Mask(mask.to_string())),
        Granularity::Ipv6(128) => None,
        Granularity::Ipv6(length) => Some(Netmask::Length(length)),
    }
}
