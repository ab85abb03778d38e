//! The `dray` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    dray::commands::main()
}
