//! How far a drain is, for whoever waits: one line that changes at a terminal, few lines elsewhere.

use std::io::{self, IsTerminal, Write};

use dray_api::v1::{Drain, DrainState};

use super::words;

/// What was shown so far.
#[derive(Debug)]
pub(super) struct Progress {
    is_terminal: bool,
    is_absent: bool,
}

/// Back to the line's start, and away with what is on it (ECMA-48).
const ANEW: &str = "\r\x1b[K";

impl Progress {
    /// Says that a drain has begun.
    pub(super) fn start(begun: &Drain) -> Self {
        let progress = Self {
            is_terminal: io::stderr().is_terminal(),
            is_absent: false,
        };
        progress.line(&words::begun(begun));
        progress
    }

    /// Shows how far it is, at a terminal: elsewhere its beginning and its end are enough.
    pub(super) fn show(&mut self, drain: &Drain) {
        self.is_absent = false;
        if drain.state == DrainState::Draining {
            self.line_that_changes(&words::under_way(drain));
        }
    }

    /// Says, once, that the daemon does not answer.
    pub(super) fn absent(&mut self) {
        if !self.is_absent {
            self.is_absent = true;
            self.line("the daemon does not answer; the drain goes on when it is back");
        }
    }

    fn line(&self, text: &str) {
        let anew = if self.is_terminal { ANEW } else { "" };
        eprintln!("{anew}dray: {text}");
    }

    fn line_that_changes(&self, text: &str) {
        if self.is_terminal {
            eprint!("{ANEW}dray: {text}");
            // What cannot be shown is not worth an error.
            let _ = io::stderr().flush();
        }
    }
}

/// The line that changes is gone when something else is to be said.
impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_terminal {
            eprint!("{ANEW}");
        }
    }
}
