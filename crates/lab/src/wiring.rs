//! From a topology to cables, addresses, routes and neighbours. Pure; `up` carries it out.

use std::{fmt, net::IpAddr};

use crate::topology::{Arms, Family, Gateway, Network, Topology};

/// A host of a lab, counted from 0. Each has a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Host {
    Client(u8),
    Director(u8),
    RealServer(u8),
}

/// A cable: an interface of a host, and a port of the switch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cable {
    pub(crate) host: Host,
    pub(crate) interface: &'static str,
    pub(crate) port: String,
    pub(crate) network: Network,
    pub(crate) addresses: [IpAddr; 2],
}

impl Host {
    /// Its name, in namespaces and answers: counted from 1.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Client(index) => format!("client{}", index + 1),
            Self::Director(index) => format!("director{}", index + 1),
            Self::RealServer(index) => format!("real{}", index + 1),
        }
    }

    /// The name of the switch's port to its interface in a network. Up to 15 bytes, as the kernel asks.
    pub(crate) fn port(self, network: Network) -> String {
        match (self, network) {
            // The only host in two networks.
            (Self::Director(_), Network::Server) => format!("{}-b", self.name()),
            _ => self.name(),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

/// The interface of a host in a network.
pub(crate) fn interface(host: Host, network: Network) -> &'static str {
    match (host, network) {
        (Host::Director(_), Network::Server) => "eth1",
        _ => "eth0",
    }
}

impl Topology {
    /// All hosts.
    pub(crate) fn hosts(&self) -> Vec<Host> {
        let clients = (0..self.client_count()).map(Host::Client);
        let directors = (0..self.director_count()).map(Host::Director);
        let real_servers = (0..self.real_server_count()).map(Host::RealServer);
        clients.chain(directors).chain(real_servers).collect()
    }

    /// All cables. A host's addresses are those of its cables.
    pub(crate) fn cables(&self) -> Vec<Cable> {
        let mut cables = Vec::new();
        for host in self.hosts() {
            for &network in self.networks_of(host) {
                cables.push(Cable {
                    host,
                    interface: interface(host, network),
                    port: host.port(network),
                    network,
                    addresses: Family::BOTH.map(|family| self.address_of(host, network, family)),
                });
            }
        }
        cables
    }

    /// The way of a host to the networks that it is not in; none when there is no other, or it is in all.
    pub(crate) fn gateway_of(&self, cable: &Cable, family: Family) -> Option<IpAddr> {
        let router = cable.network.router(family);
        match (cable.host, self.arms()) {
            _ if !self.has_router() => None,
            (Host::Director(_), Arms::Two) => None,
            (Host::RealServer(_), Arms::Two)
                if self.real_servers_gateway() == Gateway::Director =>
            {
                Some(self.director(0, cable.network, family))
            }
            _ => Some(router),
        }
    }

    /// Who must know whose Ethernet address without asking: the first on its interface, the address, and the
    /// host that has it.
    ///
    /// Tagged, a client's requests and answers of ARP and neighbour discovery would reach nobody.
    pub(crate) fn known_neighbours(&self) -> Vec<(Knows, IpAddr, Host)> {
        let mut known = Vec::new();
        if self.vlan().is_none() {
            return known;
        }
        for client in (0..self.client_count()).map(Host::Client) {
            for family in Family::BOTH {
                known.push((Knows::Host(client), self.vip(0, family), Host::Director(0)));
                let address = self.address_of(client, Network::Client, family);
                for host in self.hosts() {
                    if host != client && self.networks_of(host).contains(&Network::Client) {
                        known.push((Knows::Host(host), address, client));
                    }
                }
                if self.has_router() {
                    known.push((Knows::Router, address, client));
                }
            }
        }
        known
    }

    fn networks_of(&self, host: Host) -> &'static [Network] {
        let network = match (host, self.arms()) {
            (Host::Director(_), Arms::Two) => return self.networks(),
            (Host::RealServer(index), _) => self.real_server_network(index),
            (Host::Client(_) | Host::Director(_), _) => Network::Client,
        };
        match network {
            Network::Client => &[Network::Client],
            Network::Server => &[Network::Server],
        }
    }

    fn address_of(&self, host: Host, network: Network, family: Family) -> IpAddr {
        match host {
            Host::Client(index) => self.client(index, family),
            Host::Director(index) => self.director(index, network, family),
            Host::RealServer(index) => self.real_server(index, family),
        }
    }
}

/// Who knows a neighbour, always in the clients' network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Knows {
    Host(Host),
    Router,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_director_with_two_arms_has_a_cable_in_each_network() {
        let cables = Topology::two_arms(2).cables();
        let of_director: Vec<_> = cables
            .iter()
            .filter(|cable| cable.host == Host::Director(0))
            .collect();
        assert_eq!(of_director.len(), 2);
        assert_eq!(
            (of_director[0].interface, of_director[0].network),
            ("eth0", Network::Client)
        );
        assert_eq!(
            (of_director[1].interface, of_director[1].network),
            ("eth1", Network::Server)
        );
        assert!(
            cables
                .iter()
                .filter(|cable| cable.network == Network::Server)
                .count()
                == 3
        );
    }

    #[test]
    fn hosts_reach_the_other_network_by_the_router_or_by_the_director() {
        let gateways = |topology: &Topology| {
            let cables = topology.cables();
            let gateway = |cable| topology.gateway_of(cable, Family::V4);
            cables.iter().map(gateway).collect::<Vec<_>>()
        };
        let address = |text: &str| Some(text.parse::<IpAddr>().unwrap());
        assert_eq!(gateways(&Topology::one_arm(1)), [None, None, None]);
        let routed = Topology::one_arm(1).remote(1);
        let by_router = [
            address("10.77.0.254"),
            address("10.77.0.254"),
            address("10.78.0.254"),
        ];
        assert_eq!(gateways(&routed), by_router);
        let masquerading = Topology::two_arms(1).gateway(Gateway::Director);
        let by_director = [address("10.77.0.254"), None, None, address("10.78.0.2")];
        assert_eq!(gateways(&masquerading), by_director);
    }

    #[test]
    fn ports_of_the_largest_lab_have_names_of_their_own_that_the_kernel_takes() {
        let mut names: Vec<_> = Topology::two_arms(88)
            .directors(8)
            .clients(50)
            .cables()
            .into_iter()
            .map(|cable| cable.port)
            .collect();
        assert!(names.iter().all(|name| name.len() <= 15));
        let all = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all);
    }

    #[test]
    fn only_a_tagged_client_needs_neighbours_known_beforehand() {
        assert!(Topology::one_arm(3).known_neighbours().is_empty());
        let known = Topology::one_arm(1).client_vlan(10).known_neighbours();
        assert!(known.contains(&(
            Knows::Host(Host::RealServer(0)),
            "10.77.0.1".parse().unwrap(),
            Host::Client(0)
        )));
        assert!(known.contains(&(
            Knows::Host(Host::Client(0)),
            "fd77::100".parse().unwrap(),
            Host::Director(0)
        )));
    }

    #[test]
    fn across_a_router_only_the_router_needs_to_know_a_tagged_client() {
        let known = Topology::two_arms(1).client_vlan(10).known_neighbours();
        assert!(known.iter().any(|(knows, ..)| *knows == Knows::Router));
        assert!(
            !known
                .iter()
                .any(|(knows, ..)| *knows == Knows::Host(Host::RealServer(0)))
        );
    }
}
