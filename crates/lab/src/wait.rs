//! Waiting for something to become true, with an end.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};

/// Asks until there is an answer.
///
/// # Errors
/// The probe's own, or after [`PATIENCE`] without an answer.
pub fn until<T>(what: &str, mut probe: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = probe()? {
            return Ok(answer);
        }
        if Instant::now() > deadline {
            bail!("waited {} seconds for {what}", PATIENCE.as_secs());
        }
        thread::sleep(PAUSE);
    }
}

/// How long anything in a lab may take, on a slow and busy machine.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Between two questions: short against what starting a process takes.
const PAUSE: Duration = Duration::from_millis(5);
