//! What holds after any sequence of requests.

use std::{collections::BTreeMap, time::Duration};

use dray_model::{
    document::{self, Document},
    edit::Edit,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{DrainRequest, Occupancy, Then, sample::*, state::*, store::Record};

/// A request before it is known what it is about.
#[derive(Clone, Debug)]
enum Ask {
    Edit(Vec<Edit>),
    Apply(Box<Document>, Keeping, Option<u64>),
    Rollback(usize, Keeping),
    GoBack,
    Confirm,
    Drain(Option<&'static str>, u8, Then),
    Cancel(u64),
    Tick(Vec<(&'static str, u8)>),
}

proptest! {
    #[test]
    fn what_is_in_force_is_the_base_with_the_edits_and_survives(asks in prop::collection::vec(ask(), 1..30)) {
        let mut state = state();
        let mut texts = BTreeMap::from([(1, configuration(TEXT))]);
        for (second, ask) in asks.into_iter().enumerate() {
            let now = at(1_000 + 10 * second as u64);
            let Some(step) = take(&state, &texts, ask, now) else {
                continue;
            };
            if let Some((number, text)) = text(&step) {
                texts.insert(number, configuration(&text));
            }
            check_effects(&state, &step)?;
            state = step.state;
            check(&state, &texts)?;
        }
    }
}

fn check_effects(before: &State, step: &Step) -> Result<(), TestCaseError> {
    let is_persisted = step
        .effects
        .iter()
        .any(|effect| matches!(effect, Effect::Persist { .. }));
    prop_assert_eq!(is_persisted, step.state != *before);
    let replaced = step.effects.iter().find_map(|effect| match effect {
        Effect::Replace(desired) => Some(desired),
        _ => None,
    });
    let is_changed = step.state.in_force() != before.in_force();
    prop_assert_eq!(
        replaced,
        is_changed.then_some(&step.state.in_force().effective)
    );
    prop_assert!(step.state.revision() >= before.revision());
    if is_changed {
        prop_assert!(step.state.revision() > before.revision());
    }
    Ok(())
}

fn check(state: &State, texts: &BTreeMap<u64, Configuration>) -> Result<(), TestCaseError> {
    let back = state.unconfirmed().map(|unconfirmed| &unconfirmed.back);
    for version in [state.in_force()].into_iter().chain(back) {
        let Version {
            number,
            base,
            edits,
            effective,
        } = version;
        prop_assert!(state.find(*number).is_some());
        prop_assert_eq!(base, texts[number].desired());
        prop_assert_eq!(&Edits::between(base, effective), &**edits);
        prop_assert_eq!(edits.redo(base), ((**effective).clone(), vec![]));
    }
    for drain in state.drains() {
        prop_assert!(!drain.reals.is_empty());
        for real in &drain.reals {
            let (_, real) = real.find(&state.in_force().effective).expect("is there");
            prop_assert_eq!(real.weight.value(), 0);
        }
    }
    prop_assert!(
        state
            .history()
            .iter()
            .all(|applied| texts.contains_key(&applied.number))
    );

    let record = Record::read(&state.record().write()).expect("is a record");
    let mut notes = Vec::new();
    let back = back.map(|back| &texts[&back.number]);
    let restored = State::of(record, &texts[&state.in_force().number], back, &mut notes);
    prop_assert_eq!(&restored, state);
    prop_assert_eq!(notes, vec![]);
    Ok(())
}

/// The step, unless it is refused.
fn take(
    state: &State,
    texts: &BTreeMap<u64, Configuration>,
    ask: Ask,
    now: Timestamp,
) -> Option<Step> {
    let request = match ask {
        Ask::Edit(edits) => {
            let edits: Vec<_> = edits
                .into_iter()
                .map(|edit| EditRequest {
                    edit,
                    condition: (),
                })
                .collect();
            return Some(state.edit(&edits, now).step);
        }
        Ask::Apply(document, edits, confirm) => Request::Apply(Apply {
            configuration: Configuration::parse("any", document.to_toml()).ok()?,
            source: client(None),
            edits,
            confirm: confirm.map(Duration::from_secs),
        }),
        Ask::Rollback(which, edits) => {
            let kept = state.history();
            let number = kept[which % kept.len()].number;
            let configuration = texts[&number].clone();
            Request::Rollback {
                number,
                configuration,
                edits,
            }
        }
        Ask::GoBack => Request::GoBack,
        Ask::Confirm => Request::Confirm { number: None },
        Ask::Drain(service, last, then) => Request::Drain(DrainRequest {
            service: service.map(name),
            real: real(&address(last)),
            patience: Duration::from_secs(40),
            then,
            who: "uid 0".to_owned(),
            connections: 0,
        }),
        Ask::Cancel(id) => Request::CancelDrain { id },
        Ask::Tick(empty) => Request::Tick {
            counted: empty
                .into_iter()
                .map(|(service, last)| Occupancy {
                    service: name(service),
                    real: real(&address(last)),
                    connections: 0,
                })
                .collect(),
        },
    };
    state.step(request, now).ok()
}

const NAMES: [&str; 4] = ["web", "dns", "mail", "new"];

fn ask() -> impl Strategy<Value = Ask> {
    let keeping = || prop_oneof![Just(Keeping::Keep), Just(Keeping::Drop)];
    let then = prop_oneof![Just(Then::Keep), Just(Then::Reset), Just(Then::Move)];
    let named = || prop::sample::select(&NAMES[..]);
    let confirm = prop::option::of(1..60_u64);
    prop_oneof![
        8 => prop::collection::vec(edit(), 1..4).prop_map(Ask::Edit),
        3 => (document(), keeping(), confirm).prop_map(|(document, edits, confirm)| Ask::Apply(Box::new(document), edits, confirm)),
        1 => (0..20_usize, keeping()).prop_map(|(which, edits)| Ask::Rollback(which, edits)),
        1 => Just(Ask::GoBack),
        1 => Just(Ask::Confirm),
        2 => (prop::option::of(named()), last(), then).prop_map(|(service, last, then)| Ask::Drain(service, last, then)),
        1 => (1..5_u64).prop_map(Ask::Cancel),
        2 => prop::collection::vec((named(), last()), 0..6).prop_map(Ask::Tick),
    ]
}

fn edit() -> impl Strategy<Value = Edit> {
    let named = || prop::sample::select(&NAMES[..]).prop_map(name);
    let endpoint = || last().prop_map(|last| real(&address(last)));
    prop_oneof![
        service().prop_map(Edit::AddService),
        (named(), service()).prop_map(|(name, document)| Edit::PutService { name, document }),
        (named(), service_patch()).prop_map(|(name, patch)| Edit::PatchService { name, patch }),
        named().prop_map(|name| Edit::RemoveService { name }),
        (named(), any_real()).prop_map(|(service, real)| Edit::AddReal { service, real }),
        (named(), endpoint(), any_real()).prop_map(|(service, real, document)| Edit::PutReal {
            service,
            real,
            document
        }),
        (named(), endpoint(), 0..4_u16).prop_map(|(service, real, weight)| Edit::PatchReal {
            service,
            real,
            patch: json!({ "weight": weight }),
        }),
        (named(), endpoint()).prop_map(|(service, real)| Edit::RemoveReal { service, real }),
        (1_024..1_030_u32).prop_map(|max| Edit::PatchDirector {
            patch: json!({ "max_connections": max })
        }),
        Just(Edit::PatchDirector {
            patch: json!({ "max_connections": null })
        }),
        Just(Edit::Clear),
    ]
}

fn service_patch() -> impl Strategy<Value = Value> {
    prop_oneof![
        prop::sample::select(&["rr", "wrr", "sh"][..])
            .prop_map(|scheduler| json!({ "scheduler": scheduler })),
        Just(json!({ "scheduler": null })),
        (80..84_u16).prop_map(|port| json!({ "address": format!("tcp://10.77.0.100:{port}") })),
        prop::sample::select(&["nat", "dr"][..]).prop_map(|forward| json!({ "forward": forward })),
    ]
}

fn document() -> impl Strategy<Value = Document> {
    prop::collection::vec(service(), 0..4).prop_map(|service| Document {
        director: document::Director {
            interfaces: vec!["eth0".to_owned()],
            ..Default::default()
        },
        service,
        mark: vec![],
    })
}

fn service() -> impl Strategy<Value = document::Service> {
    let named = prop::sample::select(&NAMES[..]);
    let scheduler = prop::option::of(prop::sample::select(&["rr", "wrr"][..]));
    (
        named,
        80..84_u16,
        scheduler,
        prop::collection::vec(any_real(), 0..4),
    )
        .prop_map(|(name, port, scheduler, real)| document::Service {
            name: name.to_owned(),
            address: Some(format!("tcp://10.77.0.100:{port}")),
            scheduler: scheduler.map(str::to_owned),
            real,
            ..Default::default()
        })
}

fn any_real() -> impl Strategy<Value = document::Real> {
    (last(), prop::option::of(0..4_u16)).prop_map(|(last, weight)| document::Real {
        address: address(last),
        weight,
        ..Default::default()
    })
}

fn last() -> impl Strategy<Value = u8> {
    11..15_u8
}

fn address(last: u8) -> String {
    format!("10.77.0.{last}")
}
