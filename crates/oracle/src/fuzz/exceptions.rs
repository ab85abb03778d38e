//! Where a subject may differ from the kernel, and why.
//!
//! Each is explained in `docs/equivalence.md` too. An exception is narrow: it names the step's difference, not a whole
//! scenario.

use dray_replay::{
    Scenario,
    compare::{Answer, Difference},
    scenario::{PacketAnswer, PacketStep, Payload, Step},
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
pub const EXCEPTIONS: &[Exception] = &[Exception {
    name: "own-errors-about-replies",
    reason: "A real server's reply that the director routes on with its TTL used up makes the director's own stack send \
             an ICMP error, to the reply's source: the VIP. Linux's IPVS sees packets that the director makes itself, \
             finds the connection, and sends the error on to the real server. dray sees what comes in by an \
             interface, and no such packet does; the error ends in the director.",
    applies: own_error_about_a_reply,
}];

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
