//! A director's configuration for a lab, as text.

use std::{fmt, net::SocketAddr};

use crate::topology::{Arms, Family, Topology};

/// What a lab's director is told. Prints as the configuration file.
#[derive(Clone, Debug)]
pub struct DirectorConfig {
    topology: Topology,
    director: u8,
    tables: Vec<(String, Vec<Setting>)>,
    marks: Vec<Mark>,
    services: Vec<VirtualService>,
}

/// A virtual service over real servers of the lab.
#[derive(Clone, Debug)]
pub struct VirtualService {
    name: String,
    family: Family,
    clients_ask: Clients,
    scheduler: String,
    forward: String,
    real_family: Family,
    real_port: Option<u16>,
    settings: Vec<Setting>,
    upper_threshold: u32,
    real_servers: Vec<RealServer>,
}

/// A real server of a service.
#[derive(Clone, Debug)]
struct RealServer {
    index: u8,
    weight: u16,
    upper_threshold: u32,
    settings: Vec<Setting>,
}

/// A key with its value in TOML.
#[derive(Clone, Debug)]
struct Setting(String, String);

/// The mark of TCP packets to a port of the VIP.
#[derive(Clone, Debug)]
struct Mark {
    number: u32,
    family: Family,
    port: u16,
}

/// Whose packets a service is for.
#[derive(Clone, Debug)]
enum Clients {
    /// Those who ask a port of the VIP, by this protocol.
    Port(&'static str, u16),
    /// Those whose packets have this mark.
    Mark(u32),
}

impl DirectorConfig {
    /// A configuration of a director, counted from 0, without services.
    pub(crate) fn new(topology: &Topology, director: u8) -> Self {
        Self {
            topology: topology.clone(),
            director,
            tables: Vec::new(),
            marks: Vec::new(),
            services: Vec::new(),
        }
    }

    /// Adds a service.
    #[must_use]
    pub fn service(mut self, service: VirtualService) -> Self {
        self.services.push(service);
        self
    }

    /// Sets a key of `[director.ipvs]`. The value is TOML.
    #[must_use]
    pub fn ipvs(self, key: &str, value: impl fmt::Display) -> Self {
        self.set("ipvs", key, value)
    }

    /// Sets a key of a table within `[director]`, as `fullnat`. The value is TOML.
    #[must_use]
    pub fn set(mut self, table: &str, key: &str, value: impl fmt::Display) -> Self {
        let setting = Setting(key.to_owned(), value.to_string());
        match self.tables.iter_mut().find(|(name, _)| name == table) {
            Some((_, settings)) => settings.push(setting),
            None => self.tables.push((table.to_owned(), vec![setting])),
        }
        self
    }

    /// Gives TCP packets to a port of the director's VIP a mark.
    #[must_use]
    pub fn mark(mut self, number: u32, family: Family, port: u16) -> Self {
        self.marks.push(Mark {
            number,
            family,
            port,
        });
        self
    }
}

impl VirtualService {
    /// A TCP service on a port of the director's VIP, scheduled by `wrr`, without real servers yet.
    pub fn tcp(name: &str, family: Family, port: u16) -> Self {
        Self::new(name, family, Clients::Port("tcp", port))
    }

    /// As [`VirtualService::tcp`], of UDP.
    pub fn udp(name: &str, family: Family, port: u16) -> Self {
        Self::new(name, family, Clients::Port("udp", port))
    }

    /// As [`VirtualService::tcp`], of packets with a [mark](DirectorConfig::mark).
    pub fn marked(name: &str, family: Family, mark: u32) -> Self {
        Self::new(name, family, Clients::Mark(mark))
    }

    fn new(name: &str, family: Family, clients_ask: Clients) -> Self {
        Self {
            name: name.to_owned(),
            family,
            clients_ask,
            scheduler: "wrr".to_owned(),
            forward: "dr".to_owned(),
            real_family: family,
            real_port: None,
            settings: Vec::new(),
            upper_threshold: 0,
            real_servers: Vec::new(),
        }
    }

    /// Sets a further key of the service. The value is TOML.
    #[must_use]
    pub fn set(mut self, key: &str, value: impl fmt::Display) -> Self {
        self.settings
            .push(Setting(key.to_owned(), value.to_string()));
        self
    }

    /// Sets the forwarding method of real servers that have none of their own.
    #[must_use]
    pub fn forward(self, method: &str) -> Self {
        Self {
            forward: method.to_owned(),
            ..self
        }
    }

    /// Reaches real servers by their addresses of this family, which need not be the VIP's.
    #[must_use]
    pub fn real_family(self, family: Family) -> Self {
        Self {
            real_family: family,
            ..self
        }
    }

    /// Reaches real servers at this port instead of the service's.
    #[must_use]
    pub fn real_port(self, port: u16) -> Self {
        Self {
            real_port: Some(port),
            ..self
        }
    }

