//! The disk under a director of the lab.

use std::{os::unix::fs::symlink, path::Path};

use dray_lab::Director;
use tempfile::TempDir;

/// Has a director keep its state in a directory that is made here, and goes with the value. A lab's own directories are in
/// memory, where syncing costs nothing.
pub(crate) fn keep_state(director: &Director, below: &Path) -> TempDir {
    let directory = tempfile::tempdir_in(below).expect("a directory for the state");
    symlink(directory.path(), director.state_dir()).expect("the state is not there yet");
    directory
}
