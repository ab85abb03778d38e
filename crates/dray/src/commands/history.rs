//! `dray history`: the configurations that were applied.

use std::process::ExitCode;

use clap::Args;
use dray_api::v1::HistoryEntry;

use super::{RuntimeDirArg, call};
use crate::{
    grid::{Grid, Side},
    output,
    paint::Paint,
    when,
};

/// List the configurations that were applied last, or show the text of one
#[derive(Debug, Args)]
pub(super) struct History {
    /// Show the text of the one with this number
    number: Option<u64>,
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    runtime_dir: RuntimeDirArg,
}

impl History {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        match self.number {
            Some(number) => self.show(number)?,
            None => self.list()?,
        }
        Ok(ExitCode::SUCCESS)
    }

    fn show(&self, number: u64) -> anyhow::Result<()> {
        let historic = call(&self.runtime_dir, async |client| {
            client.historic(number).await
        })?;
        if self.json {
            output::json(&historic)
        } else {
            output::text(&historic.text)
        }
    }

    fn list(&self) -> anyhow::Result<()> {
        let history = call(&self.runtime_dir, async |client| client.history().await)?;
        if self.json {
            output::json(&history)
        } else {
            output::text(&table(&history.entries, Paint::of_stdout()))
        }
    }
}

fn table(entries: &[HistoryEntry], paint: Paint) -> String {
    let mut grid = Grid::new([
        Side::Right,
        Side::Left,
        Side::Left,
        Side::Right,
        Side::Left,
        Side::Left,
    ]);
    grid.heads(paint, &["Number", "Applied", "By", "Bytes", "File", ""]);
    for entry in entries {
        let current = entry.current.then(|| paint.green("in force"));
        let went_back = entry.went_back.then(|| paint.yellow("not confirmed"));
        let remarks: Vec<_> = current.into_iter().chain(went_back).collect();
        grid.row([
            entry.number.to_string(),
            when::utc(entry.at_unix_seconds),
            entry.who.clone().unwrap_or_else(|| "the daemon".to_owned()),
            entry.bytes.to_string(),
            entry.file.clone().unwrap_or_else(|| "-".to_owned()),
            remarks.join(", "),
        ]);
    }
    grid.text()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_stands_first_and_the_one_in_force_is_marked() {
        let first = HistoryEntry {
            number: 10,
            at_unix_seconds: 1_795_389_043,
            who: None,
            file: Some("/etc/dray.toml".to_owned()),
            bytes: 1_234_567,
            went_back: false,
            current: true,
        };
        let newest = HistoryEntry {
            number: 11,
            at_unix_seconds: 1_795_389_103,
            who: Some("uid 0 (pid 4711)".to_owned()),
            file: None,
            bytes: 99,
            went_back: true,
            current: false,
        };
        insta::assert_snapshot!(table(&[newest, first], Paint::Plain));
    }
}
