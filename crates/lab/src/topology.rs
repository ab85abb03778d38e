//! A lab as a value: who is there and with which addresses. Pure; [`Lab::up`](crate::Lab::up) makes it real.
//!
//! Host numbers are the same in every network of a lab, so that an address tells what it belongs to:
//!
//! | host | what |
//! |---|---|
//! | 1, then 201, 202, … | clients |
//! | 2 to 9 | directors |
//! | 11 to 98 | real servers |
//! | 100 to 107 | VIPs, one for each director |
//! | 254 | the router between the networks, with two arms |
//!
//! The IPv6 address spells the same number: real server 10.77.0.11 is fd77::11 as well.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use anyhow::{Result, ensure};

/// What a lab consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topology {
    name: String,
    clients: u8,
    directors: u8,
    real_servers: u8,
    remote: u8,
    arms: Arms,
    gateway: Gateway,
    server_mtu: Option<u32>,
    client_vlan: Option<u16>,
}

/// How the directors stand in the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arms {
    /// One interface, in one network with clients and real servers.
    One,
    /// One interface to the clients' network and one to the real servers', with a router between the two.
    Two,
}

/// Through whom real servers reach clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gateway {
    /// The router between the networks, past the director.
    Router,
    /// The director, as NAT needs it.
    Director,
}

/// A version of the Internet Protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// RFC 791.
    V4,
    /// RFC 8200.
    V6,
}

/// A network of a lab: one bridge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// 10.77.0.0/24 and fd77::/64: clients, directors and VIPs; with one arm the real servers too.
    Client,
    /// 10.78.0.0/24 and fd78::/64: directors and real servers, with two arms.
    Server,
}

impl Topology {
    /// One network with a client, a director and so many real servers.
    pub fn one_arm(real_servers: u8) -> Self {
        Self {
            name: "lab".to_owned(),
            clients: 1,
            directors: 1,
            real_servers,
            remote: 0,
            arms: Arms::One,
            gateway: Gateway::Router,
            server_mtu: None,
            client_vlan: None,
        }
    }

    /// A client, a director with an interface on each side, and so many real servers in a network of their own.
    pub fn two_arms(real_servers: u8) -> Self {
        Self {
            arms: Arms::Two,
            ..Self::one_arm(real_servers)
        }
    }

