//! `cargo xtask check`: the rules that need no kernel, each in a file of its own.
//!
//! Every rule is tried, also after one has failed, so that one run names all that is wrong.

mod abi;
mod book;
mod cargo;
mod generated;
mod rooms;

use anyhow::{Result, bail};
use clap::Args;

use crate::setup;

/// What a person may have changed on purpose. Each writes its file and checks nothing else.
#[derive(Args)]
pub(crate) struct Accept {
    /// Record the ABI's fingerprint, after ABI_VERSION was raised or code changed that writes the same as before
    #[arg(long)]
    accept_abi: bool,
    /// Write the generated parts of the documentation anew
    #[arg(long)]
    write_docs: bool,
}

/// A rule's name, and what fails when it is broken.
type Rule = (&'static str, fn() -> Result<()>);

/// Cheap ones first.
const RULES: &[Rule] = &[
    ("format", cargo::format),
    ("rooms", rooms::check),
    ("ABI", abi::check),
    ("licences, versions, sources", cargo::deny),
    ("book", book::check),
    ("lints", cargo::lints),
    ("generated documentation", generated::check),
];

pub(crate) fn run(accept: &Accept) -> Result<()> {
    setup::for_check()?;
    if accept.accept_abi {
        abi::accept()?;
    }
    if accept.write_docs {
        generated::write()?;
    }
    if accept.accept_abi || accept.write_docs {
        return Ok(());
    }
    let mut broken = Vec::new();
    for (name, rule) in RULES {
        eprintln!("checking {name}");
        if let Err(error) = rule() {
            eprintln!("error: {name}: {error:#}\n");
            broken.push(*name);
        }
    }
    if !broken.is_empty() {
        bail!(
            "{} of {} checks failed: {}",
            broken.len(),
            RULES.len(),
            broken.join("; ")
        );
    }
    eprintln!("all {} checks passed", RULES.len());
    Ok(())
}
