//! `dray-oracle`: asks a real kernel's IPVS.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use dray_oracle::{Machine, Recording, cache, record};
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
    /// Play scenarios and write them with the kernel's answers
    Record {
        /// Scenario files; answers in them are replaced
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// The folder to write to
        #[arg(short, long)]
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
        Verb::Record { files, output } => record_files(&files, &output),
        Verb::Check { files } => check_files(&files),
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
