//! The real server's end of tunnels: what its program makes of frames, and that it comes and goes with its process.

mod common;

use std::{
    fs,
    net::{IpAddr, SocketAddr, UdpSocket},
    num::NonZeroU16,
    os::fd::AsRawFd as _,
    time::Duration,
};

use common::{world::World, *};
use dray_abi::DecapReason::{self, *};
use dray_dataplane::{Decapsulator, DecapsulatorError, Tunnels};
use dray_model::{Mac, XdpMode};
use dray_testkit::frames::{ChunkType, Extension, Frame, IcmpError, TcpFlags};

const CLIENT: &str = "192.0.2.1:4000";
const CLIENT6: &str = "[2001:db8::1]:4000";
const WEB: &str = "10.0.0.100:80";
const WEB6: &str = "[fd00::100]:80";
/// Director and real server, of each family.
const ENDS: [(&str, &str); 2] = [("10.9.1.2", "10.1.1.1"), ("fd00:9::2", "fd00:1::1")];

fn tunnels(directors: &[&str]) -> Tunnels {
    Tunnels {
        directors: directors.iter().map(|text| text.parse().unwrap()).collect(),
        gue_port: NonZeroU16::new(6080).unwrap(),
    }
}

/// One that takes tunnels from `10.9.0.0/18` and `fd00:9::/64`.
fn decapsulator() -> Decapsulator {
    Decapsulator::load(OWN, &tunnels(&["10.9.0.0/18", "fd00:9::/64"]))
        .expect("it loads (root needed)")
}

/// Packets of clients, of either family.
fn packets() -> [Frame; 4] {
    [
        tcp(CLIENT, WEB, TcpFlags::SYN),
        udp(CLIENT, WEB).payload(b"query"),
        tcp(CLIENT6, WEB6, TcpFlags::ACK).payload(&[7; 1001]),
        sctp(CLIENT6, WEB6, ChunkType::INIT),
    ]
}

/// Every tunnel with this packet inside, from `source` to `real`.
fn all_around(source: &str, real: &str, inner: &Frame) -> Vec<Frame> {
    let (from, to): (IpAddr, IpAddr) = (source.parse().unwrap(), real.parse().unwrap());
    let mut frames = vec![Frame::ipip(from, to, inner)];
    for checksum in [false, true] {
        frames.push(Frame::gre(from, to, inner, checksum));
        let (from, to) = (SocketAddr::new(from, 40_000), SocketAddr::new(to, 6080));
        frames.push(Frame::gue(from, to, inner, checksum));
    }
    frames
}

/// What became of bytes: verdict, reason, and the frame after it.
fn fate(decapsulator: &mut Decapsulator, bytes: &[u8]) -> (u32, DecapReason, Vec<u8>) {
    let before = decapsulator.counts().unwrap();
    let outcome = decapsulator.run(bytes).expect("a frame the kernel takes");
    let after = decapsulator.counts().unwrap();
    let mut changed = before.iter().zip(&after).filter(|(old, new)| old != new);
    let (old, new) = changed.next().expect("it is counted");
    assert_eq!((new.packets - old.packets, changed.next()), (1, None));
    (outcome.verdict, new.reason, outcome.frame)
}

#[track_caller]
fn passes(decapsulator: &mut Decapsulator, reason: DecapReason, bytes: &[u8]) {
    assert_eq!(fate(decapsulator, bytes), (PASS, reason, bytes.to_vec()));
}

#[track_caller]
fn drops(decapsulator: &mut Decapsulator, reason: DecapReason, bytes: &[u8]) {
    let (verdict, counted, _) = fate(decapsulator, bytes);
    assert_eq!((verdict, counted), (DROP, reason));
}

