//! Links: the network interfaces of a namespace.

use std::os::fd::{AsRawFd, BorrowedFd};

use dray_model::{Mac, NetError};
use rtnetlink::{
    packet_core::{NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL},
    packet_route::{
        RouteNetlinkMessage,
        link::{
            InfoData, InfoKind, InfoVeth, InfoVlan, LinkAttribute, LinkFlags, LinkInfo,
            LinkLayerType, LinkMessage, VlanProtocol,
        },
    },
};

use crate::{
    Netlink,
    netlink::{Refused, failed},
};

/// A network interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The kernel's number of it, from 1 in every namespace.
    pub index: u32,
    /// Name, at most 15 bytes.
    pub name: String,
    /// Ethernet address; all zero where there is none (see `ethernet`).
    pub mac: Mac,
    /// Whether frames on it carry Ethernet headers. False of loopback, tunnels and other layer-3 devices.
    pub ethernet: bool,
    /// Whether it is switched on (`IFF_UP`).
    pub up: bool,
    /// Whether it has a carrier: a cable, or a switched-on peer (`IFF_LOWER_UP`).
    pub carrier: bool,
    /// Largest packet in bytes, without the Ethernet header.
    pub mtu: u32,
    /// The link it stands on (`IFLA_LINK`): of a VLAN its parent, of a veth its peer. None if there is none or
    /// it is in another namespace, where the number means something else.
    pub parent: Option<u32>,
    /// VLAN identifier, 1 to 4094, if this is an IEEE 802.1Q VLAN of its parent.
    pub vlan: Option<u16>,
    /// The bridge or bond that it is a port of.
    pub master: Option<u32>,
}

impl Netlink {
    /// The interface of this name.
    ///
    /// # Errors
    /// When there is none.
    pub async fn link(&self, name: &str) -> Result<Link, NetError> {
        self.find_link(name)
            .await
            .map_err(failed(format!("find interface {name}")))
    }

    /// All interfaces of the namespace.
    ///
    /// # Errors
    /// When the kernel does not list them.
    pub async fn links(&self) -> Result<Vec<Link>, NetError> {
        self.find_links().await.map_err(failed("list interfaces"))
    }

    pub(crate) async fn find_links(&self) -> Result<Vec<Link>, Refused> {
        let request = RouteNetlinkMessage::GetLink(LinkMessage::default());
        let answer = self.ask(request, NLM_F_DUMP).await?;
        Ok(answer.iter().filter_map(link_of).collect())
    }

    pub(crate) async fn find_link(&self, name: &str) -> Result<Link, Refused> {
        let answer = self
            .ask(RouteNetlinkMessage::GetLink(named(name)), 0)
            .await?;
        answer.iter().find_map(link_of).ok_or(Refused::Closed)
    }

    /// Makes a pair of virtual Ethernet interfaces: what goes into one comes out of the other.
    ///
    /// # Errors
    /// When one of the names is taken or longer than 15 bytes.
    pub async fn add_veth(&self, name: &str, peer: &str) -> Result<(), NetError> {
        let data = InfoData::Veth(InfoVeth::Peer(named(peer)));
        let info = vec![LinkInfo::Kind(InfoKind::Veth), LinkInfo::Data(data)];
        self.create(name, info)
            .await
            .map_err(failed(format!("add veth {name} with peer {peer}")))
    }

    /// Makes a bridge.
    ///
    /// # Errors
    /// When the name is taken or longer than 15 bytes.
    pub async fn add_bridge(&self, name: &str) -> Result<(), NetError> {
        let info = vec![LinkInfo::Kind(InfoKind::Bridge)];
        self.create(name, info)
            .await
            .map_err(failed(format!("add bridge {name}")))
    }

    async fn create(&self, name: &str, info: Vec<LinkInfo>) -> Result<(), Refused> {
        let mut message = named(name);
        message.attributes.push(LinkAttribute::LinkInfo(info));
        self.tell(
            RouteNetlinkMessage::NewLink(message),
            NLM_F_CREATE | NLM_F_EXCL,
        )
        .await
    }

