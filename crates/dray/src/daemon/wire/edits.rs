//! What was edited since a configuration was applied.

use dray_api::v1::{Change, EditSummary};
use dray_intent::{Drain, Edits, ListEdits, Version};
use dray_model::document;

/// The edits of a version, with those that drains made marked.
pub(in crate::daemon) fn summary(version: &Version, drains: &[Drain]) -> Vec<EditSummary> {
    let edits: &Edits = &version.edits;
    let mut list = Vec::new();
    if !edits.director.is_empty() {
        list.push(entry(None, None, Change::Changed));
    }
    let services = &edits.services;
    list.extend(
        names(services, |service: &document::Service| &service.name)
            .map(|(name, change)| entry(Some(name), None, change)),
    );
    for (name, edits) in &services.changed {
        if !edits.patch.is_empty() {
            list.push(entry(Some(name), None, Change::Changed));
        }
        let reals = &edits.reals;
        let changed = reals.changed.keys().map(|real| (&**real, Change::Changed));
        let others = names(reals, |real: &document::Real| &real.address);
        list.extend(
            others
                .chain(changed)
                .map(|(real, change)| entry(Some(name), Some(real), change)),
        );
    }
    for edit in &mut list {
        let quiesced = drains.iter().flat_map(|drain| &drain.reals);
        edit.by_drain = quiesced.into_iter().any(|one| {
            edit.change == Change::Changed
                && edit.service.as_deref() == Some(one.service.as_str())
                && edit.real.as_deref() == Some(&one.real.to_string())
        });
    }
    list.sort();
    list
}

/// What is new or gone. What stands at another place only is both to the list, and changed to a reader.
fn names<'e, T, C>(
    edits: &'e ListEdits<T, C>,
    name: impl Fn(&'e T) -> &'e String + Copy,
) -> impl Iterator<Item = (&'e str, Change)> {
    let is_new = move |removed: &String| edits.new_items().any(|item| name(item) == removed);
    let removed = edits.removed.iter();
    let removed = removed
        .filter(move |removed| !is_new(removed))
        .map(|name| (&**name, Change::Removed));
    let new = edits.new_items().map(move |item| {
        let name = name(item);
        let change = if edits.removed.contains(name) {
            Change::Changed
        } else {
            Change::Added
        };
        (&**name, change)
    });
    removed.chain(new)
}

fn entry(service: Option<&str>, real: Option<&str>, change: Change) -> EditSummary {
    EditSummary {
        service: service.map(str::to_owned),
        real: real.map(str::to_owned),
        change,
        by_drain: false,
    }
}
