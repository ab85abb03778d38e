//! `cargo xtask demo`: the director at work, on this machine, in namespaces of its own.

use anyhow::Result;

use crate::{build, process, setup};

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    process::require_root(
        "demo",
        "the lab makes network namespaces and loads an XDP program",
    )?;
    setup::for_lab()?;
    let dray = build::run()?;
    process::become_program(
        process::program(&dray.to_string_lossy())
            .args(["lab", "demo"])
            .args(arguments),
    )
}
