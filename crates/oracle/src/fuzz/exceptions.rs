//! Where a subject may differ from the kernel, and why.
//!
//! Each is explained in `docs/equivalence.md` too. An exception is narrow: it names the step's difference, not a whole
//! scenario.

use std::{net::IpAddr, ops::Range};

use dray_replay::{
    Scenario,
    compare::{Answer, Difference},
    frame::{Packet, Transport, mask},
    scenario::{PacketAnswer, PacketStep, Payload, Step},
    site,
};

/// A difference that is explained.
#[derive(Debug)]
pub struct Exception {
    /// Its name in the fuzzer's summary.
    pub name: &'static str,
    /// Why the two differ, and why that is right.
    pub reason: &'static str,
    /// Whether connections differ from then on, so that the scenario's rest cannot be compared.
    pub(super) lasts: bool,
    applies: fn(&Scenario, &Difference) -> bool,
}

/// Every explained difference.
pub const EXCEPTIONS: &[Exception] = &[
    Exception {
        name: "own-errors-about-replies",
        reason: "A real server's reply that the director routes on with its TTL used up makes the director's own stack send \
             an ICMP error, to the reply's source: the VIP. Linux's IPVS sees packets that the director makes itself, \
             finds the connection, and sends the error on to the real server. dray sees what comes in by an \
             interface, and no such packet does; the error ends in the director. To Linux the reply did not pass, to dray \
             it did.",
        lasts: true,
        applies: own_error_about_a_reply,
    },
    Exception {
        name: "source-of-ipv6-errors",
        reason: "An IPv6 address that is the director's by a route alone (as those of mark services often are) is no \
             source that Linux gives its own errors: it takes an address of the interface. dray knows no addresses of \
             the director but VIPs, and answers from the address that was asked. The client gets the same error.",
        lasts: false,
        applies: source_of_an_ipv6_error,
    },
    Exception {
        name: "source-of-errors-about-replies",
        reason: "A NAT real server's reply whose TTL is used up is answered by Linux from its address on that side. dray knows \
             no addresses of the director but VIPs. The real server gets the same error.",
        lasts: false,
        applies: source_of_an_error_about_a_reply,
    },
    Exception {
        name: "cut-short",
        reason: "IPVS sends a packet of a known connection on when its ports are there, though the packet ends inside its \
             TCP, UDP or SCTP header. No host takes such a packet. dray leaves it to the host, which drops it, and counts \
             it as truncated.",
        lasts: true,
        applies: cut_short,
    },
    Exception {
        name: "marks-of-errors",
        reason: "With schedule_icmp, an ICMP error about no known connection is scheduled by the packet that it quotes, but \
             netfilter marks the error itself, which rules for a protocol or a port do not fit. dray's rules for marks \
             look at the packet that is scheduled, so that such a service has its errors too.",
        lasts: true,
        applies: mark_of_an_error,
    },
];

/// What the packet of the difference's step is, if it is one.
fn payload<'a>(recorded: &'a Scenario, difference: &Difference) -> Option<&'a Payload> {
    match recorded.steps.get(difference.step)? {
        Step::Packet(PacketStep { payload, .. }) => Some(payload),
        _ => None,
    }
}

/// The one thing that came out, in words.
fn one(answer: &Answer) -> Option<&str> {
    match answer {
        Answer::Packet(PacketAnswer::One(text)) => Some(text),
        _ => None,
    }
}

/// Whether a packet was forwarded to a real server.
fn forwarded(answer: &Answer) -> bool {
    one(answer).is_some_and(|text| text.parse::<IpAddr>().is_ok())
}

fn dropped(answer: &Answer) -> bool {
    one(answer) == Some("drop")
}

fn cut_short(recorded: &Scenario, difference: &Difference) -> bool {
    let Some(Payload::Raw(packet)) = payload(recorded, difference) else {
        return false;
    };
    // Where it ends early, what came out cannot be read either.
    let left = one(&difference.recorded).is_some_and(|text| text.starts_with("no IP packet"))
        || forwarded(&difference.recorded);
    left && dropped(&difference.now) && ends_in_its_ports_header(packet)
}

