//! What of the machine is built from this workspace: the guest's program and the kernel's clock.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

/// Builds the guest's program, static: the guest's C library is not ours.
pub(super) fn guest(cache: &Path) -> Result<PathBuf> {
    let target = host_target()?;
    let folder = cache.join("static");
    build(
        "dray-guest",
        &folder,
        &["--target", &target],
        "-C target-feature=+crt-static",
    )?;
    Ok(folder.join(target).join("debug/dray-guest"))
}

/// Builds the kernel's clock, a library that is loaded into it.
pub(super) fn clock(cache: &Path) -> Result<PathBuf> {
    let folder = cache.join("dynamic");
    build("dray-clock", &folder, &[], "")?;
    Ok(folder.join("debug/libdray_clock.so"))
}

/// Builds a crate of this workspace in a folder of its own: other flags than the workspace's would throw away what is
/// built there, and whoever holds the workspace's lock may be waiting for us.
fn build(package: &str, folder: &Path, arguments: &[&str], flags: &str) -> Result<()> {
    let output = cargo()
        .args(["build", "--quiet", "--package", package])
        .args(arguments)
        .arg("--target-dir")
        .arg(folder)
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env("RUSTFLAGS", flags)
        .output()
        .context("failed to start cargo")?;
    if !output.status.success() {
        bail!(
            "failed to build {package}\n{}",
            String::from_utf8_lossy(&output.stderr).trim_end()
        );
    }
    Ok(())
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
