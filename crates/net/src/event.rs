//! What the kernel says without being asked: changes of links, neighbours, routes and addresses.

use std::{
    mem,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    pin::Pin,
};

use dray_model::NetError;
use futures_util::{FutureExt, Stream, StreamExt, future};
use rtnetlink::{
    MulticastGroup,
    packet_core::{NetlinkMessage, NetlinkPayload},
    packet_route::{
        AddressFamily, RouteNetlinkMessage,
        link::LinkMessage,
        route::{RouteAddress, RouteAttribute, RouteMessage},
    },
};

use crate::{
    Link,
    neighbour::{Neighbour, Place},
    netlink::failed,
};

/// A change in the host's network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A link came or changed.
    Link(Link),
    /// The link of this number went.
    LinkGone(u32),
    /// A neighbour entry came or changed.
    Neighbour(Place, Neighbour),
    /// A neighbour entry went.
    NeighbourGone(Place),
    /// Packets for the addresses in this prefix may go another way than before.
    Routes(Prefix),
    /// The host has another address than before, of the family that this prefix is all of. New ways are told as routes; but the
    /// host's own packets may have another source, and routes that need the address go without a word (`fib_sync_down_addr`).
    Addresses(Prefix),
    /// Changes were lost because they came faster than they were read.
    Lost,
}

/// A range of addresses: those that agree with `address` in the first `length` bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Prefix {
    pub(crate) address: IpAddr,
    pub(crate) length: u8,
}

/// A subscription to the changes of a network namespace, from the moment it was opened.
pub(crate) struct Events {
    messages: Pin<Box<dyn Stream<Item = NetlinkMessage<RouteNetlinkMessage>> + Send + Sync>>,
    /// Whether the end of the subscription was noticed.
    ended: bool,
}

/// Room for the changes that come while the follower is busy. 10,000 neighbours that fail at once take about 8 MB
/// (a kernel buffer of 768 bytes each).
const RECEIVE_BUFFER: usize = 8 << 20;

const GROUPS: [MulticastGroup; 8] = [
    MulticastGroup::Link,
    MulticastGroup::Neigh,
    MulticastGroup::Ipv4Route,
    MulticastGroup::Ipv6Route,
    MulticastGroup::Ipv4Ifaddr,
    MulticastGroup::Ipv6Ifaddr,
    MulticastGroup::Ipv4Rule,
    MulticastGroup::Ipv6Rule,
];

impl Events {
    /// Subscribes to the changes in the network namespace of the calling thread. Must be called in a tokio
    /// runtime.
    pub(crate) fn subscribe() -> Result<Self, NetError> {
        Self::with_buffer(RECEIVE_BUFFER)
    }

    fn with_buffer(bytes: usize) -> Result<Self, NetError> {
        let what = "subscribe to network changes";
        let (mut connection, _, messages) =
            rtnetlink::new_multicast_connection(&GROUPS).map_err(failed(what))?;
        let socket = rtnetlink::sys::AsyncSocket::socket_ref(connection.socket_mut());
        if rustix::net::sockopt::set_socket_recv_buffer_size_force(socket, bytes).is_err() {
            tracing::debug!(
                "no right to enlarge the buffer for network changes; a burst costs a new full read"
            );
        }
        tokio::spawn(connection);
        Ok(Self {
            messages: Box::pin(messages.map(|(message, _)| message)),
            ended: false,
        })
    }

    /// The next change. Waits for ever once the subscription ended; a follower also looks now and then by itself.
    pub(crate) async fn next(&mut self) -> Event {
        while let Some(message) = self.messages.next().await {
            if let Some(event) = Event::of(message) {
                return event;
            }
        }
        if !mem::replace(&mut self.ended, true) {
            tracing::error!(
                "network changes are not announced any more; they will be noticed later"
            );
        }
        future::pending().await
    }

    /// The next change, if one has come already.
    pub(crate) fn ready(&mut self) -> Option<Event> {
        self.next().now_or_never()
    }
}

impl Event {
    fn of(message: NetlinkMessage<RouteNetlinkMessage>) -> Option<Self> {
        use RouteNetlinkMessage as Message;
        match message.payload {
            NetlinkPayload::Overrun(_) => Some(Self::Lost),
            NetlinkPayload::InnerMessage(message) => match message {
                Message::NewLink(message) if is_whole(&message) => {
                    Some(Self::Link(Link::of(&message)))
                }
                Message::DelLink(message) if is_whole(&message) => {
                    Some(Self::LinkGone(message.header.index))
                }
                Message::NewNeighbour(message) => Some(Self::Neighbour(
                    Place::of(&message)?,
                    Neighbour::of(&message),
                )),
                Message::DelNeighbour(message) => Place::of(&message).map(Self::NeighbourGone),
                Message::NewRoute(message) | Message::DelRoute(message) => {
                    Prefix::of(&message).map(Self::Routes)
                }
                Message::NewAddress(message) | Message::DelAddress(message) => {
                    Prefix::all(message.header.family).map(Self::Addresses)
                }
                Message::NewRule(message) | Message::DelRule(message) => {
                    Prefix::all(message.header.family).map(Self::Routes)
                }
                _ => None,
            },
            _ => None,
        }
    }
}

/// A bridge announces its ports by link messages of its own family that tell nothing of the link itself;
/// "gone" in them means only that the link is a port no more.
fn is_whole(message: &LinkMessage) -> bool {
    message.header.interface_family != AddressFamily::Bridge
}

