//! A lab to look around in: brought up, and kept until Ctrl-C.

use std::{fmt::Write as _, path::PathBuf, thread};

use anyhow::Result;

use crate::{
    config::VirtualService,
    lab::Lab,
    servers::SERVER_RECORD,
    topology::{Family, Topology},
};

/// What to bring up.
#[derive(Clone, Debug)]
pub struct Options {
    /// The topology.
    pub topology: Topology,
    /// The `dray` binary that directors run.
    pub binary: PathBuf,
    /// The services' scheduler, by IPVS's name.
    pub scheduler: String,
    /// Weights of the real servers, from the first on; those without one get no connections.
    pub weights: Vec<u16>,
}

/// Brings a lab up with web and name servers and running directors, says on standard output how to enter it, and keeps
/// it until the process gets SIGINT, SIGTERM or SIGHUP, which end the process.
///
/// # Errors
/// If it does not come up.
pub fn up(options: &Options) -> Result<()> {
    let lab = Lab::up(options.topology.clone())?;
    lab.serve_http(HTTP)?;
    lab.serve_dns(DNS)?;
    for index in 0..options.topology.director_count() {
        let director = lab.director(index);
        let mut config = director.config();
        for family in Family::BOTH {
            let version = if family == Family::V4 { "4" } else { "6" };
            let web = VirtualService::tcp(&format!("web{version}"), family, HTTP);
            let dns = VirtualService::udp(&format!("dns{version}"), family, DNS);
            for service in [web, dns] {
                let service = service
                    .scheduler(&options.scheduler)
                    .weights(&options.weights);
                config = config.service(service);
            }
        }
        director.start(&options.binary, config)?;
        director.wait_until_eligible()?;
    }
    println!("{}", options.topology.drawing(&notes(&options.weights)));
    println!("{}", directions(&lab));
    loop {
        // A thread of `premises` waits for the signal that ends this.
        thread::park();
    }
}

/// What stands beside the real servers in the drawing.
pub(crate) fn notes(weights: &[u16]) -> Vec<String> {
    weights
        .iter()
        .map(|weight| format!("weight {weight}"))
        .collect()
}

/// How to use the lab from another terminal.
fn directions(lab: &Lab) -> String {
    let topology = lab.topology();
    let client = lab.client(0).namespace().name();
    let mut text = "From another terminal:\n".to_owned();
    let mut example = |what: &str, command: String| {
        writeln!(text, "\n  # {what}\n  {command}").expect("text takes more text");
    };
    if topology.director_count() > 0 {
        let vip = topology.vip(0, Family::V4);
        let runtime_dir = lab.director(0).runtime_dir().display();
        example(
            "ask a virtual service over HTTP",
            format!("ip netns exec {client} curl http://{vip}/"),
        );
        example(
            "ask one over DNS",
            format!("ip netns exec {client} dig +short @{vip} {SERVER_RECORD} TXT"),
        );
        example(
            "ask the director",
            format!("dray status --runtime-dir {runtime_dir}"),
        );
        example(
            "change its configuration",
            format!(
                "$EDITOR {} && dray reload --runtime-dir {runtime_dir}",
                lab.director(0).config_file().display()
            ),
        );
    }
    example(
        "see the frames on the switch",
        format!(
            "ip netns exec {} tcpdump -eni director1",
            lab.switch().name()
        ),
    );
    example("enter a host", format!("ip netns exec {client} sh"));
    text.push_str("\nCtrl-C here ends the lab.");
    text
}

const HTTP: u16 = 80;
const DNS: u16 = 53;
