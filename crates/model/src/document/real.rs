//! `service.real`, and how a real server is named.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    num::NonZeroU16,
    str::FromStr,
};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{Checksum, from_checked, method::Method};
use crate::{
    RealServer, ServiceIdentity, Weight,
    config::{FieldError, part},
};

/// One real server of a service. What it does not say of its method is as in the service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RealDocument)]
pub struct Real {
    /// Its address, with its port where that is not the service's.
    #[schema(example = "10.77.0.11")]
    pub address: String,
    /// How it is reached: `dr`, `tun`, `nat` or `fullnat`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "tun")]
    pub forward: Option<String>,
    /// What its tunnel is made of: `ipip`, `gre` or `gue`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "gue")]
    pub tunnel: Option<String>,
    /// Its UDP port for GUE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tunnel_port: Option<u16>,
    /// Whether its tunnel has a checksum over the inner packet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tunnel_checksum: Option<Checksum>,
    /// Its share of new connections; 1 unless it is said, 0 quiesces it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<u16>,
    /// From this many connections on it gets no new ones; 0, or nothing, for no such bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upper_threshold: Option<u32>,
    /// Below this many it gets new ones again; 0, or nothing, for three quarters of the upper one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lower_threshold: Option<u32>,
}

impl Real {
    /// A real server that is written in JSON. What it says is checked as far as it can be without its service.
    ///
    /// # Errors
    /// With every error, each at its field.
    pub fn from_json(value: &Value) -> Result<Self, Vec<FieldError>> {
        part::check_real(value)?;
        from_checked(value)
    }

    /// The real server as its service would have it written.
    pub fn of(real: &RealServer, service: &crate::Service) -> Self {
        let method = Method::beside(real.forward, service.forward);
        let unlike = |number: u32| (number != 0).then_some(number);
        Self {
            address: Endpoint::of(real, &service.identity).to_string(),
            forward: method.forward,
            tunnel: method.tunnel,
            tunnel_port: method.tunnel_port,
            tunnel_checksum: method.tunnel_checksum,
            weight: (real.weight != Weight::DEFAULT).then(|| real.weight.value()),
            upper_threshold: unlike(real.thresholds.upper),
            lower_threshold: unlike(real.thresholds.lower),
        }
    }
}

/// The name of a real server in its service: address and port as the file writes them. Without a port it is the one at the
/// service's port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    /// The address.
    pub address: IpAddr,
    /// The port, if it is named.
    pub port: Option<NonZeroU16>,
}

impl Endpoint {
    /// The shortest name of a real server of such a service.
    pub fn of(real: &RealServer, service: &ServiceIdentity) -> Self {
        Self::at((real.address, real.port), service)
    }

    /// The shortest name of the real server with this address and port, 0 for that of the connection, of such a service.
    pub fn at((address, port): (IpAddr, u16), service: &ServiceIdentity) -> Self {
        let own = NonZeroU16::new(port);
        Self {
            address,
            port: own.filter(|own| own.get() != service_port(service)),
        }
    }

    /// Whether it names this real server of such a service.
    pub fn names(&self, real: &RealServer, service: &ServiceIdentity) -> bool {
        self.place(service) == (real.address, real.port)
    }

    /// Address and port of the real server that it names in such a service; port 0 for that of the connection.
    pub fn place(&self, service: &ServiceIdentity) -> (IpAddr, u16) {
        let port = self.port.map_or(service_port(service), NonZeroU16::get);
        (self.address, port)
    }
}

/// The port of real servers that write none.
fn service_port(service: &ServiceIdentity) -> u16 {
    service.address().map_or(0, |address| address.port)
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => SocketAddr::new(self.address, port.get()).fmt(f),
            None => self.address.fmt(f),
        }
    }
}

/// The text does not name a real server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not the address of a real server, as in `10.77.0.11`, `10.77.0.11:8080` or `[2001:db8::11]:8080`"
)]
pub struct NotAnEndpoint(String);

impl FromStr for Endpoint {
    type Err = NotAnEndpoint;

    fn from_str(text: &str) -> Result<Self, NotAnEndpoint> {
        let wrong = || NotAnEndpoint(text.to_owned());
        if let Ok(address) = text.parse() {
            return Ok(Self {
                address,
                port: None,
            });
        }
        let socket: SocketAddr = text.parse().map_err(|_| wrong())?;
        Ok(Self {
            address: socket.ip(),
            port: Some(NonZeroU16::new(socket.port()).ok_or_else(wrong)?),
        })
    }
}
