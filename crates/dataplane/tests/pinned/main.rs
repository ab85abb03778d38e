//! The data plane outlives its daemon: opened on real interfaces, pinned, left alone, and found again.

mod adopted;
#[path = "../common/mod.rs"]
mod common;
mod interfaces;
mod refused;
mod withdrawn;

use dray_dataplane::{Capacity, KernelDataPlane, Options, open};
use dray_model::{Connection, DataPlane as _, DestinationId};

/// Every map that has a size to choose is larger with this one.
const LARGER: Capacity = Capacity {
    connections: 128,
    translations: 64,
    services: 16,
    destinations: 32,
    words: 8192,
    hops: 32,
};

/// What a data plane that could not be opened says, with its causes.
fn refusal(options: &Options) -> String {
    let Err(error) = open(options) else {
        panic!("it was opened")
    };
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    text
}

fn packets(plane: &KernelDataPlane) -> u64 {
    (1..16)
        .map(|number| plane.counters(DestinationId(number)).packets)
        .sum()
}

fn connections(plane: &KernelDataPlane) -> Vec<Connection> {
    plane.connections(&|_| true, usize::MAX)
}