impl Prefix {
    pub(crate) const ALL: [Self; 2] = [
        Self {
            address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            length: 0,
        },
        Self {
            address: IpAddr::V6(Ipv6Addr::UNSPECIFIED),
            length: 0,
        },
    ];

    fn all(family: AddressFamily) -> Option<Self> {
        match family {
            AddressFamily::Inet => Some(Self::ALL[0]),
            AddressFamily::Inet6 => Some(Self::ALL[1]),
            _ => None,
        }
    }

    fn of(message: &RouteMessage) -> Option<Self> {
        let address = message
            .attributes
            .iter()
            .find_map(|attribute| match attribute {
                RouteAttribute::Destination(RouteAddress::Inet(address)) => Some((*address).into()),
                RouteAttribute::Destination(RouteAddress::Inet6(address)) => {
                    Some((*address).into())
                }
                _ => None,
            });
        match address {
            Some(address) => Some(Self {
                address,
                length: message.header.destination_prefix_length,
            }),
            // The default route has no destination.
            None => Self::all(message.header.address_family),
        }
    }

    /// The first and the last address.
    pub(crate) fn range(self) -> std::ops::RangeInclusive<IpAddr> {
        match self.address {
            IpAddr::V4(address) => {
                let host = u32::MAX.checked_shr(self.length.into()).unwrap_or(0);
                let first = address.to_bits() & !host;
                Ipv4Addr::from_bits(first).into()..=Ipv4Addr::from_bits(first | host).into()
            }
            IpAddr::V6(address) => {
                let host = u128::MAX.checked_shr(self.length.into()).unwrap_or(0);
                let first = address.to_bits() & !host;
                Ipv6Addr::from_bits(first).into()..=Ipv6Addr::from_bits(first | host).into()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{thread, time::Duration};

    use dray_model::Mac;
    use nix::sched::{CloneFlags, unshare};
    use tokio::time::timeout;

    use super::*;
    use crate::Netlink;

    fn range(text: &str, length: u8) -> (String, String) {
        let range = Prefix {
            address: text.parse().expect("an address"),
            length,
        }
        .range();
        (range.start().to_string(), range.end().to_string())
    }

    #[test]
    fn a_prefix_spans_the_addresses_that_share_its_leading_bits() {
        assert_eq!(
            range("10.1.2.3", 24),
            ("10.1.2.0".into(), "10.1.2.255".into())
        );
        assert_eq!(
            range("10.1.2.3", 32),
            ("10.1.2.3".into(), "10.1.2.3".into())
        );
        assert_eq!(
            range("0.0.0.0", 0),
            ("0.0.0.0".into(), "255.255.255.255".into())
        );
        assert_eq!(
            range("2001:db8::5", 126),
            ("2001:db8::4".into(), "2001:db8::7".into())
        );
        assert_eq!(
            range("2001:db8::5", 128),
            ("2001:db8::5".into(), "2001:db8::5".into())
        );
        assert_eq!(range("::", 0).1, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
    }

    #[test]
    fn a_bridge_that_lets_go_of_a_port_does_not_take_the_link_away() {
        let mut message = LinkMessage::default();
        message.header.interface_family = AddressFamily::Bridge;
        message.header.index = 4;
        assert_eq!(
            Event::of(RouteNetlinkMessage::DelLink(message.clone()).into()),
            None
        );
        message.header.interface_family = AddressFamily::Unspec;
        assert_eq!(
            Event::of(RouteNetlinkMessage::DelLink(message).into()),
            Some(Event::LinkGone(4))
        );
    }

    #[test]
    fn a_route_without_destination_concerns_its_whole_family() {
        let mut message = RouteMessage::default();
        message.header.address_family = AddressFamily::Inet6;
        let event = Event::of(RouteNetlinkMessage::DelRoute(message).into());
        assert_eq!(event, Some(Event::Routes(Prefix::ALL[1])));
    }

    /// Runs on a thread of its own, in a network namespace that ends with it.
    fn in_a_namespace(test: impl FnOnce() + Send) {
        let body = || {
            unshare(CloneFlags::CLONE_NEWNET).expect("making a network namespace needs root");
            test();
        };
        thread::scope(|scope| scope.spawn(body).join().expect("no panic"));
    }

    fn current_thread() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime")
    }

    #[test]
    fn changes_that_come_faster_than_they_are_read_are_reported_as_lost() {
        in_a_namespace(|| {
            let runtime = current_thread();
            let mut events = runtime
                .block_on(async { Events::with_buffer(64 << 10) })
                .expect("subscribe");
            // Nothing is read while this thread waits for the other, which is in the same namespace.
            let flood = || {
                current_thread().block_on(async {
                    let netlink = Netlink::open().expect("open");
                    netlink.add_veth("eth0", "eth1").await.expect("add veth");
                    netlink.set_up("eth0").await.expect("up");
                    for bits in 0..2_000u32 {
                        let address =
                            Ipv4Addr::from_bits(u32::from(Ipv4Addr::new(10, 0, 0, 0)) | bits);
                        netlink
                            .add_neighbour("eth0", address.into(), Mac::default())
                            .await
                            .expect("add neighbour");
                    }
                });
            };
            thread::scope(|scope| scope.spawn(flood).join().expect("no panic"));
            runtime.block_on(async {
                let lost = async { while events.next().await != Event::Lost {} };
                timeout(Duration::from_secs(60), lost)
                    .await
                    .expect("a report of the loss");
            });
        });
    }
}
