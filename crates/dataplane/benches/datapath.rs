//! What a packet costs, in nanoseconds and in *bare lookups*: one hit in a kernel hash map by a 12-byte key.
//!
//! Every figure is net of a null program behind the same wrapper. All programs of a table take turns in every
//! round, each with the null program and the bare lookup beside it; figures and ratios are medians over the
//! rounds. `cargo xtask bench datapath` runs this; `-- --quick` does fewer rounds.
//!
//! To compare two commits, whose objects cannot be loaded side by side when layouts differ: build this benchmark in a git
//! worktree of each, run the two by turns some times on an idle machine, and compare the medians of the *bare lookups*,
//! not of the nanoseconds. The bare lookup is the same program in both and takes its turn in every round, so a machine that is
//! slower for a while slows both down alike.

#[path = "../tests/common/mod.rs"]
mod common;
#[path = "datapath/measure.rs"]
mod measure;
#[path = "datapath/scenes.rs"]
mod scenes;

use measure::{Bench, Row};

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let mut bench = Bench::new(if quick { 1 } else { 3 });
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
        "Established IPv4 TCP, with a template and without",
        &scenes::persistence(&mut bench),
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
