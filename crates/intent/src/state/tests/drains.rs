use std::time::Duration;

use dray_model::edit::Edit;

use crate::{Quiesced, Then, sample::*, state::*};

#[test]
fn a_drain_quiesces_where_it_is_asked_to() {
    for (service, endpoint, quiesced) in [
        (Some("web"), "10.77.0.11", &["web"][..]),
        (None, "10.77.0.11", &["web", "dns"]),
        (None, "10.77.0.11:53", &["dns"]),
        (Some("dns"), "10.77.0.11:53", &["dns"]),
        (Some("web"), "10.77.0.11:80", &["web"]),
    ] {
        let step = granted(&state(), drain(service, endpoint, Then::Keep), 1_001);
        let [drain] = step.state.drains() else {
            panic!("one drain")
        };
        let services: Vec<&str> = drain
            .reals
            .iter()
            .map(|real| real.service.as_str())
            .collect();
        assert_eq!(services, quiesced, "{service:?} {endpoint}");
        for service in ["web", "dns"] {
            let is_quiesced = weight(&step.state, service, "10.77.0.11") == Some(0);
            assert_eq!(
                is_quiesced,
                quiesced.contains(&service),
                "{service:?} {endpoint}"
            );
        }
        assert_eq!(drain.deadline, at(1_061));
        assert_eq!(step.state.next_deadline(), Some(at(1_061)));
        assert_eq!(step.effects.len(), 2);
    }
}

#[test]
fn a_drain_of_nothing_and_a_second_drain_are_refused() {
    let refused = |state: &State, request| {
        state
            .step(request, at(1_001))
            .expect_err("is refused")
            .to_string()
    };
    assert_eq!(
        refused(&state(), drain(Some("dns"), "10.77.0.12", Then::Keep)),
        "there is no real server 10.77.0.12 in service dns: `dray real list` shows them"
    );
    let draining = granted(
        &state(),
        drain(Some("web"), "10.77.0.11", Then::Keep),
        1_001,
    )
    .state;
    assert_eq!(
        refused(&draining, drain(None, "10.77.0.11", Then::Reset)),
        "real server 10.77.0.11 of service web is in drain 1 already; end that first with `dray drain --cancel 1`"
    );
    let beside = granted(
        &draining,
        drain(Some("dns"), "10.77.0.11", Then::Reset),
        1_002,
    );
    assert_eq!(beside.state.drains().len(), 2);
}

#[test]
fn a_drain_ends_when_no_connection_is_left_anywhere() {
    let draining = granted(&state(), drain(None, "10.77.0.11", Then::Reset), 1_001).state;
    let counted = |web: u64, dns: u64| vec![count("web", web), count("dns", dns)];
    for counted in [vec![], vec![count("web", 0)], counted(0, 2), counted(3, 0)] {
        let step = granted(
            &draining,
            Request::Tick {
                counted: counted.clone(),
            },
            1_010,
        );
        assert_eq!(
            (step.state, step.effects),
            (draining.clone(), vec![]),
            "{counted:?}"
        );
    }
    let step = granted(
        &draining,
        Request::Tick {
            counted: counted(0, 0),
        },
        1_010,
    );
    assert_eq!(
        step.notes,
        [Note::DrainEnded {
            id: 1,
            how: End::Drained
        }]
    );
    assert_eq!(step.effects, [Effect::Persist { text: None }]);
    assert_eq!(step.state.drains(), []);
    let [ended] = step.state.ended_drains() else {
        panic!("one ended")
    };
    assert_eq!(
        (ended.drain.id, ended.at, ended.how),
        (1, at(1_010), End::Drained)
    );
    // It stays quiesced.
    assert_eq!(weight(&step.state, "web", "10.77.0.11"), Some(0));
    assert_eq!(step.state.revision(), draining.revision());
}

#[test]
fn at_the_deadline_connections_are_kept_reset_or_moved() {
    let reals = vec![
        (name("web"), real("10.77.0.11")),
        (name("dns"), real("10.77.0.11")),
    ];
    let ends = |templates| {
        Some(Effect::EndConnections {
            reals: reals.clone(),
            templates,
        })
    };
    for (then, expected) in [
        (Then::Keep, None),
        (Then::Reset, ends(false)),
        (Then::Move, ends(true)),
    ] {
        let draining = granted(&state(), drain(None, "10.77.0.11", then), 1_001).state;
        let counted = vec![count("web", 1), count("dns", 0)];
        let early = granted(
            &draining,
            Request::Tick {
                counted: counted.clone(),
            },
            1_060,
        );
        assert_eq!(early.effects, []);
        let step = granted(&draining, Request::Tick { counted }, 1_061);
        let mut effects: Vec<Effect> = expected.into_iter().collect();
        effects.push(Effect::Persist { text: None });
        assert_eq!(step.effects, effects, "{then:?}");
        assert_eq!(
            step.notes,
            [Note::DrainEnded {
                id: 1,
                how: End::Overdue
            }]
        );
    }
}

