//! A daemon's state through its life, in a real directory.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use dray_intent::{
    Apply, ConfigFile, Configuration, DrainRequest, EditRequest, Effect, Intent, Keeping, Note,
    OpenError, Opened, Request, RollbackError, Source, StartError, State, Step, TextError, Then,
    Timestamp,
};
use dray_model::{ServiceName, config, edit::Edit};
use serde_json::json;

const FILE: &str = "/etc/dray/dray.toml";

#[test]
fn what_was_changed_survives_a_restart() {
    let dir = Directory::new();
    let mut intent = dir.start();
    edit(&mut intent, 7);
    take(&mut intent, Request::Apply(apply(21, Some(60))));
    let drain = DrainRequest {
        service: Some(name("web")),
        real: "10.77.0.12".parse().expect("a real server"),
        patience: Duration::from_secs(600),
        then: Then::Move,
        who: "uid 0".to_owned(),
        connections: 3,
    };
    take(&mut intent, Request::Drain(drain));
    let before = intent.state().clone();
    drop(intent);

    let Opened {
        intent,
        set_aside,
        notes,
    } = dir.open(other(0), at(30));
    assert_eq!(*intent.state(), before);
    assert_eq!(set_aside, []);
    assert!(matches!(&notes[..], [Note::NotTheFile { number: 2, .. }]));
}

#[test]
fn a_deadline_holds_over_a_restart() {
    let dir = Directory::new();
    let mut intent = dir.start();
    take(&mut intent, Request::Apply(apply(21, Some(60))));
    drop(intent);
    let waiting = dir.open(other(0), at(59));
    assert_eq!(waiting.intent.state().in_force().number, 2);
    assert_eq!(waiting.intent.state().next_deadline(), Some(at(60)));
    drop(waiting);
    let back = dir.open(other(0), at(60));
    assert_eq!(back.notes, [Note::WentBack { from: 2, to: 1 }]);
    assert_eq!(back.intent.state().in_force().number, 1);
    drop(back);
    assert_eq!(dir.open(other(0), at(61)).notes, []);
}

#[test]
fn a_step_whose_effects_fail_leaves_no_trace() {
    let dir = Directory::new();
    let mut intent = dir.start();
    let before = intent.state().clone();
    let files = dir.files();
    let step = step(intent.state(), Request::Apply(apply(21, None)));
    intent.persist(&step).expect("persists");
    assert!(dir.path().join("applied/000002.toml").exists());
    intent.discard(step).expect("discards");
    assert_eq!(*intent.state(), before);
    assert_eq!(dir.files(), files);
    drop(intent);
    assert_eq!(*dir.open(other(0), at(1)).intent.state(), before);
}

#[test]
fn a_kill_between_persisting_and_putting_in_force_leaves_the_new_state() {
    let dir = Directory::new();
    let mut intent = dir.start();
    let step = step(intent.state(), Request::Apply(apply(21, None)));
    intent.persist(&step).expect("persists");
    drop(intent);
    assert_eq!(*dir.open(other(0), at(1)).intent.state(), step.state);
}

#[test]
fn what_the_data_plane_does_not_take_after_a_kill_is_gone_back_from() {
    let dir = Directory::new();
    let mut intent = dir.start();
    edit(&mut intent, 7);
    let before = intent.state().clone();
    let step = step(intent.state(), Request::Apply(apply(21, None)));
    intent.persist(&step).expect("persists");
    drop(intent);

    let mut intent = dir.open(other(0), at(1)).intent;
    let notes = intent.fall_back("no room".to_owned()).expect("goes back");
    let [note] = &notes.expect("there is something")[..] else {
        panic!("one note");
    };
    assert_eq!(
        note.to_string(),
        "configuration 2 (applied by uid 0) cannot be put in force, and configuration 1 is as it was before: no room"
    );
    assert_eq!(*intent.state(), before);
    assert!(!dir.path().join("applied/000002.toml").exists());
    assert_eq!(intent.fall_back(String::new()).expect("nothing"), None);
    drop(intent);
    let again = dir.open(other(0), at(2));
    assert_eq!((again.intent.state(), again.notes), (&before, vec![]));
}

#[test]
fn so_is_an_edit_that_the_data_plane_does_not_take() {
    let dir = Directory::new();
    let mut intent = dir.start();
    let before = intent.state().clone();
    let batch = batch(&intent, 7);
    intent.persist(&batch).expect("persists");
    drop(intent);
    let mut intent = dir.open(other(0), at(1)).intent;
    let notes = intent.fall_back("no room".to_owned()).expect("goes back");
    assert!(matches!(
        &notes.expect("there is something")[..],
        [Note::NotTaken {
            number: 1,
            back: 1,
            ..
        }]
    ));
    assert_eq!(*intent.state(), before);
}

