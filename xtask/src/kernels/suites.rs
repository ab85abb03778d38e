//! The tests that run in the machine: the data plane's, built as cargo builds them for this machine.

use std::{path::PathBuf, process::Stdio};

use anyhow::{Context, Result, bail};
use cargo_metadata::{Message, TargetKind};

use crate::process;

const PACKAGE: &str = "dray-dataplane";

/// What is run when nothing is named: what the verifier says, what becomes of packets, and one whole life of a data plane
/// on an interface; the emulated processor takes half a minute for each time that one is opened. Where there is a second word, it
/// chooses among the file's tests.
const DEFAULT: [(&str, Option<&str>); 3] = [
    ("verifier", None),
    ("forwarding", None),
    ("pinned", Some("a_data_plane_goes_on_without_its_daemon")),
];

/// Tests that this kernel cannot run, because of how they test and not of what.
const NOT_THERE: &[&str] = &[
    // It gives a frame so much metadata that no headroom is left; BPF_PROG_TEST_RUN took at most 32 bytes then.
    "a_frame_without_headroom_for_a_tag_is_dropped_and_says_why",
];

/// A program of tests.
#[derive(Clone, Debug)]
pub(super) struct Program {
    /// The name of its file in the package's `tests`.
    pub(super) name: String,
    /// Where it is.
    pub(super) path: PathBuf,
    /// What it is to be called with.
    pub(super) arguments: Vec<String>,
}

/// Builds the test files `names`, or the default ones.
pub(super) fn build(names: &[String]) -> Result<Vec<Program>> {
    let chosen: Vec<(&str, Option<&str>)> = if names.is_empty() {
        DEFAULT.to_vec()
    } else {
        names.iter().map(|name| (name.as_str(), None)).collect()
    };
    let mut cargo = process::cargo();
    cargo
        .args(["test", "--quiet", "--no-run", "--package", PACKAGE])
        .args(["--message-format", "json-render-diagnostics"])
        .env("DRAY_BPF", "require")
        .stdin(Stdio::null())
        .stderr(Stdio::inherit());
    for (name, _) in &chosen {
        cargo.args(["--test", name]);
    }
    let built = cargo.output().context("failed to start cargo")?;
    if !built.status.success() {
        bail!("the tests do not build ({})", built.status);
    }
    let built = executables(&built.stdout)?;
    chosen
        .into_iter()
        .map(|(name, only)| program(name, only, &built))
        .collect()
}

fn program(name: &str, only: Option<&str>, built: &[(String, PathBuf)]) -> Result<Program> {
    let (_, path) = built
        .iter()
        .find(|(other, _)| other == name)
        .with_context(|| format!("cargo built no program for the test file {name}"))?;
    // The output of tests that passed is what the verifier says.
    let mut arguments = vec!["--nocapture".to_owned()];
    arguments.extend(only.map(str::to_owned));
    for test in NOT_THERE {
        arguments.extend(["--skip", test].map(str::to_owned));
    }
    Ok(Program {
        name: name.to_owned(),
        path: path.clone(),
        arguments,
    })
}

/// The test files' programs among cargo's messages, each with the file's name.
fn executables(messages: &[u8]) -> Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    for message in Message::parse_stream(messages) {
        if let Message::CompilerArtifact(artifact) =
            message.context("cargo wrote what is no message of cargo's")?
            && artifact.target.kind.contains(&TargetKind::Test)
            && let Some(path) = artifact.executable
        {
            found.push((artifact.target.name, path.into_std_path_buf()));
        }
    }
    Ok(found)
}