    /// Names the lab; the name is part of the names of its namespaces. Letters and digits stay as they are.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..self
        }
    }

    /// Sets the number of clients, 1 to 50.
    #[must_use]
    pub fn clients(self, clients: u8) -> Self {
        Self { clients, ..self }
    }

    /// Sets the number of directors, 0 to 8, each with a VIP of its own.
    #[must_use]
    pub fn directors(self, directors: u8) -> Self {
        Self { directors, ..self }
    }

    /// Puts so many of the real servers, the last ones, into a network of their own behind a router. For a director with one
    /// arm; with two all are in it.
    #[must_use]
    pub fn remote(self, remote: u8) -> Self {
        Self { remote, ..self }
    }

    /// Sets through whom the real servers reach clients. It is the director only with two arms.
    #[must_use]
    pub fn gateway(self, gateway: Gateway) -> Self {
        Self { gateway, ..self }
    }

    /// Sets the MTU of the real servers' network, 1280 to 1500 bytes: of the router's interface and of theirs.
    #[must_use]
    pub fn server_mtu(self, mtu: u32) -> Self {
        Self {
            server_mtu: Some(mtu),
            ..self
        }
    }

    /// Tags what clients send to the director with a VLAN identifier, 1 to 4094.
    #[must_use]
    pub fn client_vlan(self, vlan: u16) -> Self {
        Self {
            client_vlan: Some(vlan),
            ..self
        }
    }

    /// The numbers are within what the address plan holds.
    pub(crate) fn check(&self) -> Result<()> {
        ensure!(
            (1..=50).contains(&self.clients),
            "a lab has 1 to 50 clients, not {}",
            self.clients
        );
        ensure!(
            self.directors <= 8,
            "a lab has up to 8 directors, not {}",
            self.directors
        );
        ensure!(
            self.real_servers <= 88,
            "a lab has up to 88 real servers, not {}",
            self.real_servers
        );
        ensure!(
            self.remote <= self.real_servers,
            "{} of {} real servers cannot be remote",
            self.remote,
            self.real_servers
        );
        ensure!(
            self.arms == Arms::Two || self.gateway == Gateway::Router,
            "the director is the real servers' gateway only with two arms"
        );
        if let Some(mtu) = self.server_mtu {
            ensure!(
                (1280..=1500).contains(&mtu),
                "the real servers' network has an MTU of 1280 to 1500, not {mtu}"
            );
        }
        if let Some(vlan) = self.client_vlan {
            ensure!(
                (1..=4094).contains(&vlan),
                "a VLAN identifier is 1 to 4094, not {vlan}"
            );
            ensure!(
                self.directors == 1,
                "tagged clients send to one director, and there are {}",
                self.directors
            );
        }
        Ok(())
    }

    /// The lab's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many clients there are.
    pub fn client_count(&self) -> u8 {
        self.clients
    }

    /// How many directors there are.
    pub fn director_count(&self) -> u8 {
        self.directors
    }

    /// How many real servers there are.
    pub fn real_server_count(&self) -> u8 {
        self.real_servers
    }

    /// How the directors stand in the network.
    pub fn arms(&self) -> Arms {
        self.arms
    }

    /// The VLAN that clients' frames carry when they reach the director.
    pub fn vlan(&self) -> Option<u16> {
        self.client_vlan
    }

    /// The networks there are.
    pub fn networks(&self) -> &'static [Network] {
        if self.has_router() {
            &[Network::Client, Network::Server]
        } else {
            &[Network::Client]
        }
    }

    /// Whether there is a router between two networks.
    pub(crate) fn has_router(&self) -> bool {
        self.arms == Arms::Two || self.remote > 0
    }

    /// Through whom the real servers reach clients.
    pub(crate) fn real_servers_gateway(&self) -> Gateway {
        self.gateway
    }

    /// The MTU of a network.
    pub(crate) fn mtu(&self, network: Network) -> Option<u32> {
        self.server_mtu.filter(|_| network == Network::Server)
    }

    /// The network of a real server, counted from 0.
    pub fn real_server_network(&self, index: u8) -> Network {
        let is_remote = index >= self.real_servers.saturating_sub(self.remote);
        if self.arms == Arms::Two || is_remote {
            Network::Server
        } else {
            Network::Client
        }
    }

    /// Address of a client, counted from 0.
    pub fn client(&self, index: u8, family: Family) -> IpAddr {
        Network::Client.host(if index == 0 { 1 } else { 200 + index }, family)
    }

    /// Address of a director in a network, counted from 0.
    pub fn director(&self, index: u8, network: Network, family: Family) -> IpAddr {
        network.host(2 + index, family)
    }

    /// Address of a real server, counted from 0.
    pub fn real_server(&self, index: u8, family: Family) -> IpAddr {
        self.real_server_network(index).host(11 + index, family)
    }

    /// The VIP of a director, counted from 0.
    pub fn vip(&self, director: u8, family: Family) -> IpAddr {
        Network::Client.host(100 + director, family)
    }

    /// The VIPs of all directors.
    pub(crate) fn vips(&self) -> impl Iterator<Item = IpAddr> + '_ {
        (0..self.directors)
            .flat_map(|director| Family::BOTH.map(|family| self.vip(director, family)))
    }
}

impl Family {
    /// Both, the older first.
    pub const BOTH: [Self; 2] = [Self::V4, Self::V6];
}

impl Network {
    /// Number of bits that all addresses of the network share.
    pub fn prefix(family: Family) -> u8 {
        match family {
            Family::V4 => 24,
            Family::V6 => 64,
        }
    }

    /// The network itself, as `10.77.0.0/24`.
    pub(crate) fn name(self, family: Family) -> String {
        format!("{}/{}", self.host(0, family), Self::prefix(family))
    }

