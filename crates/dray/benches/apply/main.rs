//! How long a configuration takes: 10,000 services with 10 real servers each from their file until packets are directed by
//! it, and one changed weight among them. `cargo xtask bench apply` runs this; `--only parts` or `--only director` one
//! half of it.
//!
//! `parts.rs` has the rooms one by one, for each scheduler; `director.rs` all of it, through the API of a director that runs.

use std::{env, process::ExitCode};

mod director;
#[path = "../lab/disk.rs"]
mod disk;
mod file;
mod parts;
mod times;

/// The two halves, by what `--only` calls them.
const HALVES: [(&str, fn()); 2] = [("parts", parts::measure), ("director", director::measure)];

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().collect();
    let only = arguments
        .iter()
        .skip_while(|argument| *argument != "--only")
        .nth(1);
    let wanted = |name: &str| only.is_none_or(|only| only == name);
    if !HALVES.iter().any(|(name, _)| wanted(name)) {
        eprintln!("`--only` takes `parts` or `director`");
        return ExitCode::FAILURE;
    }
    println!(
        "# {} services with {} real servers each",
        file::SERVICES,
        file::REALS
    );
    for (_, measure) in HALVES.into_iter().filter(|(name, _)| wanted(name)) {
        measure();
    }
    ExitCode::SUCCESS
}
