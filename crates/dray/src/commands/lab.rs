//! `dray lab`: dray without hardware, in network namespaces of this machine.

use std::{env, process::ExitCode};

use anyhow::Context;
use clap::{
    Args, Subcommand,
    builder::{PossibleValuesParser, RangedI64ValueParser},
    value_parser,
};
use dray_lab::{Topology, demo, keep};
use dray_model::Scheduler;

use crate::output;

/// Try dray in network namespaces of this machine (needs root); nothing stays behind
#[derive(Debug, Args)]
pub(super) struct Lab {
    #[command(subcommand)]
    scene: Scene,
}

#[derive(Debug, Subcommand)]
enum Scene {
    Demo(Demo),
    Up(Up),
}

/// Balance real connections by weight, and show that answers do not come back through the director
#[derive(Debug, Args)]
struct Demo {
    /// HTTP requests in all
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = value_parser!(u64).range(1..))]
    requests: u64,
    /// TCP connections that they are spread over
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = value_parser!(u64).range(1..))]
    connections: u64,
    /// The weight of each real server
    #[arg(long, value_name = "W,…", value_delimiter = ',', default_values_t = [3, 1, 1])]
    weights: Vec<u16>,
}

/// Bring up clients, directors and real servers, and keep them until Ctrl-C
#[derive(Debug, Args)]
struct Up {
    /// Directors with an interface on the clients' side and one on the real servers' side
    #[arg(long)]
    two_arms: bool,
    /// Number of clients
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = count(1, 50))]
    clients: u8,
    /// Number of directors, each with a VIP of its own
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = count(0, 8))]
    directors: u8,
    /// VLAN identifier of what clients send
    #[arg(long, value_name = "ID", value_parser = value_parser!(u16).range(1..=4094))]
    vlan: Option<u16>,
    /// How a new connection's real server is chosen
    #[arg(long, default_value = "wrr", value_parser = schedulers())]
    scheduler: String,
    /// The weight of each real server; as many real servers as weights
    #[arg(long, value_name = "W,…", value_delimiter = ',', default_values_t = [3, 1, 1])]
    weights: Vec<u16>,
}

impl Lab {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        match self.scene {
            Scene::Demo(demo) => demo.run(),
            Scene::Up(up) => up.run(),
        }
    }
}

impl Demo {
    fn run(self) -> anyhow::Result<ExitCode> {
        let Self {
            requests,
            connections,
            weights,
        } = self;
        let report = demo::run(&demo::Options {
            requests,
            connections,
            weights,
            ..demo::Options::new(binary()?)
        })?;
        output::text(&report.to_string())?;
        Ok(if report.holds() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}

impl Up {
    fn run(self) -> anyhow::Result<ExitCode> {
        let Self {
            two_arms,
            clients,
            directors,
            vlan,
            scheduler,
            weights,
        } = self;
        let reals = u8::try_from(weights.len()).context("too many real servers for a lab")?;
        let topology = if two_arms {
            Topology::two_arms(reals)
        } else {
            Topology::one_arm(reals)
        };
        let topology = topology.clients(clients).directors(directors);
        let topology = vlan.into_iter().fold(topology, Topology::client_vlan);
        keep::up(&keep::Options {
            topology,
            binary: binary()?,
            scheduler,
            weights,
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The program that directors of the lab run: this one.
fn binary() -> anyhow::Result<std::path::PathBuf> {
    env::current_exe().context("failed to find this program's file")
}

fn count(least: i64, most: i64) -> RangedI64ValueParser<u8> {
    RangedI64ValueParser::new().range(least..=most)
}

fn schedulers() -> PossibleValuesParser {
    PossibleValuesParser::new(Scheduler::ALL.map(Scheduler::name))
}
