//! Any desired state that a file may give.

use std::{
    collections::{HashMap, HashSet},
    net::IpAddr,
    num::{NonZeroU16, NonZeroU32},
    ops::RangeInclusive,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use dray_model::{
    Api, ApiCallers, ApiReaders, ApiTcp, ClientAddress, Defence, Desired, Director, Family,
    Forward, Granularity, HashFlags, IpvsOptions, KernelRules, LocalAddresses, Mark, MarkRule,
    NoDestination, Persistence, PersistenceEngine, Protocol, RealServer, Removed, Scheduler,
    Service, ServiceAddress, ServiceIdentity, ServiceName, ServiceOptions, Thresholds, Timeouts,
    Tunnel, TunnelChecksum, TunnelSource, TunnelSources, VipOwnership, Weight,
};
use proptest::{option, prelude::*, sample};

pub(crate) fn desired() -> impl Strategy<Value = Desired> {
    let interfaces = prop::collection::hash_set("[a-z][a-z0-9.@-]{0,14}", 1..4);
    let services = prop::collection::hash_map("[A-Za-z0-9._-]{1,63}", service(), 0..5);
    let timeout = || (1..=2_678_400_u64).prop_map(Duration::from_secs);
    let director = (
        interfaces,
        (1_024..=67_108_864_u32, 1_024..=8_388_608_u32),
        (option::of(source(true)), option::of(source(false))),
        (locals(), any::<bool>()),
        any::<Option<sample::Index>>(),
        (timeout(), timeout(), timeout()),
        (ipvs(), api()),
    );
    (director, services).prop_map(
        |(
            (interfaces, rooms, (ipv4, ipv6), locals, vips, (tcp, tcp_fin, udp), (ipvs, api)),
            services,
        )| {
            let interfaces: Vec<_> = interfaces.into_iter().collect();
            let vips = match vips {
                Some(index) => VipOwnership::Director {
                    interface: index.get(&interfaces).clone(),
                },
                None => VipOwnership::External,
            };
            let (services, marks) = unlike(services, &interfaces);
            let director = Director {
                vips,
                interfaces,
                max_connections: rooms.0.try_into().expect("not zero"),
                max_translations: rooms.1.try_into().expect("not zero"),
                tunnels: TunnelSources { ipv4, ipv6 },
                fullnat: needed(locals, &services),
                timeouts: Timeouts { tcp, tcp_fin, udp },
                marks,
                ipvs,
                api,
            };
            Desired {
                director,
                services: services.into_iter().map(Arc::new).collect(),
            }
        },
    )
}

/// Who may use the API, and where.
fn api() -> impl Strategy<Value = Api> {
    let readers = prop_oneof![Just(ApiReaders::Group), Just(ApiReaders::All)];
    let path = || "(/[a-zA-Z0-9 ._-]{1,9}[a-z]){1,4}".prop_map(PathBuf::from);
    let callers = prop_oneof![
        path().prop_map(|authorities| ApiCallers::Certificates { authorities }),
        path().prop_map(|file| ApiCallers::Tokens { file }),
    ];
    let tcp = (any::<IpAddr>(), 1..=u16::MAX, path(), path(), callers).prop_map(
        |(address, port, certificate, key, callers)| ApiTcp {
            listen: (address, port).into(),
            certificate,
            key,
            callers,
        },
    );
    (readers, option::of(tcp)).prop_map(|(readers, tcp)| Api { readers, tcp })
}

/// A tunnel's source, with the bits that vary by flow all 0.
fn source(v4: bool) -> impl Strategy<Value = TunnelSource> {
    (host(v4, 4), 0..=16_u8).prop_map(|(address, spread)| {
        let address = match address {
            IpAddr::V4(address) => (address.to_bits() >> spread << spread).to_be_bytes().into(),
            IpAddr::V6(address) => (address.to_bits() >> spread << spread).to_be_bytes().into(),
        };
        TunnelSource { address, spread }
    })
}

/// Local addresses of both families, some of them next to one another.
fn locals() -> impl Strategy<Value = LocalAddresses> {
    let some = |v4| prop::collection::btree_set(near_host(v4, 3), 1..40);
    (some(true), some(false), ports()).prop_map(|(v4, v6, ports)| LocalAddresses {
        addresses: v4.into_iter().chain(v6).collect(),
        ports,
    })
}

/// The local addresses, unless they are not wanted and no service needs them.
fn needed((locals, wanted): (LocalAddresses, bool), services: &[Service]) -> LocalAddresses {
    let mut reals = services.iter().flat_map(|service| &service.reals);
    if wanted || reals.any(|real| real.forward == Forward::FullNat) {
        locals
    } else {
        LocalAddresses::default()
    }
}

fn ipvs() -> impl Strategy<Value = IpvsOptions> {
    let defence = || sample::select(vec![Defence::Off, Defence::Automatic, Defence::On]);
    let words = (
        sample::select(vec![KernelRules::V6_1_176, KernelRules::V6_1_192]),
        sample::select(vec![Removed::Finish, Removed::Drop]),
        sample::select(vec![
            NoDestination::Icmp,
            NoDestination::Reset,
            NoDestination::Drop,
        ]),
    );
    let numbers = (
        0..=3_u8,
        1..=100_u8,
        1..=u32::MAX,
        any::<u32>().prop_map(NonZeroU32::new),
    );
    let defences = (defence(), defence(), defence());
    (words, numbers, defences, any::<[bool; 7]>()).prop_map(
        |(words, numbers, defences, switches)| IpvsOptions {
            rules: words.0,
            removed: words.1,
            no_destination: words.2,
            conn_reuse_mode: numbers.0,
            defence_threshold: numbers.1,
            am_droprate: numbers.2.try_into().expect("not zero"),
            answers_per_second: numbers.3,
            drop_entry: defences.0,
            drop_packet: defences.1,
            secure_tcp: defences.2,
            expire_nodest_conn: switches[0],
            expire_quiescent_template: switches[1],
            sloppy_tcp: switches[2],
            sloppy_sctp: switches[3],
            schedule_icmp: switches[4],
            keep_template_timeout: switches[5],
            null_segments_close: switches[6],
        },
    )
}

/// A service without its name, and the rules for its mark should it have one.
#[derive(Clone, Debug)]
struct Nameless {
    identity: ServiceIdentity,
    scheduler: Scheduler,
    options: ServiceOptions,
    forward: Forward,
    client_address: ClientAddress,
    mss: Option<NonZeroU16>,
    reals: Vec<RealServer>,
    rules: Vec<(MarkRule, Option<sample::Index>)>,
}

fn service() -> impl Strategy<Value = Nameless> {
    any::<bool>().prop_flat_map(|v4| {
        (
            identity(v4),
            scheduler(),
            options(v4),
            forward(),
            prop_oneof![Just(34_u8), 35..=68_u8, 253..=254_u8],
            option::of(536..=65_495_u16),
            prop::collection::vec(real(v4), 0..5),
            prop::collection::vec(rule(v4), 1..4),
        )
            .prop_map(
                |(identity, scheduler, options, forward, kind, mss, reals, rules)| {
                    let options = fitting(options, identity, &reals);
                    let reals = unlike_reals(reals, identity, options);
                    let is_tcp = identity
                        .address()
                        .is_none_or(|address| address.protocol == Protocol::Tcp);
                    let has_fullnat = [forward]
                        .into_iter()
                        .chain(reals.iter().map(|real| real.forward))
                        .any(|forward| forward == Forward::FullNat);
                    Nameless {
                        identity,
                        scheduler,
                        options,
                        forward,
                        client_address: match kind {
                            // A kind that no file may have stands for none.
                            34 => ClientAddress::Hidden,
                            _ if !is_tcp || !has_fullnat => ClientAddress::Hidden,
                            kind => ClientAddress::TcpOption { kind },
                        },
                        mss: mss.filter(|_| is_tcp).and_then(NonZeroU16::new),
                        reals,
                        rules,
                    }
                },
            )
    })
}

/// A real server for clients of that family, its port not yet looked at.
fn real(v4: bool) -> impl Strategy<Value = RealServer> {
    let address = (host(v4, 2), host(!v4, 2));
    let port = prop_oneof![Just(0), any::<u16>()];
    (address, port, forward(), any::<u16>(), thresholds()).prop_map(
        |((own, other), port, forward, weight, thresholds)| RealServer {
            address: if forward.crosses_families() {
                other
            } else {
                own
            },
            port,
            forward,
            weight: Weight::new(weight),
            thresholds,
        },
    )
}

/// Any forwarding method that a file can give.
fn forward() -> impl Strategy<Value = Forward> {
    let checksum = || {
        sample::select(vec![
            TunnelChecksum::None,
            TunnelChecksum::Full,
            TunnelChecksum::Remote,
        ])
    };
    let gue = (1..=u16::MAX, checksum()).prop_map(|(port, checksum)| Tunnel::Gue {
        port: port.try_into().expect("not zero"),
        checksum,
    });
    let gre = checksum().prop_map(|checksum| Tunnel::Gre { checksum });
    let tunnel = prop_oneof![Just(Tunnel::IpIp), gue, gre].prop_map(Forward::Tunnel);
    prop_oneof![
        Just(Forward::DirectRouting),
        tunnel,
        Just(Forward::Nat),
        Just(Forward::FullNat),
    ]
}

/// The real servers with the ports that they may have in such a service, each address and port once.
fn unlike_reals(
    reals: Vec<RealServer>,
    identity: ServiceIdentity,
    options: ServiceOptions,
) -> Vec<RealServer> {
    let service = identity.address().map_or(0, |address| address.port);
    let is_fixed = service == 0 && options.persistence.is_some();
    let mut taken = HashSet::new();
    reals
        .into_iter()
        .map(|real| match real.port {
            own if own != 0 && !real.forward.keeps_addresses() && !is_fixed => real,
            _ => RealServer {
                port: service,
                ..real
            },
        })
        .filter(|real| taken.insert((real.address, real.port)))
        .collect()
}

/// VIPs and real servers are out of two networks, so that no real server is a VIP.
fn identity(v4: bool) -> impl Strategy<Value = ServiceIdentity> {
    let protocol = sample::select(vec![Protocol::Tcp, Protocol::Udp, Protocol::Sctp]);
    let address = (host(v4, 1), protocol, any::<u16>()).prop_map(|(vip, protocol, port)| {
        ServiceIdentity::Address(ServiceAddress {
            protocol,
            vip,
            port,
        })
    });
    let mark = (1..=u32::MAX).prop_map(move |number| {
        ServiceIdentity::Mark(Mark {
            number: number.try_into().expect("not zero"),
            family: family(v4),
        })
    });
    prop_oneof![address, mark]
}

fn family(v4: bool) -> Family {
    if v4 { Family::Ipv4 } else { Family::Ipv6 }
}

fn scheduler() -> impl Strategy<Value = Scheduler> {
    let plain = sample::select(Scheduler::ALL.to_vec());
    (plain, any::<bool>(), any::<bool>()).prop_map(|(scheduler, fallback, port)| {
        let flags = HashFlags { fallback, port };
        match scheduler {
            Scheduler::SourceHash(_) => Scheduler::SourceHash(flags),
            Scheduler::MaglevHash(_) => Scheduler::MaglevHash(flags),
            other => other,
        }
    })
}

fn thresholds() -> impl Strategy<Value = Thresholds> {
    (0..=2_147_483_647_u32)
        .prop_flat_map(|upper| (0..=upper).prop_map(move |lower| Thresholds { upper, lower }))
}

fn options(v4: bool) -> impl Strategy<Value = ServiceOptions> {
    let granularity = if v4 {
        any::<u32>()
            .prop_map(|mask| Granularity::Ipv4(mask.into()))
            .boxed()
    } else {
        (1..=128_u8).prop_map(Granularity::Ipv6).boxed()
    };
    let engine = option::of(Just(PersistenceEngine::Sip));
    let persistence = (1..=2_678_400_u32, granularity, engine);
    let persistence = persistence.prop_map(|(timeout, granularity, engine)| Persistence {
        timeout: timeout.try_into().expect("not zero"),
        granularity,
        engine,
    });
    (option::of(persistence), any::<bool>()).prop_map(|(persistence, one_packet)| ServiceOptions {
        persistence,
        one_packet,
    })
}

/// The options without what a service of that identity may not have, and with what it must.
fn fitting(
    mut options: ServiceOptions,
    identity: ServiceIdentity,
    reals: &[RealServer],
) -> ServiceOptions {
    options.one_packet &= reals.iter().all(|real| real.forward.keeps_addresses());
    let ServiceIdentity::Address(address) = identity else {
        return options;
    };
    if address.protocol != Protocol::Udp {
        options.one_packet = false;
        if let Some(persistence) = &mut options.persistence {
            persistence.engine = None;
        }
    }
    if address.port == 0 && options.persistence.is_none() {
        options.persistence = Some(Persistence {
            timeout: NonZeroU32::MIN,
            granularity: match address.vip {
                IpAddr::V4(_) => Granularity::Ipv4([255; 4].into()),
                IpAddr::V6(_) => Granularity::Ipv6(128),
            },
            engine: None,
        });
    }
    options
}

/// A rule of mark 1, and which interface it is for.
fn rule(v4: bool) -> impl Strategy<Value = (MarkRule, Option<sample::Index>)> {
    let protocol = sample::select(vec![Protocol::Tcp, Protocol::Udp, Protocol::Sctp]);
    (
        option::of(network(v4)),
        option::of(network(v4)),
        option::of(protocol),
        option::of(ports()),
        option::of(ports()),
        any::<Option<sample::Index>>(),
    )
        .prop_map(
            move |(destination, source, protocol, ports, source_ports, interface)| {
                let rule = MarkRule {
                    mark: NonZeroU32::MIN,
                    family: family(v4),
                    destination,
                    source,
                    protocol,
                    ports,
                    source_ports,
                    interface: None,
                };
                (rule, interface)
            },
        )
}

fn ports() -> impl Strategy<Value = RangeInclusive<u16>> {
    (1..=u16::MAX).prop_flat_map(|first| (first..=u16::MAX).prop_map(move |last| first..=last))
}

/// A network with no bits set beyond its length.
fn network(v4: bool) -> impl Strategy<Value = (IpAddr, u8)> {
    let most = if v4 { 32 } else { 128_u8 };
    (host(v4, 1), 0..=most).prop_map(|(address, length)| {
        let network = match address {
            IpAddr::V4(address) => {
                let host = u32::MAX.checked_shr(length.into()).unwrap_or(0);
                IpAddr::from((address.to_bits() & !host).to_be_bytes())
            }
            IpAddr::V6(address) => {
                let host = u128::MAX.checked_shr(length.into()).unwrap_or(0);
                IpAddr::from((address.to_bits() & !host).to_be_bytes())
            }
        };
        (network, length)
    })
}

fn host(v4: bool, network: u8) -> impl Strategy<Value = IpAddr> {
    any::<u16>().prop_map(move |host| {
        let [high, low] = host.to_be_bytes();
        if v4 {
            [10, network, high, low].into()
        } else {
            [0x2001, 0xdb8, u16::from(network), 0, 0, 0, 0, host].into()
        }
    })
}

/// One of few hosts.
fn near_host(v4: bool, network: u8) -> impl Strategy<Value = IpAddr> {
    (0..60_u8).prop_map(move |host| {
        if v4 {
            [10, network, 0, host].into()
        } else {
            [
                0x2001,
                0xdb8,
                u16::from(network),
                0,
                0,
                0,
                0,
                u16::from(host),
            ]
            .into()
        }
    })
}

/// The services with a name each, those with an identity that was there before left out, and the rules for all of them.
fn unlike(
    services: HashMap<String, Nameless>,
    interfaces: &[String],
) -> (Vec<Service>, Vec<MarkRule>) {
    let mut identities = HashSet::new();
    let mut rules = Vec::new();
    let services = services
        .into_iter()
        .filter(|(_, service)| identities.insert(service.identity))
        .map(|(name, service)| {
            if let ServiceIdentity::Mark(mark) = service.identity {
                rules.extend(service.rules.into_iter().map(|(rule, interface)| MarkRule {
                    mark: mark.number,
                    interface: interface.map(|index| index.get(interfaces).clone()),
                    ..rule
                }));
            }
            Service {
                name: ServiceName::new(&name).expect("a service name"),
                identity: service.identity,
                scheduler: service.scheduler,
                options: service.options,
                forward: service.forward,
                client_address: service.client_address,
                mss: service.mss,
                reals: service.reals,
            }
        })
        .collect();
    (services, rules)
}