#[test]
fn a_file_that_changed_and_is_not_taken_is_tried_again_by_the_next_daemon() {
    let dir = Directory::new();
    let before = dir.start().state().clone();
    for start in 1..3 {
        let mut opened = dir.open(other(21), at(start));
        assert!(matches!(&opened.notes[..], [Note::FileChanged { .. }]));
        assert_eq!(opened.intent.state().in_force().number, 2);
        let notes = opened.intent.fall_back("no room".to_owned());
        assert_eq!(notes.expect("goes back").expect("is something").len(), 1);
        assert_eq!(*opened.intent.state(), before);
    }
    let mut taken = dir.open(other(21), at(3)).intent;
    taken.taken();
    assert_eq!(taken.fall_back(String::new()).expect("nothing"), None);
    assert_eq!(taken.state().in_force().number, 2);
    assert!(dir.files().contains(&"state.json".to_owned()));
    assert!(!dir.files().contains(&"next.json".to_owned()));
}

#[test]
fn what_was_taken_is_not_gone_back_from() {
    let dir = Directory::new();
    let mut intent = dir.start();
    take(&mut intent, Request::Apply(apply(21, None)));
    drop(intent);
    let mut intent = dir.open(other(0), at(1)).intent;
    assert_eq!(intent.fall_back(String::new()).expect("nothing"), None);
    assert_eq!(intent.state().in_force().number, 2);
}

#[test]
fn what_cannot_be_written_changes_nothing() {
    let dir = Directory::new();
    let mut intent = dir.start();
    let before = intent.state().clone();
    // A directory where the text is to be written fails for root too.
    fs::create_dir(dir.path().join("applied/000002.toml.new")).expect("a directory");
    let step = step(intent.state(), Request::Apply(apply(21, None)));
    let error = intent.persist(&step).expect_err("fails");
    assert!(error.path.ends_with("applied/000002.toml"), "{error}");
    drop(intent);
    assert_eq!(*dir.open(other(0), at(1)).intent.state(), before);
}

#[test]
fn any_kept_configuration_can_be_gone_back_to() {
    let dir = Directory::new();
    let mut intent = dir.start();
    for last in 21..25 {
        take(&mut intent, Request::Apply(apply(last, None)));
    }
    drop(intent);
    let mut intent = dir.open(other(0), at(1)).intent;
    let step = intent
        .rollback(Some(3), Keeping::Keep, at(2))
        .expect("is kept");
    commit(&mut intent, step);
    assert_eq!(intent.state().in_force().effective, *other(22).desired());
    assert_eq!(intent.text(3).expect("is kept"), **other(22).text());
    let step = intent
        .rollback(None, Keeping::Keep, at(2))
        .expect("is kept");
    assert_eq!(step.state.in_force().number, 2);

    let refused = intent
        .rollback(Some(77), Keeping::Keep, at(2))
        .expect_err("is not kept");
    assert_eq!(
        refused.to_string(),
        "configuration 77 is not kept; kept are 1, 2, 3, 4, 5"
    );

    let text = dir.path().join("applied/000004.toml");
    fs::write(&text, other(99).text().as_bytes()).expect("writes");
    let changed = intent.rollback(Some(4), Keeping::Keep, at(2));
    assert!(
        matches!(changed, Err(RollbackError::Text(TextError::Changed { path })) if path == text)
    );
    fs::remove_file(&text).expect("removes");
    let gone = intent.rollback(Some(4), Keeping::Keep, at(2));
    assert!(matches!(
        gone,
        Err(RollbackError::Text(TextError::Gone { number: 4 }))
    ));
}

#[test]
fn only_texts_that_are_kept_stay_on_the_disk() {
    let dir = Directory::new();
    let mut intent = dir.start();
    for round in 0..30 {
        take(&mut intent, Request::Apply(apply(20 + round, None)));
        let kept = intent.state().history().iter();
        let kept: Vec<_> = kept
            .map(|applied| format!("applied/{:06}.toml", applied.number))
            .collect();
        let mut files = dir.files();
        files.retain(|file| file.starts_with("applied/"));
        assert_eq!(files, kept);
    }
    assert_eq!(intent.state().history().len(), dray_intent::HISTORY);
}

#[test]
fn a_damaged_text_is_set_aside_and_the_file_is_applied() {
    let dir = Directory::new();
    let mut intent = dir.start();
    edit(&mut intent, 7);
    drop(intent);
    let text = dir.path().join("applied/000001.toml");
    fs::write(&text, "torn").expect("writes");
    let opened = dir.open(other(0), at(1));
    let [aside] = &opened.set_aside[..] else {
        panic!("one is set aside: {:?}", opened.set_aside);
    };
    assert_eq!(aside.from, text);
    assert_eq!(fs::read_to_string(&aside.to).expect("is there"), "torn");
    assert!(matches!(
        &opened.notes[..],
        [Note::StoredUnusable { number: 1, .. }]
    ));
    assert_eq!(opened.intent.state().in_force().number, 2);
    assert!(!opened.intent.state().in_force().edits.is_empty());
    drop(opened);
    let again = dir.open(other(0), at(2));
    assert_eq!((again.set_aside, again.notes), (vec![], vec![]));
}

