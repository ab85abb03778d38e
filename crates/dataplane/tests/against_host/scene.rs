//! Random directors: policies, services, real servers.

use std::{
    num::{NonZeroU16, NonZeroU32},
    ops::RangeInclusive,
};

use dray_model::{
    Family, Granularity, IpvsOptions, KernelRules, MarkRule, NoDestination, Persistence, Policy,
    Protocol, Removed, ServiceOptions,
};
use dray_sched::Kind;
use proptest::{collection::vec, prelude::*, sample::select};

/// What a director is made of.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    pub(crate) policy: Policy,
    pub(crate) rules: Vec<MarkRule>,
    pub(crate) services: Vec<Service>,
    pub(crate) pool: Pool,
}

/// FULLNAT's local addresses and their ports, so few that they run out.
#[derive(Clone, Debug)]
pub(crate) struct Pool {
    pub(crate) addresses: Vec<&'static str>,
    pub(crate) ports: RangeInclusive<u16>,
}

/// What becomes of the addresses of packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Methods {
    /// They stay.
    Direct,
    /// NAT and FULLNAT as well, and what goes with them.
    Any,
}

#[derive(Clone, Debug)]
pub(crate) struct Service {
    pub(crate) identity: String,
    pub(crate) kind: Kind,
    pub(crate) options: ServiceOptions,
    pub(crate) servers: Vec<Server>,
}

#[derive(Clone, Debug)]
pub(crate) struct Server {
    pub(crate) weight: u32,
    /// From this many connections on it takes no more; 0 for no limit.
    pub(crate) upper: u32,
    pub(crate) reach: Reach,
    pub(crate) method: Method,
    /// 0 for that of the connection.
    pub(crate) port: u16,
    /// What SYNs may announce at most.
    pub(crate) mss: Option<NonZeroU16>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Direct,
    /// A near real server is one of the clients and shares a network with another one.
    Nat {
        near: bool,
        crossed: bool,
    },
    /// A crossed real server is of the family that its service is not.
    FullNat {
        crossed: bool,
        /// It is told the client's address.
        tells: bool,
    },
}

/// How a real server is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    Usual,
    OtherPort,
    Vlan,
    SmallMtu,
    /// Its Ethernet address was never known.
    Nowhere,
    /// It is the director itself.
    Local,
}

pub(crate) fn scene(methods: Methods) -> impl Strategy<Value = Scene> {
    let identities: Vec<String> = ["10.0.0.100", "[fd00::100]"]
        .into_iter()
        .flat_map(|vip| {
            ["tcp 80", "udp 80", "sctp 80", "tcp 21", "tcp 0", "udp 0"].map(|place| {
                let (protocol, port) = place.split_once(' ').expect("two words");
                format!("{protocol}://{vip}:{port}")
            })
        })
        .chain(["mark 5".to_owned(), "mark 5 ipv6".to_owned()])
        .collect();
    let maybe = move |identity| prop::option::weighted(0.6, service(identity, methods));
    let services: Vec<_> = identities.into_iter().map(maybe).collect();
    (policy(), vec(rule(), 0..3), services, pool()).prop_map(|(policy, rules, services, pool)| {
        Scene {
            policy,
            rules,
            services: services.into_iter().flatten().collect(),
            pool,
        }
    })
}

fn pool() -> impl Strategy<Value = Pool> {
    let addresses = vec![
        vec![],
        vec!["10.9.0.1", "fd00:9::1"],
        vec!["10.9.0.1", "10.9.0.2", "fd00:9::1", "fd00:9::2"],
    ];
    // 64 pairs at most: so many are tried.
    let ports = select(vec![5000..=5000, 5000..=5001, 5000..=5030]);
    (select(addresses), ports).prop_map(|(addresses, ports)| Pool { addresses, ports })
}

fn service(identity: String, methods: Methods) -> BoxedStrategy<Service> {
    let family = if identity.contains("fd00") || identity.contains("ipv6") {
        Family::Ipv6
    } else {
        Family::Ipv4
    };
    let needs_persistence = identity.ends_with(":0");
    let is_udp = identity.starts_with("udp");
    let persistence = (prop::bool::weighted(0.4), persistence(family))
        .prop_map(move |(wanted, one)| (wanted || needs_persistence).then_some(one));
    (
        persistence,
        any::<bool>(),
        kind(),
        vec(server(methods), 0..4),
    )
        .prop_map(move |(persistence, one_packet, kind, servers)| Service {
            identity: identity.clone(),
            kind,
            options: ServiceOptions {
                persistence,
                one_packet: one_packet && is_udp,
            },
            servers,
        })
        .boxed()
}

