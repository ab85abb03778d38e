//! What the machine has: observed, never guessed, and judged nowhere but in `plan`.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use super::{
    packages::{PACKAGES, Package, Purpose},
    plan::{BPF_LINKER, SCHEMATHESIS, Step},
};
use crate::{process, workspace};

/// Everything that decides what is installed next.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    /// We may install Debian packages.
    pub(super) root: bool,
    /// The machine installs software by apt.
    pub(super) apt: bool,
    /// apt has a list of what it could install.
    pub(super) apt_lists: bool,
    /// Packages of [`PACKAGES`] that are wanted and not there.
    pub(super) missing_packages: Vec<Package>,
    /// Parts of the Rust toolchain that are wanted and not there.
    pub(super) missing_components: Vec<&'static str>,
    /// The eBPF programs are to be compiled.
    pub(super) wants_bpf: bool,
    /// The compiler that the eBPF programs will be compiled by: the first with its library's sources.
    pub(super) bpf_compiler: Option<Compiler>,
    /// rustup is there and was not yet asked in vain for the library's sources.
    pub(super) rustup_may_have_sources: bool,
    /// apt could install a rustc with its sources (`rustc-web`, `rust-web-src`).
    pub(super) apt_has_compiler: bool,
    /// The linker of eBPF programs.
    pub(super) bpf_linker: Option<BpfLinker>,
    /// How the compiler's LLVM can be had, where the linker is to be built on it.
    pub(super) llvm: Llvm,
    /// The kernel that dray is compared with is wanted and not there.
    pub(super) wants_oracle: bool,
    /// schemathesis is wanted and not there.
    pub(super) wants_schemathesis: bool,
    /// cargo-deny is wanted and not there.
    pub(super) wants_cargo_deny: bool,
}

/// A rustc that carries the sources of its own library, from which `core` is compiled for the eBPF target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Compiler {
    /// Where it is.
    pub(super) path: PathBuf,
    /// The major version of its LLVM.
    pub(super) llvm: u32,
}

/// The bpf-linker on the `PATH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BpfLinker {
    /// Its version, such as `0.13.0`.
    pub(super) version: String,
    /// The major version of the LLVM it loads; `None` when LLVM is inside it.
    pub(super) llvm: Option<u32>,
}

/// How the LLVM of the eBPF compiler's major version can be had, for building bpf-linker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Llvm {
    /// Its development files are here.
    Installed,
    /// apt can install them.
    InApt,
    /// Neither.
    Unknown,
}

impl Facts {
    /// Looks at the machine. `done` are the steps already tried, of which one that failed is not tried again.
    pub(super) fn observe(purposes: &[Purpose], done: &[Step]) -> Self {
        let wants_bpf = purposes.contains(&Purpose::Build);
        let bpf_compiler = bpf_compiler();
        let bpf_linker = bpf_linker();
        let is_linked = |compiler: &Compiler| {
            bpf_linker
                .as_ref()
                .is_some_and(|linker| linker.links(compiler))
        };
        Self {
            root: process::is_root(),
            apt: Path::new("/usr/bin/apt-get").exists(),
            apt_lists: apt_lists(),
            missing_packages: missing_packages(purposes),
            missing_components: missing_components(purposes),
            wants_bpf,
            rustup_may_have_sources: rustup() && !done.contains(&Step::AddRustSources),
            // Asking apt takes long, so it is asked only for what is missing.
            apt_has_compiler: bpf_compiler.is_none()
                && apt_offers("rustc-web")
                && apt_offers("rust-web-src"),
            llvm: bpf_compiler
                .as_ref()
                .filter(|compiler| !is_linked(compiler))
                .map_or(Llvm::Unknown, |compiler| llvm(compiler.llvm)),
            bpf_compiler,
            bpf_linker,
            wants_oracle: purposes.contains(&Purpose::Oracle) && !workspace::oracle().exists(),
            wants_schemathesis: purposes.contains(&Purpose::Test) && !has_schemathesis(),
            wants_cargo_deny: purposes.contains(&Purpose::Check) && cargo_deny().is_none(),
        }
    }
}

impl BpfLinker {
    /// Whether it links what `compiler` makes. One with LLVM inside does not tell which: it was put there by a person,
    /// or by [`Step::DownloadBpfLinker`], and is believed.
    pub(super) fn links(&self, compiler: &Compiler) -> bool {
        self.version == BPF_LINKER && self.llvm.is_none_or(|llvm| llvm == compiler.llvm)
    }
}

/// The value in a line `key: value`, as rustc's `-vV` writes them.
pub(super) fn value_of<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix(": "))
}

/// The cargo-deny of the version that deny.toml is written for.
pub(super) fn cargo_deny() -> Option<PathBuf> {
    [
        PathBuf::from("cargo-deny"),
        workspace::tools().join("bin/cargo-deny"),
    ]
    .into_iter()
    .find(|program| {
        said(process::program(&program.to_string_lossy()).arg("--version"))
            .is_some_and(|version| version.starts_with("cargo-deny 0.20."))
    })
}

/// pip leaves a folder that is named after the version.
fn has_schemathesis() -> bool {
    workspace::schemathesis()
        .join(format!("schemathesis-{SCHEMATHESIS}.dist-info"))
        .exists()
}

