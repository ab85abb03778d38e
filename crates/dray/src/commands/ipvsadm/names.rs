//! Names of hosts and ports as this host knows them.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, ToSocketAddrs},
};

use dray_ipvsadm::{Names, names::Tables};
use dray_model::Protocol;

/// The names in `/etc/hosts` and `/etc/services`, and, where a command names another host, the name service's.
///
/// Listings ask no name service, so that one that does not answer does not hold them up.
pub(super) struct OfThisHost(Tables);

impl OfThisHost {
    /// Without a file there are no names in it.
    pub(super) fn read() -> Self {
        let text = |path: &str| {
            let bytes = fs::read(path).unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        Self(Tables::read(&text("/etc/hosts"), &text("/etc/services")))
    }
}

impl Names for OfThisHost {
    fn address_of(&self, host: &str) -> Option<Ipv4Addr> {
        let by_name_service = || {
            let mut addresses = (host, 0).to_socket_addrs().ok()?;
            addresses.find_map(|address| match address.ip() {
                IpAddr::V4(address) => Some(address),
                IpAddr::V6(_) => None,
            })
        };
        self.0.address_of(host).or_else(by_name_service)
    }

    fn host_at(&self, address: IpAddr) -> Option<String> {
        self.0.host_at(address)
    }

    fn port_of(&self, service: &str, protocol: Protocol) -> Option<u16> {
        self.0.port_of(service, protocol)
    }

    fn service_at(&self, port: u16, protocol: Protocol) -> Option<String> {
        self.0.service_at(port, protocol)
    }
}
