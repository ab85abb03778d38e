//! Drains in words.

use dray_api::v1::{AtDeadline, Drain, DrainState};

use crate::{
    number::{counted, span},
    thing::thing,
};

/// That it has begun, and how it ends.
pub(super) fn begun(drain: &Drain) -> String {
    let then = match drain.then {
        AtDeadline::Keep => "go on after that",
        AtDeadline::Reset => "are reset after that",
        AtDeadline::Move => "are ended after that, for other real servers",
    };
    format!(
        "draining {}: {} may end by themselves for {}, and {then} (drain {})",
        what(drain),
        counted(drain.connections_before, "connection"),
        span(drain.seconds_left),
        drain.id
    )
}

/// How far it is.
pub(super) fn under_way(drain: &Drain) -> String {
    format!(
        "draining {}: {} of {} left, {} until the deadline",
        what(drain),
        drain.connections.unwrap_or(0),
        counted(drain.connections_before, "connection"),
        span(drain.seconds_left)
    )
}

/// How it ended.
pub(super) fn ended(drain: &Drain) -> String {
    let what = what(drain);
    let ended = drain.ended_unix_seconds.unwrap_or(drain.until_unix_seconds);
    let took = span(ended.saturating_sub(drain.since_unix_seconds));
    match (drain.state, drain.then) {
        (DrainState::Draining, _) => under_way(drain),
        (DrainState::Empty, _) => format!("{what}: empty after {took}"),
        (DrainState::Overdue, AtDeadline::Keep) => {
            format!("{what}: not empty after {took}; connections that are left go on")
        }
        (DrainState::Overdue, AtDeadline::Reset) => {
            format!("{what}: not empty after {took}; connections that were left were reset")
        }
        (DrainState::Overdue, AtDeadline::Move) => {
            format!("{what}: not empty after {took}; connections that were left were ended")
        }
        (DrainState::Cancelled, _) => {
            format!("{what}: the drain was called off after {took}, and the weights are as before")
        }
        (DrainState::Overtaken, _) => format!(
            "{what}: the drain ended after {took}, because somebody changed the weight or removed the real server"
        ),
    }
}

/// That nobody waits for it any longer.
pub(super) fn goes_on(drain: &Drain) -> String {
    format!(
        "drain {id} goes on: `dray drain list` shows it, `dray drain cancel {id}` calls it off",
        id = drain.id
    )
}

/// As `service web, real server 10.77.0.11`.
fn what(drain: &Drain) -> String {
    thing(drain.service.as_deref(), Some(&drain.real))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    #[test]
    fn each_moment_of_a_drain_has_its_words() {
        let drain = under_way_since_48_seconds();
        assert_eq!(
            begun(&drain),
            "draining real server 10.77.0.11: 340 connections may end by themselves for 4m 12s, and are reset after that (drain 7)"
        );
        assert_eq!(
            under_way(&drain),
            "draining real server 10.77.0.11: 120 of 340 connections left, 4m 12s until the deadline"
        );
        assert_eq!(
            goes_on(&drain),
            "drain 7 goes on: `dray drain list` shows it, `dray drain cancel 7` calls it off"
        );
    }

    #[test]
    fn each_end_of_a_drain_has_its_words() {
        let drain = |state, then| Drain {
            state,
            then,
            service: Some("web".to_owned()),
            ended_unix_seconds: Some(1_795_389_043 + 125),
            connections: None,
            ..under_way_since_48_seconds()
        };
        let ends = [
            (DrainState::Empty, AtDeadline::Keep),
            (DrainState::Overdue, AtDeadline::Keep),
            (DrainState::Overdue, AtDeadline::Reset),
            (DrainState::Overdue, AtDeadline::Move),
            (DrainState::Cancelled, AtDeadline::Move),
            (DrainState::Overtaken, AtDeadline::Move),
        ];
        let lines: Vec<_> = ends
            .into_iter()
            .map(|(state, then)| ended(&drain(state, then)))
            .collect();
        insta::assert_snapshot!(lines.join("\n"));
    }

    pub(in crate::commands::drain) fn under_way_since_48_seconds() -> Drain {
        Drain {
            id: 7,
            who: "uid 0 (pid 4711)".to_owned(),
            real: "10.77.0.11".to_owned(),
            service: None,
            then: AtDeadline::Reset,
            since_unix_seconds: 1_795_389_043,
            until_unix_seconds: 1_795_389_343,
            seconds_left: 252,
            state: DrainState::Draining,
            ended_unix_seconds: None,
            connections_before: 340,
            connections: Some(120),
            destinations: vec![],
        }
    }
}
