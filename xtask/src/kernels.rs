//! `cargo xtask kernels`: the data plane on the oldest kernel that it is meant for, in an emulated machine.
//!
//! ```text
//! debian: apt ─▶ vmlinuz, veth.ko ───────────────────────┐
//! suites: cargo test --no-run ─▶ programs ─▶ initramfs ─▶ machine: qemu ──▶ its console, line by line
//!                                   ▲                       │
//!                           ourselves, as /init (guest) ────┴──▶ reports (protocol) ─▶ passed, failed
//! ```
//!
//! The tests are those that `cargo xtask test` runs on this machine's kernel, the very same programs. qemu emulates
//! the processor in software, so that it works within a virtual machine too; the kernel's start takes seconds, and
//! verifying a program some more. Nothing of this needs root but installing qemu.

mod debian;
pub(crate) mod guest;
mod initramfs;
mod machine;
mod protocol;
mod suites;

use std::{env, fs, path::PathBuf, time::Duration};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::{setup, workspace};
use initramfs::Initramfs;
use protocol::{Report, Suite};

/// How long the machine may run.
const LIMIT: Duration = Duration::from_secs(30 * 60);

#[derive(Args)]
pub(crate) struct Options {
    /// Where qemu or the kernel cannot be had, say so and succeed
    #[arg(long)]
    if_possible: bool,
    /// Which of the data plane's test files to run [default: verifier, forwarding, and a test of pinned]
    tests: Vec<String>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let kernel = match prepare() {
        Err(error) if options.if_possible => {
            eprintln!(
                "SKIPPED: nothing was tested on Linux {}: {error:#}",
                debian::SERIES
            );
            return Ok(());
        }
        prepared => prepared?,
    };
    setup::for_build()?;
    let suites = suites::build(&options.tests)?;
    let folder = kernel.folder.join("machine");
    fs::create_dir_all(&folder)
        .with_context(|| format!("failed to create {}", folder.display()))?;
    let initramfs = folder.join("initramfs");
    fs::write(&initramfs, pack(&kernel, &suites)?)
        .with_context(|| format!("failed to write {}", initramfs.display()))?;
    let reports = machine::run(&kernel.image, &initramfs, &folder.join("reports"), LIMIT)?;
    judge(&kernel, &suites, &reports)
}

/// Makes the emulator and the kernel ready.
fn prepare() -> Result<debian::Kernel> {
    if env::consts::ARCH != "x86_64" {
        bail!("the emulated machine is an x86-64, and runs programs that were built here");
    }
    setup::for_kernels()?;
    debian::kernel(&workspace::root().join("target/kernels"))
}

/// The machine's files: ourselves as the first process, the suites, what they call, and the kernel's modules.
fn pack(kernel: &debian::Kernel, suites: &[suites::Program]) -> Result<Vec<u8>> {
    let mut files = Initramfs::new();
    let ourselves = env::current_exe().context("failed to find our own program")?;
    files.program(&ourselves, guest::INIT)?;
    // Tests make their interfaces with it.
    files.program(&ip()?, "/sbin/ip")?;
    for module in &kernel.modules {
        let name = module.file_name().context("a module has a name")?;
        files.copy(module, &PathBuf::from(guest::MODULES).join(name))?;
    }
    let mut plan = String::new();
    for program in suites {
        let suite = Suite {
            name: program.name.clone(),
            program: format!("/tests/{}", program.name),
            arguments: program.arguments.clone(),
        };
        files.program(&program.path, &suite.program)?;
        plan += &format!("{suite}\n");
    }
    files.file(guest::PLAN, plan.into_bytes());
    Ok(files.pack())
}

fn ip() -> Result<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|folder| folder.join("ip"))
        .find(|program| program.exists())
        .context("tests make their interfaces with `ip`: install iproute2")
}

/// Says what came of every suite; fails unless all of them passed.
fn judge(kernel: &debian::Kernel, suites: &[suites::Program], reports: &[Report]) -> Result<()> {
    let mut wrong = Vec::new();
    eprintln!("on Linux {}:", kernel.release);
    for suite in suites {
        let report = reports.iter().find(|report| report.is_of(&suite.name));
        match report {
            Some(Report::Passed { seconds, .. }) => {
                eprintln!("  {}: passed, {seconds} s", suite.name);
            }
            Some(Report::Failed { status, .. }) => {
                wrong.push(format!("{} failed ({status})", suite.name))
            }
            _ => wrong.push(format!("{} did not come to its end", suite.name)),
        }
    }
    for report in reports {
        if let Report::Broken { why } = report {
            wrong.push(format!("the machine's first process: {why}"));
        }
    }
    if !wrong.is_empty() {
        bail!(
            "on Linux {}: {}; the machine's console is above",
            kernel.release,
            wrong.join("; ")
        );
    }
    Ok(())
}
