//! Other programs: how they are named, run and replaced by.

use std::{
    env,
    ffi::OsString,
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

use crate::workspace;

/// The program `name`, run in the repository's root.
///
/// Cargo's own folder of programs comes first in its `PATH`: Debian's `rustc-web` puts a second rustc into /usr/bin,
/// which is for the eBPF programs alone and has no cargo of its own.
pub(crate) fn program(name: &str) -> Command {
    let mut command = Command::new(name);
    command
        .current_dir(workspace::root())
        .env("PATH", search_path());
    command
}

/// The cargo that runs us.
pub(crate) fn cargo() -> Command {
    program(&env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()))
}

/// Runs `command` with our own input and output, and fails when it fails.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("failed to start {}", shown(command)))?;
    if !status.success() {
        bail!("`{}` failed ({status})", shown(command));
    }
    Ok(())
}

/// What `command` writes to its standard output; what it complains about goes into the error.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("failed to start {}", shown(command)))?;
    if !output.status.success() {
        bail!(
            "`{}` failed ({})\n{}{}",
            shown(command),
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr).trim_end()
        );
    }
    String::from_utf8(output.stdout)
        .with_context(|| format!("{} wrote what is not UTF-8", shown(command)))
}

/// Becomes `command`: from here on its signals, its clean-up and its exit code are ours.
pub(crate) fn become_program(command: &mut Command) -> Result<()> {
    let error = command.exec();
    Err(error).with_context(|| format!("failed to start {}", shown(command)))
}

/// Whether we may install packages, make network namespaces and load programs into the kernel.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Fails, naming the remedy, unless we are root. `why` completes "… needs root: …".
pub(crate) fn require_root(verb: &str, why: &str) -> Result<()> {
    if !is_root() {
        bail!(
            "`cargo xtask {verb}` needs root: {why}\n  try: sudo env PATH=\"$PATH\" cargo xtask {verb}"
        );
    }
    Ok(())
}

fn shown(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(
        command
            .get_args()
            .map(|argument| argument.to_string_lossy().into_owned()),
    );
    words.join(" ")
}

fn search_path() -> OsString {
    let inherited = env::var_os("PATH").unwrap_or_default();
    let ours = cargo_home().map(|home| home.join("bin"));
    env::join_paths(ours.into_iter().chain(env::split_paths(&inherited))).unwrap_or(inherited)
}

/// Cargo's own folder, whose `bin` is where `cargo install` puts programs.
pub(crate) fn cargo_home() -> Option<PathBuf> {
    env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| env::home_dir().map(|home| home.join(".cargo")))
}
