//! Recording: scenarios are played by the kernel, and its answers written into them.

mod answers;
mod listing;
mod plan;
mod setup;

use std::{fmt, panic, thread, time::Duration};

use anyhow::{Context, Result};
use dray_replay::{Scenario, scenario::Kernel};

use crate::Machine;

/// A scenario with the kernel's answers.
#[derive(Clone, Debug)]
pub struct Recording {
    /// The scenario.
    pub scenario: Scenario,
    /// What is doubtful about the answers; none when they can be trusted.
    pub complaints: Vec<Complaint>,
}

/// A reason not to trust answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Complaint {
    /// The host was so busy that timeouts may have passed which should not have: play it again.
    Slow {
        /// The step that came late.
        step: usize,
        /// How late.
        late: Duration,
    },
    /// The host killed a process of the guest: play it again.
    Killed {
        /// The step; `None` for the set-up.
        step: Option<usize>,
    },
    /// A reply had nothing to answer: the packet had not been forwarded.
    NothingToReplyTo {
        /// The reply's step.
        step: usize,
    },
    /// Something in the scenario does not work.
    Wrong(String),
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Slow { step, late } => write!(
                f,
                "step {step}: {} ms late, too slow to trust the timing; play it again",
                late.as_millis()
            ),
            Self::Killed { step: Some(step) } => {
                write!(f, "step {step}: the command was killed; play it again")
            }
            Self::Killed { step: None } => f.write_str("the set-up was killed; play it again"),
            Self::NothingToReplyTo { step } => {
                write!(f, "step {step}: there was nothing to reply to")
            }
            Self::Wrong(what) => f.write_str(what),
        }
    }
}

impl Recording {
    /// Whether playing it again would give the same answers.
    #[must_use]
    pub fn is_steady(&self) -> bool {
        !self
            .complaints
            .iter()
            .any(|complaint| matches!(complaint, Complaint::Slow { .. } | Complaint::Killed { .. }))
    }
}

/// To boot takes as long as to play this many scenarios.
const WORTH_A_BOOT: usize = 16;

/// Plays the scenarios, in a boot on each processor.
///
/// # Errors
/// When a packet cannot be built, or the machine does not play them all.
pub fn record(machine: &Machine, scenarios: &[Scenario]) -> Result<Vec<Recording>> {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let boots = processors.min(scenarios.len().div_ceil(WORTH_A_BOOT));
    let shares: Vec<Vec<&Scenario>> = (0..boots)
        .map(|first| scenarios.iter().skip(first).step_by(boots).collect())
        .collect();
    let recorded = thread::scope(|scope| {
        let running: Vec<_> = shares
            .iter()
            .map(|share| scope.spawn(|| in_one_boot(machine, share)))
            .collect();
        running
            .into_iter()
            .map(|one| one.join().unwrap_or_else(|it| panic::resume_unwind(it)))
            .collect::<Result<Vec<_>>>()
    })?;
    let mut recorded: Vec<_> = recorded.into_iter().map(Vec::into_iter).collect();
    Ok((0..scenarios.len())
        .filter_map(|number| recorded[number % boots].next())
        .collect())
}

fn in_one_boot(machine: &Machine, scenarios: &[&Scenario]) -> Result<Vec<Recording>> {
    let plans = scenarios
        .iter()
        .map(|scenario| {
            plan::compile(scenario).with_context(|| format!("scenario {}", scenario.name))
        })
        .collect::<Result<Vec<_>>>()?;
    let played = machine.play(&plans, limit(scenarios.len()))?;
    let kernel = Kernel(format!(
        "Linux {} (User-Mode-Linux, {})",
        played.kernel,
        std::env::consts::ARCH
    ));
    scenarios
        .iter()
        .zip(&played.events)
        .map(|(scenario, events)| {
            let mut recording = answers::fill_in(scenario, events)
                .with_context(|| format!("scenario {}", scenario.name))?;
            recording.scenario.kernel = Some(kernel.clone());
            Ok(recording)
        })
        .collect()
}

/// How long a boot may take in which these are played, on a busy host.
fn limit(scenarios: usize) -> Duration {
    let count = u32::try_from(scenarios).unwrap_or(u32::MAX);
    Duration::from_secs(120) + Duration::from_secs(10) * count
}
