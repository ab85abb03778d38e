//! `dray-oracle`: asks a real kernel's IPVS.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use dray_oracle::{
    Machine, Recording, cache,
    fuzz::{Dray, Extent, Finding, Subject, run, shrink},
    record,
};
use dray_replay::{Scenario, compare::differences};

/// Plays scenarios on a real kernel's IPVS, in User-Mode-Linux.
#[derive(Parser)]
#[command(name = "dray-oracle")]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Download and unpack the kernel and its programs, unless they are there
    Prepare,
    /// Play scenarios and write them with the kernel's answers
    Record {
        /// Scenario files; answers in them are replaced
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// The folder to write to
        #[arg(short, long)]
        output: PathBuf,
    },
    /// Draw random scenarios and compare with the kernel until something differs
    Fuzz {
        /// The run's seed: the same seed draws the same scenarios
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// How many scenarios
        #[arg(long, conflicts_with = "seconds")]
        count: Option<u64>,
        /// How long; 60 s when neither is given
        #[arg(long)]
        seconds: Option<u64>,
        /// Compare the kernel with itself: what it does not answer alike twice must not be drawn
        #[arg(long)]
        itself: bool,
        /// Collect findings as they are, and do not stop at the first to shrink it
        #[arg(long)]
        go_on: bool,
        /// The folder for findings
        #[arg(short, long, default_value = "target/fuzz")]
        output: PathBuf,
    },
    /// Play recordings again and compare the kernel's answers with those in the files
    Check {
        /// Recordings
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}

fn main() -> ExitCode {
    let done = match Cli::parse().verb {
        Verb::Prepare => Machine::prepare(&cache()).map(|_| true),
        Verb::Record { files, output } => record_files(&files, &output),
        Verb::Check { files } => check_files(&files),
        Verb::Fuzz {
            seed,
            count,
            seconds,
            itself,
            go_on,
            output,
        } => {
            let extent = match (count, seconds) {
                (Some(count), _) => Extent::Scenarios(count),
                (None, seconds) => Extent::Time(Duration::from_secs(seconds.unwrap_or(60))),
            };
            fuzz(seed, extent, itself, go_on, &output)
        }
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn record_files(files: &[PathBuf], output: &Path) -> Result<bool> {
    let scenarios = read(files)?;
    fs::create_dir_all(output).with_context(|| format!("failed to create {}", output.display()))?;
    let recordings = record(&Machine::prepare(&cache())?, &scenarios)?;
    for (file, recording) in files.iter().zip(&recordings) {
        let name = file.file_name().context("a scenario's file has a name")?;
        let to = output.join(name);
        fs::write(&to, recording.scenario.write())
            .with_context(|| format!("failed to write {}", to.display()))?;
    }
    Ok(tell(&recordings, |_| Vec::new()))
}

fn check_files(files: &[PathBuf]) -> Result<bool> {
    let scenarios = read(files)?;
    let recordings = record(&Machine::prepare(&cache())?, &scenarios)?;
    Ok(tell(&recordings, |number| {
        differences(&scenarios[number], &recordings[number].scenario)
            .iter()
            .map(|difference| {
                format!(
                    "step {}: recorded {}, now {}",
                    difference.step, difference.recorded, difference.now
                )
            })
            .collect()
    }))
}

fn fuzz(seed: u64, extent: Extent, itself: bool, go_on: bool, output: &Path) -> Result<bool> {
    let machine = Machine::prepare(&cache())?;
    let mut kernel = &machine;
    let mut dray;
    let subject: &mut dyn Subject = if itself {
        &mut kernel
    } else {
        dray = Dray::load()?;
        &mut dray
    };
    let start = Instant::now();
    let outcome = run(&machine, subject, seed, extent, go_on, |so_far| {
        eprintln!(
            "{:4} s: {} scenarios, {} packets, {} findings",
            start.elapsed().as_secs(),
            so_far.compared,
            so_far.packets,
            so_far.findings.len()
        );
    })?;
    for finding in &outcome.findings {
        report(finding, output)?;
    }
    if let ([finding], false) = (&outcome.findings[..], go_on) {
        println!("making it small …");
        match shrink(&machine, subject, finding)? {
            Some(small) => report(&small, output)?,
            None => println!("it did not come again: the kernel does not answer alike each time"),
        }
    }
    println!(
        "seed {seed}: {} scenarios with {} packets compared, {} too slow to be, {} findings",
        outcome.compared,
        outcome.packets,
        outcome.too_slow,
        outcome.findings.len()
    );
    for (name, times) in &outcome.explained {
        println!("explained {times} times: {name}");
    }
    Ok(outcome.findings.is_empty())
}

/// Prints a finding and writes it to a file.
fn report(finding: &Finding, output: &Path) -> Result<()> {
    fs::create_dir_all(output).with_context(|| format!("failed to create {}", output.display()))?;
    let path = output.join(format!("{}.json", finding.recorded.name));
    fs::write(&path, finding.recorded.write())
        .with_context(|| format!("failed to write {}", path.display()))?;
    println!("{finding}\nwritten to {}\n", path.display());
    Ok(())
}

/// Says what is doubtful about each recording, and what else `more` finds; true if nothing is.
fn tell(recordings: &[Recording], more: impl Fn(usize) -> Vec<String>) -> bool {
    let mut doubtful = 0;
    for (number, recording) in recordings.iter().enumerate() {
        let mut texts: Vec<String> = recording
            .complaints
            .iter()
            .map(ToString::to_string)
            .collect();
        texts.extend(more(number));
        doubtful += usize::from(!texts.is_empty());
        for text in texts {
            println!("{}: {text}", recording.scenario.name);
        }
    }
    println!("{} scenarios, {doubtful} with problems", recordings.len());
    doubtful == 0
}

fn read(files: &[PathBuf]) -> Result<Vec<Scenario>> {
    files
        .iter()
        .map(|file| {
            let text = fs::read_to_string(file)
                .with_context(|| format!("failed to read {}", file.display()))?;
            Scenario::read(&text).with_context(|| file.display().to_string())
        })
        .collect()
}
