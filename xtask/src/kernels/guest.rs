//! The first process of the emulated machine: mounts, loads modules, runs the suites, reports, and switches off.
//!
//! What it and the suites print goes to the console, which is the first serial line; reports have the second one to
//! themselves, so that no message of the kernel falls into them.

use std::{
    fs::{self, File, OpenOptions},
    io::Write as _,
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context, Result, bail};
use rustix::{
    mount::{MountFlags, mount},
    system::{RebootCommand, finit_module, reboot},
};

use super::protocol::{Report, Suite};

/// Where the kernel finds us.
pub(super) const INIT: &str = "/init";
/// The word that we are called with there.
pub(crate) const VERB: &str = "kernel-guest";
/// The suites, one a line.
pub(super) const PLAN: &str = "/suites";
/// The folder of the modules to load.
pub(super) const MODULES: &str = "/modules";

const REPORTS: &str = "/dev/ttyS1";

pub(crate) fn run() -> Result<()> {
    if std::process::id() != 1 {
        bail!(
            "`cargo xtask {VERB}` is what `cargo xtask kernels` calls inside the machine that it boots"
        );
    }
    if let Err(error) = guest() {
        // Where reports cannot be written, the console says why.
        eprintln!("error: {error:#}");
        let why = format!("{error:#}");
        let _ = reports().and_then(|reports| report(reports, &Report::Broken { why }));
    }
    reboot(RebootCommand::PowerOff).context("failed to switch off")
}

fn guest() -> Result<()> {
    for (kind, at) in [
        ("proc", "/proc"),
        ("sysfs", "/sys"),
        ("devtmpfs", "/dev"),
        ("bpf", "/sys/fs/bpf"),
        ("tmpfs", "/tmp"),
        ("tmpfs", "/run"),
        ("tmpfs", "/mnt"),
    ] {
        fs::create_dir_all(at).with_context(|| format!("failed to create {at}"))?;
        mount(kind, at, kind, MountFlags::empty(), None)
            .with_context(|| format!("failed to mount {kind} on {at}"))?;
    }
    load_modules()?;
    let plan = fs::read_to_string(PLAN).with_context(|| format!("failed to read {PLAN}"))?;
    for line in plan.lines() {
        let suite = Suite::parse(line).with_context(|| format!("not understood: {line}"))?;
        report(reports()?, &run_suite(&suite)?)?;
    }
    Ok(())
}

fn load_modules() -> Result<()> {
    for entry in fs::read_dir(MODULES).with_context(|| format!("failed to list {MODULES}"))? {
        let path = entry.context("failed to list the modules")?.path();
        let module =
            File::open(&path).with_context(|| format!("failed to open {}", path.display()))?;
        finit_module(&module, c"", 0)
            .with_context(|| format!("failed to load {}", path.display()))?;
    }
    Ok(())
}

fn run_suite(suite: &Suite) -> Result<Report> {
    println!("--- {}", suite.name);
    let start = Instant::now();
    let status = Command::new(&suite.program)
        .args(&suite.arguments)
        .current_dir("/tmp")
        .env("PATH", "/sbin")
        // An emulated processor takes its time.
        .env("DRAY_TEST_PATIENCE", "300")
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("failed to start {}", suite.program))?;
    let name = suite.name.clone();
    Ok(if status.success() {
        Report::Passed {
            suite: name,
            seconds: start.elapsed().as_secs(),
        }
    } else {
        Report::Failed {
            suite: name,
            status: status.to_string(),
        }
    })
}

fn reports() -> Result<File> {
    OpenOptions::new()
        .write(true)
        .open(REPORTS)
        .with_context(|| format!("failed to open {REPORTS}"))
}

fn report(mut to: File, report: &Report) -> Result<()> {
    writeln!(to, "{report}").with_context(|| format!("failed to write to {REPORTS}"))
}
