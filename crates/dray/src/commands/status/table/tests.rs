//! Tables of directors in all states.

use std::num::NonZeroU32;

use dray_api::v1::{
    AddedVip, ConfigurationStatus, ConnectionTable, Counts, Family, Forward, Interface,
    LocalAddresses, Mark, Protocol, Rates, ServiceAddress, Timeouts, TranslationTable, Tunnel,
};

use super::*;

#[test]
fn a_director_at_work() {
    insta::assert_snapshot!(table(&at_work(), Paint::Plain));
}

#[test]
fn a_director_that_drops_packets_for_removed_real_servers_says_so() {
    let mut status = at_work();
    status.director.removed = Removed::Drop;
    status.director.defences = Defences::default();
    let text = table(&status, Paint::Plain);
    assert!(text.contains("leaving: its packets are dropped"), "{text}");
    assert!(!text.contains("Defences"), "{text}");
}

#[test]
fn a_director_without_services() {
    let mut status = Status {
        services: vec![],
        leaving: vec![],
        reasons: vec![],
        ..at_work()
    };
    status.director.translation_table.connections = 0;
    status.director.local_addresses.addresses.clear();
    status.director.vips.pop();
    insta::assert_snapshot!(table(&status, Paint::Plain));
}

fn at_work() -> Status {
    let web = service("web", "10.77.0.100", 80);
    let dns = Service {
        identity: ServiceIdentity::Address(ServiceAddress {
            protocol: Protocol::Udp,
            ..address("2001:db8::100", 53)
        }),
        scheduler: "mh".to_owned(),
        scheduler_flags: vec!["mh-fallback".to_owned(), "mh-port".to_owned()],
        one_packet: true,
        refused: 17,
        destinations: vec![Destination {
            next_hop: None,
            standing: Standing::NotEligible,
            why: Some("nobody answers ARP or neighbour discovery for it on eth1".to_owned()),
            ..destination("2001:db8::11", 53, 1)
        }],
        ..service("dns", "2001:db8::100", 53)
    };
    let shop = Service {
        identity: ServiceIdentity::Mark(mark()),
        persistence: Some(Persistence {
            timeout_seconds: 360,
            mask: "255.255.255.0".to_owned(),
            engine: None,
        }),
        destinations: vec![
            Destination {
                standing: Standing::Overloaded,
                upper_threshold: 100,
                ..destination("10.77.0.11", 0, 1)
            },
            Destination {
                next_hop: None,
                local: true,
                ..destination("10.77.0.1", 0, 1)
            },
        ],
        ..service("shop", "10.77.0.100", 0)
    };
    let sip = Service {
        persistence: Some(Persistence {
            timeout_seconds: 60,
            mask: "255.255.255.255".to_owned(),
            engine: Some("sip".to_owned()),
        }),
        destinations: vec![],
        ..service("sip", "10.77.0.100", 5060)
    };
    let far = Forward {
        method: "tun".to_owned(),
        tunnel: Some(Tunnel {
            kind: "gue".to_owned(),
            port: Some(6080),
            checksum: false,
        }),
    };
    let mixed = Service {
        destinations: vec![
            destination("10.77.0.11", 3306, 1),
            Destination {
                forward: far,
                next_hop: Some(NextHop {
                    interface: 2,
                    vlan: None,
                    mac: "02:00:00:00:00:fe".to_owned(),
                    mtu: 1448,
                    tunnel_source: Some(TunnelSource {
                        address: address("2001:db8::", 0).vip,
                        spread: 14,
                    }),
                }),
                gateway: Some(address("2001:db8::fe", 0).vip),
                ..destination("2001:db8:9::11", 3306, 1)
            },
            Destination {
                forward: method("nat"),
                ..destination("10.78.0.11", 3307, 1)
            },
            Destination {
                forward: method("fullnat"),
                ..destination("2001:db8:9::12", 3307, 1)
            },
        ],
        toa_option: Some(254),
        mss: Some(1400),
        ..service("mixed", "10.77.0.102", 3306)
    };
    Status {
        version: "0.1.0".to_owned(),
        abi: 1,
        config: "/etc/dray.toml".to_owned(),
        configuration: ConfigurationStatus::default(),
        problems: vec!["10.77.0.101 could not be added to eth0: no such device".to_owned()],
        director: Director {
            interfaces: vec![
                interface("eth0", 2, XdpMode::Native),
                interface("eth1", 3, XdpMode::Generic),
            ],
            connection_table: ConnectionTable {
                connections: 40_213,
                room_per_family: 1_048_576,
            },
            translation_table: TranslationTable {
                connections: 1_017,
                room: 65_536,
            },
            local_addresses: LocalAddresses {
                addresses: vec![
                    address("10.77.0.200", 0).vip,
                    address("2001:db8::200", 0).vip,
                ],
                first_port: 1024,
                last_port: 65_535,
            },
            timeouts: Timeouts {
                tcp_milliseconds: 900_000,
                tcp_fin_milliseconds: 120_000,
                udp_milliseconds: 300_000,
            },
            defences: Defences {
                drop_rate: NonZeroU32::new(7),
                drop_entry: true,
                secure_tcp: true,
            },
            removed: Removed::Finish,
            vips: vec![added("10.77.0.100"), added("2001:db8::200")],
        },
        services: vec![web, dns, shop, sip, mixed],
        leaving: vec![LeavingService {
            identity: ServiceIdentity::Address(address("10.77.0.100", 8080)),
            destinations: vec![Destination {
                standing: Standing::Leaving,
                ..destination("10.77.0.14", 8080, 0)
            }],
        }],
        reasons: vec![
            reason(
                "not-ours",
                Verdict::Pass,
                "The packet is for no virtual service.",
                123_456_789_012,
            ),
            reason(
                "no-destination",
                Verdict::Drop,
                "The service had no destination to give.",
                17,
            ),
            reason(
                "table-full",
                Verdict::Forward,
                "The connection table had no room.",
                3,
            ),
            reason("no-room", Verdict::Drop, "Never given.", 0),
        ],
    }
}

