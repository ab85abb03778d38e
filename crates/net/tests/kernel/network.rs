//! A director and a peer on one wire, and ways to look at them.

use std::{collections::BTreeSet, future::Future, net::IpAddr, time::Duration};

use dray_model::{Mac, Net, NextHop, Resolution, Resolutions, Way};
use dray_net::{Host, Netlink};
use futures_util::TryStreamExt;
use rtnetlink::packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourExtFlags, NeighbourMessage, NeighbourState,
};
use tokio::{sync::watch, time::timeout};

use crate::namespace::Namespace;

pub(crate) const DIRECTOR_MAC: Mac = Mac([0x02, 0, 0, 0, 0, 0x01]);
pub(crate) const PEER_MAC: Mac = Mac([0x02, 0, 0, 0, 0, 0x02]);
pub(crate) const OTHER_MAC: Mac = Mac([0x02, 0, 0, 0, 0, 0x03]);

/// Longer than anything here takes on the slowest machine; only a failing test waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs a test on this thread alone, so that entering a namespace concerns nobody else.
pub(crate) fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(test)
}

/// What comes out of something that must come to an end.
pub(crate) async fn soon<T>(what: &str, act: impl Future<Output = T>) -> T {
    timeout(PATIENCE, act)
        .await
        .unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

/// Two namespaces with a wire between them: `eth0` in both; the director is 10.0.0.1 and fd00::1, the peer
/// 10.0.0.2 and fd00::2.
pub(crate) struct Wire {
    pub(crate) director: Namespace,
    pub(crate) peer: Namespace,
    pub(crate) on_director: Netlink,
    pub(crate) on_peer: Netlink,
}

impl Wire {
    pub(crate) async fn new() -> Self {
        let (director, peer) = (Namespace::new(), Namespace::new());
        let (on_director, on_peer) = (director.netlink(), peer.netlink());
        on_peer.add_veth("eth0", "wire").await.expect("add veth");
        on_peer
            .move_to("wire", std::os::fd::AsFd::as_fd(&director))
            .await
            .expect("move");
        let wire = on_director.link("wire").await.expect("the other end");
        rename(&director, wire.index, "eth0").await;
        let wire = Self {
            director,
            peer,
            on_director,
            on_peer,
        };
        wire.bring_up().await;
        wire
    }

    async fn bring_up(&self) {
        let ends = [
            (&self.on_director, DIRECTOR_MAC, 1),
            (&self.on_peer, PEER_MAC, 2),
        ];
        for (netlink, mac, number) in ends {
            netlink.set_mac("eth0", mac).await.expect("set mac");
            netlink.set_up("eth0").await.expect("up");
            let (v4, v6) = (
                ip(&format!("10.0.0.{number}")),
                ip(&format!("fd00::{number}")),
            );
            assert!(
                netlink
                    .add_address("eth0", v4, 24)
                    .await
                    .expect("add address")
            );
            assert!(
                netlink
                    .add_address("eth0", v6, 64)
                    .await
                    .expect("add address")
            );
        }
    }

    /// Waits until packets pass both ways, of both families: a new wire loses some. Leaves no neighbour behind on
    /// the peer.
    pub(crate) async fn carries(&self) {
        let mut director = Watched::new(&self.director);
        let peers = [ip("10.0.0.2"), ip("fd00::2")];
        director.follow(peers);
        for peer in peers {
            director
                .sees(peer, &self.resolved(peer, PEER_MAC).await)
                .await;
        }
        for director in [ip("10.0.0.1"), ip("fd00::1")] {
            self.on_peer
                .remove_neighbour("eth0", director)
                .await
                .expect("remove neighbour");
        }
    }

    /// The number of the director's interface.
    pub(crate) async fn interface(&self) -> u32 {
        self.on_director.link("eth0").await.expect("eth0").index
    }

    /// The director's way to an address of the wire's networks, whose neighbour is at this Ethernet address.
    pub(crate) async fn way(&self, address: IpAddr, neighbour: Mac) -> Way {
        let (source, shared) = if address.is_ipv4() {
            (ip("10.0.0.1"), 24)
        } else {
            (ip("fd00::1"), 64)
        };
        Way {
            next: NextHop {
                interface: self.interface().await,
                vlan: None,
                source: DIRECTOR_MAC,
                destination: neighbour,
                mtu: 1500,
            },
            gateway: None,
            source: Some(source),
            shared: Some(shared),
        }
    }

    /// That way, known.
    pub(crate) async fn resolved(&self, address: IpAddr, neighbour: Mac) -> Resolution {
        Resolution::Resolved(self.way(address, neighbour).await)
    }

    /// That way by a host route, on which nothing but the address is.
    pub(crate) async fn resolved_alone(&self, address: IpAddr, neighbour: Mac) -> Resolution {
        let shared = Some(if address.is_ipv4() { 32 } else { 128 });
        Resolution::Resolved(Way {
            shared,
            ..self.way(address, neighbour).await
        })
    }

    /// Has the director's kernel ask within milliseconds instead of seconds, and give up after two questions.
    pub(crate) fn hasten(&self) {
        for family in ["ipv4", "ipv6"] {
            for (setting, value) in [
                ("base_reachable_time_ms", 100),
                ("delay_first_probe_time", 0),
                ("retrans_time_ms", 20),
                ("ucast_solicit", 2),
                ("mcast_solicit", 2),
            ] {
                self.director
                    .set(&format!("{family}/neigh/eth0/{setting}"), value);
            }
        }
    }
}

async fn rename(namespace: &Namespace, index: u32, name: &str) {
    let handle = rtnetlink(namespace);
    let message = rtnetlink::LinkUnspec::new_with_index(index)
        .name(name)
        .build();
    handle
        .link()
        .change(message)
        .execute()
        .await
        .expect("rename");
}

pub(crate) fn rtnetlink(namespace: &Namespace) -> rtnetlink::Handle {
    let (connection, handle, _) =
        namespace.within(|| rtnetlink::new_connection().expect("netlink"));
    tokio::spawn(connection);
    handle
}

/// The network of a namespace, followed.
pub(crate) struct Watched {
    pub(crate) host: Host,
    followed: BTreeSet<IpAddr>,
    resolutions: watch::Receiver<Resolutions>,
}

impl Watched {
    pub(crate) fn new(namespace: &Namespace) -> Self {
        let host = namespace.within(|| Host::open().expect("open the host's network"));
        let resolutions = host.resolutions();
        Self {
            host,
            followed: BTreeSet::new(),
            resolutions,
        }
    }

    /// Follows exactly these addresses from now on.
    pub(crate) fn follow(&mut self, addresses: impl IntoIterator<Item = IpAddr>) {
        let wanted = addresses.into_iter().collect::<BTreeSet<_>>();
        let followed = std::mem::replace(&mut self.followed, wanted);
        self.host.unfollow(&followed - &self.followed);
        self.host.follow(&self.followed - &followed);
    }

    /// Waits until this is said of an address.
    pub(crate) async fn sees(&mut self, address: IpAddr, expected: &Resolution) {
        self.until(
            |resolutions| resolutions.get(&address) == Some(expected),
            &format!("{address}: {expected:?}"),
        )
        .await;
    }

    pub(crate) async fn until(&mut self, is_there: impl Fn(&Resolutions) -> bool, what: &str) {
        let found = timeout(PATIENCE, self.resolutions.wait_for(is_there))
            .await
            .is_ok_and(|result| result.is_ok());
        assert!(
            found,
            "waited for {what}, saw {:?}",
            self.resolutions.borrow()
        );
    }

    pub(crate) fn now(&self) -> Resolutions {
        self.resolutions.borrow().clone()
    }
}

/// A neighbour entry as the kernel shows it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) state: NeighbourState,
    pub(crate) managed: bool,
}

/// The neighbour entry for an address, whatever interface it is on.
pub(crate) async fn entry(namespace: &Namespace, address: IpAddr) -> Option<Entry> {
    let destination = NeighbourAttribute::Destination(NeighbourAddress::from(address));
    let all: Vec<_> = rtnetlink(namespace)
        .neighbours()
        .get()
        .execute()
        .try_collect()
        .await
        .expect("neighbours");
    let message = all
        .into_iter()
        .find(|message: &NeighbourMessage| message.attributes.contains(&destination))?;
    let managed = NeighbourAttribute::ExtFlags(NeighbourExtFlags::Managed);
    Some(Entry {
        state: message.header.state,
        managed: message.attributes.contains(&managed),
    })
}

/// Makes a neighbour entry of the kernel's cache, as if the neighbour had answered some time ago.
pub(crate) async fn remember(namespace: &Namespace, address: IpAddr, mac: Mac) {
    let index = namespace.netlink().link("eth0").await.expect("eth0").index;
    let request = rtnetlink(namespace)
        .neighbours()
        .add(index, address)
        .link_layer_address(&mac.0);
    request
        .state(NeighbourState::Stale)
        .replace()
        .execute()
        .await
        .expect("add neighbour");
}
