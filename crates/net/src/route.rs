//! Routes: adding one, and asking the kernel which way it would send a packet.

use std::net::IpAddr;

use dray_model::NetError;
use rtnetlink::{
    packet_core::{NLM_F_CREATE, NLM_F_EXCL},
    packet_route::{
        RouteNetlinkMessage,
        route::{
            RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteScope,
            RouteType, RouteVia,
        },
    },
};

use crate::{
    Netlink,
    address::{family, host_prefix},
    netlink::{Refused, failed},
};

/// The way that the kernel sends a packet for an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// To a neighbour on this interface (the kernel's number).
    Direct(u32),
    /// To a gateway.
    Via(IpAddr),
    /// To this host itself.
    Local,
    /// Nowhere.
    None,
}

impl Netlink {
    /// Adds a route to the main table: by a gateway, or directly by an interface.
    ///
    /// # Errors
    /// When there is such a route already, the interface does not exist or is down, or the gateway is not
    /// reachable by it.
    pub async fn add_route(
        &self,
        destination: (IpAddr, u8),
        gateway: Option<IpAddr>,
        link: &str,
    ) -> Result<(), NetError> {
        let (address, prefix) = destination;
        let by = gateway.map_or_else(String::new, |gateway| format!(" by {gateway}"));
        let what = || format!("add a route to {address}/{prefix}{by} on {link}");
        let index = self.find_link(link).await.map_err(failed(what()))?.index;

        let mut message = RouteMessage::default();
        message.header.address_family = family(address);
        message.header.destination_prefix_length = prefix;
        message.header.table = RouteHeader::RT_TABLE_MAIN;
        message.header.protocol = RouteProtocol::Static;
        message.header.scope = if gateway.is_some() {
            RouteScope::Universe
        } else {
            RouteScope::Link
        };
        message.header.kind = RouteType::Unicast;
        message.attributes = vec![
            RouteAttribute::Destination(address.into()),
            RouteAttribute::Oif(index),
        ];
        message
            .attributes
            .extend(gateway.map(|gateway| RouteAttribute::Gateway(gateway.into())));
        let request = RouteNetlinkMessage::NewRoute(message);
        self.tell(request, NLM_F_CREATE | NLM_F_EXCL)
            .await
            .map_err(failed(what()))
    }

    /// The way to an address, as `ip route get` shows it.
    pub(crate) async fn route_to(&self, address: IpAddr) -> Result<Route, Refused> {
        let mut message = RouteMessage::default();
        message.header.address_family = family(address);
        message.header.destination_prefix_length = host_prefix(address);
        message
            .attributes
            .push(RouteAttribute::Destination(address.into()));
        match self.ask(RouteNetlinkMessage::GetRoute(message), 0).await {
            Ok(answer) => Ok(answer.iter().find_map(route_of).unwrap_or(Route::None)),
            Err(refused) if NO_ROUTE.iter().any(|number| refused.is(*number)) => Ok(Route::None),
            Err(refused) => Err(refused),
        }
    }
}

/// How the kernel says that there is no way: no route at all, and routes of the types unreachable, prohibit and
/// blackhole (`fib_props` in net/ipv4/fib_semantics.c).
const NO_ROUTE: [i32; 4] = [
    libc::ENETUNREACH,
    libc::EHOSTUNREACH,
    libc::EACCES,
    libc::EINVAL,
];

fn route_of(message: &RouteNetlinkMessage) -> Option<Route> {
    match message {
        RouteNetlinkMessage::NewRoute(message) => Some(Route::of(message)),
        _ => None,
    }
}

impl Route {
    fn of(message: &RouteMessage) -> Self {
        match message.header.kind {
            RouteType::Local => return Self::Local,
            RouteType::Unicast => {}
            _ => return Self::None,
        }
        if let Some(gateway) = message.attributes.iter().find_map(gateway_of) {
            return Self::Via(gateway);
        }
        let interface = message
            .attributes
            .iter()
            .find_map(|attribute| match attribute {
                RouteAttribute::Oif(index) => Some(*index),
                _ => None,
            });
        interface.map_or(Self::None, Self::Direct)
    }
}

/// A gateway may be of the other family (RFC 5549: IPv4 by an IPv6 neighbour); it is a gateway all the same.
fn gateway_of(attribute: &RouteAttribute) -> Option<IpAddr> {
    match attribute {
        RouteAttribute::Gateway(RouteAddress::Inet(gateway))
        | RouteAttribute::Via(RouteVia::Inet(gateway)) => Some((*gateway).into()),
        RouteAttribute::Gateway(RouteAddress::Inet6(gateway))
        | RouteAttribute::Via(RouteVia::Inet6(gateway)) => Some((*gateway).into()),
        _ => None,
    }
}
