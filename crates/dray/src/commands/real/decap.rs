//! `dray real decap`: takes packets out of the directors' tunnels and gives them to the host.

use std::{num::NonZeroU16, process::ExitCode};

use anyhow::Context;
use clap::Args;
use dray_dataplane::{DecapCount, Decapsulator, Network, Tunnels};
use dray_model::XdpMode;
use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    grid::{Grid, Side},
    output, privileges,
};

/// Take packets out of directors' tunnels (IPIP, GRE, GUE) and give them to this host, until SIGTERM or Ctrl-C
///
/// It needs no tunnel device. Tunnels for this host that come from anybody else are dropped; everything else goes on to the host
/// as it came. At the end it says how many packets there were.
#[derive(Debug, Args)]
pub(super) struct Decap {
    /// The interface that tunnels come in by
    #[arg(long, value_name = "NAME")]
    interface: String,
    /// Where tunnels may come from: an address or a network, the directors' `tunnel_source`; may be given several times
    #[arg(long = "director", required = true, value_name = "ADDRESS[/LENGTH]")]
    directors: Vec<Network>,
    /// The UDP port that GUE comes to
    #[arg(long, value_name = "PORT", default_value = "6080")]
    gue_port: NonZeroU16,
    /// Say at the end how many packets there were as JSON
    #[arg(long)]
    json: bool,
}

impl Decap {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        privileges::check()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("failed to start the asynchronous runtime")?;
        let tunnels = Tunnels {
            directors: self.directors,
            gue_port: self.gue_port,
        };
        let counts = runtime.block_on(decapsulate(&self.interface, &tunnels))?;
        if self.json {
            let counts: Vec<_> = counts.iter().map(Count::from).collect();
            output::json(&counts)?;
        } else {
            output::text(&table(&counts))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Decapsulates until a signal says that it is enough; what became of packets.
async fn decapsulate(interface: &str, tunnels: &Tunnels) -> anyhow::Result<Vec<DecapCount>> {
    let catch = |kind| signal(kind).context("failed to catch signals");
    let mut interrupt = catch(SignalKind::interrupt())?;
    let mut terminate = catch(SignalKind::terminate())?;
    let (decapsulator, mode) = Decapsulator::attach(interface, tunnels)?;
    eprintln!("dray: {}", begun(interface, mode, tunnels));
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(decapsulator.counts()?)
}

/// What it does, in words.
fn begun(interface: &str, mode: XdpMode, tunnels: &Tunnels) -> String {
    let mode = match mode {
        XdpMode::Native => "native XDP",
        XdpMode::Generic => "generic XDP, the slower one",
    };
    let directors: Vec<_> = tunnels.directors.iter().map(Network::to_string).collect();
    format!(
        "taking packets out of tunnels on {interface} ({mode}): IPIP, GRE, and GUE on UDP port {}, from {}",
        tunnels.gue_port,
        directors.join(", ")
    )
}

/// [`DecapCount`] as JSON.
#[derive(Debug, Serialize)]
struct Count {
    reason: &'static str,
    packets: u64,
    meaning: &'static str,
}

impl From<&DecapCount> for Count {
    fn from(count: &DecapCount) -> Self {
        Self {
            reason: count.reason.name(),
            packets: count.packets,
            meaning: count.reason.meaning(),
        }
    }
}

fn table(counts: &[DecapCount]) -> String {
    let mut grid = Grid::new([Side::Left, Side::Right, Side::Left]);
    grid.row(["reason", "packets", "meaning"]);
    for DecapCount { reason, packets } in counts {
        grid.row([reason.name(), &packets.to_string(), reason.meaning()]);
    }
    grid.text()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_it_listens_to() {
        let tunnels = Tunnels {
            directors: vec!["10.0.0.2".parse().unwrap(), "10.9.0.0/18".parse().unwrap()],
            gue_port: NonZeroU16::new(6080).unwrap(),
        };
        assert_eq!(
            begun("eth0", XdpMode::Native, &tunnels),
            "taking packets out of tunnels on eth0 (native XDP): IPIP, GRE, and GUE on UDP port 6080, from 10.0.0.2, 10.9.0.0/18"
        );
    }
}
