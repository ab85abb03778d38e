//! `dray drain list`.

use std::process::ExitCode;

use clap::Args;
use dray_api::v1::{AtDeadline, Drain, DrainState};

use crate::{
    commands::{RuntimeDirArg, call},
    grid::{Grid, Side},
    output,
    paint::Paint,
    when,
};

/// List the drains that are under way, and those that ended lately
#[derive(Debug, Args)]
pub(in crate::commands) struct List {
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    runtime_dir: RuntimeDirArg,
}

impl List {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let drains = call(&self.runtime_dir, async |client| client.drains().await)?;
        if self.json {
            output::json(&drains)?;
        } else {
            output::text(&table(&drains.drains, Paint::of_stdout()))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn table(drains: &[Drain], paint: Paint) -> String {
    let mut grid = Grid::new([
        Side::Right,
        Side::Left,
        Side::Left,
        Side::Left,
        Side::Right,
        Side::Right,
        Side::Left,
        Side::Left,
        Side::Left,
    ]);
    let heads = [
        "Drain",
        "Real server",
        "Service",
        "State",
        "Left",
        "Before",
        "Deadline",
        "Then",
        "By",
    ];
    grid.heads(paint, &heads);
    for drain in drains {
        grid.row([
            drain.id.to_string(),
            drain.real.clone(),
            drain.service.clone().unwrap_or_else(|| "all".to_owned()),
            state(drain.state, paint),
            drain
                .connections
                .map_or_else(|| "-".to_owned(), |left| left.to_string()),
            drain.connections_before.to_string(),
            when::utc(drain.until_unix_seconds),
            then(drain.then).to_owned(),
            drain.who.clone(),
        ]);
    }
    grid.text()
}

fn state(state: DrainState, paint: Paint) -> String {
    match state {
        DrainState::Draining => paint.yellow("draining"),
        DrainState::Empty => paint.green("empty"),
        DrainState::Overdue => paint.red("overdue"),
        DrainState::Cancelled => "called off".to_owned(),
        DrainState::Overtaken => "overtaken".to_owned(),
    }
}

fn then(then: AtDeadline) -> &'static str {
    match then {
        AtDeadline::Keep => "keep",
        AtDeadline::Reset => "reset",
        AtDeadline::Move => "move",
    }
}

#[cfg(test)]
mod tests {
    use super::{super::words::tests::under_way_since_48_seconds, *};

    #[test]
    fn drains_stand_with_what_is_left() {
        let now = under_way_since_48_seconds();
        let before = Drain {
            id: 6,
            service: Some("web".to_owned()),
            state: DrainState::Empty,
            connections: None,
            then: AtDeadline::Move,
            ..now.clone()
        };
        insta::assert_snapshot!(table(&[now, before], Paint::Plain));
    }
}
