//! A scenario as a plan for the guest: one event comes back for the set-up, each packet and each other step.

use std::collections::HashMap;

use anyhow::{Context, Result};
use dray_guest::{Instruction, Plan, Side};
use dray_replay::{
    Scenario, frame,
    scenario::{self, Dump, Kind, PacketStep, Payload, Step},
};

use super::setup;

pub(super) fn compile(scenario: &Scenario) -> Result<Plan> {
    let mut plan = vec![
        Instruction::Run(setup::script(scenario)),
        Instruction::Start,
    ];
    // The guest numbers packets, a scenario steps.
    let mut packet_of_step = HashMap::new();
    let mut packets = 0;
    for (number, step) in scenario.steps.iter().enumerate() {
        let before = plan.len();
        match step {
            Step::Packet(packet) => {
                packet_of_step.insert(number, packets);
                send(scenario, packet, &packet_of_step, &mut plan)
                    .with_context(|| format!("step {number}"))?;
                packets += plan.len() - before;
            }
            Step::Ipvsadm { line, input, .. } => {
                plan.push(Instruction::Run(with_input(line, input.as_deref())));
            }
            Step::Sysctl { name, value, .. } => plan.push(Instruction::Run(set(name, value))),
            Step::Shell { line, .. } => plan.push(Instruction::Run(line.clone())),
            Step::Wait(time) => plan.push(Instruction::Wait(time.duration())),
            Step::Dump { kind, .. } => plan.push(Instruction::Run(listing(*kind).to_owned())),
        }
    }
    Ok(Plan(plan))
}

/// The shell line that runs `ipvsadm` with a standard input.
fn with_input(line: &str, input: Option<&str>) -> String {
    match input {
        Some(input) => format!(
            "printf %s '{}' | ipvsadm {line}",
            input.replace('\'', "'\\''")
        ),
        None => format!("ipvsadm {line}"),
    }
}

/// The shell line that makes a setting.
pub(super) fn set(name: &str, value: &str) -> String {
    format!("echo {value} > /proc/sys/{}", name.replace('.', "/"))
}

fn send(
    scenario: &Scenario,
    packet: &PacketStep,
    packet_of_step: &HashMap<usize, usize>,
    plan: &mut Vec<Instruction>,
) -> Result<()> {
    if let Payload::Reply(reply) = &packet.payload {
        let to = *packet_of_step
            .get(&reply.to)
            .with_context(|| format!("step {} is no packet before it", reply.to))?;
        let flags = match &reply.kind {
            Kind::Tcp(flags) => flags.bits(),
            _ => 0,
        };
        plan.push(Instruction::Reply { to, flags });
        return Ok(());
    }
    let side = match packet.from {
        scenario::Side::Client => Side::Client,
        scenario::Side::Real => Side::Server,
    };
    let frames = frame::frames(scenario, packet)?;
    plan.extend(
        frames
            .into_iter()
            .map(|frame| Instruction::Send { side, frame }),
    );
    Ok(())
}

/// The command that takes a listing.
fn listing(kind: Dump) -> &'static str {
    match kind {
        Dump::List => "ipvsadm -Ln",
        Dump::ListNosort => "ipvsadm -Ln --nosort",
        Dump::Conns => "ipvsadm -Lnc",
        Dump::Stats => "ipvsadm -Ln --stats",
        Dump::StatsExact => "ipvsadm -Ln --stats --exact",
        Dump::Thresholds => "ipvsadm -Ln --thresholds",
        Dump::PersistentConn => "ipvsadm -Ln --persistent-conn",
        Dump::Timeout => "ipvsadm -Ln --timeout",
        Dump::Save => "ipvsadm -Sn",
        Dump::Proc => "cat /proc/net/ip_vs",
        Dump::ProcConns => "cat /proc/net/ip_vs_conn",
        Dump::ProcStats => "cat /proc/net/ip_vs_stats",
    }
}
