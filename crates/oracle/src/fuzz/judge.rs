//! Whether a subject answers as the kernel did.

use std::fmt;

use anyhow::{Context, Result, anyhow};
use dray_replay::{
    Player, Scenario,
    compare::{Difference, differences},
};

use super::exceptions::{Exception, explanation};
use crate::{Machine, record};

/// Who is compared with the kernel.
pub trait Subject {
    /// Plays the scenarios, which have the kernel's answers, and gives them back with its own.
    ///
    /// # Errors
    /// When it cannot play one.
    fn answer(&mut self, scenarios: &[Scenario]) -> Result<Vec<Scenario>>;
}

/// The kernel itself: what it does not answer alike twice must not be drawn.
impl Subject for &Machine {
    fn answer(&mut self, scenarios: &[Scenario]) -> Result<Vec<Scenario>> {
        let recordings = record(self, scenarios)?;
        Ok(recordings
            .into_iter()
            .map(|recording| recording.scenario)
            .collect())
    }
}

/// dray: its data plane, privately loaded, in this process.
pub struct Dray(Player);

impl Dray {
    /// Loads the data plane.
    ///
    /// # Errors
    /// When the kernel refuses it, without root first of all.
    pub fn load() -> Result<Self> {
        Player::new()
            .map(Self)
            .context("failed to load dray's data plane")
    }
}

impl Subject for Dray {
    fn answer(&mut self, scenarios: &[Scenario]) -> Result<Vec<Scenario>> {
        scenarios
            .iter()
            .map(|scenario| self.one(scenario))
            .collect()
    }
}

impl Dray {
    fn one(&mut self, scenario: &Scenario) -> Result<Scenario> {
        let context = || format!("dray cannot play {}", scenario.name);
        let played = self.0.play(scenario).with_context(context)?;
        match played.stopped {
            None => Ok(played.scenario),
            Some(stop) => Err(anyhow!("{}", stop.why)).with_context(context),
        }
    }
}

/// A scenario on which a subject differs from the kernel, unexplained.
#[derive(Clone, Debug)]
pub struct Finding {
    /// With the kernel's answers.
    pub recorded: Scenario,
    /// The first difference that no exception explains.
    pub difference: Difference,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Difference {
            step,
            recorded,
            now,
        } = &self.difference;
        writeln!(f, "{}, step {step}", self.recorded.name)?;
        writeln!(f, "the kernel:\n{recorded}")?;
        write!(f, "instead:\n{now}")
    }
}

/// What came of a comparison.
pub(super) enum Verdict {
    Agreed,
    Explained(Vec<&'static Exception>),
    Found(Box<Finding>),
}

/// Compares the subject's answers, `now`, with the kernel's.
pub(super) fn judge(recorded: &Scenario, now: &Scenario) -> Verdict {
    let mut explained = Vec::new();
    for difference in differences(recorded, now) {
        match explanation(recorded, &difference) {
            Some(exception) => {
                explained.push(exception);
                if exception.lasts {
                    break;
                }
            }
            None => {
                return Verdict::Found(Box::new(Finding {
                    recorded: recorded.clone(),
                    difference,
                }));
            }
        }
    }
    if explained.is_empty() {
        Verdict::Agreed
    } else {
        Verdict::Explained(explained)
    }
}

/// Asks the kernel and the subject for each scenario; those whose timing cannot be trusted give none.
pub(super) fn findings(
    machine: &Machine,
    subject: &mut dyn Subject,
    scenarios: &[Scenario],
) -> Result<Vec<Option<Finding>>> {
    let recordings = record(machine, scenarios)?;
    let recorded: Vec<Scenario> = recordings.iter().map(|it| it.scenario.clone()).collect();
    let played = subject.answer(&recorded)?;
    Ok(recordings
        .iter()
        .zip(&played)
        .map(|(recording, now)| match judge(&recording.scenario, now) {
            Verdict::Found(finding) if recording.is_steady() => Some(*finding),
            _ => None,
        })
        .collect())
}
