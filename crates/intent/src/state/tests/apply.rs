use std::time::Duration;

use crate::{sample::*, state::*};

#[test]
fn a_new_configuration_is_persisted_with_its_text_before_it_is_put_in_force() {
    let state = state();
    let new = other(21);
    let step = granted(&state, Request::Apply(apply(new.clone())), 1_010);
    let persist = Effect::Persist {
        text: Some((2, Arc::clone(new.text()))),
    };
    assert_eq!(
        step.effects,
        [persist, Effect::Replace(Arc::clone(new.desired()))]
    );
    assert_eq!(step.state.revision(), state.revision() + 1);
    assert_eq!(step.state.in_force().number, 2);
    let Applied {
        number,
        at: when,
        source,
        bytes,
        digest,
        went_back,
    } = step.state.applied().clone();
    assert_eq!(
        (number, when, source, went_back),
        (2, at(1_010), client(None), false)
    );
    assert_eq!((bytes, digest), (new.text().len() as u64, new.digest()));
}

#[test]
fn the_same_text_from_the_same_place_again_changes_nothing() {
    let state = state();
    let mut again = apply(configuration(TEXT));
    again.source = file(FILE);
    let step = granted(&state, Request::Apply(again.clone()), 1_010);
    assert_eq!((step.state, step.effects), (state.clone(), vec![]));

    let edited = edited(&state, &[weigh("web", "10.77.0.11", 7)], 1_005).state;
    let step = granted(&edited, Request::Apply(again.clone()), 1_010);
    assert_eq!((step.state, step.effects), (edited.clone(), vec![]));

    again.edits = Keeping::Drop;
    let step = granted(&edited, Request::Apply(again), 1_010);
    assert_eq!(step.state.in_force(), state.in_force());
    assert_eq!(step.state.revision(), edited.revision() + 1);
    assert_eq!(text(&step), None);
}

#[test]
fn the_same_text_from_another_place_is_another_configuration() {
    let step = granted(&state(), Request::Apply(apply(configuration(TEXT))), 1_010);
    assert_eq!(step.state.in_force().number, 2);
    assert_eq!(step.state.applied().source, client(None));
}

#[test]
fn edits_are_kept_on_a_new_base_or_dropped_as_the_caller_says() {
    let state = edited(&state(), &[weigh("web", "10.77.0.12", 7)], 1_005).state;
    let mut request = apply(other(21));
    let kept = granted(&state, Request::Apply(request.clone()), 1_010);
    assert_eq!(kept.notes, []);
    assert_eq!(kept.state.in_force().edits, state.in_force().edits);
    assert_eq!(weight(&kept.state, "web", "10.77.0.12"), Some(7));
    assert_eq!(weight(&kept.state, "web", "10.77.0.21"), Some(3));

    request.edits = Keeping::Drop;
    let dropped = granted(&state, Request::Apply(request), 1_010);
    assert_eq!(dropped.state.in_force().effective, *other(21).desired());
    assert!(dropped.state.in_force().edits.is_empty());
}

#[test]
fn an_edit_of_what_is_gone_is_told_and_dropped_and_the_others_are_kept() {
    let edits = [
        weigh("web", "10.77.0.11", 7),
        weigh("web", "10.77.0.12", 8),
        weigh("dns", "10.77.0.11", 9),
    ];
    let state = edited(&state(), &edits, 1_005).state;
    let start = TEXT
        .find("[[service]]\nname = \"dns\"")
        .expect("it is there");
    let without_dns = TEXT[..start].replace("10.77.0.11", "10.77.0.21");
    let step = granted(
        &state,
        Request::Apply(apply(configuration(&without_dns))),
        1_010,
    );
    let told: Vec<String> = step.notes.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "the edit of service web, real server 10.77.0.11 was dropped: there is no such real server any more",
            "the edit of service dns was dropped: there is no such service any more",
        ]
    );
    assert_eq!(weight(&step.state, "web", "10.77.0.12"), Some(8));
}

#[test]
fn an_edit_that_the_new_base_has_is_none_any_more() {
    let state = edited(&state(), &[weigh("web", "10.77.0.11", 7)], 1_005).state;
    let written = configuration(&TEXT.replace("weight = 3", "weight = 7"));
    let step = granted(&state, Request::Apply(apply(written)), 1_010);
    assert_eq!(step.notes, []);
    assert!(step.state.in_force().edits.is_empty());
}

