//! Headers to bytes, one function per layer.

use std::net::IpAddr;

use super::{
    Extension, Frame, Transport,
    checksum::{internet_checksum, with_pseudo_header},
    sctp,
};

/// A piece of a fragmented packet: where it lies and whether more follow.
#[derive(Clone, Copy)]
pub(super) struct Piece {
    /// In bytes, a multiple of 8.
    pub(super) offset: usize,
    pub(super) more: bool,
}

/// The Ethernet header with its tags.
pub(super) fn link(frame: &Frame) -> Vec<u8> {
    let mut out = Vec::with_capacity(64);
    out.extend(frame.link.destination.0);
    out.extend(frame.link.source.0);
    for tag in &frame.link.tags {
        out.extend(tag.ether_type.to_be_bytes());
        out.extend(tag.id.to_be_bytes());
    }
    out.extend(frame.ether_type().to_be_bytes());
    out
}

/// The IP header or headers, and `content` after them.
pub(super) fn network(frame: &Frame, piece: Option<Piece>, content: &[u8]) -> Vec<u8> {
    match (frame.network.source, frame.network.destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            ipv4(frame, piece, source.octets(), destination.octets(), content)
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            ipv6(frame, piece, source.octets(), destination.octets(), content)
        }
        _ => unreachable!("Frame::new takes addresses of one family only"),
    }
}

/// The transport header and the payload.
pub(super) fn transport(frame: &Frame) -> Vec<u8> {
    let mut message = Vec::with_capacity(20 + frame.payload.len());
    let checksum_at = match &frame.transport {
        Transport::Tcp {
            source,
            destination,
            header,
        } => {
            message.extend(source.to_be_bytes());
            message.extend(destination.to_be_bytes());
            message.extend(header.sequence.to_be_bytes());
            message.extend(header.acknowledgement.to_be_bytes());
            let words = u8::try_from(5 + header.options.len() / 4)
                .expect("a TCP header has at most 15 words");
            message.extend([words << 4, header.flags.0]);
            message.extend(header.window.to_be_bytes());
            message.extend([0; 4]);
            message.extend(&header.options);
            Some(16)
        }
        Transport::Udp {
            source,
            destination,
            checksum,
        } => {
            message.extend(source.to_be_bytes());
            message.extend(destination.to_be_bytes());
            message.extend(length16(8 + frame.payload.len()));
            message.extend([0; 2]);
            checksum.then_some(6)
        }
        Transport::Icmp { kind, code, rest } => {
            message.extend([*kind, *code, 0, 0]);
            message.extend(rest);
            Some(2)
        }
        Transport::Sctp {
            source,
            destination,
            tag,
            chunks,
        } => return sctp::packet((*source, *destination), *tag, chunks, &frame.payload),
        Transport::Other { .. } => None,
    };
    message.extend(&frame.payload);
    if let Some(at) = checksum_at {
        let checksum = transport_checksum(frame, &message);
        message[at..at + 2].copy_from_slice(&checksum.to_be_bytes());
    }
    message
}

fn transport_checksum(frame: &Frame, message: &[u8]) -> u16 {
    let covered_by_pseudo_header = !matches!(
        (&frame.transport, frame.network.source),
        (Transport::Icmp { .. }, IpAddr::V4(_))
    );
    let checksum = if covered_by_pseudo_header {
        let network = &frame.network;
        with_pseudo_header(
            network.source,
            network.destination,
            protocol(frame),
            message,
        )
    } else {
        internet_checksum(message)
    };
    // RFC 768: zero means "none", so a computed zero is sent as all ones, which is the same number.
    match &frame.transport {
        Transport::Udp { .. } if checksum == 0 => 0xffff,
        _ => checksum,
    }
}

fn protocol(frame: &Frame) -> u8 {
    match frame.transport {
        Transport::Tcp { .. } => 6,
        Transport::Udp { .. } => 17,
        Transport::Sctp { .. } => 132,
        Transport::Icmp { .. } if frame.network.source.is_ipv4() => 1,
        Transport::Icmp { .. } => 58,
        Transport::Other { protocol } => protocol,
    }
}

