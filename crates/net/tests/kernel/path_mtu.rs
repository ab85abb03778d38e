//! A router tells the director that a tunnel's packets are too big for the way behind it.

use std::net::{IpAddr, SocketAddr};

use dray_model::{NextHop, Resolution, Way};
use socket2::{Domain, Protocol, Socket, Type};

use crate::network::{PEER_MAC, Watched, Wire, ip, run};

/// Protocols that tunnels are carried by: IPv4 and IPv6 in IP, GRE, UDP.
const TUNNELS: [u8; 4] = [4, 41, 47, 17];

#[test]
fn the_mtu_of_the_way_follows_what_a_router_says_of_tunnels() {
    run(async {
        let wire = Wire::new().await;
        wire.carries().await;
        let mut director = Watched::new(&wire.director);
        // One real server for each kind of tunnel and family, all behind the peer.
        let (old, new) = (ip("10.0.0.2"), ip("fd00::2"));
        for (network, prefix, gateway) in [("192.0.2.0", 24, old), ("2001:db8::", 64, new)] {
            wire.on_director
                .add_route((ip(network), prefix), Some(gateway), "eth0")
                .await
                .expect("add route");
        }
        let cases: Vec<(u8, IpAddr, IpAddr)> = TUNNELS
            .into_iter()
            .flat_map(|protocol| {
                [
                    (protocol, ip(&format!("192.0.2.{protocol}")), old),
                    (protocol, ip(&format!("2001:db8::{protocol}")), new),
                ]
            })
            .collect();
        director.follow(cases.iter().map(|(_, real, _)| *real));
        for (protocol, real, gateway) in cases {
            let way = Way {
                gateway: Some(gateway),
                shared: None,
                ..wire.way(gateway, PEER_MAC).await
            };
            director.sees(real, &Resolution::Resolved(way)).await;
            let mtu = 1300 + u32::from(protocol);
            wire.peer.within(|| say_too_big(protocol, real, mtu as u16));
            let next = NextHop { mtu, ..way.next };
            let narrow = Way { next, ..way };
            director.sees(real, &Resolution::Resolved(narrow)).await;
        }
    });
}

/// Sends the director an ICMP error about a packet of its own to a real server.
fn say_too_big(protocol: u8, real: IpAddr, mtu: u16) {
    let [high, low] = mtu.to_be_bytes();
    let (domain, carrier, director, message) = match real {
        IpAddr::V4(real) => {
            let mut quoted = [0u8; 28];
            quoted[..4].copy_from_slice(&[0x45, 0, 0x05, 0xdc]);
            quoted[6] = 0x40;
            quoted[8..10].copy_from_slice(&[63, protocol]);
            quoted[12..16].copy_from_slice(&[10, 0, 0, 1]);
            quoted[16..20].copy_from_slice(&real.octets());
            let mut message = [&[3, 4, 0, 0, 0, 0, high, low][..], &quoted].concat();
            let sum = checksum(&message);
            message[2..4].copy_from_slice(&sum.to_be_bytes());
            (Domain::IPV4, Protocol::ICMPV4, "10.0.0.1", message)
        }
        IpAddr::V6(real) => {
            let mut quoted = [0u8; 48];
            quoted[..8].copy_from_slice(&[0x60, 0, 0, 0, 0x05, 0xb4, protocol, 63]);
            quoted[8..10].copy_from_slice(&[0xfd, 0]);
            quoted[23] = 1;
            quoted[24..40].copy_from_slice(&real.octets());
            // The kernel fills the checksum in.
            let message = [&[2, 0, 0, 0, 0, 0, high, low][..], &quoted].concat();
            (Domain::IPV6, Protocol::ICMPV6, "fd00::1", message)
        }
    };
    let socket = Socket::new(domain, Type::RAW, Some(carrier)).expect("a raw socket");
    let director = SocketAddr::new(ip(director), 0);
    socket
        .send_to(&message, &director.into())
        .expect("the error is sent");
}

/// RFC 1071, of an even number of bytes.
fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks_exact(2);
    let sum: u32 = words
        .map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])))
        .sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    !(folded + (folded >> 16)) as u16
}
