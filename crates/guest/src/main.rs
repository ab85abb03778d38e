//! `/init` of the guest; and, for each plan, the child of it that plays the plan.

mod init;
mod play;
mod tap;

use std::{env, path::Path, process::ExitCode};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [init::PLAY, plan, report] => match play::play(Path::new(plan), Path::new(report)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{plan}: {error:#}");
                ExitCode::FAILURE
            }
        },
        // The kernel hands init the words of its command line that it does not know.
        _ => init::run(),
    }
}
