//! What to install next, decided from facts alone.
//!
//! The eBPF programs need two things whose LLVMs must agree: a rustc that carries the sources of its own library (`core`
//! is compiled for the eBPF target from them), and bpf-linker. In order of preference:
//!
//! | | compiler | linker |
//! |---|---|---|
//! | 1 | one that is here already | one that is here already, of the same LLVM |
//! | 2 | rustup's, given its sources by `rustup component add rust-src` | built by cargo on Debian's LLVM |
//! | 3 | Debian's `rustc-web` with `rust-web-src` | its publisher's ready-built one |

use anyhow::{Result, bail};

use super::{
    facts::{Facts, Llvm},
    packages::Package,
};

/// The bpf-linker that dray is built and tested with.
pub(super) const BPF_LINKER: &str = "0.13.0";

/// The schemathesis that the API is tested with; its hash is in schemathesis.txt.
pub(super) const SCHEMATHESIS: &str = "4.32.5";

/// One thing to do to the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Fetch the lists of what apt can install.
    RefreshApt,
    /// Install Debian packages.
    InstallPackages(Vec<Package>),
    /// Add parts to the Rust toolchain.
    AddComponents(Vec<&'static str>),
    /// Give rustup's rustc the sources of its library.
    AddRustSources,
    /// Install Debian's rustc and the sources of its library.
    InstallDebianRustc,
    /// Install LLVM's development files, of this major version.
    InstallLlvm(u32),
    /// Compile bpf-linker on the LLVM of this major version.
    CompileBpfLinker(u32),
    /// Download the bpf-linker that its publisher built.
    DownloadBpfLinker,
    /// Download and unpack the kernel that dray is compared with.
    PrepareOracle,
    /// Install schemathesis for this checkout.
    InstallSchemathesis,
    /// Install cargo-deny for this checkout.
    InstallCargoDeny,
}

/// The next step from `facts` towards a machine that lacks nothing, or `None` when it lacks nothing.
pub(super) fn next(facts: &Facts) -> Result<Option<Step>> {
    let step = if !facts.missing_packages.is_empty() {
        Some(Step::InstallPackages(facts.missing_packages.clone()))
    } else if !facts.missing_components.is_empty() {
        Some(Step::AddComponents(facts.missing_components.clone()))
    } else if facts.wants_bpf {
        next_of_bpf(facts)?
    } else {
        None
    };
    let step = match step {
        None if facts.wants_oracle => Some(next_towards_the_oracle(facts)?),
        step => step,
    };
    let step = step.or_else(|| {
        facts
            .wants_schemathesis
            .then_some(Step::InstallSchemathesis)
    });
    let step = step.or_else(|| facts.wants_cargo_deny.then_some(Step::InstallCargoDeny));
    match step {
        Some(step) if step.needs_apt() => apt(facts, step).map(Some),
        step => Ok(step),
    }
}

fn next_of_bpf(facts: &Facts) -> Result<Option<Step>> {
    let Some(compiler) = &facts.bpf_compiler else {
        return next_towards_a_compiler(facts).map(Some);
    };
    if facts
        .bpf_linker
        .as_ref()
        .is_some_and(|linker| linker.links(compiler))
    {
        return Ok(None);
    }
    Ok(Some(match facts.llvm {
        Llvm::Installed => Step::CompileBpfLinker(compiler.llvm),
        Llvm::InApt => Step::InstallLlvm(compiler.llvm),
        Llvm::Unknown if facts.apt && !facts.apt_lists => Step::RefreshApt,
        Llvm::Unknown => Step::DownloadBpfLinker,
    }))
}

/// Its packages are downloaded by apt-get, which takes no root, but must know of them.
fn next_towards_the_oracle(facts: &Facts) -> Result<Step> {
    if !facts.apt {
        bail!(
            "{} takes apt-get, which is not here: dray is compared with the kernel that Debian packages",
            Step::PrepareOracle.what()
        );
    }
    Ok(if facts.apt_lists {
        Step::PrepareOracle
    } else {
        Step::RefreshApt
    })
}

