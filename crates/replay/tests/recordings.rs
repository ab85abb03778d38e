//! Every recording, played: root is needed.

use std::{fs, path::Path};

use dray_replay::{Player, Scenario, Verdict, judge};

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
        let verdict = player
            .play(&scenario)
            .map(|played| judge(&scenario, &played));
        match verdict {
            Ok(Verdict::Same) => played += 1,
            Ok(Verdict::Skipped(stop)) => {
                wrong.push(format!("{name}: skipped at {:?}: {}", stop.step, stop.why))
            }
            Ok(Verdict::Different(differences)) => {
                let first = &differences[0];
                wrong.push(format!(
                    "{name}: {} differ, first step {}:\n{}\nis now\n{}",
                    differences.len(),
                    first.step,
                    first.recorded,
                    first.now
                ));
            }
            Err(error) => wrong.push(format!("{name}: {error}: {error:?}")),
        }
    }
    assert!(
        wrong.is_empty(),
        "{played} are the same; {} are not:\n{}",
        wrong.len(),
        wrong.join("\n\n")
    );
    assert!(played >= 102, "{played} recordings");
}