fn persistence(family: Family) -> impl Strategy<Value = Persistence> {
    let granularities = match family {
        Family::Ipv4 => [32, 31, 0].map(|length| {
            let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
            Granularity::Ipv4(mask.into())
        }),
        Family::Ipv6 => [128, 127, 32].map(Granularity::Ipv6),
    };
    (select(vec![10, 60, 300]), select(granularities.to_vec())).prop_map(
        |(seconds, granularity)| Persistence {
            timeout: NonZeroU32::new(seconds).expect("not 0"),
            granularity,
            engine: None,
        },
    )
}

/// Every scheduler but the one that throws dice.
fn kind() -> BoxedStrategy<Kind> {
    let hashes = [(false, false), (true, false), (false, true), (true, true)];
    let mut kinds = vec![
        Kind::RoundRobin,
        Kind::WeightedRoundRobin,
        Kind::LeastConnection,
        Kind::WeightedLeastConnection,
        Kind::ShortestExpectedDelay,
        Kind::NeverQueue,
        Kind::LocalityBased,
        Kind::LocalityBasedReplicated,
        Kind::DestinationHash,
        Kind::Failover,
        Kind::Overflow,
    ];
    kinds.extend(hashes.map(|(fallback, port)| Kind::SourceHash { fallback, port }));
    select(kinds).boxed()
}

fn server(methods: Methods) -> BoxedStrategy<Server> {
    let reach = prop_oneof![
        8 => Just(Reach::Usual),
        2 => Just(Reach::OtherPort),
        2 => Just(Reach::Vlan),
        1 => Just(Reach::SmallMtu),
        1 => Just(Reach::Nowhere),
        1 => Just(Reach::Local),
    ];
    let upper = prop_oneof![3 => Just(0), 1 => 1..4_u32];
    let weight = select(vec![0, 1, 1, 2, 5]);
    let port = select(vec![0, 8080]);
    let mss = match methods {
        Methods::Direct => Just(None).boxed(),
        Methods::Any => select(vec![None, NonZeroU16::new(536)]).boxed(),
    };
    (weight, upper, reach, method(methods), port, mss)
        .prop_map(|(weight, upper, reach, method, port, mss)| Server {
            weight,
            upper,
            reach,
            method,
            port,
            mss,
        })
        .boxed()
}

fn method(methods: Methods) -> BoxedStrategy<Method> {
    if methods == Methods::Direct {
        return Just(Method::Direct).boxed();
    }
    let rarely = || prop::bool::weighted(0.1);
    prop_oneof![
        1 => Just(Method::Direct),
        2 => (rarely(), rarely()).prop_map(|(near, crossed)| Method::Nat { near, crossed }),
        3 => any::<[bool; 2]>().prop_map(|[crossed, tells]| Method::FullNat { crossed, tells }),
    ]
    .boxed()
}

fn rule() -> impl Strategy<Value = MarkRule> {
    let ports = prop::option::of(select(vec![0..=1023_u16, 80..=80, 1024..=65_535]));
    let protocol = prop::option::of(select(vec![Protocol::Tcp, Protocol::Udp, Protocol::Sctp]));
    let interface = prop::option::weighted(0.3, select(vec!["port0", "port1"]));
    let family = select(vec![Family::Ipv4, Family::Ipv6]);
    (family, 5..7_u32, ports, protocol, interface).prop_map(
        |(family, mark, ports, protocol, interface)| MarkRule {
            mark: NonZeroU32::new(mark).expect("not 0"),
            family,
            destination: None,
            source: None,
            protocol,
            ports,
            source_ports: None,
            interface: interface.map(str::to_owned),
        },
    )
}

fn policy() -> BoxedStrategy<Policy> {
    let answers = select(vec![
        NoDestination::Icmp,
        NoDestination::Reset,
        NoDestination::Drop,
    ]);
    let rules = select(vec![KernelRules::V6_1_176, KernelRules::V6_1_192]);
    let removed = select(vec![Removed::Finish, Removed::Drop]);
    let drop_rate = prop::option::weighted(0.1, 1..4_u32);
    let switches = prop::array::uniform8(any::<bool>());
    (answers, rules, removed, 0..4_u8, drop_rate, switches)
        .prop_map(
            |(no_destination, rules, removed, conn_reuse_mode, drop_rate, switches)| {
                let [
                    expire,
                    quiescent,
                    sloppy_tcp,
                    sloppy_sctp,
                    icmp,
                    keep,
                    null,
                    secure,
                ] = switches;
                Policy {
                    ipvs: IpvsOptions {
                        rules,
                        conn_reuse_mode,
                        expire_nodest_conn: expire,
                        removed,
                        expire_quiescent_template: quiescent,
                        sloppy_tcp,
                        sloppy_sctp,
                        schedule_icmp: icmp,
                        no_destination,
                        keep_template_timeout: keep,
                        null_segments_close: null,
                        answers_per_second: None,
                        ..IpvsOptions::default()
                    },
                    drop_rate: drop_rate.and_then(NonZeroU32::new),
                    secure_tcp: secure,
                    ..Policy::default()
                }
            },
        )
        .boxed()
}
