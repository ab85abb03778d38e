//! The description of the API, as its room writes it.

use anyhow::Result;

use crate::process;

/// The whole of docs/openapi.json.
pub(super) fn as_json() -> Result<String> {
    process::output(process::cargo().args([
        "run",
        "--quiet",
        "--package",
        "dray-api",
        "--example",
        "openapi",
    ]))
}
