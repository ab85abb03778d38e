//! What a virtual service is known by.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    num::NonZeroU32,
};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What identifies a virtual service: the keys of one or of the other stand beside those of what it identifies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum ServiceIdentity {
    /// Protocol, VIP and port.
    Address(ServiceAddress),
    /// A mark that rules give to packets.
    Mark(Mark),
}

/// A service's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct ServiceAddress {
    /// Transport protocol.
    pub protocol: Protocol,
    /// The VIP.
    #[schema(value_type = String, example = "10.77.0.11")]
    pub vip: IpAddr,
    /// Port; 0 for every port that has no service of its own.
    pub port: u16,
}

/// A mark, in one address family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct Mark {
    /// The mark.
    #[schema(value_type = u32, minimum = 1)]
    pub mark: NonZeroU32,
    /// The family of the packets that the service is for.
    pub family: Family,
}

/// A transport protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// RFC 9293.
    Tcp,
    /// RFC 768.
    Udp,
    /// RFC 9260.
    Sctp,
}

/// An address family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// RFC 791.
    Ipv4,
    /// RFC 8200.
    Ipv6,
}

/// With the habits of `ipvsadm -Ln`: `TCP  10.77.0.100:80`, `FWM  5`, `FWM  5 IPv6`.
impl fmt::Display for ServiceIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(ServiceAddress {
                protocol,
                vip,
                port,
            }) => {
                let protocol = protocol.name().to_uppercase();
                write!(f, "{protocol:<4} {}", SocketAddr::new(*vip, *port))
            }
            Self::Mark(Mark { mark, family }) => match family {
                Family::Ipv4 => write!(f, "FWM  {mark}"),
                Family::Ipv6 => write!(f, "FWM  {mark} IPv6"),
            },
        }
    }
}

impl Protocol {
    /// `tcp`, `udp` or `sctp`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
        }
    }
}

impl From<dray_model::ServiceIdentity> for ServiceIdentity {
    fn from(identity: dray_model::ServiceIdentity) -> Self {
        match identity {
            dray_model::ServiceIdentity::Address(address) => Self::Address(address.into()),
            dray_model::ServiceIdentity::Mark(mark) => Self::Mark(mark.into()),
        }
    }
}

impl From<dray_model::ServiceAddress> for ServiceAddress {
    fn from(address: dray_model::ServiceAddress) -> Self {
        let dray_model::ServiceAddress {
            protocol,
            vip,
            port,
        } = address;
        Self {
            protocol: protocol.into(),
            vip,
            port,
        }
    }
}

impl From<dray_model::Mark> for Mark {
    fn from(dray_model::Mark { number, family }: dray_model::Mark) -> Self {
        Self {
            mark: number,
            family: family.into(),
        }
    }
}

impl From<dray_model::Protocol> for Protocol {
    fn from(protocol: dray_model::Protocol) -> Self {
        match protocol {
            dray_model::Protocol::Tcp => Self::Tcp,
            dray_model::Protocol::Udp => Self::Udp,
            dray_model::Protocol::Sctp => Self::Sctp,
        }
    }
}

impl From<dray_model::Family> for Family {
    fn from(family: dray_model::Family) -> Self {
        match family {
            dray_model::Family::Ipv4 => Self::Ipv4,
            dray_model::Family::Ipv6 => Self::Ipv6,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Named {
        name: String,
        #[serde(flatten)]
        identity: ServiceIdentity,
    }

    fn both_ways(identity: ServiceIdentity) -> Value {
        let named = Named {
            name: "web".to_owned(),
            identity,
        };
        let json = serde_json::to_value(&named).expect("JSON");
        assert_eq!(
            serde_json::from_value::<Named>(json.clone()).expect("a service"),
            named
        );
        json
    }

    #[test]
    fn an_identity_stands_beside_the_other_keys() {
        let address = ServiceAddress {
            protocol: Protocol::Sctp,
            vip: "2001:db8::1".parse().expect("an address"),
            port: 0,
        };
        assert_eq!(
            both_ways(ServiceIdentity::Address(address)),
            json!({"name": "web", "protocol": "sctp", "vip": "2001:db8::1", "port": 0})
        );
        let mark = Mark {
            mark: NonZeroU32::MAX,
            family: Family::Ipv6,
        };
        assert_eq!(
            both_ways(ServiceIdentity::Mark(mark)),
            json!({"name": "web", "mark": 4_294_967_295_u32, "family": "ipv6"})
        );
        assert_eq!(
            ServiceIdentity::Mark(mark).to_string(),
            "FWM  4294967295 IPv6"
        );
    }
}
