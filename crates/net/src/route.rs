//! Routes: adding one, and asking the kernel which way it would send a packet.

use std::net::IpAddr;

use dray_model::NetError;
use rtnetlink::{
    packet_core::{NLM_F_CREATE, NLM_F_EXCL},
    packet_route::{
        RouteNetlinkMessage,
        route::{
            RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteMetric, RouteProtocol,
            RouteScope, RouteType, RouteVia,
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
    /// To a neighbour.
    Direct {
        /// On this interface (the kernel's number).
        interface: u32,
        /// The largest packet that the route is for, in bytes; none if it leaves that to the interface.
        mtu: Option<u32>,
    },
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
        let mtu = mtu_of(&message.attributes);
        interface.map_or(Self::None, |interface| Self::Direct { interface, mtu })
    }
}

/// What the route itself was given (`ip route add … mtu 1400`). What the kernel learned from ICMP errors is left
/// out: it ends by itself after a while, and nobody would say so.
fn mtu_of(attributes: &[RouteAttribute]) -> Option<u32> {
    let is_learned = attributes.iter().any(
        |attribute| matches!(attribute, RouteAttribute::CacheInfo(cached) if cached.expires != 0),
    );
    let metrics = attributes.iter().find_map(|attribute| match attribute {
        RouteAttribute::Metrics(metrics) if !is_learned => Some(metrics),
        _ => None,
    })?;
    metrics.iter().find_map(|metric| match metric {
        RouteMetric::Mtu(mtu) if *mtu != 0 => Some(*mtu),
        _ => None,
    })
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

#[cfg(test)]
mod tests {
    use rtnetlink::packet_route::route::RouteCacheInfo;

    use super::*;

    fn direct(attributes: Vec<RouteAttribute>) -> Route {
        let mut message = RouteMessage::default();
        message.header.kind = RouteType::Unicast;
        message.attributes = vec![RouteAttribute::Oif(2)];
        message.attributes.extend(attributes);
        Route::of(&message)
    }

    fn on_2(mtu: Option<u32>) -> Route {
        Route::Direct { interface: 2, mtu }
    }

    #[test]
    fn a_route_has_the_mtu_that_it_was_given() {
        let metrics = |mtu| RouteAttribute::Metrics(vec![RouteMetric::Hoplimit(9), mtu]);
        let given = metrics(RouteMetric::Mtu(1400));
        assert_eq!(direct(vec![given]), on_2(Some(1400)));
        assert_eq!(direct(vec![metrics(RouteMetric::Mtu(0))]), on_2(None));
        assert_eq!(direct(vec![metrics(RouteMetric::Rtt(3))]), on_2(None));
        assert_eq!(direct(vec![]), on_2(None));
    }

    #[test]
    fn an_mtu_that_was_learned_and_ends_by_itself_is_none() {
        let with_end_in = |ticks: u32| {
            // struct rta_cacheinfo: eight words, the third says when the route ends.
            let mut words = [0_u32; 8];
            words[2] = ticks;
            let bytes = words.map(u32::to_ne_bytes).concat();
            let cached = RouteCacheInfo::parse(&bytes).expect("eight words");
            direct(vec![
                RouteAttribute::Metrics(vec![RouteMetric::Mtu(1400)]),
                RouteAttribute::CacheInfo(cached),
            ])
        };
        assert_eq!(with_end_in(59_000), on_2(None));
        assert_eq!(with_end_in(0), on_2(Some(1400)));
    }
}
