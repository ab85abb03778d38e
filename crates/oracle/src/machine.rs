//! The machine that the reference kernel runs on: User-Mode-Linux, a Linux kernel as a program of this one.
//!
//! ```text
//! packages ─▶ cache: kernel/ (linux.uml, modules), root/ (the guest's files, with dray-guest as /init), dray-clock
//! plans ─▶ a folder ─ boot ─▶ the same folder: reports
//! ```
//!
//! It needs no root: the packages are downloaded and unpacked into the cache, not installed, and the guest's disk and
//! memory are files of the host. What is in the cache already is used again, also without a network.

mod boot;
mod filter;
mod names;
mod packages;
mod program;

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, anyhow, bail};
use dray_guest::{ERRORS, Event, KERNEL, PLANS, Plan, REPORTS};
use rustix::fs::{FlockOperation, flock};

/// A kernel with IPVS that is ready to boot, as often as wanted and several at a time.
#[derive(Debug)]
pub struct Machine {
    kernel: PathBuf,
    modules: PathBuf,
    root: PathBuf,
    clock: PathBuf,
}

/// What one boot gave.
#[derive(Debug)]
pub struct Played {
    /// The kernel's release and version.
    pub kernel: String,
    /// What came of each plan, in their order.
    pub events: Vec<Vec<Event>>,
}

impl Machine {
    /// Makes the machine ready in the folder `cache`, or finds it ready there.
    ///
    /// # Errors
    /// When the packages are neither there nor to be had, or the guest's program cannot be built.
    pub fn prepare(cache: &Path) -> Result<Self> {
        fs::create_dir_all(cache)
            .with_context(|| format!("failed to create {}", cache.display()))?;
        let cache = cache
            .canonicalize()
            .with_context(|| format!("failed to find {}", cache.display()))?;
        // Another test or another person may be at it.
        let lock = File::create(cache.join("lock")).context("failed to create the cache's lock")?;
        flock(&lock, FlockOperation::LockExclusive).context("failed to lock the cache")?;
        let tree = packages::unpacked(&cache)?;
        names::install(&tree.join("root"))?;
        program::install(&program::guest(&cache)?, &tree.join("root/init"))?;
        let clock = tree.join("clock.so");
        program::install(&program::clock(&cache)?, &clock)?;
        Ok(Self {
            kernel: tree.join("kernel/usr/bin/linux.uml"),
            modules: tree.join("kernel/usr/lib/uml/modules"),
            root: tree.join("root"),
            clock,
        })
    }

    /// Boots, has the plans played, and returns when the machine is off again.
    ///
    /// On processors with wide registers the host now and then kills a process of this kernel, whose stacks for signals
    /// are small ("overflowed sigaltstack" in the host's log). Nothing is known of the plans then, and they are played
    /// again.
    ///
    /// # Errors
    /// When it does not start, does not end within `limit`, or does not play every plan, three times.
    pub fn play(&self, plans: &[Plan], limit: Duration) -> Result<Played> {
        const TRIES: usize = 3;
        let mut tries = 1;
        loop {
            match self.play_once(plans, limit)? {
                Err(_) if tries < TRIES => tries += 1,
                played => return played,
            }
        }
    }

    /// The inner result is an error when the machine started, ended, and did not play every plan.
    fn play_once(&self, plans: &[Plan], limit: Duration) -> Result<Result<Played>> {
        let folder = tempfile::Builder::new()
            .prefix("dray-oracle-")
            .tempdir()
            .context("failed to create a folder to lend to the guest")?;
        let folder = folder.path();
        for name in [PLANS, REPORTS] {
            fs::create_dir(folder.join(name)).context("failed to create the guest's folders")?;
        }
        for (number, plan) in plans.iter().enumerate() {
            fs::write(
                folder.join(PLANS).join(number.to_string()),
                plan.to_string(),
            )
            .context("failed to write a plan")?;
        }
        let console = boot::run(self, folder, limit)?;
        let says = || format!("the guest's console says:\n{}", tail(&console));
        let Ok(kernel) = fs::read_to_string(folder.join(KERNEL)) else {
            return Err(anyhow!(
                "the guest did not start; User-Mode-Linux traces processes (ptrace): where that is forbidden, as in \
                 some containers, allow it (docker: --cap-add SYS_PTRACE --security-opt seccomp=unconfined)"
            ))
            .with_context(says);
        };
        Ok(read_reports(folder, plans.len())
            .with_context(says)
            .map(|events| Played {
                kernel: kernel.trim().to_owned(),
                events,
            }))
    }
}

fn read_reports(folder: &Path, count: usize) -> Result<Vec<Vec<Event>>> {
    let errors = fs::read_to_string(folder.join(ERRORS)).unwrap_or_default();
    if !errors.trim().is_empty() {
        bail!("the guest says: {}", errors.trim());
    }
    (0..count)
        .map(|number| {
            let path = folder.join(REPORTS).join(number.to_string());
            let report = fs::read_to_string(&path)
                .with_context(|| format!("plan {number} was not played"))?;
            dray_guest::events(&report).with_context(|| format!("in the report of plan {number}"))
        })
        .collect()
}

/// The last lines of a console.
fn tail(console: &str) -> String {
    let lines: Vec<&str> = console.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}
