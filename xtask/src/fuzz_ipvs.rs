//! `cargo xtask fuzz-ipvs`: random scenarios, played by a real kernel's IPVS and by dray, until they differ.

use anyhow::Result;

use crate::{process, setup};

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    process::require_root("fuzz-ipvs", "dray's programs are loaded into the kernel")?;
    setup::for_oracle()?;
    process::become_program(
        process::cargo()
            .args(["run", "--quiet", "--package", "dray-oracle", "--", "fuzz"])
            .args(arguments)
            .env("DRAY_BPF", "require"),
    )
}
