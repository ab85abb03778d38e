//! The director's surroundings in every scenario: its two interfaces, and who is behind them.
//!
//! ```text
//!   clients ── router ── cli0 [ director ] srv0 ── real server 1, 2, …
//! ```

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use dray_model::Mac;

use crate::scenario::{Scenario, Step};

/// The director's interface on the clients' side.
pub const CLIENT_PORT: Mac = Mac([2, 0, 0, 0, 0, 1]);
/// The router that all clients are behind.
pub const ROUTER: Mac = Mac([2, 0, 0, 0, 0, 2]);
/// The director's interface on the real servers' side.
pub const SERVER_PORT: Mac = Mac([2, 0, 0, 0, 0, 3]);
/// What stands for a real server that sends a packet of its own.
pub const SOME_REAL: Mac = Mac([2, 1, 0, 0, 0, 0]);
/// The largest IP packet that fits on either side, in bytes.
pub const MTU: u32 = 1500;

/// The director's own addresses beside the VIPs: on the clients' side, and on the real servers'.
pub const OWN_ADDRESSES: [IpAddr; 4] = [
    IpAddr::V4(Ipv4Addr::new(10, 255, 0, 1)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0x255, 0, 0, 0, 0, 0, 1)),
    IpAddr::V4(Ipv4Addr::new(10, 254, 0, 1)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0x254, 0, 0, 0, 0, 0, 1)),
];

/// The director's `/etc/hosts`. It asks no name server.
pub const HOSTS: &str = "\
127.0.0.1 localhost
10.0.0.1 www.example.org www
10.0.0.2 mail
10.0.0.3 a-name-that-is-longer-than-a-column.of.the.listing.example.org
10.1.1.1 one.example.org one
10.1.1.2 two
255.255.255.0 network
192.0.2.1 client
2001:db8::1 six.example.org six
fd00:1::1 real-six
";

/// The director's `/etc/services`.
pub const SERVICES: &str = "\
domain 53/tcp
domain 53/udp
http 80/tcp www
https 443/tcp
https 443/udp
sip 5060/udp
m3ua 2905/sctp
a-port-with-a-long-name-too 8080/tcp
";

/// Where tunnels to a real server of that family begin.
pub const fn tunnel_source(real: IpAddr) -> IpAddr {
    match real {
        IpAddr::V4(_) => OWN_ADDRESSES[2],
        IpAddr::V6(_) => OWN_ADDRESSES[3],
    }
}

/// The real servers of a scenario and their Ethernet addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RealServers {
    by_address: BTreeMap<IpAddr, Mac>,
    by_mac: BTreeMap<[u8; 6], IpAddr>,
}

impl RealServers {
    /// Every real server that the scenario ever names, numbered from 1 in the order of first appearance: number 258 has the
    /// address 02:01:00:00:01:02. The director itself is none.
    pub fn of(scenario: &Scenario) -> Self {
        let listed = scenario
            .services
            .iter()
            .flat_map(|service| service.reals.iter().map(|real| real.real.address));
        let added = scenario.steps.iter().filter_map(|step| match step {
            Step::Ipvsadm { line, .. } => Some(named_by(line)),
            _ => None,
        });
        let vips = vips(scenario);
        let mut reals = Self::default();
        for address in listed.chain(added.flatten()) {
            if !vips.contains(&address) && !address.is_loopback() {
                reals.add(address);
            }
        }
        reals
    }

    fn add(&mut self, address: IpAddr) {
        let number = self.by_address.len() + 1;
        if let std::collections::btree_map::Entry::Vacant(place) = self.by_address.entry(address) {
            let mac = [2, 1, 0, 0, (number >> 8) as u8, number as u8];
            place.insert(Mac(mac));
            self.by_mac.insert(mac, address);
        }
    }

    /// The Ethernet address of a real server.
    pub fn mac(&self, address: IpAddr) -> Option<Mac> {
        self.by_address.get(&address).copied()
    }

    /// The real server with an Ethernet address.
    pub fn with_mac(&self, mac: &[u8]) -> Option<IpAddr> {
        self.by_mac.get(mac).copied()
    }
}

/// The real servers that a command line of `ipvsadm` names.
fn named_by(line: &str) -> Vec<IpAddr> {
    let mut words = line.split_whitespace();
    let mut found = Vec::new();
    while let Some(word) = words.next() {
        if word == "-r" {
            let endpoint = words
                .next()
                .and_then(|word| word.parse::<crate::Endpoint>().ok());
            found.extend(endpoint.map(|endpoint| endpoint.address));
        }
    }
    found
}

/// The VIPs that the director has from the start.
pub fn vips(scenario: &Scenario) -> Vec<IpAddr> {
    scenario
        .services
        .iter()
        .filter_map(|service| service.name.vip())
        .collect()
}