#[test]
fn what_is_in_a_directors_tunnel_goes_to_the_host() {
    let mut decapsulator = decapsulator();
    for (source, real) in ENDS {
        for inner in packets() {
            for tags in 0..=2 {
                let tagged = |frame: &Frame| {
                    let frame = frame.clone().macs(ROUTER, OWN);
                    (0..tags)
                        .fold(frame, |frame, tag| frame.vlan(tag + 5))
                        .bytes()
                };
                for outer in all_around(source, real, &inner) {
                    let wanted = (PASS, Decapsulated, tagged(&inner));
                    assert_eq!(fate(&mut decapsulator, &tagged(&outer)), wanted);
                }
            }
        }
    }
}

#[test]
fn outer_options_and_extension_headers_go_with_the_tunnel() {
    let mut decapsulator = decapsulator();
    for inner in packets() {
        let wanted = (PASS, Decapsulated, incoming(&inner));
        let [(source, real), (source6, real6)] = ENDS;
        for outer in all_around(source, real, &inner) {
            let outer = outer.ipv4_options(&[1; 40]);
            assert_eq!(fate(&mut decapsulator, &incoming(&outer)), wanted);
        }
        for outer in all_around(source6, real6, &inner) {
            let outer = outer.extension(Extension::DestinationOptions(vec![0; 6]));
            assert_eq!(fate(&mut decapsulator, &incoming(&outer)), wanted);
        }
    }
}

#[test]
fn tunnels_that_no_director_sent_are_dropped() {
    let mut decapsulator = decapsulator();
    let allowed = [
        "10.9.0.0",
        "10.9.63.255",
        "fd00:9::",
        "fd00:9::ffff:ffff:ffff:ffff",
    ];
    let others = [
        "10.8.255.255",
        "10.9.64.0",
        "fd00:8::1",
        "fd00:9:0:1::",
        "::ffff:a09:1",
    ];
    let inner = &packets()[0];
    let sources = allowed.map(|source| (source, true)).into_iter();
    for (source, is_allowed) in sources.chain(others.map(|source| (source, false))) {
        let real = if source.contains(':') {
            ENDS[1].1
        } else {
            ENDS[0].1
        };
        for outer in all_around(source, real, inner) {
            let (verdict, reason, _) = fate(&mut decapsulator, &incoming(&outer));
            let wanted = if is_allowed {
                (PASS, Decapsulated)
            } else {
                (DROP, Spoofed)
            };
            assert_eq!((verdict, reason), wanted, "{source}");
        }
    }
}

#[test]
fn what_is_no_tunnel_goes_on_to_the_host_untouched() {
    let mut decapsulator = decapsulator();
    let (source, real): (IpAddr, IpAddr) =
        ("10.9.1.2".parse().unwrap(), "10.1.1.1".parse().unwrap());
    let message = Frame::icmp_error(source, real, IcmpError::PortUnreachable, &packets()[0]);
    let mut others = packets().to_vec();
    others.extend([
        message,
        udp("10.9.1.2:40000", "10.1.1.1:6081").payload(&[0, 4, 0, 0, 0x45]),
        // GRE with a key, and with a packet that is none of IP's.
        Frame::other(source, real, 47).payload(&[&[0x20, 0, 8, 0][..], &[0; 40]].concat()),
        Frame::other(source, real, 47).payload(&[&[0, 0, 0x65, 0x58][..], &[0; 40]].concat()),
        // GUE's control messages.
        udp("10.9.1.2:40000", "10.1.1.1:6080").payload(&[0x20, 4, 0, 0, 0, 0, 0, 0]),
    ]);
    for frame in &others {
        passes(&mut decapsulator, NotATunnel, &incoming(frame));
    }
    let arp = [&OWN.0[..], &ROUTER.0, &[8, 6], &[0; 28]].concat();
    passes(&mut decapsulator, NotATunnel, &arp);
    let cut = incoming(&packets()[0]);
    passes(&mut decapsulator, NotATunnel, &cut[..20]);
}

#[test]
fn fragments_of_tunnels_are_for_the_host_to_put_together() {
    let mut decapsulator = decapsulator();
    for (source, real) in ENDS {
        for outer in all_around(source, real, &packets()[0]) {
            let outer = outer.identification(9).macs(ROUTER, OWN);
            for fragment in outer.fragments(16) {
                passes(&mut decapsulator, NotATunnel, &fragment);
            }
        }
    }
}