/// Whether an IP packet without IPv6 extension headers ends inside its transport header, and behind the ports in it.
fn ends_in_its_ports_header(packet: &[u8]) -> bool {
    const PORTS: usize = 4;
    let (header, protocol) = match packet {
        [first, rest @ ..] if first >> 4 == 4 => (usize::from(first & 15) * 4, rest.get(8)),
        [first, rest @ ..] if first >> 4 == 6 => (40, rest.get(5)),
        _ => return false,
    };
    let least = match protocol {
        Some(6) => 20,
        Some(17) => 8,
        Some(132) => 12,
        _ => return false,
    };
    (header + PORTS..header + least).contains(&packet.len())
}

fn mark_of_an_error(recorded: &Scenario, difference: &Difference) -> bool {
    let Some(Payload::Segment(error)) = payload(recorded, difference) else {
        return false;
    };
    let asks_for_a_protocol = |address: IpAddr| {
        recorded
            .marks
            .iter()
            .any(|rule| rule.proto.is_some() && rule.dst.contains(address))
    };
    error.about.is_some()
        && error
            .destination
            .is_some_and(|vip| asks_for_a_protocol(vip.address))
        && dropped(&difference.recorded)
        && forwarded(&difference.now)
}

fn source_of_an_ipv6_error(recorded: &Scenario, difference: &Difference) -> bool {
    let Some((from_kernel, from_dray)) = sources_of_one_error(recorded, difference) else {
        return false;
    };
    let by_route_alone = recorded
        .local
        .iter()
        .any(|prefix| prefix.contains(from_dray));
    from_dray.is_ipv6() && by_route_alone && site::OWN_ADDRESSES.contains(&from_kernel)
}

fn source_of_an_error_about_a_reply(recorded: &Scenario, difference: &Difference) -> bool {
    is_reply(recorded, difference)
        && sources_of_one_error(recorded, difference)
            .is_some_and(|(from_kernel, _)| site::OWN_ADDRESSES.contains(&from_kernel))
}

/// The two sources of an ICMP error that both sent, if nothing else differs.
fn sources_of_one_error(recorded: &Scenario, difference: &Difference) -> Option<(IpAddr, IpAddr)> {
    let (Answer::Frames(kernel), Answer::Frames(dray)) = (&difference.recorded, &difference.now)
    else {
        return None;
    };
    let ([kernel], [dray]) = (&kernel[..], &dray[..]) else {
        return None;
    };
    let side = match recorded.steps.get(difference.step)? {
        Step::Packet(packet) => packet.from,
        _ => return None,
    };
    let (kernel, dray) = (mask(kernel, side), mask(dray, side));
    let from_kernel = source_of_an_error(&kernel)?;
    let from_dray = source_of_an_error(&dray)?;
    let same = but_the_source(kernel) == but_the_source(dray);
    same.then_some((from_kernel, from_dray))
}

/// Where an IPv6 packet has its source in an Ethernet frame, and where an ICMPv6 message its checksum, which covers it.
const SOURCE6: Range<usize> = 22..38;
const CHECKSUM6: Range<usize> = 56..58;
/// Where an IPv4 packet has its checksum and its source.
const CHECKSUM4: Range<usize> = 24..26;
const SOURCE4: Range<usize> = 26..30;

/// The source of a frame that is an ICMP error.
fn source_of_an_error(frame: &[u8]) -> Option<IpAddr> {
    let packet = Packet::parse(frame.get(14..)?).ok()?;
    let Transport::Icmp(icmp) = packet.transport else {
        return None;
    };
    let is_error = match packet.source {
        IpAddr::V4(_) => matches!(icmp.number, 3 | 11),
        IpAddr::V6(_) => icmp.number < 128,
    };
    is_error.then_some(packet.source)
}

fn but_the_source(mut frame: Vec<u8>) -> Vec<u8> {
    let random = if frame[12..14] == [0x86, 0xdd] {
        [SOURCE6, CHECKSUM6]
    } else {
        [SOURCE4, CHECKSUM4]
    };
    random.into_iter().for_each(|range| frame[range].fill(0));
    frame
}

fn is_reply(recorded: &Scenario, difference: &Difference) -> bool {
    matches!(payload(recorded, difference), Some(Payload::Reply(_)))
}

fn own_error_about_a_reply(recorded: &Scenario, difference: &Difference) -> bool {
    let time_exceeded = one(&difference.recorded).is_some_and(|text| {
        text.starts_with("real ") && (text.ends_with(" icmp 11/0") || text.ends_with(" icmp 3/0"))
    });
    is_reply(recorded, difference) && time_exceeded && dropped(&difference.now)
}

