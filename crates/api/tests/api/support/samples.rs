//! What the fake director answers where it keeps no state.

use std::num::NonZeroU32;

use dray_api::v1::{
    AddedVip, ConfigError, ConfigurationStatus, Connection, ConnectionTable, Counts, Defences,
    Destination, Director, Family, Forward, Interface, LeavingService, LocalAddresses, Mark,
    NextHop, Persistence, Problem, Protocol, Rates, Reason, Reloaded, Removed, Service,
    ServiceAddress, ServiceIdentity, Standing, Status, Template, Templates, Timeouts, Traffic,
    TranslationTable, Tunnel, TunnelSource, Verdict, XdpMode,
};

pub(crate) fn status() -> Status {
    let real = "10.77.0.11".parse().expect("an address");
    let traffic = Traffic {
        active: 3,
        inactive: 2,
        persistent: 4,
        connections: 12,
        packets: 340,
        bytes: 51_000,
        reply_packets: 290,
        reply_bytes: 400_000,
        since_zeroed: Counts::default(),
        per_second: Rates {
            connections: 1,
            packets: 17,
            bytes: 2_550,
            reply_packets: 15,
            reply_bytes: 20_000,
        },
    };
    let address = ServiceAddress {
        protocol: Protocol::Tcp,
        vip: "10.77.0.100".parse().expect("an address"),
        port: 80,
    };
    let destination = Destination {
        real,
        port: 80,
        forward: Forward {
            method: "tun".to_owned(),
            tunnel: Some(Tunnel {
                kind: "gue".to_owned(),
                port: Some(6080),
                checksum: false,
            }),
        },
        weight: 3,
        upper_threshold: 100,
        lower_threshold: 75,
        standing: Standing::NotEligible,
        why: Some("no route to it".to_owned()),
        next_hop: Some(NextHop {
            interface: 2,
            vlan: Some(7),
            mac: "02:00:00:00:00:11".to_owned(),
            mtu: 1468,
            tunnel_source: Some(TunnelSource {
                address: "172.16.0.0".parse().expect("an address"),
                spread: 14,
            }),
        }),
        gateway: Some("10.77.0.254".parse().expect("an address")),
        local: false,
        traffic,
    };
    Status {
        version: "0.1.0".to_owned(),
        abi: 1,
        config: "/etc/dray.toml".to_owned(),
        configuration: ConfigurationStatus::default(),
        problems: vec!["10.77.0.11 has no route".to_owned()],
        director: Director {
            interfaces: vec![Interface {
                name: "eth0".to_owned(),
                index: 2,
                xdp: XdpMode::Native,
            }],
            connection_table: ConnectionTable {
                connections: 5,
                room_per_family: 1_048_576,
            },
            translation_table: TranslationTable {
                connections: 3,
                room: 65_536,
            },
            local_addresses: LocalAddresses {
                addresses: vec!["10.77.0.200".parse().expect("an address")],
                first_port: 1024,
                last_port: 65_535,
            },
            timeouts: Timeouts {
                tcp_milliseconds: 900_000,
                tcp_fin_milliseconds: 120_000,
                udp_milliseconds: 300_000,
            },
            defences: Defences {
                drop_rate: NonZeroU32::new(10),
                drop_entry: true,
                secure_tcp: false,
            },
            removed: Removed::Drop,
            vips: vec![AddedVip {
                interface: "eth0".to_owned(),
                vip: address.vip,
            }],
        },
        services: vec![Service {
            name: "web".to_owned(),
            identity: ServiceIdentity::Address(address),
            scheduler: "sh".to_owned(),
            scheduler_flags: vec!["sh-port".to_owned()],
            persistence: Some(Persistence {
                timeout_seconds: 360,
                mask: "255.255.255.0".to_owned(),
                engine: None,
            }),
            one_packet: false,
            forward: method("dr"),
            toa_option: Some(254),
            mss: Some(1400),
            refused: 1,
            traffic,
            destinations: vec![destination.clone()],
        }],
        leaving: vec![LeavingService {
            identity: ServiceIdentity::Mark(mark()),
            destinations: vec![Destination {
                standing: Standing::Leaving,
                weight: 0,
                why: None,
                ..destination
            }],
        }],
        reasons: vec![Reason {
            name: "not-ours".to_owned(),
            verdict: Verdict::Pass,
            meaning: "The packet is for no virtual service.".to_owned(),
            packets: 9,
        }],
    }
}

pub(crate) fn reloaded() -> Reloaded {
    Reloaded {
        config: "/etc/dray.toml".to_owned(),
        services: 5,
        reals: 9,
        services_added: 1,
        services_changed: 2,
        services_removed: 3,
        problems: vec!["no route to 10.77.0.13".to_owned()],
    }
}

pub(crate) fn connection(client: &str, service: &str, real: &str) -> Connection {
    Connection {
        protocol: Protocol::Tcp,
        client: client.parse().expect("an address"),
        virtual_: "10.77.0.100:80".parse().expect("an address"),
        service: Some(service.to_owned()),
        real: Some(real.parse().expect("an address")),
        real_port: Some(8080),
        forward: Some(method("fullnat")),
        local: Some("10.77.0.200:1024".parse().expect("an address")),
        state: "ESTABLISHED".to_owned(),
        expires_seconds: 899,
        age_seconds: 4,
    }
}

pub(crate) fn templates() -> Templates {
    Templates {
        templates: vec![Template {
            client: "10.9.8.0".parse().expect("an address"),
            to: ServiceIdentity::Mark(mark()),
            service: Some("shop".to_owned()),
            real: Some("10.77.0.11".parse().expect("an address")),
            state: "ASSURED".to_owned(),
            expires_seconds: 359,
            connections: 2,
        }],
        more: false,
    }
}

fn method(name: &str) -> Forward {
    Forward {
        method: name.to_owned(),
        tunnel: None,
    }
}

fn mark() -> Mark {
    Mark {
        mark: NonZeroU32::new(5).expect("5 is not 0"),
        family: Family::Ipv4,
    }
}

pub(crate) fn bad_config() -> Problem {
    let error = ConfigError {
        line: 3,
        column: 1,
        cause: "unknown key `vpi`".to_owned(),
        cure: "did you mean `vip`?".to_owned(),
    };
    Problem::bad_config(
        "/etc/dray.toml has 1 error; nothing was changed",
        "error: …".to_owned(),
        vec![error],
    )
}
