//! Routes: adding one, and asking the kernel which way it would send a packet.

use std::net::IpAddr;

use dray_model::NetError;
use rtnetlink::{
    packet_core::{NLM_F_CREATE, NLM_F_EXCL},
    packet_route::{
        RouteNetlinkMessage,
        route::{
            RouteAddress, RouteAttribute, RouteFlags, RouteHeader, RouteMessage, RouteMetric,
            RouteProtocol, RouteScope, RouteType, RouteVia,
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
    /// Out by an interface.
    Out(Path),
    /// To this host itself.
    Local,
    /// Nowhere.
    None,
}

/// The way out of the host to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    /// The interface (the kernel's number).
    pub(crate) interface: u32,
    /// Who takes the packet from there, if the address is not on a network of the host's.
    pub(crate) gateway: Option<IpAddr>,
    /// The address that a packet of the host's own gets.
    pub(crate) source: Option<IpAddr>,
    /// The prefix length of the host's network that the address is on.
    pub(crate) shared: Option<u8>,
    /// The largest packet that the route is for, in bytes; none if it leaves that to the interface.
    pub(crate) mtu: Option<u32>,
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

    /// The way to an address, as `ip route get` shows it. Of an address without a gateway the network is asked for too.
    pub(crate) async fn route_to(&self, address: IpAddr) -> Result<Route, Refused> {
        let found = self.look_up(address, RouteFlags::empty()).await?;
        match found.as_ref().map_or(Route::None, Route::of) {
            Route::Out(path) if path.gateway.is_none() => {
                let network = self.look_up(address, RouteFlags::FibMatch).await?;
                let shared = network.as_ref().and_then(network_length);
                Ok(Route::Out(Path { shared, ..path }))
            }
            route => Ok(route),
        }
    }

    /// The kernel's answer to a lookup: the way to the one address, or with [`RouteFlags::FibMatch`] the entry of the routing
    /// table that it comes from. None if there is no way.
    async fn look_up(
        &self,
        address: IpAddr,
        flags: RouteFlags,
    ) -> Result<Option<RouteMessage>, Refused> {
        let mut message = RouteMessage::default();
        message.header.address_family = family(address);
        message.header.destination_prefix_length = host_prefix(address);
        message.header.flags = flags;
        message
            .attributes
            .push(RouteAttribute::Destination(address.into()));
        match self.ask(RouteNetlinkMessage::GetRoute(message), 0).await {
            Ok(answer) => Ok(answer.into_iter().find_map(route_of)),
            Err(refused) if NO_ROUTE.iter().any(|number| refused.is(*number)) => Ok(None),
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

fn route_of(message: RouteNetlinkMessage) -> Option<RouteMessage> {
    match message {
        RouteNetlinkMessage::NewRoute(message) => Some(message),
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
        let attributes = &message.attributes;
        let interface = attributes.iter().find_map(|attribute| match attribute {
            RouteAttribute::Oif(index) => Some(*index),
            _ => None,
        });
        interface.map_or(Self::None, |interface| {
            let gateway = attributes.iter().find_map(gateway_of);
            Self::Out(Path {
                interface,
                gateway,
                source: attributes.iter().find_map(source_of),
                shared: None,
                mtu: mtu_of(attributes, gateway.is_some()),
            })
        })
    }
}

/// The prefix length of a network that the host is on: that of a route without a gateway. The default route names none.
fn network_length(entry: &RouteMessage) -> Option<u8> {
    let length = entry.header.destination_prefix_length;
    (length != 0 && !entry.attributes.iter().any(leads_on)).then_some(length)
}

/// Whether a table's entry has a gateway. One of several next hops has its gateways inside.
fn leads_on(attribute: &RouteAttribute) -> bool {
    match attribute {
        RouteAttribute::MultiPath(hops) => hops
            .iter()
            .any(|hop| hop.attributes.iter().any(|own| gateway_of(own).is_some())),
        _ => gateway_of(attribute).is_some(),
    }
}

fn source_of(attribute: &RouteAttribute) -> Option<IpAddr> {
    match attribute {
        RouteAttribute::PrefSource(RouteAddress::Inet(source)) => Some((*source).into()),
        RouteAttribute::PrefSource(RouteAddress::Inet6(source)) => Some((*source).into()),
        _ => None,
    }
}

/// What the route itself was given (`ip route add … mtu 1400`), or what the kernel learned from ICMP errors of routers.
/// That ends by itself after a while, which is seen when all is read anew. Of an address without a gateway it is left
/// out: there is no router on the way, and all frames fit as well as any.
fn mtu_of(attributes: &[RouteAttribute], is_behind_gateway: bool) -> Option<u32> {
    let is_learned = attributes.iter().any(
        |attribute| matches!(attribute, RouteAttribute::CacheInfo(cached) if cached.expires != 0),
    );
    let metrics = attributes.iter().find_map(|attribute| match attribute {
        RouteAttribute::Metrics(metrics) if !is_learned || is_behind_gateway => Some(metrics),
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
    use rtnetlink::packet_route::route::{RouteCacheInfo, RouteNextHop};

    use super::*;

    fn direct(attributes: Vec<RouteAttribute>) -> Route {
        let mut message = RouteMessage::default();
        message.header.kind = RouteType::Unicast;
        message.attributes = vec![RouteAttribute::Oif(2)];
        message.attributes.extend(attributes);
        Route::of(&message)
    }

    const PATH: Path = Path {
        interface: 2,
        gateway: None,
        source: None,
        shared: None,
        mtu: None,
    };

    fn on_2(mtu: Option<u32>) -> Route {
        Route::Out(Path { mtu, ..PATH })
    }

    #[test]
    fn a_gateway_may_be_of_either_family_and_the_source_is_the_preferred_one() {
        let (gateway, other) = ([10, 0, 0, 254], "fe80::1".parse().expect("an address"));
        let source = RouteAttribute::PrefSource(RouteAddress::Inet([10, 0, 0, 1].into()));
        for (attribute, gateway) in [
            (
                RouteAttribute::Gateway(RouteAddress::Inet(gateway.into())),
                IpAddr::from(gateway),
            ),
            (
                RouteAttribute::Via(RouteVia::Inet6(other)),
                IpAddr::from(other),
            ),
        ] {
            let path = Path {
                gateway: Some(gateway),
                source: Some([10, 0, 0, 1].into()),
                ..PATH
            };
            assert_eq!(direct(vec![attribute, source.clone()]), Route::Out(path));
        }
    }

    #[test]
    fn only_a_route_without_gateways_is_a_network_of_the_hosts() {
        let entry = |length, attributes| {
            let mut message = RouteMessage::default();
            message.header.destination_prefix_length = length;
            message.attributes = attributes;
            network_length(&message)
        };
        let gateway = || RouteAttribute::Gateway(RouteAddress::Inet([10, 0, 0, 254].into()));
        let mut hop = RouteNextHop::default();
        assert_eq!(entry(24, vec![RouteAttribute::Oif(2)]), Some(24));
        assert_eq!(
            entry(24, vec![RouteAttribute::MultiPath(vec![hop.clone()])]),
            Some(24)
        );
        assert_eq!(entry(0, vec![RouteAttribute::Oif(2)]), None);
        assert_eq!(entry(24, vec![gateway()]), None);
        hop.attributes = vec![gateway()];
        assert_eq!(entry(24, vec![RouteAttribute::MultiPath(vec![hop])]), None);
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
    fn an_mtu_that_was_learned_counts_only_behind_a_gateway() {
        let cache_info = |ticks: u32| {
            // struct rta_cacheinfo: eight words, the third says when the route ends.
            let mut words = [0_u32; 8];
            words[2] = ticks;
            let bytes = words.map(u32::to_ne_bytes).concat();
            RouteCacheInfo::parse(&bytes).expect("eight words")
        };
        let with_end_in = |ticks| {
            direct(vec![
                RouteAttribute::Metrics(vec![RouteMetric::Mtu(1400)]),
                RouteAttribute::CacheInfo(cache_info(ticks)),
            ])
        };
        assert_eq!(with_end_in(59_000), on_2(None));
        assert_eq!(with_end_in(0), on_2(Some(1400)));
        let learned = |gateway| {
            mtu_of(
                &[
                    RouteAttribute::Metrics(vec![RouteMetric::Mtu(1400)]),
                    RouteAttribute::CacheInfo(cache_info(59_000)),
                ],
                gateway,
            )
        };
        assert_eq!((learned(false), learned(true)), (None, Some(1400)));
    }
}