#[test]
fn a_cancelled_drain_gives_back_the_weights_of_before() {
    let weighed = edited(&state(), &[weigh("dns", "10.77.0.11", 9)], 1_000).state;
    let draining = granted(&weighed, drain(None, "10.77.0.11", Then::Reset), 1_001).state;
    assert_eq!(
        draining.drains()[0].reals,
        [quiesced("web", None), quiesced("dns", Some(9))]
    );
    let step = granted(&draining, Request::CancelDrain { id: 1 }, 1_010);
    assert_eq!(step.state.in_force(), weighed.in_force());
    assert_eq!(step.state.ended_drains()[0].how, End::Cancelled);
    let again = step.state.step(Request::CancelDrain { id: 1 }, at(1_011));
    assert_eq!(
        again,
        Err(Refusal::NoSuchDrain {
            id: 1,
            ended: Some(End::Cancelled)
        })
    );
    let unknown = step.state.step(Request::CancelDrain { id: 7 }, at(1_011));
    assert_eq!(unknown, Err(Refusal::NoSuchDrain { id: 7, ended: None }));
}

#[test]
fn a_cancelled_drain_gives_the_weight_of_the_base_as_it_is_by_then() {
    let draining = granted(
        &state(),
        drain(Some("web"), "10.77.0.11", Then::Keep),
        1_001,
    )
    .state;
    let heavier = configuration(&TEXT.replace("weight = 3", "weight = 30"));
    let draining = granted(&draining, Request::Apply(apply(heavier)), 1_005).state;
    assert_eq!(weight(&draining, "web", "10.77.0.11"), Some(0));
    let step = granted(&draining, Request::CancelDrain { id: 1 }, 1_010);
    assert_eq!(weight(&step.state, "web", "10.77.0.11"), Some(30));
    assert!(step.state.in_force().edits.is_empty());
}

#[test]
fn a_weight_that_somebody_gives_takes_the_real_server_out_of_its_drain() {
    let draining = granted(&state(), drain(None, "10.77.0.11", Then::Reset), 1_001).state;
    let one = edited(&draining, &[weigh("web", "10.77.0.11", 5)], 1_002);
    assert_eq!(one.notes, []);
    assert_eq!(one.state.drains()[0].reals, [quiesced("dns", None)]);
    let both = edited(&one.state, &[weigh("dns", "10.77.0.11", 5)], 1_003);
    assert_eq!(
        both.notes,
        [Note::DrainEnded {
            id: 1,
            how: End::Overtaken
        }]
    );
    assert_eq!(both.state.drains(), []);
}

#[test]
fn a_drain_ends_with_its_real_servers() {
    let draining = granted(&state(), drain(None, "10.77.0.11", Then::Reset), 1_001).state;
    let clear = EditRequest {
        edit: Edit::Clear,
        condition: (),
    };
    let cleared = edited(&draining, &[clear], 1_002);
    assert_eq!(
        cleared.notes,
        [Note::DrainEnded {
            id: 1,
            how: End::Overtaken
        }]
    );
    let mut forgetting = apply(configuration(TEXT));
    forgetting.edits = Keeping::Drop;
    let dropped = granted(&draining, Request::Apply(forgetting), 1_002);
    assert_eq!(
        dropped.notes,
        [Note::DrainEnded {
            id: 1,
            how: End::Overtaken
        }]
    );
}

#[test]
fn a_drain_goes_on_when_the_director_goes_back_and_what_is_not_quiesced_is_not_ended() {
    let waiting = Request::Apply(Apply {
        confirm: Some(Duration::from_secs(60)),
        ..apply(other(21))
    });
    let waiting = granted(&state(), waiting, 1_001).state;
    let waiting = granted(
        &waiting,
        drain(Some("web"), "10.77.0.12", Then::Reset),
        1_001,
    )
    .state;
    let waiting = granted(
        &waiting,
        drain(Some("web"), "10.77.0.21", Then::Reset),
        1_001,
    )
    .state;
    let step = granted(&waiting, Request::Tick { counted: vec![] }, 1_061);
    let reals = vec![(name("web"), real("10.77.0.12"))];
    assert_eq!(
        step.effects[0],
        Effect::EndConnections {
            reals,
            templates: false
        }
    );
    assert_eq!(
        step.notes,
        [
            Note::WentBack { from: 2, to: 1 },
            Note::DrainEnded {
                id: 2,
                how: End::Overtaken
            },
            Note::DrainEnded {
                id: 1,
                how: End::Overdue
            },
        ]
    );
    assert_eq!(weight(&step.state, "web", "10.77.0.12"), Some(0));
    assert_eq!(weight(&step.state, "web", "10.77.0.11"), Some(3));
}

#[test]
fn the_latest_ended_drains_are_remembered() {
    let mut now = state();
    for _ in 0..crate::ENDED_DRAINS + 3 {
        now = granted(&now, drain(None, "10.77.0.12", Then::Keep), 1_001).state;
        let id = now.drains()[0].id;
        now = granted(&now, Request::CancelDrain { id }, 1_002).state;
    }
    let ids: Vec<u64> = now
        .ended_drains()
        .iter()
        .map(|ended| ended.drain.id)
        .collect();
    assert_eq!(ids, (4..=23).collect::<Vec<_>>());
}

fn count(service: &str, connections: u64) -> Occupancy {
    Occupancy {
        service: name(service),
        real: real("10.77.0.11"),
        connections,
    }
}

fn quiesced(service: &str, edited_weight: Option<u16>) -> Quiesced {
    Quiesced {
        service: name(service),
        real: real("10.77.0.11"),
        edited_weight,
    }
}
