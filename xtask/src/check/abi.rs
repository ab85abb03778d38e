//! The ABI rule: what the maps hold cannot change while `ABI_VERSION` stays.
//!
//! Maps outlive the daemon. A newer dray that reads an older one's maps under the same version must find every
//! byte where it expects it; so a change of the shared types, constants and map names raises the version. `abi.lock`
//! records the version with a fingerprint of the sources' tokens: comments, documentation, format and tests do not
//! count.
//!
//! Code is recorded apart from declarations. A function packs and unpacks what the declarations hold, but may be
//! rewritten and still write the same bits: only a person can tell, and says so with `--accept-abi`.

mod fingerprint;

use std::{fmt, fs, path::PathBuf, str::FromStr};

use anyhow::{Context, Result, bail};

use crate::workspace;
use fingerprint::Fingerprint;

/// What `abi.lock` says, or should say.
#[derive(Debug, PartialEq, Eq)]
struct Lock {
    version: u32,
    fingerprint: Fingerprint,
}

/// How the sources stand to what is recorded.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// They are what was recorded.
    Same,
    /// The version was raised, or code changed: a person confirms it.
    ToAccept(&'static str),
    /// Declarations changed under the same version.
    Forbidden,
}

/// The sources are what abi.lock records.
pub(super) fn check() -> Result<()> {
    match judge(&recorded()?, &present()?) {
        Verdict::Same => Ok(()),
        Verdict::ToAccept(why) => bail!("{why}\n  confirm it: cargo xtask check --accept-abi"),
        Verdict::Forbidden => bail!("{FORBIDDEN}"),
    }
}

/// Records the sources as they are, unless that would hide a change of the layout.
pub(super) fn accept() -> Result<()> {
    let present = present()?;
    if path().exists() && judge(&recorded()?, &present) == Verdict::Forbidden {
        bail!("{FORBIDDEN}");
    }
    fs::write(path(), present.to_string())
        .with_context(|| format!("failed to write {}", path().display()))?;
    eprintln!(
        "recorded ABI version {} in {}",
        present.version,
        path().display()
    );
    Ok(())
}

const FORBIDDEN: &str = "what the maps hold changed, and ABI_VERSION did not: a running data plane would be misread\n  \
                         raise ABI_VERSION in crates/abi, then: cargo xtask check --accept-abi";

fn judge(recorded: &Lock, present: &Lock) -> Verdict {
    if recorded == present {
        Verdict::Same
    } else if recorded.version != present.version {
        Verdict::ToAccept("ABI_VERSION changed")
    } else if recorded.fingerprint.declarations == present.fingerprint.declarations {
        Verdict::ToAccept(
            "code that writes or reads what the maps hold changed: where it writes other bits than before, raise \
             ABI_VERSION first",
        )
    } else {
        Verdict::Forbidden
    }
}

/// Where the layouts are: the shared types, the words of scheduling records, and the hash that says where in the
/// connection table a connection lies.
const SOURCES: &[&str] = &[
    "crates/abi/src",
    "crates/packet/src/hash.rs",
    "crates/sched/src/record.rs",
    "crates/sched/src/record",
];

fn present() -> Result<Lock> {
    let paths: Vec<PathBuf> = SOURCES
        .iter()
        .map(|path| workspace::root().join(path))
        .collect();
    let sources = fingerprint::Sources::read(&paths)?;
    let version = sources
        .version()
        .context("crates/abi declares no `const ABI_VERSION: u32 = …;`")?;
    Ok(Lock {
        version,
        fingerprint: sources.fingerprint(),
    })
}

fn recorded() -> Result<Lock> {
    let text = fs::read_to_string(path()).with_context(|| {
        format!(
            "failed to read {}; record it: cargo xtask check --accept-abi",
            path().display()
        )
    })?;
    text.parse()
        .with_context(|| format!("{} is damaged", path().display()))
}

fn path() -> PathBuf {
    workspace::root().join("crates/abi/abi.lock")
}

// === abi.lock as text ===

impl fmt::Display for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "# Written by `cargo xtask check --accept-abi`; docs/building.md says when."
        )?;
        writeln!(f, "version {}", self.version)?;
        writeln!(f, "declarations {:016x}", self.fingerprint.declarations)?;
        writeln!(f, "code {:016x}", self.fingerprint.code)
    }
}

impl FromStr for Lock {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let value = |key: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(key)?.strip_prefix(' '))
                .with_context(|| format!("it has no line `{key} …`"))
        };
        let hash = |key: &str| {
            u64::from_str_radix(value(key)?, 16)
                .with_context(|| format!("its {key} is no hexadecimal number"))
        };
        Ok(Self {
            version: value("version")?
                .parse()
                .context("its version is no number")?,
            fingerprint: Fingerprint {
                declarations: hash("declarations")?,
                code: hash("code")?,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Fingerprint, Lock, Verdict, judge};

    fn lock(version: u32, declarations: u64, code: u64) -> Lock {
        Lock {
            version,
            fingerprint: Fingerprint { declarations, code },
        }
    }

    #[test]
    fn a_changed_layout_needs_a_new_version() {
        assert_eq!(
            judge(&lock(1, 10, 20), &lock(1, 11, 20)),
            Verdict::Forbidden
        );
        assert!(matches!(
            judge(&lock(1, 10, 20), &lock(2, 11, 20)),
            Verdict::ToAccept(_)
        ));
    }

    #[test]
    fn changed_code_needs_a_persons_word() {
        assert!(matches!(
            judge(&lock(1, 10, 20), &lock(1, 10, 21)),
            Verdict::ToAccept(_)
        ));
    }

    #[test]
    fn what_is_recorded_passes() {
        assert_eq!(judge(&lock(3, 10, 20), &lock(3, 10, 20)), Verdict::Same);
    }

    #[test]
    fn the_lock_reads_what_it_writes() {
        let written = lock(7, 0xfeed, 1);
        assert_eq!(
            written
                .to_string()
                .parse::<Lock>()
                .expect("it reads itself"),
            written
        );
        "version 1\ncode 12"
            .parse::<Lock>()
            .expect_err("a line is missing");
    }
}
