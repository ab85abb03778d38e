use std::{path::PathBuf, time::Duration};

use crate::{
    Applied, Request, Taken,
    sample::{
        FILE, TEXT, apply, at, client, configuration, edited, file, granted, other, state, weigh,
        weight,
    },
};

use super::*;

#[test]
fn the_first_start_applies_the_file() {
    let step = start(None, says(configuration(TEXT)), at(1_000)).expect("starts");
    assert_eq!(step.state, state());
    let text = Some((1, Arc::clone(configuration(TEXT).text())));
    assert_eq!(step.effects, [Effect::Persist { text }]);
    assert_eq!(step.notes, []);
}

#[test]
fn without_anything_that_can_be_used_there_is_no_start() {
    assert!(matches!(
        start(None, missing(), at(2_000)),
        Err(LoadError::Missing { .. })
    ));
    let stored = Stored {
        base: Err("it is torn".to_owned()),
        ..stored(&state(), configuration(TEXT))
    };
    assert!(matches!(
        start(Some(stored), missing(), at(2_000)),
        Err(LoadError::Missing { .. })
    ));
}

#[test]
fn an_unchanged_file_leaves_everything_as_stored() {
    let edited = edited(&state(), &[weigh("web", "10.77.0.11", 7)], 1_001).state;
    let step = started(
        Some(stored(&edited, configuration(TEXT))),
        says(configuration(TEXT)),
    );
    assert_eq!(
        (step.state, step.effects, step.notes),
        (edited, vec![], vec![])
    );
}

#[test]
fn a_file_that_changed_meanwhile_is_applied_with_the_edits_kept() {
    let edited = edited(&state(), &[weigh("web", "10.77.0.12", 7)], 1_001).state;
    let step = started(Some(stored(&edited, configuration(TEXT))), says(other(21)));
    assert_eq!(
        step.effects,
        [Effect::Persist {
            text: Some((2, Arc::clone(other(21).text())))
        }]
    );
    assert_eq!(
        step.notes,
        [Note::FileChanged {
            file: FILE.to_owned()
        }]
    );
    let Applied {
        number,
        at: when,
        source,
        ..
    } = step.state.applied().clone();
    assert_eq!((number, when, source), (2, at(2_000), file(FILE)));
    assert_eq!(weight(&step.state, "web", "10.77.0.12"), Some(7));
    assert_eq!(weight(&step.state, "web", "10.77.0.21"), Some(3));
    assert_eq!(step.state.revision(), edited.revision() + 1);
    assert_eq!(step.state.file().digest, other(21).digest());
}

#[test]
fn so_is_one_whose_last_apply_came_by_the_api_from_that_file() {
    let mut by_api = apply(other(21));
    by_api.source = client(Some(FILE));
    let before = granted(&state(), Request::Apply(by_api), 1_001).state;
    let step = started(Some(stored(&before, other(21))), says(other(22)));
    assert_eq!(step.state.applied().source, file(FILE));
    assert_eq!(step.state.in_force().effective, *other(22).desired());
}

#[test]
fn what_came_by_the_api_from_elsewhere_stays_and_the_way_back_is_told() {
    for source in [client(None), client(Some("/tmp/try.toml"))] {
        let mut from_elsewhere = apply(other(21));
        from_elsewhere.source = source.clone();
        let before = granted(&state(), Request::Apply(from_elsewhere), 1_001).state;
        for content in [configuration(TEXT), other(22)] {
            let step = started(Some(stored(&before, other(21))), says(content));
            assert_eq!((&step.state, &step.effects), (&before, &vec![]));
            let [note] = &step.notes[..] else {
                panic!("one note")
            };
            let expected = Note::NotTheFile {
                file: FILE.to_owned(),
                number: 2,
                source: source.clone(),
            };
            assert_eq!(*note, expected);
            assert!(note.to_string().contains("run `dray reload`"), "{note}");
        }
        // Unless they say the same.
        let step = started(Some(stored(&before, other(21))), says(other(21)));
        assert_eq!((step.state, step.notes), (before, vec![]));
    }
}

#[test]
fn a_restart_does_not_bring_back_what_was_rolled_back_from() {
    let mut reload = apply(other(21));
    reload.source = file(FILE);
    let reloaded = granted(&state(), Request::Apply(reload), 1_001).state;
    let rollback = Request::Rollback {
        number: 1,
        configuration: configuration(TEXT),
        edits: Keeping::Drop,
    };
    let before = granted(&reloaded, rollback, 1_002).state;
    let step = started(Some(stored(&before, configuration(TEXT))), says(other(21)));
    assert_eq!((step.state, step.effects), (before.clone(), vec![]));
    assert!(matches!(
        &step.notes[..],
        [Note::NotTheFile { number: 1, .. }]
    ));
    // Once somebody changes the file, it counts.
    let step = started(Some(stored(&before, configuration(TEXT))), says(other(22)));
    assert_eq!(step.state.in_force().number, 3);
}

#[test]
fn another_file_on_the_daemon_s_command_line_is_applied() {
    let other_file = ConfigFile {
        path: "/etc/dray/new.toml".to_owned(),
        content: Ok(other(21)),
    };
    let step = started(Some(stored(&state(), configuration(TEXT))), other_file);
    assert_eq!(step.state.applied().source, file("/etc/dray/new.toml"));
    let taken = Taken {
        path: "/etc/dray/new.toml".to_owned(),
        digest: other(21).digest(),
    };
    assert_eq!(*step.state.file(), taken);
}

