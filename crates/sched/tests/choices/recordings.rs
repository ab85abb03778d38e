//! Choices of a real kernel: Linux 6.1.176 with IPVS, driven by `ipvsadm` 1.31 and by packets, wrote `recordings/*.json`.
//!
//! A recording has services with their real servers in the order of their addition, and steps: packets, with the real server
//! they went to, commands, and waits. Dumps of tables are passed over here.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::playback::Playback;

#[derive(Deserialize)]
pub(crate) struct Recording {
    scenario: String,
    /// "tcp tcpfin udp" in seconds, 0 for the default.
    timeout: Option<String>,
    dst: Option<SocketAddr>,
    services: Vec<Virtual>,
    steps: Vec<Step>,
    /// The choices are random, and only how many there are of each can be compared.
    #[serde(default)]
    random: bool,
}

#[derive(Deserialize)]
pub(crate) struct Virtual {
    /// "tcp 10.0.0.1:80", "fwmark 5"
    pub(crate) service: String,
    pub(crate) scheduler: String,
    pub(crate) flags: Option<String>,
    /// One-packet scheduling.
    #[serde(default)]
    pub(crate) ops: bool,
    pub(crate) reals: Vec<Real>,
}

#[derive(Clone, Copy, Deserialize)]
pub(crate) struct Real {
    pub(crate) real: SocketAddr,
    pub(crate) weight: u32,
    /// Its upper threshold; 0 for none.
    #[serde(default)]
    pub(crate) upper: u32,
    #[serde(default)]
    pub(crate) lower: u32,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Step {
    Packet(Packet),
    Command {
        ipvsadm: String,
    },
    Wait {
        wait: f64,
    },
    #[expect(dead_code, reason = "says what else a step can be")]
    Dump {
        dump: Value,
    },
}

#[derive(Deserialize)]
struct Packet {
    pkt: String,
    src: SocketAddr,
    dst: Option<SocketAddr>,
    /// So many packets, from consecutive ports.
    repeat: Option<u16>,
    expect: Expected,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Expected {
    Answer(String),
    Answers(HashMap<String, u32>),
}

#[test]
fn every_choice_is_the_kernels() {
    let mut packets = 0;
    for recording in recordings().filter(|recording| !recording.random) {
        packets += compare(&recording);
    }
    assert!(packets > 8000, "only {packets} packets were played");
}

#[test]
fn random_choices_are_as_frequent_as_the_kernels() {
    let mut random = 0;
    for recording in recordings().filter(|recording| recording.random) {
        random += 1;
        for (expected, answers) in play(&recording) {
            let Expected::Answers(expected) = expected else {
                panic!("{}: single random answers", recording.scenario);
            };
            let packets: u32 = expected.values().sum::<u32>();
            assert_eq!(packets, answers.values().sum::<u32>());
            for real in expected.keys().chain(answers.keys()) {
                let count = |answers: &HashMap<String, u32>| {
                    f64::from(answers.get(real).copied().unwrap_or(0))
                };
                let apart = (count(expected) - count(&answers)).abs();
                let limit = 5.0 * f64::from(packets).sqrt();
                assert!(apart <= limit, "{}: {answers:?}", recording.scenario);
            }
        }
    }
    assert_eq!(random, 2);
}

fn recordings() -> impl Iterator<Item = Recording> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/choices/recordings");
    folder.read_dir().unwrap().map(|file| {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        serde_json::from_str(&text).unwrap()
    })
}

fn compare(recording: &Recording) -> u32 {
    let scenario = &recording.scenario;
    let mut packets = 0;
    for (step, (expected, answers)) in play(recording).into_iter().enumerate() {
        packets += answers.values().sum::<u32>();
        let expected = match expected {
            Expected::Answer(answer) => HashMap::from([(plain(answer), 1)]),
            Expected::Answers(answers) => answers.clone(),
        };
        assert_eq!(answers, expected, "{scenario}, packet step {step}");
    }
    packets
}

/// What came of each step that sends packets.
fn play(recording: &Recording) -> Vec<(&Expected, HashMap<String, u32>)> {
    let udp_timeout = recording.timeout.as_ref().map_or(300.0, |timeouts| {
        let udp = timeouts.split(' ').nth(2).unwrap();
        udp.parse().unwrap()
    });
    let mut playback = Playback::new(&recording.services, udp_timeout);
    let mut results = Vec::new();
    for step in &recording.steps {
        match step {
            Step::Packet(packet) => {
                let dst = packet.dst.or(recording.dst).unwrap();
                let mut answers = HashMap::new();
                for nth in 0..packet.repeat.unwrap_or(1) {
                    let src = SocketAddr::new(packet.src.ip(), packet.src.port() + nth);
                    let answer = playback.packet(&packet.pkt, src, dst);
                    *answers.entry(answer).or_default() += 1;
                }
                results.push((&packet.expect, answers));
            }
            Step::Command { ipvsadm } => playback.command(ipvsadm),
            Step::Wait { wait } => playback.wait(*wait),
            Step::Dump { .. } => {}
        }
    }
    results
}

/// Without the way of forwarding, which is no matter of schedulers; what is no real server is a refusal.
fn plain(answer: &str) -> String {
    let answer = answer.strip_prefix("tun ").unwrap_or(answer);
    let is_real = answer.starts_with(|first: char| first.is_ascii_digit());
    if is_real || answer.contains("::") {
        answer.to_owned()
    } else {
        "refused".to_owned()
    }
}
