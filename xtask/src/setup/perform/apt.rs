//! Debian packages, without a question and without the services they bring.

use std::{process::Command, thread, time::Duration};

use anyhow::Result;

use super::quiet_services::QuietServices;
use crate::process;

/// How long another apt-get or dpkg may keep its lock before we give up.
const LOCK_PATIENCE: Duration = Duration::from_secs(600);

/// Fetches the package lists.
pub(super) fn refresh() -> Result<()> {
    patiently(apt_get().arg("update"))
}

/// Installs `packages` and what they depend on, but not what they merely recommend.
pub(super) fn install(packages: &[&str]) -> Result<()> {
    let _quiet = QuietServices::start()?;
    // An installation that was interrupted would make the next one refuse.
    process::output(
        process::program("dpkg")
            .args(["--configure", "-a"])
            .envs(UNATTENDED),
    )?;
    patiently(&mut install_command(packages)).or_else(|_| {
        // The lists may name versions that the mirror has replaced since.
        refresh()?;
        patiently(&mut install_command(packages))
    })
}

const UNATTENDED: [(&str, &str); 2] = [
    ("DEBIAN_FRONTEND", "noninteractive"),
    ("NEEDRESTART_SUSPEND", "1"),
];

fn install_command(packages: &[&str]) -> Command {
    let mut command = apt_get();
    command
        .args(["install", "--no-install-recommends"])
        .args(packages);
    command
}

fn apt_get() -> Command {
    let mut command = process::program("apt-get");
    command
        .args(["--yes", "--quiet", "--quiet", "--option"])
        .arg(format!("DPkg::Lock::Timeout={}", LOCK_PATIENCE.as_secs()))
        .envs(UNATTENDED);
    command
}

/// Runs `command`, and again while another program holds a lock that apt-get itself does not wait for.
fn patiently(command: &mut Command) -> Result<()> {
    const PAUSE: Duration = Duration::from_secs(3);
    let mut waited = Duration::ZERO;
    loop {
        match process::output(command) {
            Err(error) if is_locked(&error) && waited < LOCK_PATIENCE => {
                if waited.is_zero() {
                    eprintln!("  waiting for another apt-get to finish");
                }
                thread::sleep(PAUSE);
                waited += PAUSE;
            }
            outcome => return outcome.map(drop),
        }
    }
}

fn is_locked(error: &anyhow::Error) -> bool {
    let message = format!("{error:#}");
    message.contains("Could not get lock") || message.contains("Unable to lock")
}
