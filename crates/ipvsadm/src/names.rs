//! Names of hosts and ports.

use std::net::{IpAddr, Ipv4Addr};

use dray_model::Protocol;

/// Who knows the names of hosts and ports: the C library for `ipvsadm`.
pub trait Names {
    /// The IPv4 address of a host; `ipvsadm` resolves no others.
    fn address_of(&self, host: &str) -> Option<Ipv4Addr>;

    /// The name of the host with an address.
    fn host_at(&self, address: IpAddr) -> Option<String>;

    /// The port of a service, such as 80 of `http`.
    fn port_of(&self, service: &str, protocol: Protocol) -> Option<u16>;

    /// The name of the service with a port.
    fn service_at(&self, port: u16, protocol: Protocol) -> Option<String>;
}

/// The names in two files of the formats of `/etc/hosts` and `/etc/services`, as the C library finds them there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tables {
    hosts: Vec<Host>,
    services: Vec<Service>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Host {
    address: IpAddr,
    /// Its name, and others that it answers to.
    names: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Service {
    port: u16,
    protocol: Protocol,
    names: Vec<String>,
}

impl Tables {
    /// The names in the texts of the two files. Lines that are none are passed over, as the C library does.
    pub fn read(hosts: &str, services: &str) -> Self {
        Self {
            hosts: hosts.lines().filter_map(host).collect(),
            services: services.lines().filter_map(service).collect(),
        }
    }
}

impl Names for Tables {
    fn address_of(&self, host: &str) -> Option<Ipv4Addr> {
        let answers = |it: &Host| it.names.iter().any(|name| name.eq_ignore_ascii_case(host));
        self.hosts
            .iter()
            .filter(|it| answers(it))
            .find_map(|it| match it.address {
                IpAddr::V4(address) => Some(address),
                IpAddr::V6(_) => None,
            })
    }

    fn host_at(&self, address: IpAddr) -> Option<String> {
        let host = self.hosts.iter().find(|it| it.address == address)?;
        host.names.first().cloned()
    }

    fn port_of(&self, service: &str, protocol: Protocol) -> Option<u16> {
        let found = self
            .services
            .iter()
            .find(|it| it.protocol == protocol && it.names.iter().any(|name| name == service));
        Some(found?.port)
    }

    fn service_at(&self, port: u16, protocol: Protocol) -> Option<String> {
        let found = self
            .services
            .iter()
            .find(|it| it.port == port && it.protocol == protocol);
        found?.names.first().cloned()
    }
}

/// `ADDRESS NAME [NAME …]`
fn host(line: &str) -> Option<Host> {
    let mut words = plain(line).split_whitespace();
    let address = words.next()?.parse().ok()?;
    let names: Vec<String> = words.map(str::to_owned).collect();
    (!names.is_empty()).then_some(Host { address, names })
}

/// `NAME PORT/PROTOCOL [NAME …]`
fn service(line: &str) -> Option<Service> {
    let mut words = plain(line).split_whitespace();
    let name = words.next()?;
    let (port, protocol) = words.next()?.split_once('/')?;
    let protocol = [Protocol::Tcp, Protocol::Udp, Protocol::Sctp]
        .into_iter()
        .find(|it| it.name() == protocol)?;
    Some(Service {
        port: port.parse().ok()?,
        protocol,
        names: [name].into_iter().chain(words).map(str::to_owned).collect(),
    })
}

/// The line without its comment.
fn plain(line: &str) -> &str {
    line.split('#').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables() -> Tables {
        Tables::read(
            "127.0.0.1\tlocalhost\n# 10.0.0.9 nobody\n10.0.0.1 www.example.org www # ours\n\
             2001:db8::1 six\n10.0.0.6 six\n",
            "http\t\t80/tcp\t\twww # web\ndomain 53/udp\ndomain 53/tcp\nodd 7/ddp\n",
        )
    }

    #[test]
    fn hosts_are_found_by_every_name_and_shown_by_the_first() {
        let tables = tables();
        let www = Ipv4Addr::new(10, 0, 0, 1);
        assert_eq!(tables.address_of("WWW"), Some(www));
        assert_eq!(
            tables.host_at(www.into()).as_deref(),
            Some("www.example.org")
        );
        assert_eq!(tables.address_of("nobody"), None);
        assert_eq!(tables.address_of("six"), Some(Ipv4Addr::new(10, 0, 0, 6)));
    }

    #[test]
    fn services_are_of_one_protocol() {
        let tables = tables();
        assert_eq!(tables.port_of("www", Protocol::Tcp), Some(80));
        assert_eq!(tables.port_of("http", Protocol::Udp), None);
        assert_eq!(
            tables.service_at(53, Protocol::Udp).as_deref(),
            Some("domain")
        );
        assert_eq!(tables.service_at(7, Protocol::Tcp), None);
    }
}
