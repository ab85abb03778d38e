//! `cargo xtask build`: one static binary with the eBPF object inside, at target/release/dray, and what belongs beside it
//! on a system, in target/release/share.
//!
//! The C library is linked in (`crt-static`), so the file runs on any x86-64 or arm64 Linux whose kernel is new
//! enough, whatever its distribution. Naming the target keeps that flag away from build scripts and procedural
//! macros, which must stay dynamic, and gives the build a folder of its own beside cargo's usual one.

mod share;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use object::{
    elf,
    read::elf::{FileHeader, ProgramHeader},
};

use crate::{process, setup, workspace};

/// Builds, and returns the binary's path.
pub(crate) fn run() -> Result<PathBuf> {
    setup::for_build()?;
    let target = setup::host_target()?;
    process::run(
        process::cargo()
            .args([
                "build",
                "--release",
                "--package",
                "dray",
                "--bin",
                "dray",
                "--target",
                &target,
            ])
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .env("RUSTFLAGS", "-C target-feature=+crt-static")
            .env("DRAY_BPF", "require"),
    )?;
    let built = workspace::root()
        .join("target")
        .join(&target)
        .join("release/dray");
    let binary = workspace::root().join("target/release/dray");
    put(&built, &binary)?;
    let bytes =
        fs::read(&binary).with_context(|| format!("failed to read {}", binary.display()))?;
    if let Some(interpreter) =
        interpreter(&bytes).with_context(|| format!("{} is no program", binary.display()))?
    {
        bail!(
            "{} is not static: it asks for {interpreter}",
            binary.display()
        );
    }
    share::write(&binary, &binary.with_file_name("share"))?;
    eprintln!(
        "built target/release/dray: static, {:.1} MiB",
        bytes.len() as f64 / (1024.0 * 1024.0)
    );
    Ok(binary)
}

/// Puts a copy of `from` at `to` in one step, also while the old `to` is running.
fn put(from: &Path, to: &Path) -> Result<()> {
    let folder = to.parent().expect("a file has a folder");
    fs::create_dir_all(folder).with_context(|| format!("failed to create {}", folder.display()))?;
    let new = to.with_extension("new");
    fs::copy(from, &new)
        .with_context(|| format!("failed to copy {} to {}", from.display(), new.display()))?;
    fs::rename(&new, to).with_context(|| format!("failed to put {} in place", to.display()))
}

/// The dynamic loader that the program `file` asks for; a static one asks for none.
fn interpreter(file: &[u8]) -> Result<Option<String>, object::read::Error> {
    let header = elf::FileHeader64::<object::Endianness>::parse(file)?;
    let endian = header.endian()?;
    for segment in header.program_headers(endian, file)? {
        if let Some(path) = segment.interpreter(endian, file)? {
            return Ok(Some(String::from_utf8_lossy(path).into_owned()));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::interpreter;

    #[test]
    fn a_dynamic_program_is_told_from_a_static_one() {
        let ourselves = fs::read("/proc/self/exe").expect("a process can read its own program");
        let asked_for = interpreter(&ourselves).expect("the test program is an ELF file");
        assert!(
            asked_for.is_some_and(|path| path.contains("ld-linux")),
            "tests are built dynamic"
        );
        interpreter(b"#!/bin/sh\n").expect_err("a script is no ELF file");
    }
}
