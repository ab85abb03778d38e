//! The rules that cargo and its companions check: format, lints, licences.

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

/// Clippy has nothing to say about any target of the workspace.
pub(super) fn lints() -> Result<()> {
    process::run(
        process::cargo()
            .args([
                "clippy",
                "--quiet",
                "--workspace",
                "--all-targets",
                "--",
                "--deny",
                "warnings",
            ])
            .env("DRAY_BPF", "require"),
    )
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
