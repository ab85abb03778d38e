//! Ends a director whose daemon is gone: what is pinned, and the VIPs in its ledger.

use std::{collections::BTreeSet, path::Path};

use anyhow::Context;
use dray_api::RuntimeDir;
use dray_control::AddedVip;
use dray_model::Net;

use crate::{
    daemon::ledger::{self, ReadError, Record},
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

/// Owns the runtime directory meanwhile, so that no daemon starts in between. The ledger goes last: after
/// a failure, the same call finishes the work.
pub(crate) fn withdraw(runtime_dir: &Path, bpffs: Option<&Path>) -> anyhow::Result<Withdrawn> {
    privileges::check()?;
    let owned = RuntimeDir::claim(runtime_dir)?;
    let record = record(owned.path())?;
    let bpffs = bpffs.map_or(record.bpffs, Path::to_owned);
    let dataplane = dray_dataplane::withdraw(&bpffs)?;
    remove(&record.vips)?;
    ledger::remove(owned.path()).context("failed to remove the ledger")?;
    Ok(Withdrawn {
        dataplane,
        vips: record.vips,
    })
}

fn record(runtime_dir: &Path) -> anyhow::Result<Record> {
    match ledger::read(runtime_dir) {
        Ok(record) => Ok(record.unwrap_or_else(|| Record {
            bpffs: crate::commands::BPFFS.into(),
            vips: BTreeSet::new(),
        })),
        Err(error @ ReadError::Damaged { .. }) => Err(error).context(
            "cannot tell what to withdraw; move the file away, remove left-over VIPs by hand (`ip address`), and try \
             again with --bpffs",
        ),
        Err(error) => Err(error.into()),
    }
}

fn remove(vips: &BTreeSet<AddedVip>) -> anyhow::Result<()> {
    if vips.is_empty() {
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("failed to start the asynchronous runtime")?;
    runtime.block_on(async {
        let net = dray_net::Host::open()?;
        for AddedVip { interface, vip } in vips {
            net.remove_vip(interface, *vip).await?;
        }
        Ok(())
    })
}
