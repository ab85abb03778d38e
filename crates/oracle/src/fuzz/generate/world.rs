//! What there is before the first packet: services, real servers, marks, settings, clients.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    num::NonZeroU32,
};

use dray_replay::{
    Endpoint,
    scenario::{
        Forward, MarkRule, MarkedProtocol, Prefix, RealServer, Service, ServiceName, Timeouts,
    },
};

use super::{
    super::chance::Chance,
    method::{Method, methods},
};

/// Every scheduler of the kernel but the one that draws lots.
pub(super) const SCHEDULERS: &[&str] = &[
    "rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "mh", "sed", "nq", "fo", "ovf",
];

/// Real servers in each family.
const REALS: u32 = 8;

/// How long the kernel keeps what no one can set, in seconds, as far as scenarios live so long.
const CLOSED: f64 = 10.0;
const SCTP_INIT: f64 = 4.0;
const SCTP_NONE: f64 = 2.0;
const BY_ICMP: f64 = 3.0;

#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) services: Vec<Service>,
    /// How each service's possible real servers are reached.
    methods: Vec<Vec<Method>>,
    pub(super) sysctls: Vec<(String, String)>,
    pub(super) timeouts: Option<Timeouts>,
    /// Other timeouts that a later step may set.
    pub(super) later_timeouts: Timeouts,
    /// Persistence, in seconds, that a later step may set.
    pub(super) later_persistence: u32,
    pub(super) local: Vec<Prefix>,
    pub(super) marks: Vec<MarkRule>,
}

impl World {
    pub(super) fn draw(chance: &mut Chance) -> Self {
        let mut world = Self {
            services: Vec::new(),
            methods: Vec::new(),
            sysctls: Vec::new(),
            timeouts: chance.percent(35).then(|| timeouts(chance)),
            later_timeouts: timeouts(chance),
            later_persistence: persistence(chance),
            local: Vec::new(),
            marks: Vec::new(),
        };
        let count = chance.weighted(&[(5, 1), (3, 2), (2, 3)]);
        for number in 0..count {
            let service = world.service(chance, number);
            world.services.push(service);
        }
        while chance.percent(45) {
            let (name, value) = setting(chance);
            if world.sysctls.iter().all(|(other, _)| *other != name) {
                world.sysctls.push((name, value));
            }
        }
        world
    }

    fn service(&mut self, chance: &mut Chance, number: u32) -> Service {
        let ipv6 = chance.percent(25);
        let name = self.name(chance, number, ipv6);
        let catch_all =
            matches!(name, ServiceName::Tcp(at) | ServiceName::Udp(at) if at.port() == 0);
        let persistent = (catch_all || chance.percent(25)).then(|| persistence(chance));
        let may_be_one_packet = !matches!(name, ServiceName::Tcp(_) | ServiceName::Sctp(_));
        let scheduler = (*chance.one_of(SCHEDULERS)).to_owned();
        let mut service = Service {
            flags: flags(chance, &scheduler),
            name,
            scheduler,
            one_packet: may_be_one_packet && chance.percent(25),
            netmask: persistent.and_then(|_| netmask(chance, ipv6)),
            persistent,
            reals: Vec::new(),
        };
        let mut methods = methods(chance, REALS);
        // Linux reads addresses of the other family in its own way for `mh`.
        if service.scheduler == "mh" {
            methods.iter_mut().for_each(|method| method.crosses = false);
        }
        self.methods.push(methods);
        for _ in 0..chance.between(1, 6) {
            let real = self.real_server(chance, number, &service.name);
            if service.reals.iter().all(|other| other.real != real.real) {
                service.reals.push(real);
            }
        }
        service
    }

