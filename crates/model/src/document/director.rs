//! `director` and its tables, but for `ipvs`.

use std::{net::IpAddr, time::Duration};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Ipvs;
use crate::{
    ApiCallers, ApiReaders, Family, LocalAddresses, TunnelSource, TunnelSources, VipOwnership,
    config::spelling,
};

/// What concerns the director as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DirectorDocument)]
pub struct Director {
    /// The interfaces that carry traffic of clients or of real servers; at least one.
    #[schema(example = json!(["eth0"]))]
    pub interfaces: Vec<String>,
    /// Room in the connection table of each address family, in connections (1,024 to 67,108,864).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_connections: Option<u32>,
    /// Room in the table of translations, in connections (1,024 to 8,388,608).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_translations: Option<u32>,
    /// Whether dray adds VIPs and local addresses to an interface; `true` unless it is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manage_vips: Option<bool>,
    /// The interface that they are added to; the first one unless it is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vip_interface: Option<String>,
    /// How long connections last without packets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeouts: Option<Timeouts>,
    /// Where tunnels come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tunnel: Option<Tunnel>,
    /// Where FULLNAT's packets come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fullnat: Option<FullNat>,
    /// IPVS's settings, and what dray has beside them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipvs: Option<Ipvs>,
    /// Who may use the API, and where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api: Option<Api>,
}

/// How long connections last without packets: times of whole days, hours, minutes and seconds (`1h 30m`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TimeoutsDocument)]
pub struct Timeouts {
    /// An established TCP connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "15m")]
    pub tcp: Option<String>,
    /// A TCP connection after the client's FIN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "2m")]
    pub tcp_fin: Option<String>,
    /// A UDP flow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "5m")]
    pub udp: Option<String>,
}

/// Where tunnels come from: an address, or a network whose low bits vary by flow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TunnelDocument)]
pub struct Tunnel {
    /// The source of tunnels over IPv4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "172.16.0.0/18")]
    pub source4: Option<String>,
    /// The source of tunnels over IPv6.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "2001:db8::2")]
    pub source6: Option<String>,
}

/// Where FULLNAT's packets come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FullNatDocument)]
pub struct FullNat {
    /// Addresses, and ranges of addresses.
    #[schema(example = json!(["10.77.0.200", "10.77.0.210-10.77.0.213"]))]
    pub addresses: Vec<String>,
    /// The ports, from the first to the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "1024-65535")]
    pub ports: Option<String>,
}

/// Who may use the API, and where besides its Unix socket it is offered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ApiDocument)]
pub struct Api {
    /// Who may read on the Unix socket: `group` or `all`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "all")]
    pub readers: Option<String>,
    /// Where it is offered over TCP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp: Option<ApiTcp>,
}

/// The API over TCP, with TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ApiTcpDocument)]
pub struct ApiTcp {
    /// Address and port that it listens on.
    #[schema(example = "10.0.0.1:7443")]
    pub listen: String,
    /// Path of the server's certificate.
    #[schema(example = "/etc/dray/api.pem")]
    pub certificate: String,
    /// Path of the certificate's key.
    #[schema(example = "/etc/dray/api.key")]
    pub key: String,
    /// Path of the authorities of callers' certificates; this or `tokens`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_ca: Option<String>,
    /// Path of the callers' bearer tokens; this or `client_ca`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<String>,
}

impl From<&crate::Director> for Director {
    fn from(director: &crate::Director) -> Self {
        let (manage_vips, vip_interface) = match &director.vips {
            VipOwnership::External => (Some(false), None),
            VipOwnership::Director { interface } => {
                let is_first = director.interfaces.first() == Some(interface);
                (None, (!is_first).then(|| interface.clone()))
            }
        };
        let unlike = |number: u32, default: u32| (number != default).then_some(number);
        Self {
            interfaces: director.interfaces.clone(),
            max_connections: unlike(director.max_connections.get(), spelling::MAX_CONNECTIONS),
            max_translations: unlike(director.max_translations.get(), spelling::MAX_TRANSLATIONS),
            manage_vips,
            vip_interface,
            timeouts: timeouts(director.timeouts),
            tunnel: tunnel(director.tunnels),
            fullnat: fullnat(&director.fullnat),
            ipvs: Ipvs::of(&director.ipvs),
            api: api(&director.api),
        }
    }
}

fn timeouts(timeouts: crate::Timeouts) -> Option<Timeouts> {
    let default = crate::Timeouts::default();
    let unlike =
        |time: Duration, default| (time != default).then(|| spelling::duration(time.as_secs()));
    let written = Timeouts {
        tcp: unlike(timeouts.tcp, default.tcp),
        tcp_fin: unlike(timeouts.tcp_fin, default.tcp_fin),
        udp: unlike(timeouts.udp, default.udp),
    };
    (written != Timeouts::default()).then_some(written)
}

fn tunnel(sources: TunnelSources) -> Option<Tunnel> {
    let network = |source: TunnelSource| {
        let length = spelling::bits(source.address) - source.spread;
        spelling::network((source.address, length))
    };
    let written = Tunnel {
        source4: sources.ipv4.map(network),
        source6: sources.ipv6.map(network),
    };
    (written != Tunnel::default()).then_some(written)
}

fn fullnat(locals: &LocalAddresses) -> Option<FullNat> {
    let ports = &locals.ports;
    let is_default = *ports == LocalAddresses::default().ports;
    (!locals.addresses.is_empty()).then(|| FullNat {
        addresses: ranges(&locals.addresses),
        ports: (!is_default).then(|| spelling::ports(ports)),
    })
}

/// The addresses, with those that follow one another as ranges.
fn ranges(addresses: &[IpAddr]) -> Vec<String> {
    let runs = addresses.chunk_by(|one, next| follows(*one, *next));
    let words = runs.flat_map(|run| match run {
        [first, _, .., last] => vec![format!("{first}-{last}")],
        few => few.iter().map(ToString::to_string).collect(),
    });
    words.collect()
}

fn follows(one: IpAddr, next: IpAddr) -> bool {
    let number = |address| match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    };
    Family::of(one) == Family::of(next) && number(one).checked_add(1) == Some(number(next))
}

fn api(api: &crate::Api) -> Option<Api> {
    let written = Api {
        readers: (api.readers != ApiReaders::default())
            .then(|| spelling::readers(api.readers).to_owned()),
        tcp: api.tcp.as_ref().map(|tcp| {
            let path = |path: &std::path::Path| path.to_string_lossy().into_owned();
            let (client_ca, tokens) = match &tcp.callers {
                ApiCallers::Certificates { authorities } => (Some(path(authorities)), None),
                ApiCallers::Tokens { file } => (None, Some(path(file))),
            };
            ApiTcp {
                listen: tcp.listen.to_string(),
                certificate: path(&tcp.certificate),
                key: path(&tcp.key),
                client_ca,
                tokens,
            }
        }),
    };
    (written != Api::default()).then_some(written)
}
