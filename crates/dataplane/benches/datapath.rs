//! What a packet costs, in nanoseconds and in *bare lookups*: one hit in a kernel hash map by a 12-byte key.
//!
//! Every figure is net of a null program behind the same wrapper; the programs take turns within one run,
//! and figures are medians over the rounds. `cargo xtask bench datapath` runs this; `--quick` does fewer rounds.

#[path = "../tests/common/mod.rs"]
mod common;
#[path = "datapath/measure.rs"]
mod measure;
#[path = "datapath/scenes.rs"]
mod scenes;

use measure::{Bench, Row};

fn main() {
    let rounds = if std::env::args().any(|argument| argument == "--quick") {
        3
    } else {
        9
    };
    let mut bench = Bench::new(rounds);
    println!("# Cost of a packet\n");
    println!("{}", bench.conditions());
    Row::print_all(
        "Established connections, one flow",
        &scenes::established(&mut bench),
    );
    Row::print_all(
        "Established connections, 1,048,576 flows in random order",
        &scenes::cold(&mut bench),
    );
    Row::print_all(
        "Established IPv4 TCP, by number of services",
        &scenes::services(&mut bench),
    );
    Row::print_all(
        "A new TCP connection, by scheduler and real servers",
        &scenes::new_connections(&mut bench),
    );
    Row::print_all(
        "A packet that is not for a service",
        &scenes::not_ours(&mut bench),
    );
    scenes::memory();
}
