//! Which configuration holds, what was edited since, and whether it is there to stay.

use dray_api::v1::ConfigurationStatus;

use crate::{commands::edits, number::span, paint::Paint, when};

/// How many edits are named; `dray plan` of the applied file shows them all.
const NAMED: usize = 10;

/// A line for each; none for a director that has none of them.
pub(super) fn lines(status: &ConfigurationStatus, paint: Paint) -> String {
    let ConfigurationStatus {
        revision: _,
        base,
        edits,
        pending,
    } = status;
    let mut lines = Vec::new();
    if let Some(pending) = pending {
        lines.push(format!(
            "configuration {base} waits to be confirmed: {} comes back in {}, at {}",
            pending.back_to,
            span(pending.seconds_left),
            when::utc(pending.until_unix_seconds)
        ));
    }
    for edit in edits.iter().take(NAMED) {
        lines.push(format!("edited: {}", edits::named(edit)));
    }
    let others = edits.len().saturating_sub(NAMED);
    if others > 0 {
        lines.push(format!("edited: {others} more"));
    }
    lines.iter().map(|line| paint.yellow(line) + "\n").collect()
}

#[cfg(test)]
mod tests {
    use dray_api::v1::{Change, EditSummary, Pending};

    use super::*;

    #[test]
    fn edits_and_a_configuration_that_waits_are_told() {
        let edit = |number: u8| EditSummary {
            service: Some("web".to_owned()),
            real: Some(format!("10.77.0.{number}")),
            change: Change::Changed,
            by_drain: number == 2,
        };
        let status = ConfigurationStatus {
            revision: 19,
            base: 7,
            edits: (1..=12).map(edit).collect(),
            pending: Some(Pending {
                until_unix_seconds: 1_795_389_043,
                seconds_left: 42,
                back_to: 6,
            }),
        };
        insta::assert_snapshot!(lines(&status, Paint::Plain));
        let plain = ConfigurationStatus {
            edits: vec![],
            pending: None,
            ..status
        };
        assert_eq!(lines(&plain, Paint::Plain), "");
    }
}
