//! Neighbour entries: which Ethernet address answers for an IP address on an interface.

use std::net::IpAddr;

use dray_model::{Mac, NetError};
use rtnetlink::{
    packet_core::{NLM_F_CREATE, NLM_F_REPLACE},
    packet_route::{
        RouteNetlinkMessage,
        neighbour::{NeighbourAttribute, NeighbourMessage, NeighbourState},
    },
};

use crate::{Netlink, address::family, netlink::failed};

impl Netlink {
    /// Makes a permanent neighbour entry, in place of what was known of that address before.
    ///
    /// # Errors
    /// When the interface does not exist.
    pub async fn add_neighbour(
        &self,
        link: &str,
        address: IpAddr,
        mac: Mac,
    ) -> Result<(), NetError> {
        let what = || format!("add neighbour {address} at {mac} on {link}");
        let index = self.find_link(link).await.map_err(failed(what()))?.index;
        let mut message = entry(index, address);
        message.header.state = NeighbourState::Permanent;
        message
            .attributes
            .push(NeighbourAttribute::LinkLayerAddress(mac.0.to_vec()));
        let request = RouteNetlinkMessage::NewNeighbour(message);
        self.tell(request, NLM_F_CREATE | NLM_F_REPLACE)
            .await
            .map_err(failed(what()))
    }
}

fn entry(interface: u32, address: IpAddr) -> NeighbourMessage {
    let mut message = NeighbourMessage::default();
    message.header.family = family(address);
    message.header.ifindex = interface;
    message
        .attributes
        .push(NeighbourAttribute::Destination(address.into()));
    message
}
