//! What was recorded is what the kernel does: every recording of this repository is played again.

use std::{fs, path::Path};

use dray_oracle::{Machine, cache, record};
use dray_replay::{Scenario, compare::differences};

/// Folders of recordings, from this crate's.
const FOLDERS: [&str; 2] = ["recordings", "../replay/tests/recordings"];

/// A recording that was made on so slow a machine that two seconds passed between its steps, which its listings show.
const SLOWLY_RECORDED: &str = "states-nat";

#[test]
fn the_kernel_does_again_what_was_recorded() {
    let mut scenarios: Vec<Scenario> = FOLDERS
        .iter()
        .flat_map(|folder| recordings(folder))
        .collect();
    // This kernel is built without the scheduler that draws lots.
    scenarios.retain(|scenario| !scenario.random && scenario.name != SLOWLY_RECORDED);
    assert!(scenarios.len() >= 100, "{} recordings", scenarios.len());
    let machine = Machine::prepare(&cache()).expect("`cargo xtask setup` makes the machine ready");
    let again = record(&machine, &scenarios).expect("the kernel plays them");
    let mut wrong = Vec::new();
    for (recorded, again) in scenarios.iter().zip(&again) {
        let (then, now) = (version(recorded), version(&again.scenario));
        assert_eq!(
            then, now,
            "{}: recorded by another kernel than the one that is here; record all anew",
            recorded.name
        );
        for difference in differences(recorded, &again.scenario) {
            wrong.push(format!(
                "{}, step {}: recorded {}, now {}",
                recorded.name, difference.step, difference.recorded, difference.now
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn version(scenario: &Scenario) -> Option<(u32, u32, u32)> {
    scenario.kernel.as_ref()?.version()
}

fn recordings(folder: &str) -> Vec<Scenario> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files: Vec<_> = fs::read_dir(&folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("it can be listed").path())
        .filter(|path| path.extension().is_some_and(|end| end == "json"))
        .collect();
    files.sort();
    files
        .iter()
        .map(|path| {
            let text = fs::read_to_string(path).expect("it can be read");
            Scenario::read(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        })
        .collect()
}