#[test]
fn frames_for_others_are_left_alone() {
    let mut decapsulator = decapsulator();
    for mac in [Mac([0xff; 6]), Mac([2, 0, 0, 0, 0, 7])] {
        for outer in all_around("10.9.1.2", "10.1.1.1", &packets()[0]) {
            passes(
                &mut decapsulator,
                OtherHost,
                &outer.macs(ROUTER, mac).bytes(),
            );
        }
    }
}

#[test]
fn a_wrong_checksum_is_found_wherever_the_damage_is() {
    let mut decapsulator = decapsulator();
    for (source, real) in ENDS {
        for outer in all_around(source, real, &packets()[1]) {
            let bytes = incoming(&outer);
            let plain = bytes.len() - packets()[1].packet().len();
            // The destination port of the packet inside, and its last byte.
            for at in [plain + 23, bytes.len() - 1] {
                let mut damaged = bytes.clone();
                damaged[at] ^= 1;
                let (verdict, reason, _) = fate(&mut decapsulator, &damaged);
                let wanted = if checksummed(&outer) {
                    (DROP, Damaged)
                } else {
                    (PASS, Decapsulated)
                };
                assert_eq!((verdict, reason), wanted, "byte {at}");
            }
        }
    }
}

/// Whether the tunnel's own header has a checksum over the packet inside.
fn checksummed(outer: &Frame) -> bool {
    let packet = outer.packet();
    let (protocol, at) = if packet[0] >> 4 == 4 {
        (packet[9], 20)
    } else {
        (packet[6], 40)
    };
    match protocol {
        47 => packet[at] & 0x80 != 0,
        17 => packet[at + 6..at + 8] != [0, 0],
        _ => false,
    }
}

#[test]
fn a_tunnel_with_too_little_in_it_is_dropped() {
    let mut decapsulator = decapsulator();
    for (source, real) in ENDS {
        let (source, real): (IpAddr, IpAddr) = (source.parse().unwrap(), real.parse().unwrap());
        for (protocol, inside) in [
            (4, &[0x45; 19][..]),
            (4, &[0x65; 40]),
            (41, &[0x60; 39]),
            (47, &[0, 0, 8]),
            (47, &[0, 0, 8, 0, 0x45]),
        ] {
            let frame = Frame::other(source, real, protocol).payload(inside);
            drops(&mut decapsulator, Damaged, &incoming(&frame));
        }
    }
}

#[test]
fn congestion_in_the_tunnel_is_told_to_the_host() {
    let mut decapsulator = decapsulator();
    for (source, real) in ENDS {
        for inner in packets() {
            for outer in all_around(source, real, &inner.clone().traffic_class(0xba)) {
                let outer = outer.traffic_class(0xbb);
                let wanted = incoming(&inner.clone().traffic_class(0xbb));
                let wanted = (PASS, Decapsulated, wanted);
                assert_eq!(fate(&mut decapsulator, &incoming(&outer)), wanted);
            }
            for outer in all_around(source, real, &inner) {
                drops(
                    &mut decapsulator,
                    Damaged,
                    &incoming(&outer.traffic_class(3)),
                );
            }
        }
    }
}

/// A socket of the far end that sends datagrams without checksums, as the cable would leave them unfinished.
fn far_end() -> UdpSocket {
    let socket = UdpSocket::bind("192.0.2.1:0").expect("a socket");
    let on: libc::c_int = 1;
    #[expect(unsafe_code, reason = "no crate of ours has this option")]
    // SAFETY: the kernel reads the number, which has the size that it is told.
    let set = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_NO_CHECK,
            (&raw const on).cast(),
            size_of_val(&on) as libc::socklen_t,
        )
    };
    assert_eq!(set, 0, "{}", std::io::Error::last_os_error());
    socket
}

