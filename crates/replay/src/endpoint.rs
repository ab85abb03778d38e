//! An address, with a port or without, as scenario files and `ipvsadm` write it.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use serde::{Deserialize, Serialize};

/// An address, with a port or without: `10.0.0.1:80`, `[2001:db8::1]:80`, `10.0.0.1`, `2001:db8::1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Endpoint {
    /// The address.
    pub address: IpAddr,
    /// The port, host byte order; `None` when none is written.
    pub port: Option<u16>,
}

impl Endpoint {
    /// An address and a port.
    pub const fn new(address: IpAddr, port: u16) -> Self {
        Self {
            address,
            port: Some(port),
        }
    }

    /// The port, 0 when none is written.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(0)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.address, self.port) {
            (address, None) => address.fmt(f),
            (IpAddr::V4(address), Some(port)) => write!(f, "{address}:{port}"),
            (IpAddr::V6(address), Some(port)) => write!(f, "[{address}]:{port}"),
        }
    }
}

/// The text is no address with or without a port.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an address (10.0.0.1, 10.0.0.1:80, 2001:db8::1 or [2001:db8::1]:80)")]
pub struct NotAnEndpoint(String);

impl FromStr for Endpoint {
    type Err = NotAnEndpoint;

    fn from_str(text: &str) -> Result<Self, NotAnEndpoint> {
        parse(text).ok_or_else(|| NotAnEndpoint(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<Endpoint> {
    if let Some(rest) = text.strip_prefix('[') {
        let (address, port) = rest.split_once(']')?;
        return Some(Endpoint {
            address: IpAddr::V6(address.parse::<Ipv6Addr>().ok()?),
            port: match port.strip_prefix(':') {
                Some(port) => Some(port.parse().ok()?),
                None if port.is_empty() => None,
                None => return None,
            },
        });
    }
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(Endpoint {
            address,
            port: None,
        });
    }
    let (address, port) = text.split_once(':')?;
    Some(Endpoint {
        address: IpAddr::V4(address.parse::<Ipv4Addr>().ok()?),
        port: Some(port.parse().ok()?),
    })
}

impl TryFrom<String> for Endpoint {
    type Error = NotAnEndpoint;

    fn try_from(text: String) -> Result<Self, NotAnEndpoint> {
        text.parse()
    }
}

impl From<Endpoint> for String {
    fn from(endpoint: Endpoint) -> Self {
        endpoint.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read_and_written_back() {
        for text in ["10.0.0.1:80", "10.0.0.1", "[2001:db8::1]:80", "2001:db8::1"] {
            assert_eq!(
                text.parse::<Endpoint>().map(|it| it.to_string()),
                Ok(text.to_owned())
            );
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "80",
            "10.0.0.1:",
            "10.0.0.1:70000",
            "[10.0.0.1]:80",
            "[::1",
            "[::1]80",
            "a:b",
        ] {
            assert_eq!(
                text.parse::<Endpoint>(),
                Err(NotAnEndpoint(text.to_owned()))
            );
        }
    }
}
