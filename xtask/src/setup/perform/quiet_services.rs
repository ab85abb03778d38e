//! Installing a server's program without letting its service run.
//!
//! Debian starts and enables a package's service as it is installed. The lab wants nginx the program, in namespaces
//! of its own; an nginx that takes port 80 of the machine, now and after every boot, is nothing a test may leave behind.

use std::{fs, io, os::unix::fs::PermissionsExt, path::Path};

use anyhow::{Context, Result};

use crate::process;

/// Debian's hook that is asked before any service starts (policy-rc.d in Debian's `invoke-rc.d(8)`).
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// While this lives, installing a package starts no service.
pub(super) struct QuietServices {
    ours: bool,
}

impl QuietServices {
    /// Puts the policy in place. A machine that has one already keeps its own.
    pub(super) fn start() -> Result<Self> {
        if Path::new(POLICY).exists() {
            return Ok(Self { ours: false });
        }
        let script = policy(std::process::id());
        let new = format!("{POLICY}.dray");
        fs::write(&new, script).with_context(|| format!("failed to write {new}"))?;
        fs::set_permissions(&new, fs::Permissions::from_mode(0o755))
            .with_context(|| format!("failed to make {new} a program"))?;
        fs::rename(&new, POLICY).with_context(|| format!("failed to put {POLICY} in place"))?;
        Ok(Self { ours: true })
    }
}

impl Drop for QuietServices {
    fn drop(&mut self) {
        if self.ours
            && let Err(error) = fs::remove_file(POLICY)
            && error.kind() != io::ErrorKind::NotFound
        {
            eprintln!("  failed to remove {POLICY}, which keeps services from starting: {error}");
        }
    }
}

/// Keeps the service of a package just installed from starting at the next boot.
pub(super) fn keep_off(service: &str) -> Result<()> {
    process::output(process::program("update-rc.d").args([service, "disable"]))?;
    eprintln!(
        "  the {service} service was not started and is disabled; `systemctl enable --now {service}` turns it on"
    );
    Ok(())
}

/// A policy that says no while the process `setup` lives, and removes itself when it finds that one killed.
fn policy(setup: u32) -> String {
    format!(
        "#!/bin/sh\n\
         # Written by `cargo xtask setup` of dray for the time it installs packages.\n\
         if [ -d /proc/{setup} ]; then exit 101; fi\n\
         rm -f \"$0\"\n\
         exit 0\n"
    )
}

#[cfg(test)]
mod tests {
    use std::{fs, process::Command};

    use super::policy;

    #[test]
    fn a_policy_left_by_a_killed_set_up_removes_itself() {
        let path = std::env::temp_dir().join(format!("dray-policy-{}", std::process::id()));
        let asked = |setup: u32| {
            fs::write(&path, policy(setup)).expect("the temporary folder can be written");
            let answer = Command::new("sh")
                .arg(&path)
                .status()
                .expect("sh is there")
                .code();
            let left = path.exists();
            let _ = fs::remove_file(&path);
            (answer, left)
        };
        assert_eq!(
            asked(std::process::id()),
            (Some(101), true),
            "while the set-up runs"
        );
        // Process numbers end at 2^22.
        assert_eq!(asked(1 << 23), (Some(0), false), "after it was killed");
    }
}
