//! What the control room says of the forwarding methods: read back as it was given, and the parts of the program that they need.

mod common;

use std::num::NonZeroU16;

use common::*;
use dray_abi::Features;
use dray_dataplane::Capacity;
use dray_model::{
    DataPlane as _, DataPlaneError, DestinationId, Forward, LocalAddresses, Rewrite,
    ServiceOptions, Tunnel, TunnelChecksum,
};
use dray_sched::Kind;
use dray_testkit::frames::TcpFlags;

const WEB: &str = "tcp://10.0.0.100:80";

fn service(director: &mut Director, reals: &[Real]) -> Vec<u32> {
    director.service_to(WEB, Kind::RoundRobin, ServiceOptions::default(), reals)
}

fn every_method() -> [Real; 6] {
    let gue = Tunnel::Gue {
        port: NonZeroU16::new(6080).unwrap(),
        checksum: TunnelChecksum::Full,
    };
    let gre = Tunnel::Gre {
        checksum: TunnelChecksum::Remote,
    };
    let mut clamped = Real::nat("10.1.0.5:0");
    clamped.hop.mss = NonZeroU16::new(1400);
    clamped.hop.rewrite = Rewrite::Nat {
        real: clamped.address,
        shared: Some(24),
    };
    let mut telling = Real::fullnat("[fd00:1::6]:8080");
    telling.hop.rewrite = Rewrite::FullNat {
        real: telling.address,
        address_option: Some(254),
    };
    [
        Real::direct([10, 1, 0, 1].into(), 80),
        Real::tunnel("fd00:1::2", "fd00::1", Tunnel::IpIp, 40),
        Real::tunnel("10.1.0.3", "10.0.0.1", gue, 36),
        Real::tunnel("10.1.0.4", "10.0.0.1", gre, 28).by(2, Some(7)),
        clamped,
        telling,
    ]
}

#[test]
fn every_method_is_observed_as_it_was_applied() {
    let mut director = Director::new();
    let reals = every_method();
    let numbers = service(&mut director, &reals);
    let actual = director.observe();
    for (number, real) in numbers.into_iter().zip(reals) {
        let found = actual.destinations[&DestinationId(number)];
        assert_eq!(
            (found.real, found.port, found.forward),
            (real.address, real.port, real.forward)
        );
        let mut hop = real.hop;
        hop.next.destination = mac_of(number);
        assert_eq!(actual.hops[&found.hop.expect("a next hop")], hop);
    }
}

#[test]
fn a_destination_without_next_hop_still_tells_its_tunnel() {
    let mut director = Director::new();
    let numbers = service(&mut director, &every_method());
    for number in &numbers {
        director.change(*number, |destination| destination.hop = None);
    }
    let actual = director.observe();
    for (number, real) in numbers.into_iter().zip(every_method()) {
        let found = actual.destinations[&DestinationId(number)];
        assert_eq!((found.forward, found.hop), (real.forward, None));
    }
}

#[test]
fn a_changed_tunnel_is_observed() {
    let mut director = Director::new();
    let number = service(&mut director, &every_method())[1];
    let gre = Forward::Tunnel(Tunnel::Gre {
        checksum: TunnelChecksum::None,
    });
    director.change(number, |destination| destination.forward = gre);
    let found = director.observe().destinations[&DestinationId(number)];
    assert_eq!(found.forward, gre);
}

#[test]
fn the_program_has_the_parts_that_next_hops_need_and_no_others() {
    // Of a capacity of its own, so that no other test has loaded more.
    let mut director = Director::with(Capacity {
        connections: 100,
        ..CAPACITY
    });
    let reals = every_method();
    let mut wanted = 0;
    let parts = [
        0,
        Features::TUNNEL,
        Features::FLOW,
        0,
        Features::TRANSLATION | Features::MSS,
        0,
    ];
    for (real, more) in reals.into_iter().zip(parts) {
        wanted |= more;
        director.write_hop(real.hop);
        assert_eq!(director.private.data_plane().features(), wanted);
    }
}

#[test]
fn what_was_forwarded_goes_on_when_more_of_the_program_is_loaded() {
    let mut director = Director::new();
    service(&mut director, &every_method()[..1]);
    let client = "192.0.2.1:4000";
    let [syn, ack] =
        [TcpFlags::SYN, TcpFlags::ACK].map(|flags| tcp(client, "10.0.0.100:80", flags));
    director.forwarded(&syn);
    director.write_hop(every_method()[5].hop);
    director.write_hop(every_method()[1].hop);
    assert_eq!(director.forwarded(&ack), 1);
    assert_eq!(director.live(1), (1, 0));
}

fn locals(addresses: impl IntoIterator<Item = String>) -> LocalAddresses {
    let addresses = addresses.into_iter();
    LocalAddresses {
        addresses: addresses.map(|text| text.parse().unwrap()).collect(),
        ports: 1024..=65_535,
    }
}

#[test]
fn as_many_local_addresses_as_there_is_room_for_are_taken_and_more_are_refused() {
    let mut director = Director::new();
    let plane = director.private.data_plane();
    let of = |count: u32, ipv6: u32| {
        let ipv4 = (0..count).map(|number| format!("10.9.{}.{}", number >> 8, number & 0xff));
        locals(ipv4.chain((0..ipv6).map(|number| format!("fd00:9::{number:x}"))))
    };
    plane.set_local_addresses(&of(256, 256)).unwrap();
    for (ipv4, ipv6) in [(257, 0), (0, 257)] {
        let refused = plane.set_local_addresses(&of(ipv4, ipv6)).unwrap_err();
        assert!(
            matches!(refused, DataPlaneError::Full { room: 256, .. }),
            "{refused}"
        );
        assert!(refused.to_string().contains("local addresses"), "{refused}");
    }
    plane.set_local_addresses(&of(0, 0)).unwrap();
}
