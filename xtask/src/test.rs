//! `cargo xtask test`: every test of the workspace, those against the real kernel included.

use anyhow::Result;

use crate::{process, setup};

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    process::require_root(
        "test",
        "tests make network namespaces and load XDP programs into the kernel",
    )?;
    setup::for_tests()?;
    let mut test = process::cargo();
    test.arg("test").env("DRAY_BPF", "require");
    if arguments.is_empty() {
        test.arg("--workspace");
    }
    process::become_program(test.args(arguments))
}
