//! What was recorded is what the kernel does: every recording of this repository is played again.

use std::{fs, path::Path};

use dray_oracle::{
    Machine, cache,
    fuzz::{Dray, Subject},
    record,
};
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
    for (recorded, again) in scenarios.iter().zip(&again) {
        assert_eq!(
            version(recorded),
            version(&again.scenario),
            "{}: recorded by another kernel than the one that is here; record all anew",
            recorded.name
        );
    }
    let again: Vec<Scenario> = again.into_iter().map(|it| it.scenario).collect();
    let wrong = told_apart(&scenarios, &again);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn dray_does_what_was_recorded_here() {
    // Those of the other folder are played by the tests of `dray-replay`.
    let scenarios = recordings(FOLDERS[0]);
    let mut dray = Dray::load().expect("root, and a kernel that takes dray's programs");
    let played = dray.answer(&scenarios).expect("dray plays them");
    let wrong = told_apart(&scenarios, &played);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every difference, told.
fn told_apart(recorded: &[Scenario], now: &[Scenario]) -> Vec<String> {
    recorded
        .iter()
        .zip(now)
        .flat_map(|(recorded, now)| {
            differences(recorded, now).into_iter().map(|difference| {
                format!(
                    "{}, step {}: recorded {}, now {}",
                    recorded.name, difference.step, difference.recorded, difference.now
                )
            })
        })
        .collect()
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
