//! Addresses on interfaces.

use std::net::IpAddr;

use dray_model::NetError;
use rtnetlink::{
    packet_core::{NLM_F_CREATE, NLM_F_EXCL},
    packet_route::{
        AddressFamily, RouteNetlinkMessage,
        address::{AddressAttribute, AddressHeaderFlags, AddressMessage, CacheInfo},
    },
};

use crate::{
    Link, Netlink,
    netlink::{Refused, failed},
};

impl Netlink {
    /// Puts an address on an interface. Says whether it was added (not there before). An IPv6 address is
    /// usable at once: duplicate address detection is left out, as it would hold the address back for a second.
    ///
    /// # Errors
    /// When the interface does not exist or does not take the address, as IPv6 where it is switched off.
    pub async fn add_address(
        &self,
        link: &str,
        address: IpAddr,
        prefix: u8,
    ) -> Result<bool, NetError> {
        let (_, added) = self.add(link, address, prefix, &[]).await?;
        Ok(added)
    }

    /// Puts an address of its own on an interface that packets of the host's never have as their source, unless they ask for it:
    /// a VIP is for answers. Gives the interface, and whether the address was added (not there before).
    ///
    /// # Errors
    /// As [`Netlink::add_address`].
    pub(crate) async fn add_passive_address(
        &self,
        link: &str,
        address: IpAddr,
    ) -> Result<(Link, bool), NetError> {
        let attributes = match address {
            // The kernel takes an address without a network for a source only if there is no other.
            IpAddr::V4(_) => vec![],
            // Of several it takes the one most like the destination (RFC 6724, section 5, rule 8), unless that is deprecated
            // (rule 3).
            IpAddr::V6(_) => vec![deprecated()],
        };
        let prefix = host_prefix(address);
        self.add(link, address, prefix, &attributes).await
    }

    async fn add(
        &self,
        link: &str,
        address: IpAddr,
        prefix: u8,
        attributes: &[AddressAttribute],
    ) -> Result<(Link, bool), NetError> {
        let what = || format!("add address {address}/{prefix} to {link}");
        let found = self.find_link(link).await.map_err(failed(what()))?;
        let mut message = message(found.index, address, prefix);
        message.attributes.extend_from_slice(attributes);
        let request = RouteNetlinkMessage::NewAddress(message);
        match self.tell(request, NLM_F_CREATE | NLM_F_EXCL).await {
            Ok(()) => Ok((found, true)),
            Err(refused) if refused.is(libc::EEXIST) => Ok((found, false)),
            Err(refused) => Err(failed(what())(refused)),
        }
    }

    /// Takes an address off an interface; no error if the address or the interface is not there.
    ///
    /// # Errors
    /// When the kernel refuses for another reason.
    pub async fn remove_address(
        &self,
        link: &str,
        address: IpAddr,
        prefix: u8,
    ) -> Result<(), NetError> {
        match self.try_remove_address(link, address, prefix).await {
            Err(refused) if refused.is(libc::ENODEV) || refused.is(libc::EADDRNOTAVAIL) => Ok(()),
            result => result.map_err(failed(format!(
                "remove address {address}/{prefix} from {link}"
            ))),
        }
    }

    async fn try_remove_address(
        &self,
        link: &str,
        address: IpAddr,
        prefix: u8,
    ) -> Result<(), Refused> {
        let index = self.find_link(link).await?.index;
        self.tell(
            RouteNetlinkMessage::DelAddress(message(index, address, prefix)),
            0,
        )
        .await
    }
}

/// The lifetimes of an address that is there for good and preferred never.
fn deprecated() -> AddressAttribute {
    let mut lifetimes = CacheInfo::default();
    lifetimes.ifa_preferred = 0;
    lifetimes.ifa_valid = u32::MAX;
    AddressAttribute::CacheInfo(lifetimes)
}

fn message(index: u32, address: IpAddr, prefix: u8) -> AddressMessage {
    let mut message = AddressMessage::default();
    message.header.family = family(address);
    message.header.prefix_len = prefix;
    message.header.index = index;
    if address.is_ipv6() {
        message.header.flags = AddressHeaderFlags::Nodad;
    }
    message.attributes = vec![
        AddressAttribute::Local(address),
        AddressAttribute::Address(address),
    ];
    message
}

pub(crate) fn family(address: IpAddr) -> AddressFamily {
    match address {
        IpAddr::V4(_) => AddressFamily::Inet,
        IpAddr::V6(_) => AddressFamily::Inet6,
    }
}

/// The prefix length that names exactly one address: 32 or 128.
pub(crate) const fn host_prefix(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}
