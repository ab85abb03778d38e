//! Random input: frames that belong together, in every condition, and what happens between them.

use std::{fmt, net::SocketAddr};

use dray_abi::TICK_SHIFT;
use dray_testkit::frames::{ChunkType, Extension, Frame, IcmpError, TcpFlags};
use proptest::{collection::vec, prelude::*, sample::Index, sample::select};

use crate::common::{OTHER_PORT, OWN, ROUTER};

/// What happens to a director.
#[derive(Clone)]
pub(crate) enum Event {
    /// A frame comes in by this port.
    Frame(usize, Vec<u8>),
    /// Ticks pass.
    Pass(u32),
    /// A real server gets another weight.
    Weigh(Index, u32),
    RemoveOrRestore(Index),
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Frame(port, bytes) => {
                write!(f, "Frame on {port}: ")?;
                bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
            Self::Pass(ticks) => write!(f, "Pass({ticks})"),
            Self::Weigh(which, weight) => write!(f, "Weigh({which:?}, {weight})"),
            Self::RemoveOrRestore(which) => write!(f, "RemoveOrRestore({which:?})"),
        }
    }
}

pub(crate) fn event() -> BoxedStrategy<Event> {
    let seconds = select(vec![1_u64, 3, 11, 31, 61, 121, 301, 901]);
    let ticks = seconds.prop_map(|seconds| ((seconds * 1_000_000_000) >> TICK_SHIFT) as u32);
    prop_oneof![
        20 => input().prop_map(|(port, bytes)| Event::Frame(port, bytes)),
        3 => ticks.prop_map(Event::Pass),
        1 => (any::<Index>(), select(vec![0, 1, 3])).prop_map(|(which, weight)| Event::Weigh(which, weight)),
        1 => any::<Index>().prop_map(Event::RemoveOrRestore),
    ]
    .boxed()
}

/// Frames: well-formed, damaged, cut short, and no frames at all.
fn input() -> BoxedStrategy<(usize, Vec<u8>)> {
    let damage = (0..160_usize, any::<u8>());
    let damaged = (frame(), vec(damage, 1..4)).prop_map(|(mut bytes, damages)| {
        for (at, value) in damages {
            let at = at % bytes.len();
            bytes[at] = value;
        }
        bytes
    });
    let cut = (frame(), any::<Index>()).prop_map(|(mut bytes, length)| {
        // The kernel takes no frame shorter than an Ethernet header.
        bytes.truncate(14 + length.index(bytes.len() - 13));
        bytes
    });
    let noise = vec(any::<u8>(), 14..200);
    let bytes = prop_oneof![16 => frame(), 3 => damaged, 1 => cut, 1 => noise];
    let for_us = prop::bool::weighted(0.98);
    (0..2_usize, bytes, for_us)
        .prop_map(|(port, mut bytes, for_us)| {
            if for_us {
                bytes[..6].copy_from_slice(&[OWN, OTHER_PORT][port].0);
            }
            (port, bytes)
        })
        .boxed()
}

/// A well-formed frame of one of few flows, or a fragment of one.
fn frame() -> BoxedStrategy<Vec<u8>> {
    let whole = packet().prop_map(|frame| bytes(&frame));
    let part = (packet(), select(vec![24_usize, 32, 64]), any::<Index>()).prop_map(
        |(frame, size, which)| {
            let whole = bytes(&frame);
            let mut fragments = frame.macs(ROUTER, OWN).fragments(size);
            // A packet that carries nothing has none.
            if fragments.is_empty() {
                return whole;
            }
            fragments.swap_remove(which.index(fragments.len()))
        },
    );
    prop_oneof![6 => whole, 2 => part].boxed()
}

fn bytes(frame: &Frame) -> Vec<u8> {
    frame.clone().macs(ROUTER, OWN).bytes()
}

