use dray_model::{
    document,
    edit::{Edit, EditError},
};
use serde_json::json;

use crate::{sample::*, state::*};

#[test]
fn a_batch_is_persisted_once_and_put_in_force_once() {
    let state = state();
    let edits = [
        weigh("web", "10.77.0.11", 7),
        weigh("web", "10.77.0.12", 8),
        weigh("dns", "10.77.0.11", 9),
    ];
    let batch = state.edit(&edits, at(1_001));
    let revisions: Vec<u64> = batch
        .results
        .iter()
        .map(|result| result.as_ref().expect("is granted").revision)
        .collect();
    assert_eq!(revisions, [2, 3, 4]);
    assert_eq!(batch.step.state.revision(), 4);
    let in_force = Arc::clone(&batch.step.state.in_force().effective);
    assert_eq!(
        batch.step.effects,
        [Effect::Persist { text: None }, Effect::Replace(in_force)]
    );
}

#[test]
fn each_edit_of_a_batch_has_its_own_result_and_one_that_is_refused_changes_nothing() {
    let edits = [
        weigh("web", "10.77.0.11", 7),
        weigh("mail", "10.77.0.11", 8),
        weigh("web", "10.77.0.99", 8),
        weigh("dns", "10.77.0.11", 9),
    ];
    let batch = state().edit(&edits, at(1_001));
    let [
        Ok(first),
        Err(NotEdited::Edit(EditError::NoSuchService { .. })),
        Err(NotEdited::Edit(EditError::NoSuchReal { .. })),
        Ok(last),
    ] = &batch.results[..]
    else {
        panic!("{:?}", batch.results);
    };
    assert_eq!((first.revision, last.revision), (2, 3));
    let granted_alone = edited(&state(), &[edits[0].clone(), edits[3].clone()], 1_001);
    assert_eq!(batch.step, granted_alone);
    // Each sees what was in force right after it.
    let after_first = edited(&state(), &edits[..1], 1_001).state;
    assert_eq!(first.effective, after_first.in_force().effective);
    assert_eq!(last.effective, batch.step.state.in_force().effective);
}

#[test]
fn edits_one_by_one_lead_where_the_batch_does() {
    let edits = [
        weigh("web", "10.77.0.11", 7),
        weigh("web", "10.77.0.11", 8),
        weigh("dns", "10.77.0.11", 9),
    ];
    let one_by_one = edits.iter().fold(state(), |state, edit| {
        edited(&state, std::slice::from_ref(edit), 1_001).state
    });
    assert_eq!(one_by_one, edited(&state(), &edits, 1_001).state);
}

#[test]
fn an_edit_that_changes_nothing_has_no_effect_and_one_taken_back_is_none() {
    let step = edited(&state(), &[weigh("web", "10.77.0.11", 3)], 1_001);
    assert_eq!((step.state, step.effects), (state(), vec![]));
    let there = edited(&state(), &[weigh("web", "10.77.0.11", 7)], 1_001).state;
    assert!(!there.in_force().edits.is_empty());
    let back = edited(&there, &[weigh("web", "10.77.0.11", 3)], 1_002).state;
    assert!(back.in_force().edits.is_empty());
    assert_eq!(back.revision(), 3);
}

#[test]
fn edits_on_the_disk_are_what_differs_and_no_more() {
    let edits = [
        weigh("web", "10.77.0.12", 0),
        request(Edit::PatchService {
            name: name("web"),
            patch: json!({ "scheduler": "wrr" }),
        }),
        request(Edit::RemoveService { name: name("dns") }),
        request(Edit::AddService(document::Service {
            name: "new".to_owned(),
            address: Some("tcp://10.77.0.101:80".to_owned()),
            ..Default::default()
        })),
        request(Edit::PatchDirector {
            patch: json!({ "max_connections": 2048 }),
        }),
    ];
    let state = edited(&state(), &edits, 1_001).state;
    let written = serde_json::to_value(&*state.in_force().edits).expect("is JSON");
    let expected = json!({
        "director": { "max_connections": 2048 },
        "services": {
            "removed": ["dns"],
            "changed": {
                "web": {
                    "patch": { "scheduler": "wrr" },
                    "reals": { "changed": { "10.77.0.12": { "weight": 0 } } },
                },
            },
            "added": [{ "name": "new", "address": "tcp://10.77.0.101:80" }],
        },
    });
    assert_eq!(written, expected);
}

#[test]
fn of_two_writers_in_one_batch_the_second_learns_that_there_was_a_first() {
    /// The revision has to be this one.
    struct Revision(u64);
    impl Condition for Revision {
        type Failure = u64;

        fn check(&self, _: &Edit, effective: &Desired, revision: u64) -> Result<(), u64> {
            assert_eq!(effective.services.len(), 2);
            (revision == self.0).then_some(()).ok_or(revision)
        }
    }
    let ask = |weight| EditRequest {
        edit: weigh("web", "10.77.0.11", weight).edit,
        condition: Revision(1),
    };
    let batch = state().edit(&[ask(9), ask(5)], at(1_001));
    assert!(matches!(
        &batch.results[..],
        [Ok(_), Err(NotEdited::Condition(2))]
    ));
    assert_eq!(weight(&batch.step.state, "web", "10.77.0.11"), Some(9));
}

#[test]
fn a_large_configuration_shares_what_an_edit_leaves_alone() {
    let state = state();
    let edited = edited(&state, &[weigh("web", "10.77.0.11", 7)], 1_001).state;
    let dns = |state: &State| Arc::clone(&state.in_force().effective.services[1]);
    assert!(Arc::ptr_eq(&dns(&state), &dns(&edited)));
    assert!(Arc::ptr_eq(&state.in_force().base, &edited.in_force().base));
}

fn request(edit: Edit) -> EditRequest<()> {
    EditRequest {
        edit,
        condition: (),
    }
}
