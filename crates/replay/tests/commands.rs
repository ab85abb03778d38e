//! Commands: `ipvsadm`'s answers and listings in the recordings, without packets and without a kernel.

use std::{fs, path::Path, time::Duration};

use dray_ipvsadm::Answer;
use dray_model::{DestinationId, KernelRules, Record};
use dray_replay::{
    Scenario,
    console::Console,
    host::Host,
    scenario::{CommandAnswer, Dump, Step},
};
use dray_testkit::FakeDataPlane;

#[test]
fn every_recorded_command_ends_as_it_did() {
    let mut commands = 0;
    each_scenario(|scenario| {
        commands += replay(scenario, |_, _| {});
    });
    assert!(commands >= 550, "{commands} commands");
}

#[test]
fn listings_without_counts_are_as_they_were() {
    let mut listings = 0;
    each_scenario(|scenario| {
        replay(scenario, |kind, (recorded, now)| {
            if matches!(kind, Dump::Save | Dump::Timeout) {
                assert_eq!(recorded, now, "{}", scenario.name);
                listings += 1;
            }
        });
    });
    assert!(listings >= 3, "{listings} listings");
}

#[test]
fn listings_with_counts_have_the_same_lines_but_for_them() {
    let mut listings = 0;
    each_scenario(|scenario| {
        replay(scenario, |kind, (recorded, now)| {
            if matches!(
                kind,
                Dump::List | Dump::ListNosort | Dump::Proc | Dump::Thresholds
            ) {
                let without = |lines: &[String]| -> Vec<String> {
                    lines.iter().map(|line| less_counts(line)).collect()
                };
                assert_eq!(without(recorded), without(now), "{}", scenario.name);
                listings += 1;
            }
        });
    });
    assert!(listings >= 150, "{listings} listings");
}

/// The line of a real server less its last two words, the counts of connections.
fn less_counts(line: &str) -> String {
    if !line.starts_with("  -> ") || line.contains("RemoteAddress") {
        return line.to_owned();
    }
    let words: Vec<&str> = line.split_whitespace().collect();
    words[..words.len() - 2].join(" ")
}

/// Plays the commands of a scenario, and shows both answers of its listings. Says how many commands there were.
fn replay(scenario: &Scenario, mut listing: impl FnMut(Dump, (&[String], &[String]))) -> usize {
    let mut plane = FakeDataPlane::new(destinations_of);
    let mut console = Console::new(KernelRules::V6_1_176, Host::new(scenario));
    let mut now = Duration::ZERO;
    let mut commands = 0;
    for (name, value) in &scenario.sysctls {
        console.sysctl(name, value, &mut plane).expect("a setting");
    }
    if let Some(timeouts) = &scenario.timeouts {
        let line = format!("--set {timeouts}");
        assert_eq!(
            console
                .ipvsadm(&line, "", &mut plane, now)
                .expect("a command"),
            Answer::default()
        );
    }
    for line in scenario
        .services
        .iter()
        .flat_map(|service| service.commands())
    {
        let answer = console
            .ipvsadm(&line, "", &mut plane, now)
            .expect("a command");
        assert_eq!(answer, Answer::default(), "{}: {line}", scenario.name);
    }
    for step in &scenario.steps {
        match step {
            Step::Ipvsadm {
                line,
                input,
                expect,
            } => {
                let input = input.as_deref().unwrap_or_default();
                let answer = console
                    .ipvsadm(line, input, &mut plane, now)
                    .expect("a command");
                if counts_packets(scenario) && line.starts_with("-L") {
                    continue;
                }
                let (out, err) = (&answer.out, &answer.err);
                let answer = CommandAnswer::of(answer.status, out, err, scenario.apart);
                assert_eq!(Some(&answer), expect.as_ref(), "{}: {line}", scenario.name);
                commands += 1;
            }
            Step::Wait(seconds) => now += seconds.duration(),
            Step::Dump { kind, expect } => {
                let lines = console.dump(*kind, &mut plane);
                listing(*kind, (expect.as_deref().unwrap_or_default(), &lines));
            }
            Step::Packet(_) | Step::Sysctl { .. } | Step::Shell { .. } => {}
        }
    }
    commands
}

/// Whether its listings show what packets did, of which there are none here.
fn counts_packets(scenario: &Scenario) -> bool {
    let mut steps = scenario.steps.iter();
    steps.any(|step| matches!(step, Step::Packet(_)))
}

fn destinations_of(record: &Record) -> Vec<DestinationId> {
    let list = dray_sched::decode(&record.0).expect("a record").list;
    list.iter()
        .map(|entry| DestinationId(entry.destination))
        .collect()
}

fn each_scenario(mut check: impl FnMut(&Scenario)) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings");
    for entry in fs::read_dir(folder).expect("the recordings") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|end| end == "json") {
            let text = fs::read_to_string(&path).expect("a text");
            check(&Scenario::read(&text).expect("a scenario"));
        }
    }
}