#[test]
fn an_edit_that_cannot_stand_beside_the_new_base_is_told_and_dropped() {
    let added = |name: &str, port: u16| EditRequest {
        edit: dray_model::edit::Edit::AddService(dray_model::document::Service {
            name: name.to_owned(),
            address: Some(format!("tcp://10.77.0.100:{port}")),
            ..Default::default()
        }),
        condition: (),
    };
    let edits = [
        added("mine", 443),
        added("other", 8080),
        weigh("web", "10.77.0.11", 7),
    ];
    let state = edited(&state(), &edits, 1_005).state;
    let theirs =
        format!("{TEXT}\n[[service]]\nname = \"theirs\"\naddress = \"tcp://10.77.0.100:443\"\n");
    let step = granted(&state, Request::Apply(apply(configuration(&theirs))), 1_010);
    let [Note::DroppedEdit(dropped)] = &step.notes[..] else {
        panic!("one edit is dropped: {:?}", step.notes);
    };
    assert_eq!(dropped.what, "service mine");
    assert!(dropped.why.contains("theirs"), "{}", dropped.why);
    let services = &step.state.in_force().effective.services;
    let names: Vec<&str> = services
        .iter()
        .map(|service| service.name.as_str())
        .collect();
    assert_eq!(names, ["web", "dns", "theirs", "other"]);
    assert_eq!(weight(&step.state, "web", "10.77.0.11"), Some(7));
}

#[test]
fn edits_that_fit_only_together_are_kept_and_dropped_beside_one_that_does_not_fit() {
    let at_address = |service: &str, address: &str| EditRequest {
        edit: dray_model::edit::Edit::PatchService {
            name: name(service),
            patch: serde_json::json!({ "address": address }),
        },
        condition: (),
    };
    // The two services change places.
    let edits = [
        at_address("web", "udp://10.77.0.100:1"),
        at_address("dns", "tcp://10.77.0.100:80"),
        at_address("web", "udp://10.77.0.100:53"),
    ];
    let state = edited(&state(), &edits, 1_005).state;
    let step = granted(&state, Request::Apply(apply(other(21))), 1_010);
    assert_eq!(step.notes, []);
    assert_eq!(step.state.in_force().edits, state.in_force().edits);

    let mine = EditRequest {
        edit: dray_model::edit::Edit::AddService(dray_model::document::Service {
            name: "mine".to_owned(),
            address: Some("tcp://10.77.0.100:443".to_owned()),
            ..Default::default()
        }),
        condition: (),
    };
    let state = edited(&state, &[mine], 1_006).state;
    let theirs =
        format!("{TEXT}\n[[service]]\nname = \"theirs\"\naddress = \"tcp://10.77.0.100:443\"\n");
    let step = granted(&state, Request::Apply(apply(configuration(&theirs))), 1_010);
    // Neither of the two can take the other's address first.
    let dropped = step.notes.iter().map(|note| match note {
        Note::DroppedEdit(edit) => edit.what.as_str(),
        other => panic!("{other}"),
    });
    assert_eq!(
        dropped.collect::<Vec<_>>(),
        ["service web", "service dns", "service mine"]
    );
    assert_eq!(
        step.state.in_force().effective,
        *configuration(&theirs).desired()
    );
}

#[test]
fn many_edits_are_kept_as_few_are() {
    let added = (1..=150).map(|port| EditRequest {
        edit: dray_model::edit::Edit::AddService(dray_model::document::Service {
            name: format!("added-{port}"),
            address: Some(format!("tcp://10.77.0.101:{port}")),
            ..Default::default()
        }),
        condition: (),
    });
    let mut edits: Vec<_> = added.collect();
    edits.push(weigh("web", "10.77.0.12", 7));
    let state = edited(&state(), &edits, 1_005).state;
    let step = granted(&state, Request::Apply(apply(other(21))), 1_010);
    assert_eq!(step.notes, []);
    assert_eq!(step.state.in_force().edits, state.in_force().edits);
    // What the edits leave alone is the new base's own.
    let [in_force, base] = [
        &step.state.in_force().effective,
        &step.state.in_force().base,
    ];
    assert!(Arc::ptr_eq(&in_force.services[1], &base.services[1]));
}