    /// Deletes an interface (of a veth pair, both).
    ///
    /// # Errors
    /// When it does not exist or cannot be deleted, as hardware.
    pub async fn delete_link(&self, name: &str) -> Result<(), NetError> {
        let request = RouteNetlinkMessage::DelLink(named(name));
        self.tell(request, 0)
            .await
            .map_err(failed(format!("delete interface {name}")))
    }

    /// Makes an interface a port of a bridge.
    ///
    /// # Errors
    /// When one of them does not exist, or the bridge does not take it.
    pub async fn set_master(&self, link: &str, bridge: &str) -> Result<(), NetError> {
        let master = self.link(bridge).await?.index;
        let what = format!("make {link} a port of {bridge}");
        self.change(link, LinkAttribute::Controller(master))
            .await
            .map_err(failed(what))
    }

    /// Moves an interface to another network namespace, where it keeps its name and loses its addresses.
    ///
    /// # Errors
    /// When it does not exist, or its name is taken there.
    pub async fn move_to(&self, link: &str, netns: BorrowedFd<'_>) -> Result<(), NetError> {
        let attribute = LinkAttribute::NetNsFd(netns.as_raw_fd());
        let what = format!("move {link} to another network namespace");
        self.change(link, attribute).await.map_err(failed(what))
    }

    /// Switches an interface on.
    ///
    /// # Errors
    /// When it does not exist.
    pub async fn set_up(&self, link: &str) -> Result<(), NetError> {
        self.switch(link, LinkFlags::Up)
            .await
            .map_err(failed(format!("switch {link} on")))
    }

    /// Switches an interface off.
    ///
    /// # Errors
    /// When it does not exist.
    pub async fn set_down(&self, link: &str) -> Result<(), NetError> {
        self.switch(link, LinkFlags::empty())
            .await
            .map_err(failed(format!("switch {link} off")))
    }

    /// Gives an interface another Ethernet address.
    ///
    /// # Errors
    /// When it does not exist, or its driver cannot.
    pub async fn set_mac(&self, link: &str, mac: Mac) -> Result<(), NetError> {
        let attribute = LinkAttribute::Address(mac.0.to_vec());
        self.change(link, attribute)
            .await
            .map_err(failed(format!("give {link} the address {mac}")))
    }

    /// Sets the largest packet of an interface, in bytes without the Ethernet header.
    ///
    /// # Errors
    /// When it does not exist, or its driver cannot.
    pub async fn set_mtu(&self, link: &str, mtu: u32) -> Result<(), NetError> {
        self.change(link, LinkAttribute::Mtu(mtu))
            .await
            .map_err(failed(format!("give {link} the MTU {mtu}")))
    }

    async fn change(&self, link: &str, attribute: LinkAttribute) -> Result<(), Refused> {
        let mut message = named(link);
        message.attributes.push(attribute);
        self.tell(RouteNetlinkMessage::NewLink(message), 0).await
    }

    async fn switch(&self, link: &str, up: LinkFlags) -> Result<(), Refused> {
        let mut message = named(link);
        message.header.flags = up;
        message.header.change_mask = LinkFlags::Up;
        self.tell(RouteNetlinkMessage::NewLink(message), 0).await
    }
}

fn named(name: &str) -> LinkMessage {
    let mut message = LinkMessage::default();
    message
        .attributes
        .push(LinkAttribute::IfName(name.to_owned()));
    message
}

fn link_of(message: &RouteNetlinkMessage) -> Option<Link> {
    match message {
        RouteNetlinkMessage::NewLink(message) => Some(Link::of(message)),
        _ => None,
    }
}

