//! Ends a director whose daemon is gone: what is pinned, and the VIPs in its ledger.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use dray_api::RuntimeDir;
use dray_control::{AddedVip, VipLedger};
use dray_model::Net;

use crate::{
    commands,
    daemon::ledger::{self, Ledger, NetworkNamespace, ReadError, Record},
    privileges,
};

/// What was there and is gone.
#[derive(Debug)]
pub(crate) struct Withdrawn {
    /// Whether a data plane was pinned.
    pub(crate) dataplane: bool,
    /// The VIPs that were removed.
    pub(crate) vips: BTreeSet<AddedVip>,
}

/// Owns the runtime directory meanwhile, so that no daemon starts in between. VIPs leave the ledger last:
/// after a failure, the same call finishes the work.
pub(crate) fn withdraw(runtime_dir: &Path, bpffs: Option<&Path>) -> anyhow::Result<Withdrawn> {
    privileges::check()?;
    let bpffs = place(recorded(runtime_dir)?.as_ref(), bpffs, runtime_dir)?;
    let owned = RuntimeDir::claim(runtime_dir)?;
    let record = recorded(owned.path())?;
    let dataplane = dray_dataplane::withdraw(&bpffs)?;
    let Some(Record {
        namespace, vips, ..
    }) = record
    else {
        return Ok(Withdrawn {
            dataplane,
            vips: BTreeSet::new(),
        });
    };
    if !vips.is_empty() {
        let here = NetworkNamespace::of_this_thread()
            .context("failed to read /proc/thread-self/ns/net")?;
        if namespace != here {
            bail!(
                "{}, but its VIPs are in another network namespace: run this again there (`ip netns exec NAME …`), or, \
                 if that is gone, remove {}",
                outcome(dataplane),
                ledger::path(runtime_dir).display()
            );
        }
        remove(&vips)?;
        Ledger::open(owned.path(), &bpffs)?
            .save(&BTreeSet::new())
            .context("failed to write the ledger")?;
    }
    Ok(Withdrawn { dataplane, vips })
}

/// What became of forwarding.
pub(crate) fn outcome(dataplane: bool) -> &'static str {
    if dataplane {
        "forwarding has ended"
    } else {
        "nothing was forwarded"
    }
}

/// Where the director's data plane is pinned. It is never guessed: at the usual place may be another's.
fn place(
    record: Option<&Record>,
    flag: Option<&Path>,
    runtime_dir: &Path,
) -> anyhow::Result<PathBuf> {
    match (record, flag) {
        (Some(Record { bpffs, .. }), Some(flag)) if bpffs != flag => bail!(
            "the data plane of the director in {} is pinned under {}, not under {}: leave --bpffs out",
            runtime_dir.display(),
            bpffs.display(),
            flag.display()
        ),
        (Some(record), _) => Ok(record.bpffs.clone()),
        (None, Some(flag)) => Ok(flag.to_owned()),
        (None, None) if runtime_dir == Path::new(commands::RUNTIME_DIR) => {
            Ok(commands::BPFFS.into())
        }
        (None, None) => bail!(
            "there is no ledger in {}, so nothing says where a data plane is pinned: check --runtime-dir, or name the \
             place with --bpffs",
            runtime_dir.display()
        ),
    }
}

fn recorded(runtime_dir: &Path) -> anyhow::Result<Option<Record>> {
    ledger::read(runtime_dir).map_err(|error| {
        let damaged = matches!(error, ReadError::Damaged { .. });
        let error = anyhow::Error::new(error);
        if damaged {
            error.context(
                "cannot tell what to withdraw; move the ledger away, remove left-over VIPs by hand (`ip address`), and \
                 try again with --bpffs",
            )
        } else {
            error
        }
    })
}

fn remove(vips: &BTreeSet<AddedVip>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("failed to start the asynchronous runtime")?;
    runtime.block_on(async {
        let net = dray_net::Host::open()?;
        let mut refused = None;
        for AddedVip { interface, vip } in vips {
            // One that stays keeps no other there.
            if let Err(error) = net.remove_vip(interface, *vip).await {
                refused.get_or_insert(error);
            }
        }
        refused.map_or(Ok(()), |error| Err(error.into()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ledger_says_where_the_data_plane_is_pinned() {
        let namespace = NetworkNamespace::of_this_thread().expect("/proc is there");
        let record = Record {
            bpffs: "/bpf/one".into(),
            namespace,
            vips: BTreeSet::new(),
        };
        let at = |record, flag: Option<&str>, dir: &str| {
            place(record, flag.map(Path::new), Path::new(dir)).map_err(|error| error.to_string())
        };
        assert_eq!(at(Some(&record), None, "/run/one"), Ok("/bpf/one".into()));
        assert_eq!(
            at(Some(&record), Some("/bpf/one"), "/run/one"),
            Ok("/bpf/one".into())
        );
        let other = at(Some(&record), Some("/bpf/two"), "/run/one").expect_err("two places");
        assert!(
            other.contains("/bpf/one") && other.contains("--bpffs"),
            "{other}"
        );
    }

    #[test]
    fn without_a_ledger_only_the_usual_pair_of_directories_belongs_together() {
        let at = |flag: Option<&str>, dir: &str| {
            place(None, flag.map(Path::new), Path::new(dir)).map_err(|error| error.to_string())
        };
        assert_eq!(at(None, "/run/dray"), Ok("/sys/fs/bpf/dray".into()));
        assert_eq!(at(Some("/bpf/two"), "/run/two"), Ok("/bpf/two".into()));
        let lost = at(None, "/run/two").expect_err("nothing says where");
        assert!(
            lost.contains("/run/two") && lost.contains("--bpffs"),
            "{lost}"
        );
    }
}