#[test]
fn what_is_not_confirmed_in_time_goes_back_with_the_edits_of_before_and_since() {
    let state = edited(&state(), &[weigh("web", "10.77.0.12", 7)], 1_001).state;
    let waiting = granted(&state, to_be_confirmed(other(21)), 1_010).state;
    assert_eq!(waiting.next_deadline(), Some(at(1_070)));
    let edits = [weigh("dns", "10.77.0.21", 4), weigh("web", "10.77.0.12", 9)];
    let waiting = edited(&waiting, &edits, 1_020).state;

    let quiet = granted(&waiting, tick(), 1_069);
    assert_eq!((quiet.state, quiet.effects), (waiting.clone(), vec![]));

    let back = granted(&waiting, tick(), 1_070);
    assert_eq!(back.notes, [Note::WentBack { from: 2, to: 1 }]);
    assert_eq!(back.state.in_force().number, 1);
    assert_eq!(weight(&back.state, "web", "10.77.0.12"), Some(9));
    assert_eq!(weight(&back.state, "dns", "10.77.0.11"), Some(1));
    assert_eq!(back.effects.len(), 2);
    assert_eq!(
        back.effects[1],
        Effect::Replace(Arc::clone(&back.state.in_force().effective))
    );
    assert!(back.state.find(2).expect("is kept").went_back);
    assert_eq!(back.state.unconfirmed(), None);
    assert!(back.state.revision() > waiting.revision());
    let refused = back
        .state
        .step(Request::Confirm { number: None }, at(1_071));
    assert_eq!(
        refused,
        Err(Refusal::NothingToConfirm { last_back: Some(2) })
    );
}

#[test]
fn what_is_confirmed_stays() {
    let waiting = granted(&state(), to_be_confirmed(other(21)), 1_010).state;
    let wrong = waiting.step(Request::Confirm { number: Some(1) }, at(1_020));
    assert_eq!(
        wrong,
        Err(Refusal::NotTheOneToConfirm {
            waiting: 2,
            asked: 1
        })
    );
    let confirmed = granted(&waiting, Request::Confirm { number: Some(2) }, 1_020);
    assert_eq!(confirmed.effects, [Effect::Persist { text: None }]);
    assert_eq!(confirmed.state.in_force(), waiting.in_force());
    assert_eq!(granted(&confirmed.state, tick(), 9_999).effects, []);
    let again = confirmed
        .state
        .step(Request::Confirm { number: None }, at(1_021));
    assert_eq!(again, Err(Refusal::NothingToConfirm { last_back: None }));
}

#[test]
fn a_second_configuration_to_be_confirmed_goes_back_to_the_last_confirmed_one() {
    let one = granted(&state(), to_be_confirmed(other(21)), 1_010).state;
    let two = granted(&one, to_be_confirmed(other(22)), 1_020).state;
    assert_eq!(two.next_deadline(), Some(at(1_080)));
    let back = granted(&two, tick(), 1_080).state;
    assert_eq!(back.in_force().number, 1);
    assert_eq!(back.history().len(), 3);
}

#[test]
fn a_configuration_applied_for_good_forgets_what_waited() {
    let waiting = granted(&state(), to_be_confirmed(other(21)), 1_010).state;
    let good = granted(&waiting, Request::Apply(apply(other(22))), 1_020).state;
    assert_eq!(good.unconfirmed(), None);
    // The same one without a deadline is a confirmation.
    let good = granted(&waiting, Request::Apply(apply(other(21))), 1_020).state;
    assert_eq!((good.unconfirmed(), good.in_force().number), (None, 2));
}

#[test]
fn what_changes_nothing_has_nothing_to_go_back_from() {
    let Request::Apply(mut request) = to_be_confirmed(configuration(TEXT)) else {
        unreachable!()
    };
    request.source = file(FILE);
    let step = granted(&state(), Request::Apply(request), 1_010);
    assert_eq!((step.state, step.effects), (state(), vec![]));
}

#[test]
fn one_can_go_back_at_once() {
    let waiting = granted(&state(), to_be_confirmed(other(21)), 1_010).state;
    assert_eq!(
        waiting.rollback_target(None),
        Ok(RollbackTarget::Unconfirmed)
    );
    let back = granted(&waiting, Request::GoBack, 1_011);
    assert_eq!(back.state.in_force(), state().in_force());
    assert_eq!(
        back.state.step(Request::GoBack, at(1_012)),
        Err(Refusal::NothingToConfirm { last_back: Some(2) })
    );
}

