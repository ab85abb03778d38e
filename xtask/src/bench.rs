//! `cargo xtask bench`: measurements of the packet path, in the kernel's own units, and of a director that is told things.

use anyhow::Result;

use crate::{Benchmark, process, setup};

pub(crate) fn run(benchmark: Benchmark, arguments: &[String]) -> Result<()> {
    process::require_root("bench", "the benchmark loads XDP programs into the kernel")?;
    let (package, name) = match benchmark {
        Benchmark::Datapath => ("dray-dataplane", "datapath"),
        Benchmark::Verifier => ("dray-dataplane", "verifier"),
        Benchmark::Apply => ("dray", "apply"),
        Benchmark::Writes => ("dray", "writes"),
    };
    match package {
        "dray" => setup::for_lab()?,
        _ => setup::for_build()?,
    }
    let mut bench = process::cargo();
    bench
        .args(["bench", "--package", package, "--bench", name])
        .env("DRAY_BPF", "require");
    if !arguments.is_empty() {
        bench.arg("--").args(arguments);
    }
    process::become_program(&mut bench)
}