fn added(vip: &str) -> AddedVip {
    AddedVip {
        interface: "eth0".to_owned(),
        vip: vip.parse().expect("an address"),
    }
}

fn mark() -> Mark {
    Mark {
        mark: NonZeroU32::new(5).expect("5 is not 0"),
        family: Family::Ipv4,
    }
}

fn interface(name: &str, index: u32, xdp: XdpMode) -> Interface {
    Interface {
        name: name.to_owned(),
        index,
        xdp,
    }
}

fn address(vip: &str, port: u16) -> ServiceAddress {
    ServiceAddress {
        protocol: Protocol::Tcp,
        vip: vip.parse().expect("an address"),
        port,
    }
}

fn service(name: &str, vip: &str, port: u16) -> Service {
    let quiesced = Destination {
        standing: Standing::Quiesced,
        ..destination("10.77.0.12", port, 0)
    };
    let tagged = NextHop {
        interface: 9,
        vlan: Some(7),
        mac: "02:00:00:00:00:13".to_owned(),
        mtu: 1500,
        tunnel_source: None,
    };
    let elsewhere = Destination {
        next_hop: Some(tagged),
        standing: Standing::NotEligible,
        why: Some("it is reached by interface 9".to_owned()),
        ..destination("10.77.0.13", port, 65_535)
    };
    Service {
        name: name.to_owned(),
        identity: ServiceIdentity::Address(address(vip, port)),
        scheduler: "wrr".to_owned(),
        scheduler_flags: vec![],
        persistence: None,
        one_packet: false,
        forward: method("dr"),
        toa_option: None,
        mss: None,
        refused: 0,
        traffic: traffic(3),
        destinations: vec![destination("10.77.0.11", port, 3), quiesced, elsewhere],
    }
}

fn destination(real: &str, port: u16, weight: u16) -> Destination {
    Destination {
        real: real.parse().expect("an address"),
        port,
        forward: method("dr"),
        weight,
        upper_threshold: 0,
        lower_threshold: 0,
        standing: Standing::Eligible,
        why: None,
        next_hop: Some(NextHop {
            interface: 2,
            vlan: None,
            mac: "02:00:00:00:00:11".to_owned(),
            mtu: 1500,
            tunnel_source: None,
        }),
        gateway: None,
        local: false,
        traffic: traffic(1),
    }
}

fn method(name: &str) -> Forward {
    Forward {
        method: name.to_owned(),
        tunnel: None,
    }
}

fn traffic(share: u32) -> Traffic {
    let times = u64::from(share);
    Traffic {
        active: 12 * share,
        inactive: 4 * share,
        persistent: 2 * share,
        connections: 23_456 * times,
        packets: 99_999_999 * times,
        bytes: 123_456_789_012 * times,
        reply_packets: 0,
        reply_bytes: 0,
        since_zeroed: Counts::default(),
        per_second: Rates {
            connections: 25 * times,
            packets: 1_100 * times,
            bytes: 110_000 * times,
            reply_packets: 0,
            reply_bytes: 0,
        },
    }
}

fn reason(name: &str, verdict: Verdict, meaning: &str, packets: u64) -> Reason {
    Reason {
        name: name.to_owned(),
        verdict,
        meaning: meaning.to_owned(),
        packets,
    }
}