impl Link {
    /// The link that a message of the kernel describes.
    pub(crate) fn of(message: &LinkMessage) -> Self {
        let header = &message.header;
        let mut link = Self {
            index: header.index,
            name: String::new(),
            mac: Mac::default(),
            ethernet: header.link_layer_type == LinkLayerType::Ether,
            up: header.flags.contains(LinkFlags::Up),
            carrier: header.flags.contains(LinkFlags::LowerUp),
            mtu: 0,
            parent: None,
            vlan: None,
            master: None,
        };
        let mut elsewhere = false;
        for attribute in &message.attributes {
            match attribute {
                LinkAttribute::IfName(name) => link.name.clone_from(name),
                LinkAttribute::Address(bytes) => {
                    link.mac = <[u8; 6]>::try_from(bytes.as_slice())
                        .map(Mac)
                        .unwrap_or_default();
                }
                LinkAttribute::Mtu(mtu) => link.mtu = *mtu,
                LinkAttribute::Link(parent) => {
                    link.parent = Some(*parent).filter(|parent| *parent != 0)
                }
                LinkAttribute::LinkNetNsId(_) => elsewhere = true,
                LinkAttribute::Controller(master) => {
                    link.master = Some(*master).filter(|master| *master != 0)
                }
                LinkAttribute::LinkInfo(infos) => link.vlan = infos.iter().find_map(vlan_of),
                _ => {}
            }
        }
        link.parent = link.parent.filter(|_| !elsewhere);
        link
    }
}

/// A provider's VLAN (IEEE 802.1ad) has another tag than a next hop can have; it counts as a link of its own.
fn vlan_of(info: &LinkInfo) -> Option<u16> {
    let LinkInfo::Data(InfoData::Vlan(data)) = info else {
        return None;
    };
    if data.contains(&InfoVlan::Protocol(VlanProtocol::Ieee8021Ad)) {
        return None;
    }
    data.iter().find_map(|item| match item {
        InfoVlan::Id(id) => Some(*id),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: Mac = Mac([2, 0, 0, 0, 0, 7]);

    fn message(attributes: Vec<LinkAttribute>) -> LinkMessage {
        let mut message = named("eth0.7");
        message.header.index = 5;
        message.header.link_layer_type = LinkLayerType::Ether;
        message.header.flags = LinkFlags::Up | LinkFlags::LowerUp;
        message
            .attributes
            .push(LinkAttribute::Address(MAC.0.to_vec()));
        message.attributes.extend(attributes);
        message
    }

    fn vlan(protocol: VlanProtocol) -> LinkAttribute {
        LinkAttribute::LinkInfo(vec![
            LinkInfo::Kind(InfoKind::Vlan),
            LinkInfo::Data(InfoData::Vlan(vec![
                InfoVlan::Protocol(protocol),
                InfoVlan::Id(7),
            ])),
        ])
    }

    #[test]
    fn a_vlan_has_its_parent_and_its_identifier() {
        let attributes = vec![
            LinkAttribute::Mtu(1500),
            LinkAttribute::Link(2),
            vlan(VlanProtocol::Ieee8021Q),
        ];
        let expected = Link {
            index: 5,
            name: "eth0.7".into(),
            mac: MAC,
            ethernet: true,
            up: true,
            carrier: true,
            mtu: 1500,
            parent: Some(2),
            vlan: Some(7),
            master: None,
        };
        assert_eq!(Link::of(&message(attributes)), expected);
    }

    #[test]
    fn a_providers_vlan_is_a_link_of_its_own() {
        let attributes = vec![LinkAttribute::Link(2), vlan(VlanProtocol::Ieee8021Ad)];
        assert_eq!(Link::of(&message(attributes)).vlan, None);
    }

    #[test]
    fn a_parent_in_another_namespace_is_no_parent_in_this_one() {
        let attributes = vec![LinkAttribute::Link(2), LinkAttribute::LinkNetNsId(0)];
        assert_eq!(Link::of(&message(attributes)).parent, None);
    }

    #[test]
    fn a_port_has_a_master_and_no_master_is_none() {
        assert_eq!(
            Link::of(&message(vec![LinkAttribute::Controller(9)])).master,
            Some(9)
        );
        assert_eq!(
            Link::of(&message(vec![LinkAttribute::Controller(0)])).master,
            None
        );
    }

    #[test]
    fn an_address_that_is_not_an_ethernet_one_is_none() {
        let infiniband = vec![LinkAttribute::Address(vec![1; 20])];
        assert_eq!(Link::of(&message(infiniband)).mac, Mac::default());
    }
}
