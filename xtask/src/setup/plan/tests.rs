use super::{BPF_LINKER, Step, next};
use crate::setup::{
    facts::{BpfLinker, Compiler, Facts, Llvm},
    packages::PACKAGES,
};

/// A machine with everything.
fn complete() -> Facts {
    Facts {
        root: true,
        apt: true,
        apt_lists: true,
        missing_packages: Vec::new(),
        missing_components: Vec::new(),
        wants_bpf: true,
        bpf_compiler: Some(Compiler {
            path: "/usr/bin/rustc".into(),
            llvm: 22,
        }),
        rustup_may_have_sources: true,
        apt_has_compiler: true,
        bpf_linker: Some(BpfLinker {
            version: BPF_LINKER.to_owned(),
            llvm: Some(22),
        }),
        llvm: Llvm::Installed,
        wants_oracle: false,
        wants_schemathesis: false,
        wants_cargo_deny: false,
    }
}

/// A fresh machine with rustup and root.
fn bare() -> Facts {
    Facts {
        apt_lists: false,
        missing_packages: PACKAGES.to_vec(),
        missing_components: vec!["clippy"],
        bpf_compiler: None,
        bpf_linker: None,
        apt_has_compiler: false,
        llvm: Llvm::Unknown,
        wants_oracle: true,
        wants_schemathesis: true,
        wants_cargo_deny: true,
        ..complete()
    }
}

/// What the steps do to a machine whose rustup `has_sources` or not, as far as `next` can tell.
fn after(step: &Step, facts: Facts, has_sources: bool, apt_has_llvm: bool) -> Facts {
    let in_apt = if apt_has_llvm {
        Llvm::InApt
    } else {
        Llvm::Unknown
    };
    let compiler = |path: &str| {
        Some(Compiler {
            path: path.into(),
            llvm: 22,
        })
    };
    match step {
        Step::RefreshApt => Facts {
            apt_lists: true,
            apt_has_compiler: true,
            llvm: in_apt,
            ..facts
        },
        Step::InstallPackages(_) => Facts {
            missing_packages: Vec::new(),
            ..facts
        },
        Step::AddComponents(_) => Facts {
            missing_components: Vec::new(),
            ..facts
        },
        Step::AddRustSources if has_sources => Facts {
            bpf_compiler: compiler("stable/bin/rustc"),
            ..facts
        },
        Step::AddRustSources => Facts {
            rustup_may_have_sources: false,
            ..facts
        },
        Step::InstallDebianRustc => Facts {
            bpf_compiler: compiler("/usr/bin/rustc"),
            ..facts
        },
        Step::InstallLlvm(_) => Facts {
            llvm: Llvm::Installed,
            ..facts
        },
        Step::CompileBpfLinker(llvm) => Facts {
            bpf_linker: Some(BpfLinker {
                version: BPF_LINKER.to_owned(),
                llvm: Some(*llvm),
            }),
            ..facts
        },
        Step::DownloadBpfLinker => Facts {
            bpf_linker: Some(BpfLinker {
                version: BPF_LINKER.to_owned(),
                llvm: None,
            }),
            ..facts
        },
        Step::PrepareOracle => Facts {
            wants_oracle: false,
            ..facts
        },
        Step::InstallSchemathesis => Facts {
            wants_schemathesis: false,
            ..facts
        },
        Step::InstallCargoDeny => Facts {
            wants_cargo_deny: false,
            ..facts
        },
    }
}

fn all_steps(mut facts: Facts, has_sources: bool, apt_has_llvm: bool) -> Vec<Step> {
    let mut steps = Vec::new();
    while let Some(step) = next(&facts).expect("there is a way") {
        facts = after(&step, facts, has_sources, apt_has_llvm);
        assert!(!steps.contains(&step), "{step:?} twice in {steps:?}");
        steps.push(step);
    }
    steps
}

#[test]
fn a_machine_with_everything_is_left_alone() {
    assert_eq!(next(&complete()).expect("nothing to fail"), None);
}

