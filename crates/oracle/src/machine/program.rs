//! The guest's own program, built statically from this workspace.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

/// Builds the crate `dray-guest` and returns its binary.
///
/// In a folder of its own: other flags than the workspace's would throw away what is built there, and whoever holds
/// the workspace's lock may be waiting for us.
pub(super) fn build(target_folder: &Path) -> Result<PathBuf> {
    let target = host_target()?;
    let output = cargo()
        .args([
            "build",
            "--quiet",
            "--package",
            "dray-guest",
            "--bin",
            "dray-guest",
        ])
        .args(["--target", &target])
        .arg("--target-dir")
        .arg(target_folder)
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env("RUSTFLAGS", "-C target-feature=+crt-static")
        .output()
        .context("failed to start cargo")?;
    if !output.status.success() {
        bail!(
            "failed to build the guest's program\n{}",
            String::from_utf8_lossy(&output.stderr).trim_end()
        );
    }
    Ok(target_folder.join(target).join("debug/dray-guest"))
}

/// Puts `program` at `to`, in one step and only if it is another one: a guest may be running from there.
pub(super) fn install(program: &Path, to: &Path) -> Result<()> {
    let wanted =
        fs::read(program).with_context(|| format!("failed to read {}", program.display()))?;
    if fs::read(to).is_ok_and(|present| present == wanted) {
        return Ok(());
    }
    let new = to.with_extension("new");
    fs::copy(program, &new).with_context(|| format!("failed to write {}", new.display()))?;
    fs::rename(&new, to).with_context(|| format!("failed to put {} in place", to.display()))
}

/// The target that the static C library's flag is given for: naming it keeps the flag from procedural macros.
fn host_target() -> Result<String> {
    let output = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
        .arg("-vV")
        .current_dir(workspace())
        .stdin(Stdio::null())
        .output()
        .context("failed to start rustc")?;
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .map(str::to_owned)
        .context("rustc does not name its host")
}

fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(workspace()).stdin(Stdio::null());
    command
}

/// The root of the repository.
fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("this crate is in the workspace's folder of crates")
        .to_owned()
}