fn next_towards_a_compiler(facts: &Facts) -> Result<Step> {
    if facts.rustup_may_have_sources {
        Ok(Step::AddRustSources)
    } else if facts.apt_has_compiler {
        Ok(Step::InstallDebianRustc)
    } else if facts.apt && !facts.apt_lists {
        Ok(Step::RefreshApt)
    } else {
        bail!(
            "no rustc with the sources of its own library, and no way to get one: rustup has no rust-src for its \
             toolchain, and apt no rustc-web; name such a rustc in DRAY_BPF_RUSTC (see docs/building.md)"
        )
    }
}

/// `step`, or what must come before it where apt knows nothing yet; an error where apt cannot be used.
fn apt(facts: &Facts, step: Step) -> Result<Step> {
    if !facts.apt {
        bail!(
            "{} takes apt-get, which is not here: install the like by your own means",
            step.what()
        );
    }
    if !facts.root {
        bail!(
            "{} takes root ({}); try: sudo env PATH=\"$PATH\" cargo xtask setup",
            step.what(),
            step.why()
        );
    }
    Ok(if facts.apt_lists || step == Step::RefreshApt {
        step
    } else {
        Step::RefreshApt
    })
}

impl Step {
    /// What the step does, as a phrase: "installing nginx-light".
    pub(super) fn what(&self) -> String {
        match self {
            Self::RefreshApt => "fetching apt's package lists".to_owned(),
            Self::InstallPackages(packages) => {
                let names: Vec<&str> = packages.iter().map(|package| package.name).collect();
                format!("installing {} (Debian)", names.join(", "))
            }
            Self::AddComponents(names) => {
                format!("adding {} to the Rust toolchain", names.join(" and "))
            }
            Self::AddRustSources => "adding rust-src to the Rust toolchain".to_owned(),
            Self::InstallDebianRustc => "installing rustc-web and rust-web-src (Debian)".to_owned(),
            Self::InstallLlvm(major) => {
                format!("installing llvm-{major}-dev and libpolly-{major}-dev (Debian)")
            }
            Self::CompileBpfLinker(major) => {
                format!("compiling bpf-linker {BPF_LINKER} on LLVM {major}")
            }
            Self::DownloadBpfLinker => format!("downloading bpf-linker {BPF_LINKER}"),
            Self::PrepareOracle => {
                "unpacking user-mode-linux, ipvsadm and the like into target/oracle".to_owned()
            }
            Self::InstallSchemathesis => {
                format!("installing schemathesis {SCHEMATHESIS} into target/tools")
            }
            Self::InstallCargoDeny => "installing cargo-deny into target/tools".to_owned(),
        }
    }

    /// Why, and what a person may wonder about while waiting.
    pub(super) fn why(&self) -> String {
        match self {
            Self::RefreshApt => "there are none yet".to_owned(),
            Self::InstallPackages(packages) => {
                let reasons: Vec<&str> = packages.iter().map(|package| package.why).collect();
                reasons.join("; ")
            }
            Self::AddComponents(_) => "format and lints are checked with them".to_owned(),
            Self::AddRustSources => {
                "core is compiled for the eBPF target from its sources".to_owned()
            }
            Self::InstallDebianRustc => {
                "a second rustc, with the sources of its library, for the eBPF programs \
                                         alone; rustup's stays the one for everything else"
                    .to_owned()
            }
            Self::InstallLlvm(_) => {
                "bpf-linker is built on the LLVM that the eBPF compiler has".to_owned()
            }
            Self::CompileBpfLinker(_) => {
                "it links the eBPF programs; takes about two minutes, once".to_owned()
            }
            Self::DownloadBpfLinker => {
                "it links the eBPF programs, and this machine has no LLVM to build it on".to_owned()
            }
            Self::PrepareOracle => {
                "dray's choices are compared with those of a real kernel's IPVS".to_owned()
            }
            Self::InstallSchemathesis => {
                "tests have it call the API as its description says, and otherwise".to_owned()
            }
            Self::InstallCargoDeny => "it checks licences and duplicate versions".to_owned(),
        }
    }

    /// Whether another way is open when the step fails.
    pub(super) fn may_fail(&self) -> bool {
        *self == Self::AddRustSources
    }

    fn needs_apt(&self) -> bool {
        matches!(
            self,
            Self::RefreshApt
                | Self::InstallPackages(_)
                | Self::InstallDebianRustc
                | Self::InstallLlvm(_)
        )
    }
}

#[cfg(test)]
mod tests;