#[test]
fn a_bare_machine_whose_rustup_has_no_sources_gets_debians_compiler() {
    assert_eq!(
        all_steps(bare(), false, true),
        [
            Step::RefreshApt,
            Step::InstallPackages(PACKAGES.to_vec()),
            Step::AddComponents(vec!["clippy"]),
            Step::AddRustSources,
            Step::InstallDebianRustc,
            Step::InstallLlvm(22),
            Step::CompileBpfLinker(22),
            Step::PrepareOracle,
            Step::InstallSchemathesis,
            Step::InstallCargoDeny,
        ]
    );
}

#[test]
fn rustups_sources_make_a_second_compiler_needless() {
    let steps = all_steps(bare(), true, true);
    assert!(!steps.contains(&Step::InstallDebianRustc), "{steps:?}");
    assert!(steps.contains(&Step::CompileBpfLinker(22)), "{steps:?}");
}

#[test]
fn where_apt_has_no_such_llvm_the_linker_is_downloaded() {
    let steps = all_steps(bare(), true, false);
    assert!(steps.contains(&Step::DownloadBpfLinker), "{steps:?}");
}

#[test]
fn a_linker_of_another_llvm_is_built_anew() {
    let facts = Facts {
        bpf_linker: Some(BpfLinker {
            version: BPF_LINKER.to_owned(),
            llvm: Some(21),
        }),
        ..complete()
    };
    assert_eq!(
        next(&facts).expect("there is a way"),
        Some(Step::CompileBpfLinker(22))
    );
}

#[test]
fn a_linker_of_another_version_is_built_anew() {
    let facts = Facts {
        bpf_linker: Some(BpfLinker {
            version: "0.9.0".to_owned(),
            llvm: Some(22),
        }),
        ..complete()
    };
    assert_eq!(
        next(&facts).expect("there is a way"),
        Some(Step::CompileBpfLinker(22))
    );
}

#[test]
fn a_linker_with_llvm_inside_is_believed() {
    let facts = Facts {
        bpf_linker: Some(BpfLinker {
            version: BPF_LINKER.to_owned(),
            llvm: None,
        }),
        ..complete()
    };
    assert_eq!(next(&facts).expect("nothing to fail"), None);
}

#[test]
fn the_oracle_is_made_ready_without_root_once_apt_knows_its_packages() {
    let facts = Facts {
        root: false,
        wants_oracle: true,
        ..complete()
    };
    assert_eq!(
        next(&facts).expect("nothing to fail"),
        Some(Step::PrepareOracle)
    );
    let without_lists = Facts {
        root: true,
        apt_lists: false,
        ..facts.clone()
    };
    assert_eq!(
        next(&without_lists).expect("nothing to fail"),
        Some(Step::RefreshApt)
    );
    let without_apt = Facts {
        apt: false,
        ..facts
    };
    let refusal = next(&without_apt).expect_err("there is no apt").to_string();
    assert!(refusal.contains("user-mode-linux"), "{refusal}");
}

#[test]
fn packages_without_root_are_refused_with_the_command_to_use() {
    let facts = Facts {
        root: false,
        missing_packages: PACKAGES.to_vec(),
        ..complete()
    };
    let refusal = next(&facts).expect_err("apt needs root").to_string();
    assert!(
        refusal.contains("nginx-light") && refusal.contains("sudo"),
        "{refusal}"
    );
}

#[test]
fn a_machine_without_apt_is_told_what_it_lacks() {
    let facts = Facts {
        apt: false,
        missing_packages: PACKAGES.to_vec(),
        ..complete()
    };
    let refusal = next(&facts).expect_err("there is no apt").to_string();
    assert!(refusal.contains("nginx-light"), "{refusal}");
}

#[test]
fn without_any_way_to_a_compiler_the_variable_to_set_is_named() {
    let facts = Facts {
        bpf_compiler: None,
        rustup_may_have_sources: false,
        apt_has_compiler: false,
        ..complete()
    };
    let refusal = next(&facts).expect_err("no way is left").to_string();
    assert!(refusal.contains("DRAY_BPF_RUSTC"), "{refusal}");
}

#[test]
fn every_step_says_what_it_does_and_why() {
    for step in all_steps(bare(), false, true) {
        assert!(
            !step.what().is_empty() && !step.why().is_empty(),
            "{step:?}"
        );
    }
}
