//! Schemathesis: calls an API as its description says, and in ways that it does not, and judges the answers.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// What it looks at: no server errors, and no answer that is not described.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance,negative_data_rejection,\
                      unsupported_method,allow_header_conformance";

/// The command that judges the API at an address such as `https://127.0.0.1:7443`, to be told how it may call there. What
/// else it is told is in the configuration, a file of the package that is tested. It fails when it finds something, and says
/// what.
pub(crate) fn judge(address: &str, configuration: &str, seed: u32) -> Command {
    let packages = packages();
    assert!(
        packages.exists(),
        "schemathesis is not in {}: cargo xtask setup",
        packages.display()
    );
    let mut command = Command::new("python3");
    command
        .args(["-m", "schemathesis.cli", "--config-file"])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(configuration))
        .arg("run")
        .arg(format!("{address}/v1/openapi.json"))
        .args(["--checks", CHECKS])
        // Events come without end.
        .args(["--exclude-path", "/v1/events"])
        .args(["--phases", "examples,coverage,fuzzing,stateful"])
        .args(["--max-examples", "25", "--seed", &seed.to_string()])
        // It may think longer about the next call than the daemon keeps a connection for it.
        .args(["--request-retries", "2"])
        .args(["--continue-on-failure", "--no-color"])
        .args(["--suppress-health-check", "all"])
        .args(["--warnings", "off"])
        .env("PYTHONPATH", &packages);
    command
}

/// Where `cargo xtask setup` puts them.
fn packages() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/schemathesis")
}
