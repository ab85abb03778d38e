//! What the differences of a plan come to: how many there are, and whom they disturb.

use dray_api::v1::{Change, DroppedEdit, Plan};

use crate::{commands::edits, number::counted};

/// A line for each thing that there is something to say about.
pub(super) fn summary(plan: &Plan) -> String {
    let services = plan.services.iter().map(|service| service.change);
    let reals = plan.services.iter().flat_map(|service| &service.reals);
    let vips = plan.vips.iter().map(|vip| vip.change);
    let parts = [
        changes("services", services, "removed"),
        changes("real servers", reals.map(|real| real.change), "removed"),
        changes("addresses", vips, "withdrawn"),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    let mut text = String::new();
    if !parts.is_empty() {
        text += &format!("{}\n", parts.join("; "));
    }
    text += &match plan.connections_affected {
        0 => "No connection is affected.\n".to_owned(),
        1 => "1 connection is affected.\n".to_owned(),
        several => format!("{several} connections are affected.\n"),
    };
    text + &hash_slots(plan) + &edits(plan)
}

/// How much of each hash table moves.
fn hash_slots(plan: &Plan) -> String {
    let mut text = String::new();
    for service in &plan.services {
        if let Some(slots) = service.hash_slots.filter(|slots| slots.moved > 0) {
            let share = f64::from(slots.moved) / f64::from(slots.of.max(1)) * 100.0;
            text += &format!(
                "{} of {} of service {} move to another real server ({share:.1} %).\n",
                slots.moved,
                counted(slots.of.into(), "hash slot"),
                service.service
            );
        }
    }
    text
}

/// What becomes of edits.
pub(super) fn edits(plan: &Plan) -> String {
    let kept = plan.edits_kept.iter().map(edits::named);
    let dropped = plan.edits_dropped.iter();
    let dropped = dropped.map(|DroppedEdit { what, why }| match why {
        Some(why) => format!("{what} ({why})"),
        None => what.clone(),
    });
    let kept = kept.map(|edit| format!("Edit that stays: {edit}\n"));
    let dropped = dropped.map(|edit| format!("Edit that is dropped: {edit}\n"));
    kept.chain(dropped).collect()
}

/// As `services: 2 added, 1 removed`; none without any.
fn changes(
    what: &str,
    changes: impl Iterator<Item = Change> + Clone,
    removed: &str,
) -> Option<String> {
    let words = [
        (Change::Added, "added"),
        (Change::Changed, "changed"),
        (Change::Removed, removed),
    ];
    let counts = words.into_iter().filter_map(|(change, word)| {
        let count = changes.clone().filter(|each| *each == change).count();
        (count > 0).then(|| format!("{count} {word}"))
    });
    let counts: Vec<_> = counts.collect();
    (!counts.is_empty()).then(|| format!("{what}: {}", counts.join(", ")))
}
