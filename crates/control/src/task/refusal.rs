//! Whether another desired state can be put in force at all: known before anything is done for it.

use std::sync::Arc;

use dray_model::{Action, DataPlane, Desired, Director, Net, Room};

use super::Task;
use crate::{
    difference::Difference,
    handle::ControlError,
    plan::{Publication, Scope, Step, Unused},
};

/// The way from the desired state in force to another, planned but not gone yet. It is as good as what it was planned from: who
/// changes that forgets it.
pub(super) struct Way {
    pub(super) desired: Arc<Desired>,
    pub(super) difference: Difference,
    pub(super) steps: Vec<Step>,
}

impl<D: DataPlane, N: Net> Task<D, N> {
    /// Whether [`Task::replace`] would begin to put this in force. The way there is kept for it.
    pub(super) fn check(&mut self, desired: Arc<Desired>) -> Result<(), ControlError> {
        self.checked = Some(self.possible_way_to(desired)?);
        Ok(())
    }

    /// The way to another desired state, if it can be put in force: the one that was just checked, or a new one.
    pub(super) fn possible_way_to(&mut self, desired: Arc<Desired>) -> Result<Way, ControlError> {
        if let Some(way) = self.checked.take()
            && Arc::ptr_eq(&way.desired, &desired)
        {
            return Ok(way);
        }
        let way = self.way_to(desired);
        self.refusals(&way).next().map_or(Ok(way), Err)
    }

    /// The way to another desired state, whether or not it can be put in force.
    pub(super) fn way_to(&self, desired: Arc<Desired>) -> Way {
        let difference = Difference::between(&self.desired, &desired);
        let services = difference.services();
        // Every record says by which rules it is picked from, and every tunnel's next hop where it comes from.
        let (before, after) = (&self.desired.director, &desired.director);
        let same_for_all = before.ipvs.rules == after.ipvs.rules && before.tunnels == after.tunnels;
        let scope = if self.behind.is_none() && same_for_all {
            Scope::Services(&services)
        } else {
            Scope::All
        };
        let steps = self.steps(&desired, scope, &Unused::default());
        Way {
            desired,
            difference,
            steps,
        }
    }

    /// Why the desired state that this way leads to cannot be put in force.
    pub(super) fn refusals(&self, way: &Way) -> impl Iterator<Item = ControlError> + use<D, N> {
        let settled = settled(&self.desired.director, &way.desired.director);
        settled.chain(shortfalls(&way.steps, self.dataplane.room()))
    }
}

/// Settings that only a new start can change.
fn settled(before: &Director, after: &Director) -> impl Iterator<Item = ControlError> + use<> {
    let interfaces = (before.interfaces != after.interfaces).then_some((
        "director.interfaces",
        "dray stop --keep-forwarding",
        "; no connection is lost",
    ));
    let connections = (before.max_connections != after.max_connections).then_some((
        "director.max_connections",
        "dray stop --withdraw",
        "; the connection table is made anew, so established connections are lost",
    ));
    let translations = (before.max_translations != after.max_translations).then_some((
        "director.max_translations",
        "dray stop --withdraw",
        "; the tables are made anew, so established connections are lost",
    ));
    let all = [interfaces, connections, translations]
        .into_iter()
        .flatten();
    all.map(|(what, stop, price)| ControlError::NeedsRestart { what, stop, price })
}

/// What the steps make more of than there is room for.
pub(super) fn shortfalls(steps: &[Step], room: Room) -> impl Iterator<Item = ControlError> + use<> {
    // Numbers are given from below, so the largest says how much room is needed.
    let mut needed = Room {
        services: 0,
        destinations: 0,
        hops: 0,
    };
    for step in steps {
        let (needed, number) = match step {
            Step::Publish(Publication { id, .. }) => (&mut needed.services, id.0),
            Step::Do(Action::AddDestination { id, .. }) => (&mut needed.destinations, id.0),
            Step::Do(Action::WriteHop { id, .. }) => (&mut needed.hops, id.0),
            _ => continue,
        };
        *needed = number.max(*needed);
    }
    let kinds = [
        ("services", needed.services, room.services),
        ("destinations", needed.destinations, room.destinations),
        ("next hops", needed.hops, room.hops),
    ];
    let short = kinds.into_iter().filter(|(_, needed, room)| needed > room);
    short.map(|(what, needed, room)| ControlError::NoRoom { what, needed, room })
}
