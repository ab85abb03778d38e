//! Drains, under way and ended.

use dray_api::v1::{AtDeadline, Drain, DrainState, DrainedDestination};
use dray_control::RealName;
use dray_intent::{End, EndedDrain, Then, Timestamp};

/// One that is under way, with the connections that its real servers have now.
pub(in crate::daemon) fn running(
    drain: &dray_intent::Drain,
    connections: u64,
    now: Timestamp,
) -> Drain {
    Drain {
        seconds_left: drain.deadline.remaining(now).as_secs(),
        connections: Some(connections),
        ..written(drain, DrainState::Draining)
    }
}

/// One that ended.
pub(in crate::daemon) fn ended(ended: &EndedDrain) -> Drain {
    let state = match ended.how {
        End::Drained => DrainState::Empty,
        End::Overdue => DrainState::Overdue,
        End::Cancelled => DrainState::Cancelled,
        End::Overtaken => DrainState::Overtaken,
    };
    Drain {
        ended_unix_seconds: Some(ended.at.millis() / 1_000),
        ..written(&ended.drain, state)
    }
}

/// The real servers of a drain, by the names that the control room counts by.
pub(in crate::daemon) fn names(drain: &dray_intent::Drain) -> Vec<RealName> {
    let reals = drain.reals.iter();
    let names = reals.map(|one| RealName::within(&one.service, one.real));
    names.collect()
}

fn written(drain: &dray_intent::Drain, state: DrainState) -> Drain {
    let destinations = drain.reals.iter().map(|one| DrainedDestination {
        service: one.service.to_string(),
        real: one.real.to_string(),
    });
    Drain {
        id: drain.id,
        who: drain.who.clone(),
        real: drain.real.to_string(),
        service: drain.service.as_ref().map(ToString::to_string),
        then: match drain.then {
            Then::Keep => AtDeadline::Keep,
            Then::Reset => AtDeadline::Reset,
            Then::Move => AtDeadline::Move,
        },
        since_unix_seconds: drain.since.millis() / 1_000,
        until_unix_seconds: drain.deadline.millis() / 1_000,
        seconds_left: 0,
        state,
        ended_unix_seconds: None,
        connections_before: drain.connections,
        connections: None,
        destinations: destinations.collect(),
    }
}
