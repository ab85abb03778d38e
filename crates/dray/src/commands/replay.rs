//! `dray replay`: does dray make the choices that a kernel's IPVS made?

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use clap::Args;
use dray_replay::{
    Played, Player, Scenario, Verdict,
    compare::{Answer, Difference, unlike},
    judge,
    scenario::Step,
};

use crate::output;

/// Play recorded scenarios of IPVS on a private data plane and compare; exit 1 when an answer differs
#[derive(Debug, Args)]
pub(super) struct Replay {
    /// The scenario files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Write dray's answers into the files in place of comparing them
    #[arg(long)]
    record: bool,
    /// With --record: directory to write to, under the files' names, in place of the files themselves
    #[arg(short, long, value_name = "DIR", requires = "record")]
    output: Option<PathBuf>,
}

/// The exit code for files that cannot be used.
const UNUSABLE: u8 = 2;

impl Replay {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let Some(scenarios) = self.read() else {
            return Ok(ExitCode::from(UNUSABLE));
        };
        let mut player = Player::new()?;
        let mut tally = Tally::default();
        for (path, scenario) in &scenarios {
            match player.play(scenario) {
                Ok(played) if self.record => self.write(path, played)?,
                Ok(played) => tally.report(path, scenario, judge(scenario, &played))?,
                Err(error) => {
                    eprintln!("dray: {}: {:#}", path.display(), anyhow::Error::from(error));
                    tally.unusable += 1;
                }
            }
        }
        if !self.record {
            output::text(&tally.summary())?;
        }
        Ok(tally.code())
    }

    /// Every file, read before any is played; `None` when one cannot be used, which is said then.
    fn read(&self) -> Option<Vec<(&Path, Scenario)>> {
        let mut scenarios = Vec::new();
        for path in &self.files {
            match read(path, self.record) {
                Ok(scenario) => scenarios.push((path.as_path(), scenario)),
                Err(error) => eprintln!("dray: {}: {error:#}", path.display()),
            }
        }
        (scenarios.len() == self.files.len()).then_some(scenarios)
    }

    /// Writes a scenario whole or not at all.
    fn write(&self, path: &Path, played: Played) -> anyhow::Result<()> {
        if let Some(stop) = &played.stopped {
            eprintln!("dray: {}: not recorded: {}", path.display(), Stopped(stop));
            return Ok(());
        }
        let to = match &self.output {
            Some(directory) => {
                fs::create_dir_all(directory).with_context(|| {
                    format!("failed to make the directory {}", directory.display())
                })?;
                directory.join(path.file_name().unwrap_or(path.as_os_str()))
            }
            None => path.to_owned(),
        };
        let beside = to.with_extension("json.new");
        fs::write(&beside, played.scenario.write())
            .and_then(|()| fs::rename(&beside, &to))
            .with_context(|| format!("failed to write {}", to.display()))?;
        output::text(&format!("{}: recorded\n", to.display()))
    }
}

fn read(path: &Path, record: bool) -> anyhow::Result<Scenario> {
    let text = fs::read_to_string(path).context("it cannot be read")?;
    let scenario = Scenario::read(&text)?;
    let unanswered = scenario.steps.iter().position(|step| !step.is_answered());
    if let (Some(step), false) = (unanswered, record) {
        anyhow::bail!(
            "step {step} has no answer to compare with; record it on a kernel, or with `dray replay --record`"
        );
    }
    Ok(scenario)
}

/// How many scenarios ended how.
#[derive(Debug, Default)]
struct Tally {
    same: usize,
    different: usize,
    skipped: usize,
    unusable: usize,
}

impl Tally {
    fn report(&mut self, path: &Path, scenario: &Scenario, verdict: Verdict) -> anyhow::Result<()> {
        let path = path.display();
        let text = match verdict {
            Verdict::Same => {
                self.same += 1;
                format!("{path}: same, {} steps\n", scenario.steps.len())
            }
            Verdict::Different(differences) => {
                self.different += 1;
                let more = match differences.len() - 1 {
                    0 => String::new(),
                    1 => "  (and 1 later step)\n".to_owned(),
                    more => format!("  (and {more} later steps)\n"),
                };
                match differences.first() {
                    Some(first) => format!("{path}: {}{more}", explain(scenario, first)),
                    None => String::new(),
                }
            }
            Verdict::Skipped(stop) => {
                self.skipped += 1;
                format!("{path}: skipped, {}\n", Stopped(&stop))
            }
        };
        output::text(&text)
    }

    fn summary(&self) -> String {
        let total = self.same + self.different + self.skipped + self.unusable;
        let mut text = format!(
            "{total} scenarios: {} same, {} different, {} skipped",
            self.same, self.different, self.skipped
        );
        if self.unusable > 0 {
            text += &format!(", {} not playable", self.unusable);
        }
        text + "\n"
    }

    fn code(&self) -> ExitCode {
        match self {
            Self { unusable: 1.., .. } => ExitCode::from(UNUSABLE),
            Self {
                different: 0,
                skipped: 0,
                ..
            } => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        }
    }
}

/// Both answers of a step, one below the other; of listings only the lines that the other one does not have.
fn explain(scenario: &Scenario, difference: &Difference) -> String {
    let Difference {
        step: number,
        recorded,
        now,
    } = difference;
    let step = scenario.steps.get(*number);
    let (old, new) = match (step, recorded, now) {
        (Some(Step::Dump { kind, .. }), Answer::Dump(old), Answer::Dump(new)) => (
            unlike(*kind, old, new).join("\n"),
            unlike(*kind, new, old).join("\n"),
        ),
        _ => (recorded.to_string(), now.to_string()),
    };
    let indented =
        |text: &str| -> String { text.lines().map(|line| format!("    {line}\n")).collect() };
    format!(
        "step {number} differs: {}\n  recorded:\n{}  dray:\n{}",
        step.map_or_else(String::new, ToString::to_string),
        indented(&old),
        indented(&new)
    )
}

/// What ended a play, in words.
struct Stopped<'a>(&'a dray_replay::Stop);

impl std::fmt::Display for Stopped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.step {
            Some(step) => write!(f, "step {step} not played: {}", self.0.why),
            None => write!(f, "the set-up not played: {}", self.0.why),
        }
    }
}
