//! `dray events`: what happens, as it happens.

mod line;

use std::process::ExitCode;

use anyhow::anyhow;
use clap::Args;
use dray_api::{CallError, Client, v1::Event};

use super::{RuntimeDirArg, call};
use crate::{output, when};

/// Show what happens, a line for each event, until Ctrl-C
#[derive(Debug, Args)]
pub(super) struct Events {
    /// As JSON, one object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    runtime_dir: RuntimeDirArg,
}

impl Events {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        call(&self.runtime_dir, async |client| self.follow(&client).await)??;
        Ok(ExitCode::SUCCESS)
    }

    /// Until Ctrl-C, or nobody reads on.
    async fn follow(&self, client: &Client) -> Result<anyhow::Result<()>, CallError> {
        let mut events = client.events().await?;
        loop {
            let event = tokio::select! {
                // Where signals cannot be caught, Ctrl-C ends the program as ever.
                Ok(()) = tokio::signal::ctrl_c() => return Ok(Ok(())),
                event = events.next() => event?,
            };
            let Some(event) = event else {
                return Ok(Err(anyhow!("the daemon has ended")));
            };
            match self.show(&event) {
                Ok(true) => {}
                Ok(false) => return Ok(Ok(())),
                Err(error) => return Ok(Err(error)),
            }
        }
    }

    /// Whether anybody may read more.
    fn show(&self, event: &Event) -> anyhow::Result<bool> {
        let line = if self.json {
            output::as_json_line(event)?
        } else {
            line::line(event, when::now())
        };
        output::is_read(&line)
    }
}
