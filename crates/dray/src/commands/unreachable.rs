//! What a person wants to know when a call failed: where the daemon was looked for, and whether packets
//! are forwarded all the same.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use dray_api::CallError;

use super::BPFFS;
use crate::daemon::ledger;

/// The error in full. A configuration's errors are shown as `dray check` shows them.
pub(super) fn explain(error: CallError, runtime_dir: &Path) -> anyhow::Error {
    match error {
        CallError::NoDaemon { .. } => anyhow!("{error}; {}", forwarding(runtime_dir)),
        CallError::Refused(problem) => {
            if let Some(rendered) = &problem.rendered {
                eprint!("{rendered}");
            }
            problem.into()
        }
        error => error.into(),
    }
}

/// Whether a director without a daemon forwards, as a sentence.
pub(super) fn forwarding(runtime_dir: &Path) -> String {
    let bpffs = bpffs(runtime_dir);
    let place = bpffs.display();
    match dray_dataplane::pinned(&bpffs) {
        Ok(true) => format!(
            "forwarding goes on without it, from {place}: `dray run` takes it over, `dray stop --withdraw` ends it"
        ),
        Ok(false) => format!(
            "nothing is forwarded (nothing is pinned under {place}): `dray run` starts a director"
        ),
        Err(why) => format!("whether forwarding goes on cannot be told ({place}: {why})"),
    }
}

/// Where the last daemon of that runtime directory pinned its data plane.
pub(super) fn bpffs(runtime_dir: &Path) -> PathBuf {
    match ledger::read(runtime_dir) {
        Ok(Some(record)) => record.bpffs,
        // A ledger that is missing or unreadable says nothing; most daemons pin at the usual place.
        Ok(None) | Err(_) => PathBuf::from(BPFFS),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn it_looks_where_the_last_daemon_pinned() {
        let dir = tempfile::tempdir().expect("a directory");
        let bpffs = dir.path().join("bpf");
        drop(ledger::Ledger::open(dir.path(), &bpffs).expect("opens"));
        assert!(forwarding(dir.path()).starts_with("nothing is forwarded"));
        fs::create_dir_all(bpffs.join("v1")).expect("a directory");
        assert!(forwarding(dir.path()).starts_with("nothing is forwarded"));
        fs::write(bpffs.join("v1/settings"), "").expect("writes");
        let sentence = forwarding(dir.path());
        assert!(sentence.starts_with("forwarding goes on"), "{sentence}");
        assert!(
            sentence.contains(bpffs.to_str().expect("text")),
            "{sentence}"
        );
    }
}