fn missing_packages(purposes: &[Purpose]) -> Vec<Package> {
    PACKAGES
        .iter()
        .copied()
        .filter(|package| purposes.contains(&package.purpose))
        .filter(|package| !is_there(package.gives))
        .collect()
}

/// Whether a file with a full path exists, or else a program of that name on the `PATH` or among root's.
fn is_there(file_or_program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let roots = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    // Joining a full path to a folder gives the full path.
    env::split_paths(&path)
        .chain(roots)
        .any(|folder| folder.join(file_or_program).exists())
}

fn missing_components(purposes: &[Purpose]) -> Vec<&'static str> {
    [("rustfmt", "cargo-fmt"), ("clippy", "cargo-clippy")]
        .into_iter()
        .filter(|_| purposes.contains(&Purpose::Check))
        .filter(|(_, program)| said(process::program(program).arg("--version")).is_none())
        .map(|(component, _)| component)
        .collect()
}

/// The same candidates in the same order as crates/bpf/build.rs.
fn bpf_compiler() -> Option<Compiler> {
    let candidates = [
        env::var_os("DRAY_BPF_RUSTC").map(PathBuf::from),
        rustup_compiler("stable"),
        rustup_compiler("nightly"),
        Some(PathBuf::from("/usr/bin/rustc")),
    ];
    candidates.into_iter().flatten().find_map(|path| {
        let sysroot = said(Command::new(&path).args(["--print", "sysroot"]))?;
        let sources =
            Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library/core/Cargo.toml");
        let about = said(Command::new(&path).arg("-vV"))?;
        let llvm = value_of(&about, "LLVM version")?
            .split('.')
            .next()?
            .parse()
            .ok()?;
        sources.exists().then_some(Compiler { path, llvm })
    })
}

fn rustup_compiler(toolchain: &str) -> Option<PathBuf> {
    let path = said(process::program("rustup").args(["which", "rustc", "--toolchain", toolchain]))?;
    Some(PathBuf::from(path.trim()))
}

fn rustup() -> bool {
    said(process::program("rustup").arg("--version")).is_some()
}

fn bpf_linker() -> Option<BpfLinker> {
    let version = said(process::program("bpf-linker").arg("--version"))?;
    let version = version.trim().strip_prefix("bpf-linker ")?.to_owned();
    let path = said(process::program("sh").args(["-c", "command -v bpf-linker"]))?;
    let libraries = said(process::program("ldd").arg(path.trim())).unwrap_or_default();
    Some(BpfLinker {
        version,
        llvm: llvm_of(&libraries),
    })
}

/// The major version of the LLVM among the shared libraries that ldd lists.
fn llvm_of(libraries: &str) -> Option<u32> {
    let name = libraries
        .split_whitespace()
        .find(|word| word.starts_with("libLLVM"))?;
    let version = name
        .trim_start_matches("libLLVM.so.")
        .trim_start_matches("libLLVM-");
    version.split('.').next()?.parse().ok()
}

fn llvm(major: u32) -> Llvm {
    if Path::new(&format!("/usr/lib/llvm-{major}/include/llvm-c/Core.h")).exists()
        && Path::new(&format!("/usr/lib/llvm-{major}/lib/libPolly.a")).exists()
    {
        Llvm::Installed
    } else if apt_offers(&format!("llvm-{major}-dev")) {
        Llvm::InApt
    } else {
        Llvm::Unknown
    }
}

fn apt_offers(package: &str) -> bool {
    said(process::program("apt-cache").args(["policy", package])).is_some_and(|policy| {
        policy
            .lines()
            .any(|line| line.contains("Candidate:") && !line.contains("(none)"))
    })
}

fn apt_lists() -> bool {
    std::fs::read_dir("/var/lib/apt/lists").is_ok_and(|lists| {
        lists
            .flatten()
            .any(|list| list.file_name().to_string_lossy().contains("_Packages"))
    })
}

/// What a program answers; `None` when it is not there or fails.
fn said(command: &mut Command) -> Option<String> {
    let output = command.stdin(std::process::Stdio::null()).output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::{llvm_of, value_of};

    #[test]
    fn the_llvm_of_a_program_is_read_from_its_libraries() {
        assert_eq!(
            llvm_of("\tlibLLVM.so.22.1 => /usr/lib/llvm-22/lib/libLLVM.so.22.1 (0x7f)\n"),
            Some(22)
        );
        assert_eq!(
            llvm_of("\tlibLLVM-21.so => /usr/lib/libLLVM-21.so (0x7f)\n"),
            Some(21)
        );
        assert_eq!(llvm_of("\tstatically linked\n"), None);
    }

    #[test]
    fn a_compiler_says_its_llvm_and_its_host() {
        let about = "rustc 1.96.0\nhost: x86_64-unknown-linux-gnu\nLLVM version: 22.1.8\n";
        assert_eq!(value_of(about, "LLVM version"), Some("22.1.8"));
        assert_eq!(value_of(about, "host"), Some("x86_64-unknown-linux-gnu"));
        assert_eq!(value_of(about, "release"), None);
    }
}
