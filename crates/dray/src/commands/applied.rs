//! What became of a configuration, as a person reads it.

use dray_api::v1::{Applied, Outcome};

use super::plan::diff;
use crate::{
    number::{counted, span},
    output,
    paint::Paint,
    when,
};

/// Shows what changed to standard output, and what is left to be done to standard error.
pub(super) fn show(outcome: &Outcome, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        output::json(outcome)?;
    } else {
        output::text(&text(outcome, Paint::of_stdout()))?;
    }
    for line in outcome.applied.iter().flat_map(remarks) {
        eprintln!("dray: {line}");
    }
    Ok(())
}

/// What changed, and that it did.
fn text(outcome: &Outcome, paint: Paint) -> String {
    let mut text = diff(&outcome.plan, paint);
    if let Some(applied) = &outcome.applied {
        text += &format!(
            "\nConfiguration {} is in force: {}, {}\n",
            applied.number,
            counted(count(applied.services), "service"),
            counted(count(applied.reals), "real server"),
        );
    }
    text
}

/// What is not yet done, and what is to be done.
fn remarks(applied: &Applied) -> Vec<String> {
    let problems = applied.problems.iter();
    let mut lines: Vec<_> = problems
        .map(|problem| format!("not yet as configured: {problem}"))
        .collect();
    if let Some(pending) = applied.pending {
        lines.push(format!(
            "configuration {} comes back in {}, at {}, unless it is confirmed: `dray confirm {}`",
            pending.back_to,
            span(pending.seconds_left),
            when::utc(pending.until_unix_seconds),
            applied.number,
        ));
    }
    lines
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use dray_api::v1::{Pending, Plan};

    use super::*;

    #[test]
    fn what_was_applied_stands_below_what_changed() {
        let outcome = Outcome {
            plan: Plan {
                marks: true,
                ..Plan::default()
            },
            applied: Some(applied(None)),
        };
        insta::assert_snapshot!(text(&outcome, Paint::Plain), @"
        ~ rules that give marks

        No connection is affected.

        Configuration 7 is in force: 1 service, 2 real servers
        ");
    }

    #[test]
    fn until_when_it_is_to_be_confirmed_is_said() {
        let pending = Pending {
            until_unix_seconds: 1_795_389_043,
            seconds_left: 60,
            back_to: 6,
        };
        assert_eq!(
            remarks(&applied(Some(pending))),
            [
                "not yet as configured: no route to 10.77.0.13",
                "configuration 6 comes back in 1m, at 2026-11-22 23:10:43 UTC, unless it is confirmed: `dray confirm 7`",
            ]
        );
    }

    fn applied(pending: Option<Pending>) -> Applied {
        Applied {
            number: 7,
            revision: 19,
            services: 1,
            reals: 2,
            edits_dropped: vec![],
            pending,
            problems: vec!["no route to 10.77.0.13".to_owned()],
        }
    }
}