#[test]
fn a_damaged_state_is_set_aside_with_its_texts() {
    let dir = Directory::new();
    let mut intent = dir.start();
    edit(&mut intent, 7);
    drop(intent);
    let state = dir.path().join("state.json");
    let whole = fs::read(&state).expect("reads");
    fs::write(&state, &whole[..whole.len() / 2]).expect("writes");
    let opened = dir.open(other(0), at(1));
    let from: Vec<PathBuf> = opened
        .set_aside
        .iter()
        .map(|aside| aside.from.clone())
        .collect();
    assert_eq!(from, [state, dir.path().join("applied")]);
    assert!(opened.set_aside[1].to.join("000001.toml").exists());
    assert!(opened.intent.state().in_force().edits.is_empty());
}

#[test]
fn without_anything_to_put_in_force_nothing_is_written() {
    let dir = Directory::new();
    let missing = config::load(Path::new("/nonexistent/dray.toml")).expect_err("is missing");
    let file = ConfigFile {
        path: FILE.to_owned(),
        content: Err(missing),
    };
    let error = Intent::open(dir.path(), file, at(0)).expect_err("fails");
    assert!(matches!(error, StartError::File(_)), "{error}");
    assert_eq!(dir.files(), ["lock"]);
}

#[test]
fn a_second_daemon_is_turned_away() {
    let dir = Directory::new();
    let _intent = dir.start();
    let file = ConfigFile {
        path: FILE.to_owned(),
        content: Ok(other(0)),
    };
    let error = Intent::open(dir.path(), file, at(0)).expect_err("fails");
    assert!(
        matches!(error, StartError::Open(OpenError::Taken { .. })),
        "{error}"
    );
}

struct Directory(tempfile::TempDir);

impl Directory {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// The first daemon.
    fn start(&self) -> Intent {
        let opened = self.open(other(0), at(0));
        assert_eq!((opened.set_aside, opened.notes), (vec![], vec![]));
        let mut intent = opened.intent;
        intent.taken();
        intent
    }

    /// A daemon whose file says this.
    fn open(&self, configuration: Configuration, now: Timestamp) -> Opened {
        let file = ConfigFile {
            path: FILE.to_owned(),
            content: Ok(configuration),
        };
        match Intent::open(self.path(), file, now) {
            Ok(opened) => opened,
            Err(error) => panic!("{error}"),
        }
    }

    /// Its files, in order.
    fn files(&self) -> Vec<String> {
        let mut files = Vec::new();
        for directory in ["", "applied"] {
            let Ok(entries) = fs::read_dir(self.path().join(directory)) else {
                continue;
            };
            for entry in entries {
                let path = entry.expect("reads").path();
                if path.is_file() {
                    let name = path.strip_prefix(self.path()).expect("is below");
                    files.push(name.display().to_string());
                }
            }
        }
        files.sort();
        files
    }
}

/// A configuration of one service and two real servers, one of them at that address.
fn other(last: u8) -> Configuration {
    let text = format!(
        "[director]\ninterfaces = [\"eth0\"]\n\n[[service]]\nname = \"web\"\naddress = \"tcp://10.77.0.100:80\"\n\
         real = [{{ address = \"10.77.1.{last}\" }}, {{ address = \"10.77.0.12\" }}]\n"
    );
    Configuration::parse("test", text).expect("is valid")
}

/// It, applied by a client.
fn apply(last: u8, confirm: Option<u64>) -> Apply {
    Apply {
        configuration: other(last),
        source: Source::Client {
            who: "uid 0".to_owned(),
            file: None,
        },
        edits: Keeping::Keep,
        confirm: confirm.map(Duration::from_secs),
    }
}

/// Gives a real server that weight.
fn edit(intent: &mut Intent, weight: u16) {
    let step = batch(intent, weight);
    commit(intent, step);
}

fn batch(intent: &Intent, weight: u16) -> Step {
    let request = EditRequest {
        edit: Edit::PatchReal {
            service: name("web"),
            real: "10.77.0.12".parse().expect("a real server"),
            patch: json!({ "weight": weight }),
        },
        condition: (),
    };
    let batch = intent.state().edit([&request], at(0));
    batch.results.into_iter().for_each(|result| {
        result.expect("is granted");
    });
    batch.step
}

fn take(intent: &mut Intent, request: Request) {
    let step = step(intent.state(), request);
    commit(intent, step);
}

fn step(state: &State, request: Request) -> Step {
    match state.step(request, at(0)) {
        Ok(step) => step,
        Err(refusal) => panic!("{refusal}"),
    }
}

fn commit(intent: &mut Intent, step: Step) {
    assert!(
        step.effects
            .iter()
            .any(|effect| matches!(effect, Effect::Persist { .. }))
    );
    intent.persist(&step).expect("persists");
    intent.commit(step);
}

fn name(name: &str) -> ServiceName {
    ServiceName::new(name).expect("a service's name")
}

fn at(second: u64) -> Timestamp {
    Timestamp::from_millis(second * 1_000)
}