#[test]
fn a_file_that_cannot_be_used_leaves_what_was_applied_before() {
    let edited = edited(&state(), &[weigh("web", "10.77.0.11", 7)], 1_001).state;
    let step = started(Some(stored(&edited, configuration(TEXT))), missing());
    assert_eq!((step.state, step.effects), (edited, vec![]));
    let [Note::FileUnusable { number: 1, why, .. }] = &step.notes[..] else {
        panic!("{:?}", step.notes);
    };
    assert!(why.contains(FILE), "{why}");
}

#[test]
fn what_was_stored_and_cannot_be_used_gives_way_to_the_file_with_the_edits_kept() {
    let edited = edited(&state(), &[weigh("web", "10.77.0.12", 7)], 1_001).state;
    for content in [configuration(TEXT), other(21)] {
        let torn = Stored {
            base: Err("it is torn".to_owned()),
            ..stored(&edited, configuration(TEXT))
        };
        let step = started(Some(torn), says(content.clone()));
        // Its text is kept anew, also when it is the one that is lost.
        assert_eq!(
            step.effects,
            [Effect::Persist {
                text: Some((2, Arc::clone(content.text())))
            }]
        );
        assert!(matches!(
            &step.notes[..],
            [Note::StoredUnusable { number: 1, .. }]
        ));
        assert_eq!(step.state.in_force().base, *content.desired());
        assert_eq!(weight(&step.state, "web", "10.77.0.12"), Some(7));
    }
}

#[test]
fn edits_that_are_not_valid_any_more_are_told_and_dropped() {
    let edited = edited(
        &state(),
        &[weigh("web", "10.77.0.11", 7), weigh("dns", "10.77.0.11", 8)],
        1_001,
    )
    .state;
    let mut record = edited.record();
    let mut edits = (*record.edits).clone();
    let patch = &mut edits
        .services
        .changed
        .get_mut("dns")
        .expect("is edited")
        .reals
        .changed;
    let patch = patch.get_mut("10.77.0.11").expect("is edited");
    patch.insert("colour".to_owned(), "red".into());
    record.edits = Arc::new(edits);
    let stored = Stored {
        record,
        ..stored(&edited, configuration(TEXT))
    };
    let step = started(Some(stored), says(configuration(TEXT)));
    assert!(
        matches!(&step.notes[..], [Note::DroppedEdit(edit)] if edit.why.contains("colour")),
        "{:?}",
        step.notes
    );
    assert_eq!(weight(&step.state, "web", "10.77.0.11"), Some(7));
    assert_eq!(weight(&step.state, "dns", "10.77.0.11"), Some(1));
    assert_eq!(step.state.revision(), edited.revision() + 1);
    assert_eq!(step.effects, [Effect::Persist { text: None }]);
}

#[test]
fn a_configuration_that_was_not_confirmed_in_time_is_gone_back_from_first() {
    let waiting = waiting();
    for (second, number) in [(1_061, 1), (1_060, 2)] {
        let stored = Stored {
            back: Some(Ok(configuration(TEXT))),
            ..stored(&waiting, other(21))
        };
        let step = start(Some(stored), says(other(21)), at(second)).expect("starts");
        assert_eq!(step.state.in_force().number, number);
        let told = matches!(
            &step.notes[..],
            [
                Note::WentBack { from: 2, to: 1 },
                Note::NotTheFile { number: 1, .. }
            ]
        );
        assert_eq!(told, number == 1, "{:?}", step.notes);
        assert_eq!(step.effects.is_empty(), number == 2);
        assert_eq!(
            step.state.unconfirmed(),
            waiting.unconfirmed().filter(|_| number == 2)
        );
    }
}

#[test]
fn going_back_in_time_does_not_need_the_text_of_what_was_not_confirmed() {
    let stored = Stored {
        base: Err("it is torn".to_owned()),
        back: Some(Ok(configuration(TEXT))),
        ..stored(&waiting(), other(21))
    };
    let step = started(Some(stored), says(other(21)));
    assert_eq!(
        step.state.in_force().effective,
        *configuration(TEXT).desired()
    );
}

#[test]
fn without_a_configuration_to_go_back_to_the_one_in_force_stays() {
    let stored = Stored {
        back: Some(Err("it is torn".to_owned())),
        ..stored(&waiting(), other(21))
    };
    let step = started(Some(stored), says(other(21)));
    let told = Note::CannotGoBack {
        to: 1,
        why: "it is torn".to_owned(),
    };
    assert_eq!(step.notes, [told]);
    assert_eq!(
        (step.state.in_force().number, step.state.unconfirmed()),
        (2, None)
    );
    assert_eq!(step.effects, [Effect::Persist { text: None }]);
}

/// The daemon's file, applied by the API at second 1,001 to be confirmed within a minute.
fn waiting() -> State {
    let request = Apply {
        source: client(Some(FILE)),
        confirm: Some(Duration::from_secs(60)),
        ..apply(other(21))
    };
    granted(&state(), Request::Apply(request), 1_001).state
}

fn started(stored: Option<Stored>, file: ConfigFile) -> Step {
    match start(stored, file, at(2_000)) {
        Ok(step) => step,
        Err(error) => panic!("{error}"),
    }
}

/// A state as it was stored, with its configuration in force.
fn stored(state: &State, base: Configuration) -> Stored {
    Stored {
        record: state.record(),
        base: Ok(base),
        back: None,
    }
}

fn says(configuration: Configuration) -> ConfigFile {
    ConfigFile {
        path: FILE.to_owned(),
        content: Ok(configuration),
    }
}

fn missing() -> ConfigFile {
    let path = PathBuf::from(FILE);
    ConfigFile {
        path: FILE.to_owned(),
        content: Err(LoadError::Missing { path }),
    }
}