    /// Sets the upper threshold of the real servers that are added from now on; 0 for none.
    #[must_use]
    pub fn upper_threshold(self, connections: u32) -> Self {
        Self {
            upper_threshold: connections,
            ..self
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
        self.real_servers.push(RealServer {
            index,
            weight,
            upper_threshold: self.upper_threshold,
            settings: Vec::new(),
        });
        self
    }

    /// Sets a further key of the real server that was added last. The value is TOML.
    #[must_use]
    pub fn set_real(mut self, key: &str, value: impl fmt::Display) -> Self {
        if let Some(real_server) = self.real_servers.last_mut() {
            let setting = Setting(key.to_owned(), value.to_string());
            real_server.settings.push(setting);
        }
        self
    }

    /// Adds the first real servers, one for each weight.
    #[must_use]
    pub fn weights(self, weights: &[u16]) -> Self {
        (0..).zip(weights).fold(self, |service, (index, weight)| {
            service.real_server(index, *weight)
        })
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
        for (table, settings) in &self.tables {
            writeln!(f, "\n[director.{table}]")?;
            write_settings(settings, f)?;
        }
        for Mark {
            number,
            family,
            port,
        } in &self.marks
        {
            let vip = self.topology.vip(self.director, *family);
            writeln!(
                f,
                "\n[[mark]]\nmark = {number}\ndestination = [\"{vip}\"]\nprotocol = \"tcp\"\nports = [\"{port}\"]"
            )?;
        }
        let mut services = self.services.iter();
        services.try_for_each(|service| self.write_service(service, f))
    }
}

impl DirectorConfig {
    fn write_service(&self, service: &VirtualService, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let VirtualService {
            name,
            family,
            clients_ask,
            scheduler,
            forward,
            real_family,
            real_port,
            settings,
            upper_threshold: _,
            real_servers,
        } = service;
        writeln!(f, "\n[[service]]\nname = \"{name}\"")?;
        match clients_ask {
            Clients::Port(protocol, port) => {
                let address = SocketAddr::new(self.topology.vip(self.director, *family), *port);
                writeln!(f, "address = \"{protocol}://{address}\"")?;
            }
            Clients::Mark(mark) => {
                let family = match family {
                    Family::V4 => "ipv4",
                    Family::V6 => "ipv6",
                };
                writeln!(f, "mark = {mark}\nfamily = \"{family}\"")?;
            }
        }
        writeln!(f, "scheduler = \"{scheduler}\"\nforward = \"{forward}\"")?;
        write_settings(settings, f)?;
        writeln!(f, "real = [")?;
        for RealServer {
            index,
            weight,
            upper_threshold,
            settings,
        } in real_servers
        {
            let address = self.topology.real_server(*index, *real_family);
            let address = real_port.map_or_else(
                || address.to_string(),
                |port| SocketAddr::new(address, port).to_string(),
            );
            write!(f, "  {{ address = \"{address}\", weight = {weight}")?;
            if *upper_threshold > 0 {
                write!(f, ", upper_threshold = {upper_threshold}")?;
            }
            for Setting(key, value) in settings {
                write!(f, ", {key} = {value}")?;
            }
            writeln!(f, " }},")?;
        }
        writeln!(f, "]")
    }
}

fn write_settings(settings: &[Setting], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    settings
        .iter()
        .try_for_each(|Setting(key, value)| writeln!(f, "{key} = {value}"))
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

    #[test]
    fn real_servers_may_have_a_method_a_family_and_a_port_of_their_own() {
        let config = DirectorConfig::new(&Topology::one_arm(2).remote(1), 0)
            .set("fullnat", "addresses", "[\"10.77.0.240\"]")
            .service(
                VirtualService::tcp("web", Family::V6, 80)
                    .forward("fullnat")
                    .real_family(Family::V4)
                    .real_port(8_080)
                    .real_server(0, 1)
                    .real_server(1, 2)
                    .set_real("forward", "\"tun\"")
                    .set_real("tunnel", "\"gre\""),
            );
        assert_eq!(
            config.to_string(),
            r#"[director]
interfaces = ["eth0"]
max_connections = 131072

[director.fullnat]
addresses = ["10.77.0.240"]

[[service]]
name = "web"
address = "tcp://[fd77::100]:80"
scheduler = "wrr"
forward = "fullnat"
real = [
  { address = "10.77.0.11:8080", weight = 1 },
  { address = "10.78.0.12:8080", weight = 2, forward = "tun", tunnel = "gre" },
]
"#
        );
    }

    #[test]
    fn settings_stand_in_their_tables_and_marks_before_the_services() {
        let config = DirectorConfig::new(&Topology::one_arm(1), 0)
            .ipvs("removed", "\"drop\"")
            .mark(7, Family::V4, 443)
            .service(
                VirtualService::marked("shop", Family::V4, 7)
                    .set("persistent", "\"6m\"")
                    .upper_threshold(9)
                    .weights(&[1]),
            );
        assert_eq!(
            config.to_string(),
            r#"[director]
interfaces = ["eth0"]
max_connections = 131072

[director.ipvs]
removed = "drop"

[[mark]]
mark = 7
destination = ["10.77.0.100"]
protocol = "tcp"
ports = ["443"]

[[service]]
name = "shop"
mark = 7
family = "ipv4"
scheduler = "wrr"
forward = "dr"
persistent = "6m"
real = [
  { address = "10.77.0.11", weight = 1, upper_threshold = 9 },
]
"#
        );
    }
}
