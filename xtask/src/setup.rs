//! `cargo xtask setup`, and what every other verb does first: install what is missing.
//!
//! ```text
//! the machine ─ facts::observe ─▶ Facts ─ plan::next (pure) ─▶ Step ─ perform ─▶ the machine
//!                   ▲                                                               │
//!                   └───────────────────────────── until no step is left ───────────┘
//! ```
//!
//! Looking anew after every step is what makes a set-up that was interrupted, or half done by hand, go on from
//! where it stands.

mod facts;
mod packages;
mod perform;
mod plan;

use anyhow::{Context, Result, bail};

use crate::process;
use facts::Facts;
use packages::Purpose;

/// Installs what any verb may need.
pub(crate) fn everything() -> Result<()> {
    install(&[
        Purpose::Build,
        Purpose::Lab,
        Purpose::Test,
        Purpose::Kernels,
        Purpose::Oracle,
        Purpose::Check,
    ])?;
    eprintln!("everything that dray needs is here");
    Ok(())
}

/// Installs what compiling needs.
pub(crate) fn for_build() -> Result<()> {
    install(&[Purpose::Build])
}

/// Installs what the lab needs, whose real servers are real programs.
pub(crate) fn for_lab() -> Result<()> {
    install(&[Purpose::Build, Purpose::Lab])
}

/// Installs what the tests need: the lab, the kernel that dray is compared with, and who judges what is sent.
pub(crate) fn for_tests() -> Result<()> {
    install(&[Purpose::Build, Purpose::Lab, Purpose::Test, Purpose::Oracle])
}

/// Installs what an emulated machine with another kernel needs.
pub(crate) fn for_kernels() -> Result<()> {
    install(&[Purpose::Kernels])
}

/// Downloads and makes ready the kernel that dray is compared with.
pub(crate) fn for_oracle() -> Result<()> {
    install(&[Purpose::Build, Purpose::Oracle])
}

/// Installs what `cargo xtask check` needs.
pub(crate) fn for_check() -> Result<()> {
    install(&[Purpose::Build, Purpose::Check])
}

/// The target that programs for this machine are compiled for, such as `x86_64-unknown-linux-gnu`.
pub(crate) fn host_target() -> Result<String> {
    let about = process::output(process::program("rustc").arg("-vV"))?;
    facts::value_of(&about, "host")
        .map(str::to_owned)
        .context("rustc does not name its host")
}

/// The cargo-deny to run: the person's own, where it is of our version, or this checkout's.
pub(crate) fn cargo_deny() -> Result<std::path::PathBuf> {
    facts::cargo_deny().context("cargo-deny is not installed")
}

fn install(purposes: &[Purpose]) -> Result<()> {
    let mut done = Vec::new();
    loop {
        let facts = Facts::observe(purposes, &done);
        let Some(step) = plan::next(&facts)? else {
            return Ok(());
        };
        if done.contains(&step) {
            bail!(
                "{} changed nothing: what it should have installed is still missing",
                step.what()
            );
        }
        eprintln!("{}: {}", step.what(), step.why());
        let outcome = perform::perform(&step);
        match outcome {
            Err(error) if step.may_fail() => {
                let error = error.to_string();
                let first = error.lines().next().unwrap_or_default();
                eprintln!("  not possible here, trying another way: {first}");
            }
            outcome => outcome.with_context(|| format!("failed at {}", step.what()))?,
        }
        done.push(step);
    }
}
