//! A director's configuration for a lab, as text.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
};

use crate::topology::{Arms, Family, Topology};

/// What a lab's director is told. Prints as the configuration file.
#[derive(Clone, Debug)]
pub struct DirectorConfig {
    topology: Topology,
    director: u8,
    services: Vec<VirtualService>,
}

/// A virtual service over real servers of the lab.
#[derive(Clone, Debug)]
pub struct VirtualService {
    name: String,
    protocol: &'static str,
    family: Family,
    port: u16,
    scheduler: String,
    real_servers: Vec<(u8, u16)>,
}

impl DirectorConfig {
    /// A configuration of a director, counted from 0, without services.
    pub(crate) fn new(topology: &Topology, director: u8) -> Self {
        Self {
            topology: topology.clone(),
            director,
            services: Vec::new(),
        }
    }

    /// Adds a service.
    #[must_use]
    pub fn service(mut self, service: VirtualService) -> Self {
        self.services.push(service);
        self
    }
}

impl VirtualService {
    /// A TCP service on a port of the director's VIP, scheduled by `wrr`, without real servers yet.
    pub fn tcp(name: &str, family: Family, port: u16) -> Self {
        Self {
            name: name.to_owned(),
            protocol: "tcp",
            family,
            port,
            scheduler: "wrr".to_owned(),
            real_servers: Vec::new(),
        }
    }

    /// As [`VirtualService::tcp`], of UDP.
    pub fn udp(name: &str, family: Family, port: u16) -> Self {
        Self {
            protocol: "udp",
            ..Self::tcp(name, family, port)
        }
    }

    /// Sets the scheduler, by IPVS's name.
    #[must_use]
    pub fn scheduler(self, scheduler: &str) -> Self {
        Self {
            scheduler: scheduler.to_owned(),
            ..self
        }
    }

    /// Adds a real server, counted from 0, with a weight.
    #[must_use]
    pub fn real_server(mut self, index: u8, weight: u16) -> Self {
        self.real_servers.push((index, weight));
        self
    }

    /// Adds the first real servers, one for each weight.
    #[must_use]
    pub fn weights(mut self, weights: &[u16]) -> Self {
        self.real_servers.extend((0..).zip(weights.iter().copied()));
        self
    }
}

impl fmt::Display for DirectorConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let interfaces = match self.topology.arms() {
            Arms::One => r#"["eth0"]"#,
            Arms::Two => r#"["eth0", "eth1"]"#,
        };
        writeln!(
            f,
            "[director]\ninterfaces = {interfaces}\nmax_connections = {CONNECTIONS}"
        )?;
        for service in &self.services {
            let VirtualService {
                name,
                protocol,
                family,
                port,
                scheduler,
                real_servers,
            } = service;
            let address = SocketAddr::new(self.topology.vip(self.director, *family), *port);
            writeln!(
                f,
                "\n[[service]]\nname = \"{name}\"\naddress = \"{protocol}://{address}\""
            )?;
            writeln!(f, "scheduler = \"{scheduler}\"\nforward = \"dr\"\nreal = [")?;
            for (index, weight) in real_servers {
                let address: IpAddr = self.topology.real_server(*index, *family);
                writeln!(f, "  {{ address = \"{address}\", weight = {weight} }},")?;
            }
            writeln!(f, "]")?;
        }
        Ok(())
    }
}

/// Room for the connections of any lab, and small enough for many labs on one machine.
const CONNECTIONS: u32 = 131_072;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_prints_as_the_file_of_a_director() {
        let config = DirectorConfig::new(&Topology::two_arms(3).directors(2), 1)
            .service(VirtualService::tcp("web", Family::V4, 80).weights(&[3, 1]))
            .service(
                VirtualService::udp("dns", Family::V6, 53)
                    .scheduler("sh")
                    .real_server(2, 5),
            );
        assert_eq!(
            config.to_string(),
            r#"[director]
interfaces = ["eth0", "eth1"]
max_connections = 131072

[[service]]
name = "web"
address = "tcp://10.77.0.101:80"
scheduler = "wrr"
forward = "dr"
real = [
  { address = "10.78.0.11", weight = 3 },
  { address = "10.78.0.12", weight = 1 },
]

[[service]]
name = "dns"
address = "udp://[fd77::101]:53"
scheduler = "sh"
forward = "dr"
real = [
  { address = "fd78::13", weight = 5 },
]
"#
        );
    }
}
