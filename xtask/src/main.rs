//! The one door for people and for CI: `cargo xtask VERB`.
//!
//! ```text
//! setup ─▶ build ─▶ demo          each verb first installs, by itself, what it needs and does not find,
//!       ├▶ test                   says what it installs and why, and is quiet when everything is there
//!       ├▶ fuzz-ipvs
//!       ├▶ kernels
//!       ├▶ bench
//!       └▶ check
//! ```
//!
//! One file per verb. A verb that ends in another program (the demo, the tests, the benchmark) becomes that
//! program, so that Ctrl-C and `kill` reach it directly and its clean-up is the last thing that happens.

mod bench;
mod build;
mod check;
mod demo;
mod fuzz_ipvs;
mod kernels;
mod process;
mod setup;
mod test;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

/// Everything that is done with this repository.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Install what building, testing and checking need and this machine lacks
    Setup,
    /// Build the static release binary, target/release/dray
    Build,
    /// Build, then show a director balancing real connections in a lab on this machine
    Demo {
        /// Passed on to `dray lab demo`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Run every test; needs root
    Test {
        /// Passed on to `cargo test`, e.g. `-p dray-model` or a test's name
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Draw random scenarios and compare dray's choices with those of a real kernel's IPVS; needs root
    FuzzIpvs {
        /// Passed on to `dray-oracle fuzz`, e.g. `--seconds 600`, `--count 2000`, `--seed 7`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Run the data plane's tests on the oldest kernel that it is meant for, in an emulated machine
    Kernels {
        #[command(flatten)]
        options: kernels::Options,
    },
    /// What `kernels` calls inside that machine
    #[command(hide = true, name = kernels::guest::VERB)]
    KernelGuest,
    /// Measure; needs root
    Bench {
        /// What to measure
        benchmark: Benchmark,
        /// Passed on to the benchmark
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Check format, lints, licences, room rules, the ABI rule and the generated documentation
    Check {
        #[command(flatten)]
        accept: check::Accept,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Benchmark {
    /// Nanoseconds a packet, in the kernel, against a null program
    Datapath,
    /// What the kernel's verifier says about the programs: instructions looked at, stack, size
    Verifier,
    /// Time to apply 10,000 services from a file, and one changed weight among them
    Apply,
    /// A thousand API writes a second under traffic: what is lost, and how long they take
    Writes,
}

fn main() -> ExitCode {
    let done = match Cli::parse().verb {
        Verb::Setup => setup::everything(),
        Verb::Build => build::run().map(drop),
        Verb::Demo { arguments } => demo::run(&arguments),
        Verb::Test { arguments } => test::run(&arguments),
        Verb::FuzzIpvs { arguments } => fuzz_ipvs::run(&arguments),
        Verb::Kernels { options } => kernels::run(&options),
        Verb::KernelGuest => kernels::guest::run(),
        Verb::Bench {
            benchmark,
            arguments,
        } => bench::run(benchmark, &arguments),
        Verb::Check { accept } => check::run(&accept),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
