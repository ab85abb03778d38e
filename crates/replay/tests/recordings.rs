//! Every recording, played: root is needed.

use std::{fs, path::Path};

use dray_replay::{Player, Scenario, Verdict, judge};

/// Recordings whose subject dray does not have yet, and what that is.
const NOT_YET: &[(&str, &str)] = &[
    ("big-packets", "tunnels need some of the MTU"),
    ("forward-bytes", "bytes of NAT and tunnels"),
    ("icmp-nat", "ICMP errors about connections by NAT"),
    (
        "ipvsadm",
        "a real server becomes one by tunnel, then by NAT",
    ),
    ("nat-replies", "packets of real servers by NAT"),
    ("nq-nat", "all real servers are by NAT"),
    ("persist-table-netmask-nat", "all real servers are by NAT"),
    ("rr-nat-ports", "all real servers are by NAT"),
    ("rr-udp-tunnel", "all real servers are by tunnel"),
    ("states-nat", "all real servers are by NAT"),
    ("ttl", "NAT and tunnels beside direct routing"),
    ("wlc-nat", "all real servers are by NAT"),
];

#[test]
fn dray_answers_as_the_kernel_did() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings");
    let mut player = Player::new().expect("a private data plane (root needed)");
    let mut wrong = Vec::new();
    let mut played = 0;
    let mut names: Vec<_> = fs::read_dir(folder)
        .expect("the recordings")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|end| end == "json"))
        .collect();
    names.sort();
    for path in names {
        let text = fs::read_to_string(&path).expect("a text");
        let scenario =
            Scenario::read(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let name = &scenario.name;
        let not_yet = NOT_YET.iter().find(|(other, _)| other == name);
        let verdict = player
            .play(&scenario)
            .map(|played| judge(&scenario, &played));
        match (verdict, not_yet) {
            (Ok(Verdict::Same), None) => played += 1,
            (Ok(Verdict::Skipped(stop)), Some((_, why))) => {
                eprintln!("{name}: {why} ({})", stop.why)
            }
            (Ok(Verdict::Skipped(stop)), None) => {
                wrong.push(format!("{name}: skipped at {:?}: {}", stop.step, stop.why))
            }
            (Ok(Verdict::Same), Some(_)) => {
                wrong.push(format!("{name}: is the same, and so no exception any more"))
            }
            (Ok(Verdict::Different(differences)), _) => {
                let first = &differences[0];
                wrong.push(format!(
                    "{name}: {} differ, first step {}:\n{}\nis now\n{}",
                    differences.len(),
                    first.step,
                    first.recorded,
                    first.now
                ));
            }
            (Err(error), _) => wrong.push(format!("{name}: {error}: {:?}", error)),
        }
    }
    assert!(
        wrong.is_empty(),
        "{played} are the same; {} are not:\n{}",
        wrong.len(),
        wrong.join("\n\n")
    );
}