    fn name(&mut self, chance: &mut Chance, number: u32, ipv6: bool) -> ServiceName {
        let port = *chance.one_of(&[80, 443, 8080, 53, 5060, 21]);
        match chance.weighted(&[(9, 't'), (5, 'u'), (1, 's'), (4, 'm'), (2, '0')]) {
            't' => ServiceName::Tcp(Endpoint::new(vip(number, ipv6), port)),
            'u' => ServiceName::Udp(Endpoint::new(vip(number, ipv6), port)),
            's' => ServiceName::Sctp(Endpoint::new(vip(number, ipv6), 9)),
            '0' if chance.percent(70) => ServiceName::Tcp(Endpoint::new(vip(number, ipv6), 0)),
            '0' => ServiceName::Udp(Endpoint::new(vip(number, ipv6), 0)),
            _ => self.mark(chance, number, ipv6),
        }
    }

    /// A service for a mark, and the rule that sets it.
    fn mark(&mut self, chance: &mut Chance, number: u32, ipv6: bool) -> ServiceName {
        let mark = NonZeroU32::new(number + 1).expect("one more than a number");
        let prefix = marked_prefix(number, ipv6);
        self.local.push(prefix);
        let proto = chance.percent(30).then_some(MarkedProtocol::Tcp);
        self.marks.push(MarkRule {
            dst: prefix,
            proto,
            dport: proto.filter(|_| chance.percent(50)).map(|_| 80),
            mark: mark.get(),
        });
        if ipv6 {
            ServiceName::Mark6(mark)
        } else {
            ServiceName::Mark(mark)
        }
    }

    /// A real server for service `number`, which is called `name`.
    pub(super) fn real_server(
        &self,
        chance: &mut Chance,
        number: u32,
        name: &ServiceName,
    ) -> RealServer {
        let host = chance.between(1, REALS);
        let method = &self.methods[number as usize][host as usize - 1];
        let port = match name {
            ServiceName::Tcp(at) | ServiceName::Udp(at) | ServiceName::Sctp(at) => at.port(),
            ServiceName::Mark(_) | ServiceName::Mark6(_) => 0,
        };
        let upper = chance.percent(15).then(|| chance.between(1, 6));
        RealServer {
            real: Endpoint::new(
                real_address(host, is_ipv6(name) != method.crosses),
                method.port.unwrap_or(port),
            ),
            weight: weight(chance),
            forward: method.forward,
            upper,
            lower: upper
                .filter(|_| chance.percent(50))
                .map(|upper| chance.between(1, upper)),
            options: method.options.clone(),
        }
    }

    /// Whether any real server of service `number` may be reached by a tunnel.
    pub(super) fn has_tunnels(&self, number: usize) -> bool {
        self.methods[number]
            .iter()
            .any(|method| method.forward == Forward::Tunnel)
    }

    /// After which times something of this world may end, in seconds.
    pub(super) fn lifetimes(&self) -> Vec<f64> {
        let mut times = vec![CLOSED, BY_ICMP];
        for timeouts in self.timeouts.iter().chain([&self.later_timeouts]) {
            times.extend([timeouts.tcp, timeouts.tcp_fin, timeouts.udp].map(f64::from));
        }
        times.extend(
            self.services
                .iter()
                .filter_map(|service| service.persistent)
                .map(f64::from),
        );
        times.push(self.later_persistence.into());
        if self
            .services
            .iter()
            .any(|service| matches!(service.name, ServiceName::Sctp(_)))
        {
            times.extend([SCTP_NONE, SCTP_INIT]);
        }
        // 0 leaves a timeout as it is, which is longer than a scenario.
        times.retain(|time| *time > 0.0);
        times.sort_by(f64::total_cmp);
        times.dedup();
        times
    }
}

/// The address of service `number`.
pub(super) fn vip(number: u32, ipv6: bool) -> IpAddr {
    if ipv6 {
        IpAddr::V6(Ipv6Addr::from_bits(
            0x2001_0db8_0000_0001 << 64 | u128::from(number + 1),
        ))
    } else {
        IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + number + 1))
    }
}

