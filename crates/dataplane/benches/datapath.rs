//! What a packet costs, in nanoseconds and in *bare lookups*: one hit in a kernel hash map by a 12-byte key.
//!
//! Every figure is net of a null program behind the same wrapper. All programs of a table take turns in every
//! round, each with the null program, the bare lookup and the table's first program beside it; figures and ratios are medians
//! over the rounds. `cargo xtask bench datapath` runs this; `-- --quick` does fewer rounds, `-- --only TEXT` only the tables
//! whose titles contain the text.
//!
//! To compare two commits, whose objects cannot be loaded side by side when layouts differ: build this benchmark in a git
//! worktree of each, run the two by turns some times on an idle machine, and compare the medians of the *bare lookups*,
//! not of the nanoseconds. The bare lookup is the same program in both and takes its turn in every round, so a machine that is
//! slower for a while slows both down alike.

#[path = "../tests/common/mod.rs"]
mod common;
#[path = "datapath/measure.rs"]
mod measure;
#[path = "datapath/methods.rs"]
mod methods;
#[path = "datapath/scenes.rs"]
mod scenes;

use std::process::ExitCode;

use measure::{Bench, Row};

/// What makes a table's rows.
type Scene = fn(&mut Bench) -> Vec<Row>;

/// Every table: title and rows.
const TABLES: [(&str, Scene); 7] = [
    ("Established connections, one flow", scenes::established),
    (
        "Established connections, by forwarding method",
        methods::established,
    ),
    (
        "Established connections, 1,048,576 flows in random order",
        scenes::cold,
    ),
    (
        "Established IPv4 TCP, by number of services",
        scenes::services,
    ),
    (
        "Established IPv4 TCP, with a template and without",
        scenes::persistence,
    ),
    (
        "A new TCP connection, by scheduler and real servers",
        scenes::new_connections,
    ),
    ("A packet that is not for a service", scenes::not_ours),
];

const MEMORY: &str = "Kernel memory for each connection that the table is made for";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let only = arguments
        .iter()
        .skip_while(|argument| *argument != "--only")
        .nth(1);
    let wanted = |title: &str| only.is_none_or(|text| title.contains(text.as_str()));
    let titles = || TABLES.iter().map(|(title, _)| *title).chain([MEMORY]);
    if !titles().any(wanted) {
        let known: Vec<&str> = titles().collect();
        eprintln!(
            "no table's title contains what `--only` says; there is: {}",
            known.join("; ")
        );
        return ExitCode::FAILURE;
    }
    let mut bench = Bench::new(if quick { 1 } else { 3 });
    println!("# Cost of a packet\n");
    println!("{}", bench.conditions());
    for (title, scene) in TABLES.into_iter().filter(|(title, _)| wanted(title)) {
        Row::print_all(title, &scene(&mut bench));
    }
    if wanted(MEMORY) {
        scenes::memory(MEMORY);
    }
    ExitCode::SUCCESS
}