fn ipv4(
    frame: &Frame,
    piece: Option<Piece>,
    source: [u8; 4],
    destination: [u8; 4],
    content: &[u8],
) -> Vec<u8> {
    const MORE_FRAGMENTS: u16 = 0x2000;
    const DONT_FRAGMENT: u16 = 0x4000;
    let network = &frame.network;
    let header_length = 20 + network.options.len();
    let fragment = match piece {
        Some(piece) => {
            let units = u16::try_from(piece.offset / 8)
                .expect("a packet has at most 8,192 units of 8 bytes");
            units | if piece.more { MORE_FRAGMENTS } else { 0 }
        }
        None if network.dont_fragment => DONT_FRAGMENT,
        None => 0,
    };
    let words = u8::try_from(header_length / 4).expect("an IPv4 header has at most 15 words");
    let mut out = vec![0x40 | words, network.traffic_class];
    out.extend(length16(header_length + content.len()));
    out.extend(network.identification.to_be_bytes());
    out.extend(fragment.to_be_bytes());
    out.extend([network.ttl, protocol(frame), 0, 0]);
    out.extend(source);
    out.extend(destination);
    out.extend(&network.options);
    let checksum = internet_checksum(&out);
    out[10..12].copy_from_slice(&checksum.to_be_bytes());
    out.extend(content);
    out
}

fn ipv6(
    frame: &Frame,
    piece: Option<Piece>,
    source: [u8; 16],
    destination: [u8; 16],
    content: &[u8],
) -> Vec<u8> {
    let network = &frame.network;
    let (first, extensions) = extension_chain(frame, piece);
    let mut out = (6 << 28 | u32::from(network.traffic_class) << 20)
        .to_be_bytes()
        .to_vec();
    out.extend(length16(extensions.len() + content.len()));
    out.extend([first, network.ttl]);
    out.extend(source);
    out.extend(destination);
    out.extend(extensions);
    out.extend(content);
    out
}

/// The extension headers' bytes, and the protocol number of the first header after the IPv6 one.
fn extension_chain(frame: &Frame, piece: Option<Piece>) -> (u8, Vec<u8>) {
    let identification = u32::from(frame.network.identification);
    let mut headers: Vec<(u8, Vec<u8>)> = frame
        .network
        .extensions
        .iter()
        .map(|extension| match extension {
            Extension::HopByHop(options) => (0, options_header(options)),
            Extension::DestinationOptions(options) => (60, options_header(options)),
            // Type 253 is one of RFC 4727's for experiments.
            Extension::Routing => (43, vec![0, 0, 253, 0, 0, 0, 0, 0]),
            Extension::AtomicFragment => (
                44,
                fragment_header(
                    identification,
                    Piece {
                        offset: 0,
                        more: false,
                    },
                ),
            ),
        })
        .collect();
    if let Some(piece) = piece {
        headers.push((44, fragment_header(identification, piece)));
    }
    let mut bytes = Vec::new();
    let mut next = protocol(frame);
    for (number, mut header) in headers.into_iter().rev() {
        header[0] = next;
        header.extend(&bytes);
        bytes = header;
        next = number;
    }
    (next, bytes)
}

/// An options header with a next-header byte yet to be set.
fn options_header(options: &[u8]) -> Vec<u8> {
    let mut header = vec![0, 0];
    header.extend(options);
    match header.len().next_multiple_of(8) - header.len() {
        0 => {}
        1 => header.push(0),
        padding => {
            header.extend([
                1,
                u8::try_from(padding - 2).expect("padding is shorter than 8 bytes"),
            ]);
            header.resize(header.len() + padding - 2, 0);
        }
    }
    header[1] = u8::try_from(header.len() / 8 - 1).expect("options are shorter than 2 KiB");
    header
}

fn fragment_header(identification: u32, piece: Piece) -> Vec<u8> {
    let offset = u16::try_from(piece.offset).expect("a packet is shorter than 64 KiB") & !7;
    let mut header = vec![0, 0];
    header.extend((offset | u16::from(piece.more)).to_be_bytes());
    header.extend(identification.to_be_bytes());
    header
}

fn length16(length: usize) -> [u8; 2] {
    u16::try_from(length)
        .expect("a packet is at most 65,535 bytes long")
        .to_be_bytes()
}
