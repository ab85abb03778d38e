//! SYNs with every order of options, and with ones that make no sense.

use etherparse::{IpHeaders, Ipv4Header, PacketBuilder, TcpHeader, TcpOptionElement};
use proptest::prelude::*;

use super::*;
use crate::sample::{assert_sound, u16_at};

const UPPER: usize = 20;

/// A SYN with these bytes as its options, of which there are a multiple of four.
fn syn(options: &[u8], payload: &[u8]) -> Vec<u8> {
    let ip = Ipv4Header::new(
        0,
        64,
        etherparse::IpNumber::TCP,
        [192, 0, 2, 1],
        [10, 0, 0, 1],
    );
    let mut tcp = TcpHeader::new(40000, 80, 1000, 1024);
    tcp.syn = true;
    tcp.set_options_raw(options).unwrap();
    let mut bytes = vec![];
    PacketBuilder::ip(IpHeaders::Ipv4(ip.unwrap(), Default::default()))
        .tcp_header(tcp)
        .write(&mut bytes, payload)
        .unwrap();
    bytes
}

fn clamped(bytes: &mut [u8], limit: u16) -> Announced {
    let end = u16_at(bytes, 2).into();
    clamp(&Frame::from(bytes), UPPER, end, limit)
}

/// Options that are not the one that is looked for.
fn others() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(
        prop::sample::select(vec![
            vec![1],
            vec![4, 2],
            vec![3, 3, 7],
            vec![8, 10, 0, 0, 0, 1, 0, 0, 0, 2],
            vec![254, 8, 2, 4, 0xff, 0xff, 2, 4],
        ]),
        0..4,
    )
    .prop_map(|options| options.concat())
}

proptest! {
    #[test]
    fn it_is_lowered_wherever_it_lies_and_nothing_else_changes(
        before in others(), after in others(), announced: u16, limit: u16, payload in prop::collection::vec(any::<u8>(), 0..9),
    ) {
        let [high, low] = announced.to_be_bytes();
        let mut options = before.clone();
        options.extend([2, 4, high, low]);
        options.extend(&after);
        options.resize(options.len().next_multiple_of(4), 0);
        prop_assume!(options.len() <= 40);
        let mut bytes = syn(&options, &payload);
        let expected = if announced > limit { Announced::More } else { Announced::NoMore };
        prop_assert_eq!(clamped(&mut bytes, limit), expected);
        let at = before.len() + 2;
        options[at..at + 2].copy_from_slice(&announced.min(limit).to_be_bytes());
        prop_assert_eq!(&bytes, &syn(&options, &payload));
        assert_sound(&bytes);
    }

    #[test]
    fn a_syn_without_it_stays_as_it_is(mut options in others(), limit: u16) {
        options.resize(options.len().next_multiple_of(4), 1);
        prop_assume!(options.len() <= 40);
        let before = syn(&options, b"data");
        let mut bytes = before.clone();
        prop_assert_eq!(clamped(&mut bytes, limit), Announced::Nothing);
        prop_assert_eq!(bytes, before);
    }

    /// As another parser finds it.
    #[test]
    fn any_options_are_read_as_by_another_parser(mut options in prop::collection::vec(0..6u8, 0..40)) {
        options.resize(options.len().next_multiple_of(4), 0);
        let mut bytes = syn(&options, b"");
        let tcp = TcpHeader::from_slice(&bytes[UPPER..]).unwrap().0;
        let first_of_kind = tcp.options_iterator().map_while(Result::ok).find_map(|option| match option {
            TcpOptionElement::MaximumSegmentSize(size) => Some(size),
            _ => None,
        });
        let announced = clamped(&mut bytes, 0);
        // The other parser knows more kinds, whose lengths it checks.
        if let Some(size) = first_of_kind {
            prop_assert_eq!(announced, if size > 0 { Announced::More } else { Announced::NoMore });
        }
        assert_sound(&bytes);
    }

    #[test]
    fn no_bytes_make_it_write_past_the_end(options in prop::collection::vec(any::<u8>(), 0..40), data_offset: u8, length in 0..80usize, end in 0..100usize) {
        let mut options = options;
        options.resize(options.len().next_multiple_of(4), 2);
        let mut bytes = syn(&options, b"");
        bytes[UPPER + 12] = data_offset;
        let length = length.min(bytes.len());
        let rest = bytes[length..].to_vec();
        clamp(&Frame::from(&mut bytes[..length]), UPPER, end, 0);
        prop_assert_eq!(&bytes[length..], rest);
    }
}

#[test]
fn options_that_make_no_sense_announce_nothing() {
    for options in [
        [2, 0, 0xff, 0xff, 0, 0, 0, 0],
        [2, 1, 0xff, 0xff, 0, 0, 0, 0],
        [2, 3, 0xff, 0xff, 0, 0, 0, 0],
        [2, 5, 0xff, 0xff, 0, 0, 0, 0],
        [7, 0, 2, 4, 0xff, 0xff, 0, 0],
        [7, 1, 2, 4, 0xff, 0xff, 0, 0],
        [0, 2, 4, 0xff, 0xff, 0, 0, 0],
        [1, 1, 1, 1, 1, 2, 4, 0xff],
        [1, 1, 1, 1, 1, 1, 1, 2],
    ] {
        let mut bytes = syn(&options, b"data");
        assert_eq!(clamped(&mut bytes, 0), Announced::Nothing, "{options:?}");
        assert_eq!(bytes, syn(&options, b"data"));
    }
}

#[test]
fn what_is_the_limit_already_stays() {
    for (announced, expected) in [
        (1399, Announced::NoMore),
        (1400, Announced::NoMore),
        (1401, Announced::More),
    ] {
        let [high, low] = u16::to_be_bytes(announced);
        let mut bytes = syn(&[2, 4, high, low], b"");
        assert_eq!(clamped(&mut bytes, 1400), expected);
    }
}

#[test]
fn forty_options_of_one_byte_are_within_the_steps() {
    let mut options = [1; 40];
    options[36..].copy_from_slice(&[2, 4, 0x05, 0xb4]);
    assert_eq!(clamped(&mut syn(&options, b""), 1400), Announced::More);
}

#[test]
fn a_header_that_reaches_behind_its_packet_announces_nothing() {
    let mut bytes = syn(&[2, 4, 0x05, 0xb4], b"");
    bytes[UPPER + 12] = 0x70;
    bytes.extend([0; 20]);
    assert_eq!(clamped(&mut bytes, 1400), Announced::Nothing);
    bytes[UPPER + 12] = 0x40;
    assert_eq!(clamped(&mut bytes, 1400), Announced::Nothing);
}
