//! Where things are in the repository.

use std::path::{Path, PathBuf};

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask is a folder of the repository")
        .to_owned()
}

/// Tools that belong to this checkout alone and are on nobody's `PATH`.
pub(crate) fn tools() -> PathBuf {
    root().join("target/tools")
}

/// The Python packages of schemathesis.
pub(crate) fn schemathesis() -> PathBuf {
    tools().join("schemathesis")
}

/// The kernel that dray is compared with, where `dray-oracle` made it ready.
pub(crate) fn oracle() -> PathBuf {
    root().join("target/oracle/tree")
}