#[test]
fn a_rollback_is_to_a_kept_configuration_or_to_the_one_before() {
    let mut now = state();
    assert_eq!(
        now.rollback_target(None),
        Err(Refusal::NothingBefore {
            number: 1,
            kept: vec![1]
        })
    );
    for last in 21..=23 {
        now = granted(&now, Request::Apply(apply(other(last))), 1_010).state;
    }
    assert_eq!(now.rollback_target(None), Ok(RollbackTarget::Number(3)));
    assert_eq!(now.rollback_target(Some(1)), Ok(RollbackTarget::Number(1)));
    let none = Refusal::NoSuchConfiguration {
        number: 9,
        kept: vec![1, 2, 3, 4],
    };
    assert_eq!(now.rollback_target(Some(9)), Err(none.clone()));
    assert_eq!(
        none.to_string(),
        "configuration 9 is not kept; kept are 1, 2, 3, 4"
    );

    let rollback = |number, configuration| Request::Rollback {
        number,
        configuration,
        edits: Keeping::Drop,
    };
    let step = granted(&now, rollback(2, other(21)), 1_020);
    assert_eq!(text(&step), None);
    assert_eq!(step.state.in_force().number, 2);
    assert_eq!(step.state.history(), now.history());
    assert_eq!(
        step.state.rollback_target(None),
        Ok(RollbackTarget::Number(1))
    );
    // The next one has a number of its own.
    let next = granted(&step.state, Request::Apply(apply(other(24))), 1_030).state;
    assert_eq!(next.in_force().number, 5);
}

#[test]
fn what_nobody_confirmed_is_not_the_one_before() {
    let waiting = granted(&state(), to_be_confirmed(other(21)), 1_010).state;
    let rollback = |number, configuration| Request::Rollback {
        number,
        configuration,
        edits: Keeping::Keep,
    };
    let left = [
        granted(&waiting, tick(), 1_070).state,
        granted(&waiting, Request::GoBack, 1_011).state,
        granted(&waiting, rollback(1, configuration(TEXT)), 1_011).state,
        granted(&waiting, to_be_confirmed(other(23)), 1_011).state,
    ];
    for left in left {
        let next = granted(&left, Request::Apply(apply(other(22))), 1_080).state;
        assert_eq!(
            next.rollback_target(None),
            Ok(RollbackTarget::Number(1)),
            "{:?}",
            next.history()
        );
        // Unless somebody asks for it by its number.
        let wanted = granted(&next, rollback(2, other(21)), 1_090).state;
        let next = granted(&wanted, Request::Apply(apply(other(24))), 1_100).state;
        assert!(!next.find(2).expect("is kept").went_back);
    }
    let confirmed = granted(&waiting, Request::Confirm { number: None }, 1_011).state;
    let next = granted(&confirmed, Request::Apply(apply(other(22))), 1_080).state;
    assert_eq!(next.rollback_target(None), Ok(RollbackTarget::Number(2)));
}

#[test]
fn what_is_gone_back_to_is_kept_however_much_is_applied() {
    let mut now = granted(&state(), to_be_confirmed(other(21)), 1_010).state;
    for last in 0..2 * crate::HISTORY as u8 {
        now = granted(&now, to_be_confirmed(other(101 + last)), 1_011).state;
    }
    assert_eq!(now.history().len(), crate::HISTORY);
    assert!(now.find(1).is_some());
    assert_eq!(
        granted(&now, Request::GoBack, 1_012).state.in_force(),
        state().in_force()
    );
}

#[test]
fn the_daemon_s_file_is_known_as_it_was_taken_last() {
    let mut from_file = apply(other(21));
    from_file.source = client(Some(FILE));
    let step = granted(&state(), Request::Apply(from_file), 1_010);
    assert_eq!(step.state.file().digest, other(21).digest());
    let mut from_elsewhere = apply(other(22));
    from_elsewhere.source = client(Some("/tmp/try.toml"));
    let step = granted(&step.state, Request::Apply(from_elsewhere), 1_011);
    assert_eq!(step.state.file().digest, other(21).digest());
    let mut reload = apply(other(23));
    reload.source = file("/etc/other.toml");
    let step = granted(&step.state, Request::Apply(reload), 1_012);
    let taken = Taken {
        path: "/etc/other.toml".to_owned(),
        digest: other(23).digest(),
    };
    assert_eq!(*step.state.file(), taken);
}

fn to_be_confirmed(configuration: Configuration) -> Request {
    Request::Apply(Apply {
        confirm: Some(Duration::from_secs(60)),
        ..apply(configuration)
    })
}

fn tick() -> Request {
    Request::Tick { counted: vec![] }
}
