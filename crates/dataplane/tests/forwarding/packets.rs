//! What of a packet changes, and what stays as it is.

use dray_testkit::frames::{Extension, Frame};

use super::{CLIENT, WEB, leaving, openers, shared};
use crate::common::*;

#[test]
fn only_the_addresses_of_the_frame_the_ttl_and_its_checksum_change() {
    let mut director = shared();
    for (destination, opener) in openers() {
        for payload in [0, 1, 2, 46, 1000, 1460] {
            let payload: Vec<u8> = (0..payload).map(|byte| byte as u8).collect();
            let frame = opener.clone().traffic_class(0xb8).payload(&payload);
            let wanted = Fate::sent(&leaving(&frame, destination));
            assert_eq!(director.fate_of(&frame), wanted);
        }
    }
}

#[test]
fn frames_larger_than_a_page_are_forwarded_whole() {
    let mut director = shared();
    let payload: Vec<u8> = (0..8900u32).map(|byte| (byte % 251) as u8).collect();
    for (destination, opener) in openers() {
        let frame = opener.payload(&payload);
        let fate = director.fate_of(&frame);
        assert_eq!(fate, Fate::sent(&leaving(&frame, destination)));
    }
}

#[test]
fn the_checksum_is_right_whatever_it_was_before() {
    let mut director = shared();
    for identification in (0..=u16::MAX).step_by(97) {
        let frame = udp(CLIENT, WEB).identification(identification);
        let fate = director.fate_of(&frame);
        assert_eq!(fate, Fate::sent(&leaving(&frame, 2)), "{identification}");
    }
}

#[test]
fn every_ttl_above_one_goes_down_by_one() {
    let mut director = shared();
    for ttl in 2..=255 {
        for (destination, opener) in openers() {
            let wanted = opener.clone().ttl(ttl - 1).macs(OWN, mac_of(destination));
            let fate = director.fate_of(&opener.ttl(ttl));
            assert_eq!(fate, Fate::sent(&wanted.bytes()), "TTL {ttl}");
        }
    }
}

#[test]
fn ipv4_options_stay_as_they_are() {
    let mut director = shared();
    for length in 0..=40 {
        // A record-route option with room, then no-operations.
        let mut options = vec![1; length];
        if length >= 7 {
            options[..7].copy_from_slice(&[7, 7, 4, 0, 0, 0, 0]);
        }
        for (destination, opener) in openers().into_iter().take(2) {
            let frame = opener.ipv4_options(&options).payload(b"data");
            let fate = director.fate_of(&frame);
            assert_eq!(
                fate,
                Fate::sent(&leaving(&frame, destination)),
                "{length} bytes"
            );
        }
    }
}

#[test]
fn ipv6_extension_headers_are_walked_and_stay_as_they_are() {
    let mut director = shared();
    let chains = [
        vec![Extension::HopByHop(vec![5, 2, 0, 0])],
        vec![Extension::Routing],
        vec![Extension::DestinationOptions(vec![1; 100])],
        vec![
            Extension::HopByHop(vec![1; 20]),
            Extension::DestinationOptions(vec![1; 6]),
            Extension::Routing,
            Extension::DestinationOptions(vec![1; 255]),
        ],
    ];
    for chain in chains {
        for (destination, opener) in openers().into_iter().skip(2) {
            let frame = chain
                .iter()
                .cloned()
                .fold(opener, Frame::extension)
                .payload(b"data");
            let fate = director.fate_of(&frame);
            assert_eq!(fate, Fate::sent(&leaving(&frame, destination)), "{chain:?}");
        }
    }
}

#[test]
fn a_payload_cut_short_is_no_matter_of_a_director() {
    let mut director = shared();
    for (destination, opener) in openers() {
        let frame = opener.payload(&[7; 50]);
        let (whole, wanted) = (incoming(&frame), leaving(&frame, destination));
        for length in [whole.len() - 1, whole.len() - 50] {
            assert_eq!(
                director.fate(&whole[..length]),
                Fate::sent(&wanted[..length]),
                "{length}"
            );
        }
    }
}

#[test]
fn bytes_behind_the_packet_are_kept() {
    let mut director = shared();
    for (destination, opener) in openers() {
        let padded = |mut bytes: Vec<u8>| {
            bytes.extend([0xee; 9]);
            bytes
        };
        let fate = director.fate(&padded(incoming(&opener)));
        assert_eq!(fate, Fate::sent(&padded(leaving(&opener, destination))));
    }
}
