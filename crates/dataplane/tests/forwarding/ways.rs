//! The way that a frame leaves by: interface, VLAN, next hop.

use aya::programs::{TestRun as _, TestRunOptions};
use dray_model::HopId;
use dray_sched::Kind;
use dray_testkit::frames::TcpFlags;

use super::{CLIENT, WEB, director_by, leaving, openers, shared};
use crate::common::*;

#[test]
fn a_frame_leaves_by_the_other_interface_with_that_ones_address() {
    let mut director = director_by(2, None);
    for (destination, opener) in openers() {
        let wanted = opener.clone().ttl(63).macs(OTHER_PORT, mac_of(destination));
        let fate = director.fate_of(&opener);
        assert_eq!(fate, Fate::redirected(&wanted.bytes()));
    }
}

#[test]
fn a_frame_leaves_by_the_other_interface_with_the_tag_of_that_vlan() {
    let mut director = director_by(2, Some(4094));
    for (destination, opener) in openers() {
        let wanted = opener
            .clone()
            .ttl(63)
            .vlan(4094)
            .macs(OTHER_PORT, mac_of(destination));
        let fate = director.fate_of(&opener.vlan(1));
        assert_eq!(fate, Fate::redirected(&wanted.bytes()));
    }
}

#[test]
fn a_tagged_clients_frame_leaves_untagged_for_an_untagged_real_server() {
    let mut director = shared();
    for (destination, opener) in openers() {
        let opener = opener.payload(b"data");
        let wanted = Fate::sent(&leaving(&opener, destination));
        for tagged in [
            opener.clone().vlan(7),
            opener.clone().vlan(0),
            opener.clone().service_vlan(7),
            opener.clone().service_vlan(7).vlan(8),
            opener.clone().vlan(7).vlan(8),
        ] {
            assert_eq!(director.fate_of(&tagged), wanted, "{tagged:?}");
        }
    }
}

#[test]
fn an_untagged_clients_frame_leaves_tagged_for_a_real_server_in_a_vlan() {
    let mut director = director_by(1, Some(7));
    for (destination, opener) in openers() {
        let opener = opener.payload(b"data");
        let wanted = leaving(&opener.clone().vlan(7), destination);
        assert_eq!(director.fate_of(&opener), Fate::sent(&wanted));
    }
}

#[test]
fn a_frame_goes_from_one_vlan_to_another() {
    let mut director = director_by(1, Some(7));
    for (destination, opener) in openers() {
        let opener = opener.payload(b"data");
        let wanted = Fate::sent(&leaving(&opener.clone().vlan(7), destination));
        for tagged in [
            opener.clone().vlan(7),
            opener.clone().vlan(8),
            opener.clone().vlan(0),
            opener.clone().service_vlan(9),
            opener.clone().service_vlan(9).vlan(7),
            opener.clone().vlan(7).vlan(8),
        ] {
            assert_eq!(director.fate_of(&tagged), wanted, "{tagged:?}");
        }
    }
}

#[test]
fn a_frame_that_stays_in_its_vlan_keeps_its_priority() {
    let mut director = director_by(1, Some(7));
    let frame = udp(CLIENT, WEB).vlan(7);
    // Priority 5 and "drop eligible", in the upper four bits of the tag.
    let with_priority = |mut bytes: Vec<u8>| {
        bytes[14] |= 0xb0;
        bytes
    };
    let fate = director.fate(&with_priority(incoming(&frame)));
    assert_eq!(fate, Fate::sent(&with_priority(leaving(&frame, 2))));
}

#[test]
fn a_frame_without_headroom_for_a_tag_is_dropped_and_says_why() {
    /// Metadata that lies before a frame and leaves only what the kernel keeps of its 256 bytes of headroom for
    /// itself (`struct xdp_frame`).
    const METADATA: usize = 216;
    let mut director = director_by(1, Some(7));
    let mut data = vec![0; METADATA];
    data.extend(incoming(&udp(CLIENT, WEB)));
    // `struct xdp_md`: where the frame begins and ends, then metadata, interfaces and queue.
    let context = [METADATA as u32, data.len() as u32, 0, 0, 0, 0].map(u32::to_ne_bytes);
    let options = TestRunOptions {
        data_in: Some(&data),
        ctx_in: Some(context.as_flattened()),
        ..TestRunOptions::new()
    };
    let result = director
        .private
        .director()
        .unwrap()
        .test_run(options)
        .unwrap();
    assert_eq!(
        (result.return_value, director.counted()),
        (DROP, vec![("no-room", 1)])
    );
}

#[test]
fn a_destination_without_a_next_hop_drops_its_packets_until_it_has_one() {
    let mut director = Director::new();
    director.service("tcp://10.0.0.100:80", Kind::RoundRobin, &[1]);
    let (syn, ack) = (
        tcp(CLIENT, WEB, TcpFlags::SYN),
        tcp(CLIENT, WEB, TcpFlags::ACK),
    );
    assert_eq!(director.forwarded(&syn), 1);
    director.change(1, |destination| destination.hop = None);
    assert_eq!(
        director.fate_of(&ack),
        Fate::dropped("no-next-hop", &incoming(&ack))
    );
    director.change(1, |destination| destination.hop = Some(HopId(1)));
    assert_eq!(director.forwarded(&ack), 1);
}
