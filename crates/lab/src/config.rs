//! A director's configuration for a lab, as text.

use std::fmt::{self, Write as _};

use crate::topology::{Arms, Family, Topology};

/// What a lab's director is told: virtual services over the lab's real servers.
#[derive(Clone, Debug)]
pub struct DirectorConfig {
    interfaces: &'static [&'static str],
    vips: [String; 2],
    real_servers: [Vec<String>; 2],
    services: String,
}

impl DirectorConfig {
    /// A configuration of a director, counted from 0, without services.
    pub fn new(topology: &Topology, director: u8) -> Self {
        let host = |address: std::net::IpAddr| match address {
            std::net::IpAddr::V4(address) => address.to_string(),
            std::net::IpAddr::V6(address) => format!("[{address}]"),
        };
        Self {
            interfaces: match topology.arms() {
                Arms::One => &["eth0"],
                Arms::Two => &["eth0", "eth1"],
            },
            vips: Family::BOTH.map(|family| host(topology.vip(director, family))),
            real_servers: Family::BOTH.map(|family| {
                (0..topology.real_server_count())
                    .map(|index| topology.real_server(index, family).to_string())
                    .collect()
            }),
            services: String::new(),
        }
    }

    /// Adds a service `PROTOCOL://VIP:PORT` over the first real servers, one for each weight.
    #[must_use]
    pub fn service(
        mut self,
        name: &str,
        family: Family,
        protocol: &str,
        port: u16,
        scheduler: &str,
        weights: &[u16],
    ) -> Self {
        let vip = &self.vips[family as usize];
        let real_servers: Vec<String> = self.real_servers[family as usize]
            .iter()
            .zip(weights)
            .map(|(address, weight)| {
                format!("    {{ address = \"{address}\", weight = {weight} }},\n")
            })
            .collect();
        write!(
            self.services,
            "
[[service]]
name = \"{name}\"
address = \"{protocol}://{vip}:{port}\"
scheduler = \"{scheduler}\"
forward = \"dr\"
real = [
{}]
",
            real_servers.concat()
        )
        .expect("text takes more text");
        self
    }
}

impl fmt::Display for DirectorConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "[director]\ninterfaces = {:?}\nmax_connections = 131072\n{}",
            self.interfaces, self.services
        )
    }
}