fn packet() -> BoxedStrategy<Frame> {
    let error = select(vec![
        IcmpError::HostUnreachable,
        IcmpError::PortUnreachable,
        IcmpError::TooBig(1280),
        IcmpError::TimeExceeded,
    ]);
    let about = (flow(), transport(), error).prop_map(|(flow, transport, error)| {
        let about = transport.frame(flow.vip, flow.client);
        Frame::icmp_error(flow.client.ip(), flow.vip.ip(), error, &about)
    });
    let request =
        (flow(), transport()).prop_map(|(flow, transport)| transport.frame(flow.client, flow.vip));
    let reply =
        (flow(), transport()).prop_map(|(flow, transport)| transport.frame(flow.vip, flow.client));
    let other = (flow(), any::<u8>())
        .prop_map(|(flow, protocol)| Frame::other(flow.client.ip(), flow.vip.ip(), protocol));
    let packet = prop_oneof![12 => request, 3 => reply, 3 => about, 1 => other];
    let ttl = prop_oneof![8 => Just(64_u8), 1 => 0..3_u8];
    let tags = prop_oneof![
        12 => Just(vec![]),
        3 => select(vec![vec![0_u16], vec![7], vec![7, 8]]),
        1 => Just(vec![7, 8, 9]),
    ];
    let payload = prop_oneof![3 => vec(any::<u8>(), 0..40), 1 => vec(any::<u8>(), 40..100)];
    let extensions = prop_oneof![3 => Just(vec![]), 1 => vec(extension(), 1..4)];
    (packet, ttl, tags, extensions, payload)
        .prop_map(|(frame, ttl, tags, extensions, payload)| {
            let is_v6 = frame.packet()[0] >> 4 == 6;
            let frame = if is_v6 {
                extensions.into_iter().fold(frame, Frame::extension)
            } else if extensions.is_empty() {
                frame
            } else {
                frame.ipv4_options(&[1; 8])
            };
            let frame = tags.iter().fold(frame, |frame, tag| frame.vlan(*tag));
            frame.ttl(ttl).payload(&payload)
        })
        .boxed()
}

/// A client and where it sends to.
#[derive(Clone, Copy, Debug)]
struct Flow {
    client: SocketAddr,
    vip: SocketAddr,
}

fn flow() -> BoxedStrategy<Flow> {
    let client_port = prop_oneof![12 => 4000..4002_u16, 1 => Just(20)];
    let port = prop_oneof![6 => Just(80_u16), 2 => Just(21), 1 => Just(20), 2 => Just(5000)];
    (
        any::<bool>(),
        1..4_u8,
        client_port,
        port,
        prop::bool::weighted(0.9),
    )
        .prop_map(|(v6, client, client_port, port, known)| {
            let vip = if known { 100 } else { 101 };
            let [client, vip] = if v6 {
                [
                    format!("[2001:db8::{client}]:{client_port}"),
                    format!("[fd00::{vip}]:{port}"),
                ]
            } else {
                [
                    format!("192.0.2.{client}:{client_port}"),
                    format!("10.0.0.{vip}:{port}"),
                ]
            };
            let parse = |text: String| text.parse().expect("an address");
            Flow {
                client: parse(client),
                vip: parse(vip),
            }
        })
        .boxed()
}

#[derive(Clone, Copy, Debug)]
enum Transport {
    Tcp(TcpFlags),
    Udp,
    Sctp(Option<[u8; 2]>),
}

impl Transport {
    fn frame(self, from: SocketAddr, to: SocketAddr) -> Frame {
        match self {
            Self::Tcp(flags) => Frame::tcp(from, to).flags(flags),
            Self::Udp => Frame::udp(from, to),
            Self::Sctp(None) => Frame::sctp(from, to),
            Self::Sctp(Some([first, second])) => Frame::sctp(from, to)
                .chunk(ChunkType(first), &[0; 5])
                .chunk(ChunkType(second), &[0; 4]),
        }
    }
}

fn transport() -> BoxedStrategy<Transport> {
    let chunks = prop::option::weighted(0.9, prop::array::uniform2(0..16_u8));
    prop_oneof![
        4 => flags().prop_map(Transport::Tcp),
        3 => Just(Transport::Udp),
        1 => Just(Transport::Sctp(Some([1, 0]))),
        2 => chunks.prop_map(Transport::Sctp),
    ]
    .boxed()
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
