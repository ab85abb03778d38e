//! The host's network as the port of the data model wants it.

use std::{collections::BTreeSet, net::IpAddr};

use dray_model::{Net, NetError, Resolutions};
use tokio::sync::{mpsc, watch};

use crate::{
    Netlink,
    address::host_prefix,
    announce::Announcer,
    event::Events,
    follower::{Follower, Wanted},
    netlink::failed,
    path_mtu::PathMtus,
};

/// The network of this host: follows next hops, adds and removes VIPs.
///
/// Dropping it ends the following, but the kernel keeps the neighbour entries resolved, so that frames that a
/// data plane forwards by itself still find their way. To let the entries go first, unfollow all addresses and
/// wait for the empty map.
pub struct Host {
    netlink: Netlink,
    announcer: Announcer,
    wanted: mpsc::UnboundedSender<Wanted>,
    resolutions: watch::Receiver<Resolutions>,
}

impl Host {
    /// The network of the namespace of the calling thread. Starts its tasks on the current tokio runtime.
    ///
    /// # Errors
    /// Outside of a tokio runtime, or without the rights to administer the network.
    pub fn open() -> Result<Self, NetError> {
        let netlink = Netlink::open()?;
        let announcer =
            Announcer::open().map_err(failed("open a socket for announcements of VIPs"))?;
        let (wanted, wanted_by_user) = mpsc::unbounded_channel();
        let (publish, resolutions) = watch::channel(Resolutions::default());
        let follower = Follower {
            netlink: netlink.clone(),
            events: Events::subscribe()?,
            path_mtus: PathMtus::listen()
                .map_err(failed("listen for path MTUs (with raw sockets)"))?,
            wanted: wanted_by_user,
            resolutions: publish,
        };
        tokio::spawn(follower.run());
        Ok(Self {
            netlink,
            announcer,
            wanted,
            resolutions,
        })
    }

    /// What is known of the followed addresses, anew whenever it changes. An address that was followed just now
    /// is not in the map before it was looked up, which takes some milliseconds.
    pub fn resolutions(&self) -> watch::Receiver<Resolutions> {
        self.resolutions.clone()
    }

    fn want(&self, wanted: Wanted) {
        // The follower ends with the runtime at the earliest, and then nobody hears of addresses any more.
        _ = self.wanted.send(wanted);
    }
}

impl Net for Host {
    fn follow(&self, addresses: BTreeSet<IpAddr>) {
        self.want(Wanted::More(addresses));
    }

    fn unfollow(&self, addresses: BTreeSet<IpAddr>) {
        self.want(Wanted::Fewer(addresses));
    }

    async fn add_vip(&self, interface: &str, vip: IpAddr) -> Result<bool, NetError> {
        let (link, added) = self.netlink.add_passive_address(interface, vip).await?;
        // The VIP is there now, announced or not.
        if let Err(error) = self.announcer.announce(&link, vip) {
            tracing::warn!(%error, "failed to announce {vip} on {interface}; peers find it by asking");
        }
        Ok(added)
    }

    async fn remove_vip(&self, interface: &str, vip: IpAddr) -> Result<(), NetError> {
        self.announcer.cease(interface, vip);
        self.netlink
            .remove_address(interface, vip, host_prefix(vip))
            .await
    }
}
