//! All about a frame but between whom it goes: so that the same one can be a client's, a real server's or a router's.

use std::net::{IpAddr, SocketAddr};

use dray_model::Mac;
use dray_packet::TransportProtocol;
use dray_testkit::frames::{ChunkType, Extension, Frame, IcmpError, TcpFlags};
use proptest::{collection::vec, prelude::*, sample::Index, sample::select};

use crate::common::{OTHER_PORT, OWN, ROUTER};

/// Another router than the usual one.
const OTHER_ROUTER: Mac = Mac([2, 0, 0, 0, 0, 0x55]);

#[derive(Clone, Debug)]
pub(crate) struct Draft {
    /// The Ethernet address that it comes from.
    router: Mac,
    tags: Vec<u16>,
    ttl: u8,
    class: u8,
    extensions: Vec<Extension>,
    segment: Segment,
    chunks: Option<[u8; 2]>,
    /// A UDP datagram of IPv4 may go without a checksum.
    has_checksum: bool,
    payload: Vec<u8>,
    error: IcmpError,
    /// Of which size the fragments are, and which one it is.
    part: Option<(usize, Index)>,
    wear: Wear,
}

/// What a TCP header says.
#[derive(Clone, Debug)]
struct Segment {
    flags: TcpFlags,
    sequence: u32,
    acknowledgement: u32,
    options: Vec<u8>,
}

/// What happened to a frame on the way.
#[derive(Clone, Debug)]
enum Wear {
    None,
    /// Bytes became others.
    Damage(Vec<(usize, u8)>),
    /// Its end is missing.
    Cut(Index),
}

impl Draft {
    /// A packet of one end of a connection to the other.
    pub(crate) fn packet(
        &self,
        protocol: TransportProtocol,
        from: SocketAddr,
        to: SocketAddr,
    ) -> Frame {
        let frame = match protocol {
            TransportProtocol::Tcp => Frame::tcp(from, to)
                .flags(self.segment.flags)
                .sequence(self.segment.sequence)
                .acknowledgement(self.segment.acknowledgement)
                .tcp_options(&self.segment.options),
            TransportProtocol::Udp if self.has_checksum || from.is_ipv6() => Frame::udp(from, to),
            TransportProtocol::Udp => Frame::udp(from, to).without_udp_checksum(),
            TransportProtocol::Sctp => {
                let frame = Frame::sctp(from, to);
                match self.chunks {
                    None => frame,
                    Some([first, second]) => frame
                        .chunk(ChunkType(first), &[0; 5])
                        .chunk(ChunkType(second), &[0; 4]),
                }
            }
        };
        self.extended(frame.payload(&self.payload))
    }

    /// An ICMP error about a packet, to its sender.
    pub(crate) fn error(&self, from: IpAddr, to: IpAddr, about: &Frame) -> Frame {
        self.extended(Frame::icmp_error(from, to, self.error, about))
    }

    /// A packet of a protocol that nobody balances.
    pub(crate) fn other(&self, protocol: u8, from: IpAddr, to: IpAddr) -> Frame {
        self.extended(Frame::other(from, to, protocol).payload(&self.payload))
    }

    /// The bytes of a frame that comes in by this port, or of a fragment of it.
    pub(crate) fn bytes(&self, frame: Frame, port: usize) -> Vec<u8> {
        let frame = self.tags.iter().fold(frame, |frame, tag| frame.vlan(*tag));
        let frame = frame.ttl(self.ttl).traffic_class(self.class);
        let frame = frame.macs(self.router, [OWN, OTHER_PORT][port]);
        let mut fragments = match self.part {
            Some((size, _)) => frame.fragments(size),
            None => Vec::new(),
        };
        let mut bytes = match self.part {
            // A packet that carries nothing has none.
            Some((_, which)) if !fragments.is_empty() => {
                fragments.swap_remove(which.index(fragments.len()))
            }
            _ => frame.bytes(),
        };
        match &self.wear {
            Wear::None => {}
            Wear::Damage(damages) => {
                for (at, value) in damages {
                    let at = at % bytes.len();
                    bytes[at] = *value;
                }
            }
            // The kernel takes no frame shorter than an Ethernet header.
            Wear::Cut(length) => bytes.truncate(14 + length.index(bytes.len() - 13)),
        }
        bytes
    }

    fn extended(&self, frame: Frame) -> Frame {
        if frame.packet()[0] >> 4 == 6 {
            self.extensions
                .iter()
                .cloned()
                .fold(frame, Frame::extension)
        } else if self.extensions.is_empty() {
            frame
        } else {
            frame.ipv4_options(&[1; 8])
        }
    }
}

