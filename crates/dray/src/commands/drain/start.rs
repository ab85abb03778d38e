//! `dray drain REAL`, which is `dray real drain REAL` too.

use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, ValueEnum};
use dray_api::v1::{self, AtDeadline, DrainRequest, DrainState, Period};
use dray_model::document::Endpoint;

use super::{
    wait::{self, Ended},
    words,
};
use crate::{
    commands::{RuntimeDirArg, call},
    output,
};

/// Empty a real server: it gets no new connections, and those that it has may end by themselves until the deadline
///
/// This waits until no connection is left, or the deadline comes. The exit code is 0 when the real server is empty, or connections that were
/// left were ended, and 1 when some go on, or somebody else ended the drain. Ctrl-C ends the waiting only.
#[derive(Debug, Args)]
pub(in crate::commands) struct Drain {
    /// The real server, as in 10.77.0.11, 10.77.0.11:8080 or [2001:db8::11]:8080
    real: Endpoint,
    /// In the service of this name only, in place of every service that has it
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    /// How long connections may take to end by themselves, as in 90s or 5m
    #[arg(long, value_name = "TIME")]
    deadline: Period,
    /// What becomes of connections that have not
    #[arg(long, value_name = "WHAT", value_enum, default_value_t)]
    then: Then,
    /// Do not wait
    #[arg(long)]
    no_wait: bool,
    /// Say what became of it as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    runtime_dir: RuntimeDirArg,
}

/// What becomes of connections that are left at the deadline.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Then {
    /// They go on
    #[default]
    Keep,
    /// They end: a client's next packet is answered with a reset
    Reset,
    /// They end, and so do their templates: a packet that may open a connection goes to another real server
    Move,
}

impl Drain {
    pub(in crate::commands) fn run(self) -> anyhow::Result<ExitCode> {
        let request = DrainRequest {
            real: self.real.to_string(),
            service: self.service,
            deadline: self.deadline,
            then: self.then.into(),
        };
        let begun = call(&self.runtime_dir, async |client| {
            client.start_drain(&request).await
        })?;
        if self.no_wait {
            output::done(self.json, &begun, &words::begun(&begun))?;
            return Ok(ExitCode::SUCCESS);
        }
        match call(&self.runtime_dir, async |client| {
            wait::wait(&client, begun).await
        })? {
            Ended::Drain(drain) => {
                output::done(self.json, &drain, &words::ended(&drain))?;
                Ok(code(&drain))
            }
            Ended::Waiting(drain) => {
                bail!("not waiting any longer; {}", words::goes_on(&drain))
            }
        }
    }
}

/// Whether nothing is left of what was to be emptied.
fn code(drain: &v1::Drain) -> ExitCode {
    match (drain.state, drain.then) {
        (DrainState::Empty, _) | (DrainState::Overdue, AtDeadline::Reset | AtDeadline::Move) => {
            ExitCode::SUCCESS
        }
        _ => ExitCode::FAILURE,
    }
}

impl From<Then> for AtDeadline {
    fn from(then: Then) -> Self {
        match then {
            Then::Keep => Self::Keep,
            Then::Reset => Self::Reset,
            Then::Move => Self::Move,
        }
    }
}