/// Lets the host take packets whatever way they come.
fn take_any_source() {
    for interface in ["all", "eth0", "far0"] {
        let path = format!("/proc/sys/net/ipv4/conf/{interface}/rp_filter");
        fs::write(path, "0").expect("a namespace of its own");
    }
}

#[test]
fn a_socket_of_the_host_gets_what_came_in_a_tunnel_while_the_decapsulator_is_held() {
    World::run(|world| {
        take_any_source();
        let (decapsulator, mode) =
            Decapsulator::attach("eth0", &tunnels(&["192.0.2.1"])).expect("it attaches");
        assert_eq!(mode, XdpMode::Native);
        let socket = UdpSocket::bind("192.0.2.1:53").expect("a socket");
        socket
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        let query = udp("198.51.100.9:4000", "192.0.2.1:53").payload(b"query");
        let gue = [&[0, 4, 0, 0][..], &query.packet()].concat();
        far_end().send_to(&gue, "10.0.0.100:6080").expect("a way");
        let mut buffer = [0; 64];
        let (length, client) = socket.recv_from(&mut buffer).expect("what was inside");
        assert_eq!(&buffer[..length], b"query");
        assert_eq!(client, "198.51.100.9:4000".parse().unwrap());
        let counts = decapsulator.counts().unwrap();
        let taken = counts.iter().find(|count| count.reason == Decapsulated);
        assert_eq!(taken.map(|count| count.packets), Some(1));
        assert!(world.has_xdp("eth0"));
        drop(decapsulator);
        assert!(!world.has_xdp("eth0"), "it goes with its process");
    });
}

#[test]
fn tunnels_for_another_host_are_routed_on_by_one_that_routes() {
    World::run(|world| {
        take_any_source();
        fs::write("/proc/sys/net/ipv4/conf/eth0/forwarding", "1").expect("a namespace of its own");
        world.ip("addr add 10.5.0.1/24 dev eth0");
        let (decapsulator, _) =
            Decapsulator::attach("eth0", &tunnels(&["192.0.2.1"])).expect("it attaches");
        let query = udp("198.51.100.9:4000", "192.0.2.1:53").payload(b"query");
        let gue = [&[0, 4, 0, 0][..], &query.packet()].concat();
        let count = |reason| {
            let counts = decapsulator.counts().unwrap();
            let of = |count: &&dray_dataplane::DecapCount| count.reason == reason;
            counts.iter().find(of).map_or(0, |count| count.packets)
        };
        let others = count(NotATunnel);
        // A neighbour of the host's by its address, and so not the host's own.
        world.ip("route add 10.0.0.100/32 via 10.5.0.9 dev eth0");
        far_end().send_to(&gue, "10.0.0.100:6080").expect("a way");
        dray_testkit::eventually!(count(NotATunnel) > others);
        assert_eq!((count(Decapsulated), count(Spoofed)), (0, 0));
    });
}

#[test]
fn what_is_missing_is_said() {
    World::run(|world| {
        let tunnels = tunnels(&["192.0.2.1"]);
        let attach = |name| Decapsulator::attach(name, &tunnels).map(drop);
        let error = attach("eth7").expect_err("there is none");
        assert!(matches!(&error, DecapsulatorError::NoInterface(name) if name == "eth7"));
        let (first, _) = Decapsulator::attach("eth0", &tunnels).expect("it attaches");
        let error = attach("eth0").expect_err("it has a program");
        let said = error.to_string();
        assert!(
            said.contains("eth0") && said.contains("another XDP program"),
            "{said}"
        );
        drop(first);
        attach("eth0").expect("it is free again");
        assert!(!world.has_xdp("eth0"));
    });
    let many = Tunnels {
        directors: vec!["10.0.0.1".parse().unwrap(); 1025],
        ..tunnels(&[])
    };
    let error = Decapsulator::load(OWN, &many)
        .map(drop)
        .expect_err("too many");
    assert!(matches!(error, DecapsulatorError::TooMany(1025)), "{error}");
}
