//! The traffic that every method has to carry without a failure: 1,000 short connections, 100 MB in either direction, names over UDP.

use std::{net::IpAddr, time::Duration};

use dray_lab::{DOWNLOAD, DOWNLOAD_BYTES, Director, Family, Lab, PAGE, VirtualService};

use crate::site::{assert_nothing_dropped, assert_served, assert_shares, status, vip};

/// A virtual service for the web and one for names, of one method.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair<'a> {
    /// Their clients' family.
    pub(crate) clients: Family,
    /// Their real servers' family.
    pub(crate) real_servers: Family,
    /// The VIP's ports.
    pub(crate) ports: Ports,
    /// The forwarding method.
    pub(crate) forward: &'a str,
    /// What of its tunnels is not as usual, in TOML.
    pub(crate) settings: &'a [(&'a str, &'a str)],
}

/// Where the web and names are asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ports {
    pub(crate) web: u16,
    pub(crate) dns: u16,
}

impl Pair<'_> {
    /// The two services over the first real servers, at ports of theirs if these are others.
    pub(crate) fn services(self, real_servers: u8, reals: Option<Ports>) -> [VirtualService; 2] {
        let Ports { web, dns } = self.ports;
        let name = |kind| format!("{kind}-{:?}-{:?}", self.clients, self.real_servers);
        let web = VirtualService::tcp(&name("web"), self.clients, web);
        let dns = VirtualService::udp(&name("dns"), self.clients, dns);
        [
            self.of_method(web, real_servers, reals.map(|ports| ports.web)),
            self.of_method(dns, real_servers, reals.map(|ports| ports.dns)),
        ]
    }

    fn of_method(
        self,
        service: VirtualService,
        real_servers: u8,
        port: Option<u16>,
    ) -> VirtualService {
        let service = service.forward(self.forward).real_family(self.real_servers);
        let settings = self.settings.iter();
        let service = settings.fold(service, |service, (key, value)| service.set(key, value));
        let service = match port {
            Some(port) => service.real_port(port),
            None => service,
        };
        (0..real_servers).fold(service, |service, index| service.real_server(index, 1))
    }

    /// One flow of each kind: an upload of several segments, a download, a question for a name.
    pub(crate) fn ask_a_little(self, lab: &Lab) {
        const SEVERAL_SEGMENTS: usize = 20_000;
        let Ports { web, dns } = self.ports;
        let web = vip(lab, 0, self.clients, web);
        let load = || lab.client(0).http(web);
        let upload = load().with(|http| http.upload(SEVERAL_SEGMENTS));
        assert_served(&upload.run().unwrap());
        assert_served(&load().with(|http| http.path(PAGE)).run().unwrap());
        let names = lab.client(0).dns(vip(lab, 0, self.clients, dns));
        assert_served(&names.run().unwrap());
    }

    /// All of the traffic, from a client of the lab. Every real server gets its share.
    pub(crate) fn assert_carries(self, lab: &Lab) {
        let Ports { web, dns } = self.ports;
        let address = |port| vip(lab, 0, self.clients, port);
        let names: Vec<_> = lab
            .real_servers()
            .iter()
            .map(|server| (server.name(), 1))
            .collect();
        let short = lab.client(0).http(address(web));
        let short = short.connections(1_000).requests(1_000).run().unwrap();
        assert_served(&short);
        assert_shares(&short, &names);
        self.assert_carries_much(lab, 1);
        let queries = lab.client(0).dns(address(dns));
        let queries = queries.connections(300).requests(300).run().unwrap();
        assert_served(&queries);
        assert_eq!(queries.servers.len(), names.len(), "{queries:?}");
        assert_nothing_dropped(lab.director(0));
    }

    /// Large transfers in either direction, so many of each at once, on connections of their own.
    pub(crate) fn assert_carries_much(self, lab: &Lab, transfers: u64) {
        let address = vip(lab, 0, self.clients, self.ports.web);
        let load = || {
            let load = lab.client(0).http(address).patience(LARGE);
            load.connections(transfers).requests(transfers)
        };
        let download = load().with(|http| http.path(DOWNLOAD)).run().unwrap();
        assert_served(&download);
        assert_eq!(download.bytes, transfers * DOWNLOAD_BYTES as u64);
        let upload = load().with(|http| http.upload(DOWNLOAD_BYTES));
        let upload = upload.run().unwrap();
        assert_served(&upload);
        assert_eq!(upload.served(), transfers);
    }
}

/// How long a large transfer may take on a slow and busy machine.
pub(crate) const LARGE: Duration = Duration::from_secs(180);

/// `dray status` says of every destination that it is reached by this method.
pub(crate) fn assert_method_shown(director: &Director, said: &str) {
    let destinations: Vec<_> = status(director)
        .services
        .into_iter()
        .flat_map(|service| service.destinations)
        .collect();
    assert!(!destinations.is_empty());
    for destination in &destinations {
        assert_eq!(destination.forward.to_string(), said, "{destination:?}");
    }
    let text = director.command(["status"]).unwrap();
    for destination in &destinations {
        assert!(is_shown(&text, destination.real, said), "{text}");
    }
}

/// Whether a line of the table is about a real server reached by this method.
fn is_shown(table: &str, real: IpAddr, said: &str) -> bool {
    let real = real.to_string();
    table
        .lines()
        .any(|line| line.contains(&real) && line.contains(&format!(" {said} ")))
}
