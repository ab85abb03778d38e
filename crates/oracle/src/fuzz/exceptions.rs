//! Where a subject may differ from the kernel, and why.
//!
//! Each is explained in `docs/equivalence.md` too. An exception is narrow: it names the step's difference, not a whole
//! scenario.

use std::net::IpAddr;

use dray_replay::{
    Scenario,
    compare::{Answer, Difference},
    frame::mask,
    scenario::{PacketAnswer, PacketStep, Payload, Side, Step},
    site,
};

/// A difference that is explained.
#[derive(Debug)]
pub struct Exception {
    /// Its name in the fuzzer's summary.
    pub name: &'static str,
    /// Why the two differ, and why that is right.
    pub reason: &'static str,
    applies: fn(&Scenario, &Difference) -> bool,
}

/// Every explained difference.
pub const EXCEPTIONS: &[Exception] = &[
    Exception {
        name: "own-errors-about-replies",
        reason: "A real server's reply that the director routes on with its TTL used up makes the director's own stack send \
             an ICMP error, to the reply's source: the VIP. Linux's IPVS sees packets that the director makes itself, \
             finds the connection, and sends the error on to the real server. dray sees what comes in by an \
             interface, and no such packet does; the error ends in the director.",
        applies: own_error_about_a_reply,
    },
    Exception {
        name: "source-of-ipv6-errors",
        reason: "An IPv6 address that is the director's by a route alone (as those of mark services often are) is no \
             source that Linux gives its own errors: it takes an address of the interface. dray knows no addresses of \
             the director but VIPs, and answers from the address that was asked. The client gets the same error.",
        applies: source_of_an_ipv6_error,
    },
];

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
        let mut frame = mask(frame, Side::Client);
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
    let is_reply = matches!(
        recorded.steps.get(difference.step),
        Some(Step::Packet(PacketStep {
            payload: Payload::Reply(_),
            ..
        }))
    );
    let one = |answer: &Answer| match answer {
        Answer::Packet(PacketAnswer::One(text)) => Some(text.clone()),
        _ => None,
    };
    let time_exceeded = one(&difference.recorded).is_some_and(|text| {
        text.starts_with("real ") && (text.ends_with(" icmp 11/0") || text.ends_with(" icmp 3/0"))
    });
    is_reply && time_exceeded && one(&difference.now).as_deref() == Some("drop")
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
        let scenario = Scenario::read(TEXT).expect("a scenario");
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