/// The addresses whose packets are marked for service `number`.
fn marked_prefix(number: u32, ipv6: bool) -> Prefix {
    let address = if ipv6 {
        IpAddr::V6(Ipv6Addr::from_bits(
            (0x2001_0db8_0000_0900 + u128::from(number)) << 64,
        ))
    } else {
        IpAddr::V4(Ipv4Addr::from_bits(0x0a09_0000 + (number << 8)))
    };
    let length = if ipv6 { 64 } else { 24 };
    Prefix {
        address,
        length: Some(length),
    }
}

/// An address whose packets are marked for service `number`.
pub(super) fn marked(chance: &mut Chance, number: u32, ipv6: bool) -> IpAddr {
    let host = chance.between(1, 3);
    match marked_prefix(number, ipv6).address {
        IpAddr::V4(address) => IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() + host)),
        IpAddr::V6(address) => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() + u128::from(host)))
        }
    }
}

fn real_address(host: u32, ipv6: bool) -> IpAddr {
    if ipv6 {
        IpAddr::V6(Ipv6Addr::from_bits(
            0x2001_0db8_0000_0002 << 64 | u128::from(host),
        ))
    } else {
        IpAddr::V4(Ipv4Addr::from_bits(0x0a01_0100 + host))
    }
}

/// Whether the service is for IPv6.
pub(super) fn is_ipv6(name: &ServiceName) -> bool {
    match name {
        ServiceName::Mark(_) => false,
        ServiceName::Mark6(_) => true,
        other => other.vip().is_some_and(|vip| vip.is_ipv6()),
    }
}

pub(super) fn weight(chance: &mut Chance) -> u32 {
    match chance.below(20) {
        0 | 1 => 0,
        2..16 => chance.between(1, 4),
        16..19 => chance.between(5, 200),
        _ => 65535,
    }
}

/// Flags of the schedulers that have some.
pub(super) fn flags(chance: &mut Chance, scheduler: &str) -> Option<String> {
    if !["sh", "mh"].contains(&scheduler) {
        return None;
    }
    let flags: Vec<String> = ["fallback", "port"]
        .iter()
        .filter(|_| chance.percent(50))
        .map(|flag| format!("{scheduler}-{flag}"))
        .collect();
    (!flags.is_empty()).then(|| flags.join(","))
}

pub(super) fn netmask(chance: &mut Chance, ipv6: bool) -> Option<String> {
    let masks = if ipv6 {
        ["64", "48", "128"]
    } else {
        ["255.255.255.0", "255.255.0.0", "255.255.255.128"]
    };
    chance
        .percent(40)
        .then(|| (*chance.one_of(&masks)).to_owned())
}

fn persistence(chance: &mut Chance) -> u32 {
    *chance.one_of(&[3, 60, 360, 360])
}

/// Timeouts that scenarios live to see, some of them.
fn timeouts(chance: &mut Chance) -> Timeouts {
    let one = |chance: &mut Chance| *chance.one_of(&[0, 3, 100]);
    Timeouts {
        tcp: one(chance),
        tcp_fin: one(chance),
        udp: one(chance),
    }
}

/// A setting of IPVS, and a value.
pub(super) fn setting(chance: &mut Chance) -> (String, String) {
    let (name, values) = *chance.one_of(SETTINGS);
    (
        format!("net.ipv4.vs.{name}"),
        (*chance.one_of(values)).to_owned(),
    )
}

/// Settings whose effect does not depend on free memory or lots.
const SETTINGS: &[(&str, &[&str])] = &[
    ("conn_reuse_mode", &["0", "1", "2", "3"]),
    ("expire_nodest_conn", &["0", "1"]),
    ("expire_quiescent_template", &["0", "1"]),
    ("sloppy_tcp", &["0", "1"]),
    ("sloppy_sctp", &["0", "1"]),
    ("schedule_icmp", &["0", "1"]),
    ("secure_tcp", &["0", "3"]),
    ("am_droprate", &["2", "3", "5"]),
    ("drop_packet", &["0", "3"]),
];
