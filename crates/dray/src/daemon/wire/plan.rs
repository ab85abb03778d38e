//! What a change of the configuration would do.

use dray_api::v1::{self, EditsPolicy};
use dray_control::{Affected, Change, Fate, Preview, RealPreview, ServicePreview, SettingChange};
use dray_intent::{Note, State};

use super::edits;
use crate::thing::thing;

/// The control room's preview of a step from one state to another, with what becomes of edits.
pub(in crate::daemon) fn plan(
    preview: Preview,
    before: &State,
    after: &State,
    notes: &[Note],
    policy: EditsPolicy,
) -> v1::Plan {
    let affected = preview.affected().filter(|affected| is_cut(affected));
    let connections_affected = affected
        .map(|affected| u64::from(affected.active) + u64::from(affected.inactive))
        .sum();
    let vips = |list: Vec<dray_control::AddedVip>, change| {
        list.into_iter().map(move |vip| v1::VipChange {
            vip: vip.vip,
            interface: vip.interface,
            change,
        })
    };
    let added = vips(preview.vips_added, v1::Change::Added);
    let withdrawn = vips(preview.vips_withdrawn, v1::Change::Removed);
    v1::Plan {
        revision: before.revision(),
        refusals: preview.refusals,
        director: fields(preview.director),
        marks: preview.marks,
        services: preview.services.into_iter().map(service).collect(),
        reordered: preview.reordered,
        vips: added.chain(withdrawn).collect(),
        connections_affected,
        edits_kept: edits::summary(after.in_force(), after.drains()),
        edits_dropped: dropped(before, notes, policy),
    }
}

/// The edits that are forgotten: because that is wanted, or because they do not fit.
fn dropped(before: &State, notes: &[Note], policy: EditsPolicy) -> Vec<v1::DroppedEdit> {
    let unfit = notes.iter().filter_map(|note| match note {
        Note::DroppedEdit(edit) => Some(v1::DroppedEdit {
            what: edit.what.clone(),
            why: Some(edit.why.clone()),
        }),
        _ => None,
    });
    match policy {
        EditsPolicy::Keep => unfit.collect(),
        EditsPolicy::Drop => {
            let edits = edits::summary(before.in_force(), before.drains());
            let unwanted = edits.iter().map(|edit| v1::DroppedEdit {
                what: thing(edit.service.as_deref(), edit.real.as_deref()),
                why: None,
            });
            unwanted.collect()
        }
    }
}

/// Whether connections do not go on as they are.
const fn is_cut(affected: &Affected) -> bool {
    !matches!(affected.connections_fate, Fate::Kept)
}

fn service(service: ServicePreview) -> v1::ServiceChange {
    v1::ServiceChange {
        service: service.name.to_string(),
        identity: service.identity.into(),
        change: change(service.change),
        fields: fields(service.settings),
        reals: service.reals.into_iter().map(real).collect(),
        reordered: service.reordered,
        hash_slots: service.moved.map(|slots| v1::HashSlots {
            moved: slots.moved,
            of: slots.of,
        }),
    }
}

fn real(real: RealPreview) -> v1::RealChange {
    v1::RealChange {
        real: real.real.to_string(),
        change: change(real.change),
        fields: fields(real.settings),
        affected: real.affected.map(|affected| v1::Affected {
            active: affected.active,
            inactive: affected.inactive,
            templates: affected.templates,
            connections_fate: fate(affected.connections_fate),
            templates_fate: fate(affected.templates_fate),
        }),
    }
}

fn fields(settings: Vec<SettingChange>) -> Vec<v1::FieldChange> {
    let fields = settings.into_iter().map(|setting| v1::FieldChange {
        key: setting.key,
        before: setting.before.unwrap_or_default(),
        after: setting.after.unwrap_or_default(),
    });
    fields.collect()
}

const fn change(change: Change) -> v1::Change {
    match change {
        Change::Added => v1::Change::Added,
        Change::Changed => v1::Change::Changed,
        Change::Removed => v1::Change::Removed,
    }
}

const fn fate(fate: Fate) -> v1::Fate {
    match fate {
        Fate::Kept => v1::Fate::Kept,
        Fate::Finish => v1::Fate::Finish,
        Fate::Dropped => v1::Fate::Dropped,
        Fate::Ended => v1::Fate::Ended,
        Fate::EndedByMethod => v1::Fate::EndedByMethod,
        Fate::Void => v1::Fate::Void,
    }
}
