//! `cargo xtask bench`: measurements, in the kernel's own units.

use anyhow::Result;

use crate::{process, setup};

pub(crate) fn datapath(arguments: &[String]) -> Result<()> {
    process::require_root("bench", "the benchmark loads XDP programs into the kernel")?;
    setup::for_build()?;
    let mut bench = process::cargo();
    bench
        .args([
            "bench",
            "--package",
            "dray-dataplane",
            "--bench",
            "datapath",
        ])
        .env("DRAY_BPF", "require");
    if !arguments.is_empty() {
        bench.arg("--").args(arguments);
    }
    process::become_program(&mut bench)
}