    /// The address of the router.
    pub fn router(self, family: Family) -> IpAddr {
        self.host(254, family)
    }

    /// The bridge of the network, in the switch's namespace.
    pub(crate) fn bridge(self) -> &'static str {
        match self {
            Self::Client => "clients",
            Self::Server => "servers",
        }
    }

    fn host(self, number: u8, family: Family) -> IpAddr {
        let network = match self {
            Self::Client => 77,
            Self::Server => 78,
        };
        match family {
            Family::V4 => Ipv4Addr::new(10, network, 0, number).into(),
            Family::V6 => {
                Ipv6Addr::new(0xfd00 | spelled(network), 0, 0, 0, 0, 0, 0, spelled(number)).into()
            }
        }
    }
}

/// The number whose hexadecimal digits are the decimal digits of another: 254 becomes 0x254.
fn spelled(number: u8) -> u16 {
    let number = u16::from(number);
    number / 100 * 0x100 + number / 10 % 10 * 0x10 + number % 10
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_both_families_spell_the_same_host() {
        let topology = Topology::two_arms(2).directors(2);
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        assert_eq!(topology.client(0, Family::V4), address("10.77.0.1"));
        assert_eq!(topology.client(1, Family::V6), address("fd77::201"));
        assert_eq!(
            topology.director(0, Network::Server, Family::V4),
            address("10.78.0.2")
        );
        assert_eq!(topology.real_server(1, Family::V6), address("fd78::12"));
        assert_eq!(topology.vip(1, Family::V4), address("10.77.0.101"));
        assert_eq!(topology.vip(0, Family::V6), address("fd77::100"));
        assert_eq!(Network::Server.router(Family::V6), address("fd78::254"));
    }

    #[test]
    fn the_last_real_servers_are_the_remote_ones() {
        let topology = Topology::one_arm(3).remote(1);
        let networks = [0, 1, 2].map(|index| topology.real_server_network(index));
        assert_eq!(
            networks,
            [Network::Client, Network::Client, Network::Server]
        );
        assert_eq!(
            topology.real_server(2, Family::V4),
            "10.78.0.13".parse::<IpAddr>().unwrap()
        );
        assert_eq!(topology.networks().len(), 2);
    }

    #[test]
    fn no_two_members_of_the_largest_lab_share_an_address() {
        let topology = Topology::one_arm(88).directors(8).clients(50);
        topology.check().unwrap();
        let mut addresses: Vec<IpAddr> =
            Family::BOTH
                .into_iter()
                .flat_map(|family| {
                    let topology = &topology;
                    (0..50)
                        .map(move |client| topology.client(client, family))
                        .chain((0..8).map(move |director| {
                            topology.director(director, Network::Client, family)
                        }))
                        .chain((0..88).map(move |real| topology.real_server(real, family)))
                        .chain([Network::Client.router(family)])
                })
                .chain(topology.vips())
                .collect();
        let all = addresses.len();
        addresses.sort_unstable();
        addresses.dedup();
        assert_eq!(addresses.len(), all);
    }

    #[test]
    fn more_than_the_address_plan_holds_is_refused_with_the_limit() {
        for (topology, says) in [
            (Topology::one_arm(89), "up to 88 real servers"),
            (Topology::one_arm(1).clients(51), "1 to 50 clients"),
            (Topology::one_arm(1).clients(0), "1 to 50 clients"),
            (Topology::one_arm(1).directors(9), "up to 8 directors"),
            (Topology::one_arm(1).client_vlan(4095), "1 to 4094"),
            (
                Topology::one_arm(1).directors(2).client_vlan(10),
                "one director",
            ),
            (Topology::one_arm(1).remote(2), "2 of 1"),
            (
                Topology::one_arm(1).gateway(Gateway::Director),
                "only with two arms",
            ),
            (Topology::two_arms(1).server_mtu(9000), "1280 to 1500"),
        ] {
            let error = topology.check().unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
