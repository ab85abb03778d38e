//! Builds `ebpf/` with any rustc that carries the sources of its own library, and embeds the objects.
//!
//! `DRAY_BPF` chooses: `auto` (the default: build them, or embed nothing and warn when there is no eBPF
//! toolchain), `require` (fail instead), `skip` (embed nothing), or a directory that has the objects.
//! `DRAY_BPF_RUSTC` names the rustc to use. `cargo xtask setup` installs what is missing.

use std::{
    env,
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const OBJECTS: [&str; 2] = ["director", "bench"];

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    let root =
        PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or("CARGO_MANIFEST_DIR is not set")?)
            .join("../..")
            .canonicalize()?;
    println!("cargo::rerun-if-env-changed=DRAY_BPF");
    println!("cargo::rerun-if-env-changed=DRAY_BPF_RUSTC");
    for source in [
        "ebpf/src",
        "ebpf/Cargo.toml",
        "ebpf/Cargo.lock",
        "crates/abi",
        "crates/packet",
        "crates/sched",
    ] {
        println!("cargo::rerun-if-changed={}", root.join(source).display());
    }
    let mode = env::var("DRAY_BPF").unwrap_or_else(|_| "auto".to_owned());
    let built = match mode.as_str() {
        "skip" => Err("DRAY_BPF=skip".to_owned()),
        "auto" | "require" => build(&root)?,
        directory => Ok(PathBuf::from(directory)),
    };
    match built {
        Ok(directory) => {
            for name in OBJECTS {
                let object = directory.join(name);
                fs::copy(&object, out.join(format!("{name}.bpf.o")))
                    .map_err(|error| format!("failed to copy {}: {error}", object.display()))?;
            }
        }
        Err(why) if mode == "require" => return Err(format!("no eBPF object: {why}").into()),
        Err(why) => {
            println!(
                "cargo::warning=no eBPF object embedded ({why}): the binary cannot forward; see docs/building.md"
            );
            for name in OBJECTS {
                fs::write(out.join(format!("{name}.bpf.o")), [])?;
            }
        }
    }
    Ok(())
}

/// The directory with the objects, or why there is no toolchain to build them with. A toolchain that is
/// there but fails is an error: it means a mistake in the sources.
fn build(root: &Path) -> Result<Result<PathBuf, String>, Box<dyn Error>> {
    let Some(rustc) = rustc_with_sources() else {
        return Ok(Err("no rustc has the sources of its library".to_owned()));
    };
    if Command::new("bpf-linker")
        .arg("--version")
        .output()
        .is_err()
    {
        return Ok(Err("bpf-linker is not on PATH".to_owned()));
    }
    let target = env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root.join("target"), PathBuf::from)
        .join("bpf");
    let arch = env::var("CARGO_CFG_TARGET_ARCH")?;
    let flags = [
        "-Cdebuginfo=2",
        "-Clink-arg=--btf",
        // Two stores of 32 bits become one of 64 wherever it lies, but the verifier takes only aligned ones on the stack.
        "-Clink-arg=--llvm-args=-combiner-store-merging=false",
        &format!("--cfg=bpf_target_arch=\"{arch}\""),
        // v3: 32-bit operations and compare-and-swap (Linux 5.12).
        "-Ctarget-cpu=v3",
        // Headers are not aligned, and every machine that XDP matters on loads them in one piece all the same.
        "-Ctarget-feature=+allows-misaligned-mem-access",
    ];
    let output = Command::new(env::var_os("CARGO").ok_or("CARGO is not set")?)
        .args([
            "build",
            "--release",
            "--locked",
            "--quiet",
            "--target=bpfel-unknown-none",
            "-Zbuild-std=core",
        ])
        .arg("--target-dir")
        .arg(&target)
        .current_dir(root.join("ebpf"))
        // The outer cargo's settings are for the host.
        .env_remove("RUSTC_WRAPPER")
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .env_remove("RUSTFLAGS")
        .env_remove("RUSTUP_TOOLCHAIN")
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"))
        .env("RUSTC", rustc)
        // Only here: anywhere else it would switch unstable features on in every crate.
        .env("RUSTC_BOOTSTRAP", "1")
        .output()?;
    if !output.status.success() {
        return Err(format!(
            "the eBPF programs do not build:\n{}",
            String::from_utf8_lossy(&output.stderr)
        )
        .into());
    }
    Ok(Ok(target.join("bpfel-unknown-none/release")))
}

/// `DRAY_BPF_RUSTC`, rustup's stable, rustup's nightly, the system's: the first that has its sources.
fn rustc_with_sources() -> Option<PathBuf> {
    let rustup = |toolchain: &str| {
        let output = Command::new("rustup")
            .args(["which", "rustc", "--toolchain", toolchain])
            .output()
            .ok()?;
        output
            .status
            .success()
            .then(|| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
    };
    let named = env::var_os("DRAY_BPF_RUSTC").map(PathBuf::from);
    let system = Some(PathBuf::from("/usr/bin/rustc"));
    [named, rustup("stable"), rustup("nightly"), system]
        .into_iter()
        .flatten()
        .find(|rustc| {
            Command::new(rustc)
                .args(["--print", "sysroot"])
                .output()
                .is_ok_and(|output| {
                    Path::new(String::from_utf8_lossy(&output.stdout).trim())
                        .join("lib/rustlib/src/rust/library/core/Cargo.toml")
                        .exists()
                })
        })
}
