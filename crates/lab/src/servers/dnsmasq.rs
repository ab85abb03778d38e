//! dnsmasq (Debian package `dnsmasq-base`): a name server over UDP. It answers from the address that it was asked at,
//! as direct routing needs it.

use std::{process::Command, sync::Arc};

use anyhow::{Context as _, Result};

use super::{SERVER_RECORD, wait_until_listening};
use crate::{namespace::Namespace, premises::Premises, process::Process};

/// Starts it on a port of all addresses of a namespace, those of VIPs that come later included.
pub(crate) fn serve_dns(
    premises: &Premises,
    namespace: &Arc<Namespace>,
    name: &str,
    port: u16,
) -> Result<Process> {
    let unique = format!("{name}-dns-{port}");
    let mut command = Command::new("dnsmasq");
    command
        .args([
            "--keep-in-foreground",
            "--conf-file=/dev/null",
            "--no-resolv",
            "--no-hosts",
            "--no-poll",
        ])
        .args(["--user=root", "--log-facility=-", "--pid-file"])
        .arg(format!("--port={port}"))
        .arg(format!("--txt-record={SERVER_RECORD},{name}"));
    let mut process = Process::start(premises, namespace, &unique, command).context(
        "failed to start dnsmasq (Debian package dnsmasq-base; `cargo xtask setup` installs it)",
    )?;
    // It opens its TCP and UDP ports together.
    wait_until_listening(&mut process, namespace, port)?;
    Ok(process)
}
