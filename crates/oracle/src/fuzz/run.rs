//! A run of the fuzzer: batch after batch, the kernel one batch ahead of the subject.

use std::{
    collections::BTreeMap,
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use dray_replay::Scenario;

use super::{
    generate,
    judge::{Finding, Subject, Verdict, judge},
};
use crate::{Complaint, Machine, Recording, record};

/// How many scenarios are recorded at once. More would waste less time on boots, and a run's end would come later.
const BATCH: u64 = 150;
/// How often a scenario is tried whose timing could not be trusted.
const TRIES: usize = 3;

/// How long a run goes on, unless it finds something.
#[derive(Clone, Copy, Debug)]
pub enum Extent {
    /// So many scenarios.
    Scenarios(u64),
    /// So long.
    Time(Duration),
}

/// What a run found.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Scenarios that were compared.
    pub compared: u64,
    /// Packets in them.
    pub packets: u64,
    /// Scenarios that were not, because the host was too slow each time.
    pub too_slow: u64,
    /// How often each exception explained a difference, by its name.
    pub explained: BTreeMap<&'static str, u64>,
    /// What is unexplained; one, unless the run was to go on.
    pub findings: Vec<Finding>,
}

/// Compares `subject` with the kernel on the scenarios of `seed`. Ends at the first finding, unless `go_on`.
///
/// # Errors
/// When the machine or the subject fails, or a scenario's set-up does.
pub fn run(
    machine: &Machine,
    subject: &mut dyn Subject,
    seed: u64,
    extent: Extent,
    go_on: bool,
    mut tell: impl FnMut(&Outcome),
) -> Result<Outcome> {
    let enough = AtomicBool::new(false);
    let (ahead, recorded) = mpsc::sync_channel(1);
    thread::scope(|scope| {
        let enough = &enough;
        scope.spawn(move || {
            for batch in batches(extent) {
                let scenarios: Vec<Scenario> = batch
                    .map(|number| generate::scenario(seed, number))
                    .collect();
                let recordings = steady(machine, scenarios);
                let failed = recordings.is_err();
                if ahead.send(recordings).is_err() || failed || enough.load(Ordering::Relaxed) {
                    return;
                }
            }
        });
        let mut outcome = Outcome::default();
        for recordings in recorded {
            compare(subject, &recordings?, &mut outcome)?;
            tell(&outcome);
            if !outcome.findings.is_empty() && !go_on {
                enough.store(true, Ordering::Relaxed);
                break;
            }
        }
        Ok(outcome)
    })
}

/// The numbers of each batch's scenarios.
fn batches(extent: Extent) -> impl Iterator<Item = std::ops::Range<u64>> {
    let start = Instant::now();
    (0..)
        .map(|batch| batch * BATCH..(batch + 1) * BATCH)
        .map_while(move |batch| match extent {
            Extent::Scenarios(count) if batch.start >= count => None,
            Extent::Scenarios(count) => Some(batch.start..batch.end.min(count)),
            Extent::Time(time) => (start.elapsed() < time).then_some(batch),
        })
}

/// Records the scenarios; those whose timing cannot be trusted again, a few times.
fn steady(machine: &Machine, mut scenarios: Vec<Scenario>) -> Result<Vec<Recording>> {
    let mut done = Vec::new();
    for tries in 1..=TRIES {
        let mut again = Vec::new();
        for recording in record(machine, &scenarios)? {
            if recording.is_steady() || tries == TRIES {
                done.push(recording);
            } else {
                again.push(recording.scenario.without_answers());
            }
        }
        if again.is_empty() {
            break;
        }
        scenarios = again;
    }
    Ok(done)
}

fn compare(
    subject: &mut dyn Subject,
    recordings: &[Recording],
    outcome: &mut Outcome,
) -> Result<()> {
    let mut recorded = Vec::new();
    for recording in recordings {
        if !recording.is_steady() {
            outcome.too_slow += 1;
            continue;
        }
        for complaint in &recording.complaints {
            if let Complaint::Wrong(what) = complaint {
                bail!("scenario {}: {what}", recording.scenario.name);
            }
        }
        recorded.push(recording.scenario.clone());
    }
    let played = subject.answer(&recorded)?;
    for (recorded, now) in recorded.iter().zip(&played) {
        outcome.compared += 1;
        outcome.packets += packets(recorded);
        match judge(recorded, now) {
            Verdict::Agreed => {}
            Verdict::Explained(exceptions) => {
                for exception in exceptions {
                    *outcome.explained.entry(exception.name).or_default() += 1;
                }
            }
            Verdict::Found(finding) => outcome.findings.push(*finding),
        }
    }
    Ok(())
}

fn packets(scenario: &Scenario) -> u64 {
    scenario
        .steps
        .iter()
        .map(|step| match step {
            dray_replay::scenario::Step::Packet(packet) => u64::from(packet.repeat.unwrap_or(1)),
            _ => 0,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::{BATCH, Extent, batches};

    #[test]
    fn batches_cover_every_number_once() {
        let numbers: Vec<u64> = batches(Extent::Scenarios(2 * BATCH + 7))
            .flatten()
            .collect();
        assert_eq!(numbers, (0..2 * BATCH + 7).collect::<Vec<_>>());
    }
}
