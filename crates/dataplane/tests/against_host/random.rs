//! Random input: frames that belong together, in every condition, and what happens between them.

use std::{fmt, net::SocketAddr};

use dray_abi::TICK_SHIFT;
use dray_packet::TransportProtocol;
use proptest::{collection::vec, prelude::*, sample::Index, sample::select};

use crate::{
    common::{OTHER_PORT, OWN},
    draft::{Draft, draft},
    packet::Key,
};

/// What happens to a director.
#[derive(Clone)]
pub(crate) enum Event {
    /// A frame comes in by this port.
    Frame(usize, Vec<u8>),
    /// A frame of a translated connection that there is comes in by this port.
    Translated(usize, Index, Side, Box<Draft>),
    /// Ticks pass.
    Pass(u32),
    /// A real server gets another weight.
    Weigh(Index, u32),
    RemoveOrRestore(Index),
}

/// Who sends a frame of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Side {
    Client,
    Server,
    /// A router on the client's side, about a packet of the VIP's.
    ClientsRouter,
    /// A router on the real server's side, about a packet that it got.
    ServersRouter,
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Frame(port, bytes) => {
                write!(f, "Frame on {port}: ")?;
                bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
            Self::Translated(port, which, side, draft) => {
                write!(f, "Of {which:?} from {side:?} on {port}: {draft:?}")
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

/// The same for a director that changes addresses.
pub(crate) fn event_of_translated() -> BoxedStrategy<Event> {
    let side = prop_oneof![
        4 => Just(Side::Client),
        6 => Just(Side::Server),
        1 => Just(Side::ClientsRouter),
        1 => Just(Side::ServersRouter),
    ];
    let translated = (0..2_usize, any::<Index>(), side, draft());
    let translated = translated.prop_map(|(port, which, side, draft)| {
        Event::Translated(port, which, side, Box::new(draft))
    });
    prop_oneof![3 => event(), 2 => translated].boxed()
}

/// Frames, and what is none.
fn input() -> BoxedStrategy<(usize, Vec<u8>)> {
    let noise = (0..2_usize, vec(any::<u8>(), 14..200));
    let input = prop_oneof![20 => frame(), 1 => noise];
    (input, prop::bool::weighted(0.98))
        .prop_map(|((port, mut bytes), for_us)| {
            let destination = if for_us {
                [OWN, OTHER_PORT][port].0
            } else {
                [0xff; 6]
            };
            bytes[..6].copy_from_slice(&destination);
            (port, bytes)
        })
        .boxed()
}

/// A frame of one of few flows, well-formed or not.
fn frame() -> BoxedStrategy<(usize, Vec<u8>)> {
    let protocol = select(vec![
        TransportProtocol::Tcp,
        TransportProtocol::Tcp,
        TransportProtocol::Udp,
        TransportProtocol::Sctp,
    ]);
    let request = (flow(), protocol.clone(), draft()).prop_map(|(flow, protocol, draft)| {
        let frame = draft.packet(protocol, flow.client, flow.vip);
        (draft, frame)
    });
    let reply = (flow(), protocol.clone(), draft()).prop_map(|(flow, protocol, draft)| {
        let frame = draft.packet(protocol, flow.vip, flow.client);
        (draft, frame)
    });
    let about = (flow(), protocol, draft()).prop_map(|(flow, protocol, draft)| {
        let about = draft.packet(protocol, flow.vip, flow.client);
        let frame = draft.error(flow.client.ip(), flow.vip.ip(), &about);
        (draft, frame)
    });
    let other = (flow(), any::<u8>(), draft()).prop_map(|(flow, protocol, draft)| {
        let frame = draft.other(protocol, flow.client.ip(), flow.vip.ip());
        (draft, frame)
    });
    let packet = prop_oneof![12 => request, 3 => reply, 3 => about, 1 => other];
    (0..2_usize, packet)
        .prop_map(|(port, (draft, frame))| (port, draft.bytes(frame, port)))
        .boxed()
}

/// A frame of a translated connection: `client` is the key of its client's packets, `server` that of its real server's.
pub(crate) fn translated(
    port: usize,
    side: Side,
    draft: &Draft,
    (client, server): (Key, Key),
) -> Vec<u8> {
    let packet = |key: Key| {
        let protocol = TransportProtocol::from_number(key.protocol).expect("one of the three");
        draft.packet(protocol, key.source(), key.destination())
    };
    let error = |key: Key| {
        let router = if key.family == 4 {
            "203.0.113.1"
        } else {
            "2001:db8:9::1"
        };
        let router = router.parse().expect("an address");
        draft.error(router, key.destination().ip(), &packet(key.reversed()))
    };
    let frame = match side {
        Side::Client => packet(client),
        Side::Server => packet(server),
        Side::ClientsRouter => error(client),
        Side::ServersRouter => error(server),
    };
    draft.bytes(frame, port)
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
