//! The network interfaces of the calling thread's namespace.

use std::{collections::BTreeMap, io};

use dray_model::Mac;

/// An interface that can carry Ethernet frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interface {
    /// The kernel's number for it.
    pub(crate) index: u32,
    /// Its Ethernet address.
    pub(crate) mac: Mac,
}

/// All of them, by name.
pub(crate) fn all() -> io::Result<BTreeMap<String, Interface>> {
    let mut found = BTreeMap::new();
    for entry in nix::ifaddrs::getifaddrs()? {
        let Some(link) = entry
            .address
            .as_ref()
            .and_then(|address| address.as_link_addr())
        else {
            continue;
        };
        if let Some(mac) = link.addr() {
            let index = u32::try_from(link.ifindex()).map_err(io::Error::other)?;
            found.insert(
                entry.interface_name,
                Interface {
                    index,
                    mac: Mac(mac),
                },
            );
        }
    }
    Ok(found)
}