/// The exception that explains this difference of a scenario with the kernel's answers.
pub(super) fn explanation(
    recorded: &Scenario,
    difference: &Difference,
) -> Option<&'static Exception> {
    EXCEPTIONS
        .iter()
        .find(|exception| (exception.applies)(recorded, difference))
}

#[cfg(test)]
mod tests {
    use dray_replay::{
        Scenario,
        compare::{Answer, Difference},
        scenario::PacketAnswer,
    };

    use super::explanation;

    const TEXT: &str = r#"{"scenario":"ttl","services":[],"steps":[
        {"pkt":"udp","src":"192.0.2.1:9","dst":"10.0.0.1:53","ttl":2},
        {"pkt":"udp","reply":0}]}"#;

    fn is_explained(step: usize, recorded: &str, now: &str) -> bool {
        is_explained_in(TEXT, step, recorded, now)
    }

    fn is_explained_in(text: &str, step: usize, recorded: &str, now: &str) -> bool {
        let scenario = Scenario::read(text).expect("a scenario");
        let answer = |text: &str| Answer::Packet(PacketAnswer::One(text.to_owned()));
        let difference = Difference {
            step,
            recorded: answer(recorded),
            now: answer(now),
        };
        explanation(&scenario, &difference).is_some()
    }

    /// An ICMPv6 error of this type from this address, about a packet to 2001:db8:0:900::3.
    fn error(number: u8, source: &str, hops: u8) -> Vec<u8> {
        let source: std::net::Ipv6Addr = source.parse().expect("an address");
        let mut frame = vec![0; 102];
        frame[12..14].copy_from_slice(&[0x86, 0xdd]);
        frame[14] = 0x60;
        frame[19] = 48;
        frame[20] = 58;
        frame[21] = hops;
        frame[22..38].copy_from_slice(&source.octets());
        frame[54] = number;
        frame[56..58].copy_from_slice(&source.octets()[..2]);
        frame
    }

    #[test]
    fn only_the_source_of_an_ipv6_error_from_a_routed_address_is_explained() {
        let text = r#"{"scenario":"source","services":[],"steps":[
            {"pkt":"udp","src":"[2001:db8::9]:9","dst":"[2001:db8:0:900::3]:80"}],
            "local":["2001:db8:0:900::/64"]}"#;
        let scenario = Scenario::read(text).expect("a scenario");
        let is_explained = |kernel: Vec<u8>, dray: Vec<u8>| {
            let difference = Difference {
                step: 0,
                recorded: Answer::Frames(vec![kernel]),
                now: Answer::Frames(vec![dray]),
            };
            explanation(&scenario, &difference).is_some()
        };
        let own = "fd00:255::1";
        let asked = "2001:db8:0:900::3";
        assert!(is_explained(error(1, own, 64), error(1, asked, 64)));
        assert!(
            !is_explained(error(1, own, 64), error(3, asked, 64)),
            "another error"
        );
        assert!(
            !is_explained(error(1, own, 64), error(1, asked, 63)),
            "another header"
        );
        assert!(
            !is_explained(error(129, own, 64), error(129, asked, 64)),
            "no error"
        );
        assert!(
            !is_explained(error(1, own, 64), error(1, "2001:db8::1", 64)),
            "an address that the director has"
        );
        assert!(!is_explained(
            error(1, "2001:db8::1", 64),
            error(1, asked, 64)
        ));
    }

    /// An ICMP error of this type from this address to 10.1.1.1.
    fn error4(number: u8, source: [u8; 4], ttl: u8) -> Vec<u8> {
        let mut frame = vec![0; 14 + 20 + 36];
        frame[12..14].copy_from_slice(&[8, 0]);
        frame[14] = 0x45;
        frame[17] = 56;
        frame[22] = ttl;
        frame[23] = 1;
        frame[26..30].copy_from_slice(&source);
        frame[30..34].copy_from_slice(&[10, 1, 1, 1]);
        frame[34] = number;
        frame
    }

    #[test]
    fn only_the_source_of_an_error_about_a_reply_is_explained() {
        let scenario = Scenario::read(TEXT).expect("a scenario");
        let is_explained = |step: usize, kernel: Vec<u8>, dray: Vec<u8>| {
            let difference = Difference {
                step,
                recorded: Answer::Frames(vec![kernel]),
                now: Answer::Frames(vec![dray]),
            };
            explanation(&scenario, &difference).is_some()
        };
        let (own, other) = ([10, 254, 0, 1], [10, 0, 0, 1]);
        assert!(is_explained(1, error4(11, own, 64), error4(11, other, 64)));
        assert!(
            !is_explained(0, error4(11, own, 64), error4(11, other, 64)),
            "a client's packet"
        );
        assert!(
            !is_explained(1, error4(11, own, 64), error4(3, other, 64)),
            "another error"
        );
        assert!(
            !is_explained(1, error4(11, own, 64), error4(11, other, 63)),
            "another header"
        );
        assert!(
            !is_explained(1, error4(11, other, 64), error4(11, own, 64)),
            "the kernel's from elsewhere"
        );
    }

    #[test]
    fn only_what_ends_behind_its_ports_is_cut_short() {
        // IPv4 and TCP: 14 of 20 bytes of the header, 20, 3; then SYN segments by their description.
        let tcp = |bytes: usize| {
            let length = 20 + bytes;
            let header = format!("4500{length:04x}0000400040060000c63364010a000001");
            format!(r#"{{"ip":"{header}{}"}}"#, "01".repeat(bytes))
        };
        let text = format!(
            r#"{{"scenario":"short","services":[],"steps":[{},{},{},
            {{"pkt":"tcp S","src":"192.0.2.1:9","dst":"10.0.0.1:80"}}]}}"#,
            tcp(14),
            tcp(20),
            tcp(3)
        );
        let explained = |step, recorded, now| is_explained_in(&text, step, recorded, now);
        assert!(explained(0, "10.1.1.1", "drop"));
        assert!(explained(0, "no IP packet [02, 01]", "drop"));
        assert!(!explained(0, "drop", "10.1.1.1"), "the other way round");
        assert!(!explained(0, "rst", "drop"), "not forwarded");
        assert!(!explained(1, "10.1.1.1", "drop"), "whole");
        assert!(!explained(2, "10.1.1.1", "drop"), "no ports");
        assert!(!explained(3, "10.1.1.1", "drop"), "not raw");
    }

    #[test]
    fn only_errors_under_a_rule_for_a_protocol_have_other_marks() {
        let text = |rule: &str| {
            format!(
                r#"{{"scenario":"mark","services":[],"steps":[
                {{"pkt":"icmp 3/3","src":"192.0.2.1","dst":"10.9.0.1",
                 "about":{{"pkt":"tcp A","src":"10.9.0.1:80","dst":"192.0.2.1:9"}}}},
                {{"pkt":"tcp S","src":"192.0.2.1:9","dst":"10.9.0.1:80"}}],
                "marks":[{{"dst":"10.9.0.0/24",{rule}"mark":1}}]}}"#
            )
        };
        let explained =
            |rule, step, recorded, now| is_explained_in(&text(rule), step, recorded, now);
        const TCP: &str = r#""proto":"tcp","#;
        assert!(explained(TCP, 0, "drop", "10.1.1.1"));
        assert!(!explained(TCP, 0, "10.1.1.2", "10.1.1.1"), "another one");
        assert!(!explained(TCP, 0, "drop", "icmp 3/3"), "not forwarded");
        assert!(!explained(TCP, 1, "drop", "10.1.1.1"), "no error");
        assert!(!explained("", 0, "drop", "10.1.1.1"), "any protocol");
    }

    #[test]
    fn only_the_directors_own_error_about_a_reply_is_explained() {
        assert!(is_explained(1, "real 10.1.1.1 icmp 11/0", "drop"));
        assert!(is_explained(1, "real 2001:db8::1 icmp 3/0", "drop"));
        assert!(
            !is_explained(0, "real 10.1.1.1 icmp 11/0", "drop"),
            "no reply"
        );
        assert!(!is_explained(1, "real 10.1.1.1 icmp 3/3", "drop"));
        assert!(!is_explained(1, "real 10.1.1.1 icmp 11/0", "icmp 11/0"));
        assert!(!is_explained(1, "client 10.0.0.1:53", "drop"));
    }
}