pub(crate) fn draft() -> BoxedStrategy<Draft> {
    let tags = prop_oneof![
        12 => Just(vec![]),
        3 => select(vec![vec![0_u16], vec![7], vec![7, 8]]),
        1 => Just(vec![7, 8, 9]),
    ];
    let link = (select(vec![ROUTER, ROUTER, OTHER_ROUTER]), tags);
    let ttl = prop_oneof![8 => Just(64_u8), 1 => 0..3_u8];
    let extensions = prop_oneof![3 => Just(vec![]), 1 => vec(extension(), 1..4)];
    let network = (ttl, select(vec![0, 0xb8, 3]), extensions);
    let payload = prop_oneof![3 => vec(any::<u8>(), 0..40), 1 => vec(any::<u8>(), 40..100)];
    let transport = (segment(), chunks(), prop::bool::weighted(0.7), payload);
    let error = select(vec![
        IcmpError::HostUnreachable,
        IcmpError::PortUnreachable,
        IcmpError::TooBig(1280),
        IcmpError::TimeExceeded,
    ]);
    let part = (select(vec![24_usize, 32, 64]), any::<Index>());
    let rest = (error, prop::option::weighted(0.25, part), wear());
    (link, network, transport, rest)
        .prop_map(
            |(
                (router, tags),
                (ttl, class, extensions),
                (segment, chunks, has_checksum, payload),
                (error, part, wear),
            )| Draft {
                router,
                tags,
                ttl,
                class,
                extensions,
                segment,
                chunks,
                has_checksum,
                payload,
                error,
                part,
                wear,
            },
        )
        .boxed()
}

fn segment() -> BoxedStrategy<Segment> {
    let options = select(vec![
        &[][..],
        // The maximum segment size, at an even and at an odd place; too short; and none that would be lowered.
        &[2, 4, 5, 0xb4],
        &[1, 2, 4, 5, 0xb4],
        &[2, 3, 5],
        &[2, 4, 1, 0],
        // Timestamps; and as much as there is room for.
        &[1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2],
        &[1; 40],
    ]);
    // A SYN's, and what acknowledges that and no more.
    let sequence = select(vec![7, u32::MAX]);
    let acknowledgement = select(vec![0, 8, 1000]);
    (flags(), sequence, acknowledgement, options)
        .prop_map(|(flags, sequence, acknowledgement, options)| Segment {
            flags,
            sequence,
            acknowledgement,
            options: options.to_vec(),
        })
        .boxed()
}

fn wear() -> BoxedStrategy<Wear> {
    let damage = (0..160_usize, any::<u8>());
    prop_oneof![
        16 => Just(Wear::None),
        3 => vec(damage, 1..4).prop_map(Wear::Damage),
        1 => any::<Index>().prop_map(Wear::Cut),
    ]
    .boxed()
}

/// The first two chunks of a packet: most often those that open an association.
fn chunks() -> BoxedStrategy<Option<[u8; 2]>> {
    let any = prop::option::weighted(0.9, prop::array::uniform2(0..16_u8));
    prop_oneof![1 => Just(Some([1, 0])), 2 => any].boxed()
}

fn extension() -> BoxedStrategy<Extension> {
    prop_oneof![
        4 => vec(any::<u8>(), 0..60).prop_map(Extension::HopByHop),
        4 => vec(any::<u8>(), 0..60).prop_map(Extension::DestinationOptions),
        4 => Just(Extension::Routing),
        1 => Just(Extension::AtomicFragment),
    ]
    .boxed()
}

/// Any of the flags together, those of ordinary segments more often.
pub(crate) fn flags() -> BoxedStrategy<TcpFlags> {
    const ALL: [TcpFlags; 6] = [
        TcpFlags::FIN,
        TcpFlags::SYN,
        TcpFlags::RST,
        TcpFlags::PSH,
        TcpFlags::ACK,
        TcpFlags::URG,
    ];
    let ordinary = select(vec![
        TcpFlags::SYN,
        TcpFlags::SYN,
        TcpFlags::SYN,
        TcpFlags::ACK,
        TcpFlags::FIN | TcpFlags::ACK,
        TcpFlags::RST,
        TcpFlags::SYN | TcpFlags::ACK,
    ]);
    let any = prop::sample::subsequence(&ALL[..], 0..=6).prop_map(|flags| {
        flags
            .into_iter()
            .fold(TcpFlags::NONE, std::ops::BitOr::bitor)
    });
    prop_oneof![2 => ordinary, 1 => any].boxed()
}
