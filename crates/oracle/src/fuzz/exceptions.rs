//! Where a subject may differ from the kernel, and why.
//!
//! Each is explained in `docs/equivalence.md` too. An exception is narrow: it names the step's difference, not a whole
//! scenario.

use std::net::IpAddr;

use dray_replay::{
    Scenario,
    compare::{Answer, Difference},
    frame::mask,
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

/// Where an ICMPv6 error has its type, its checksum, and the packet that it quotes, in an Ethernet frame.
const SOURCE: std::ops::Range<usize> = 22..38;
const ICMP_TYPE: usize = 54;
const ICMP_CHECKSUM: std::ops::Range<usize> = 56..58;
const QUOTED: usize = 62;

fn source_of_an_ipv6_error(recorded: &Scenario, difference: &Difference) -> bool {
    let (Answer::Frames(kernel), Answer::Frames(dray)) = (&difference.recorded, &difference.now)
    else {
        return false;
    };
    let ([kernel], [dray]) = (&kernel[..], &dray[..]) else {
        return false;
    };
    let but_the_source = |frame: &[u8]| {
        let mut frame = mask(frame);
        frame[SOURCE].fill(0);
        frame[ICMP_CHECKSUM].fill(0);
        frame
    };
    let is_error = |frame: &[u8]| {
        frame.len() >= QUOTED + 40
            && frame[12..14] == [0x86, 0xdd]
            && frame[20] == 58
            && frame[ICMP_TYPE] < 128
    };
    if !is_error(kernel) || !is_error(dray) || but_the_source(kernel) != but_the_source(dray) {
        return false;
    }
    let source = |frame: &[u8]| <[u8; 16]>::try_from(&frame[SOURCE]).map(IpAddr::from);
    let (Ok(from_kernel), Ok(from_dray)) = (source(kernel), source(dray)) else {
        return false;
    };
    let by_route_alone = recorded
        .local
        .iter()
        .any(|prefix| prefix.contains(from_dray));
    by_route_alone && site::OWN_ADDRESSES.contains(&from_kernel)
}

fn own_error_about_a_reply(recorded: &Scenario, difference: &Difference) -> bool {
    let is_reply = matches!(payload(recorded, difference), Some(Payload::Reply(_)));
    let time_exceeded = one(&difference.recorded).is_some_and(|text| {
        text.starts_with("real ") && (text.ends_with(" icmp 11/0") || text.ends_with(" icmp 3/0"))
    });
    is_reply && time_exceeded && dropped(&difference.now)
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
