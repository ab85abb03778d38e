//! The store on a disk that stops, by a kill or by a loss of power, at any moment.

mod disk;

use std::{fs, path::Path};

use crate::{
    Request, State, Step, Then,
    sample::{apply, at, drain, edited, granted, other, state, text, weigh},
};

use self::disk::{Disk, Survives};

use super::*;

#[test]
fn what_was_saved_is_there_for_the_next_daemon() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("made/by/dray");
    let (mut store, found) = Store::open(&path).expect("opens");
    assert_eq!((found.record, found.set_aside), (None, vec![]));
    for step in steps() {
        save(&mut store, &step);
        let record = step.state.record();
        store.forget(&record, None);
        assert_eq!(
            Record::read(&fs::read(path.join(STATE)).expect("reads")).expect("a record"),
            record
        );
    }
    drop(store);
    let last = steps().pop().expect("there are some").state;
    let (store, found) = Store::open(&path).expect("opens");
    assert_eq!(
        (found.record, found.set_aside),
        (Some(last.record()), vec![])
    );
    for applied in last.history() {
        store.text(applied).expect("is there");
    }
}

#[test]
fn a_directory_has_one_daemon() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = Store::open(dir.path()).expect("opens");
    assert!(
        matches!(Store::open(dir.path()), Err(OpenError::Taken { path }) if path == dir.path())
    );
    drop(store);
    Store::open(dir.path()).expect("opens");
}

#[test]
fn what_is_in_the_directory_is_for_the_daemon_s_user_alone() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("state");
    let (mut store, _) = Store::open(&path).expect("opens");
    save(&mut store, &steps()[0]);
    let mode = |path: &Path| fs::metadata(path).expect("is there").permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o700);
    assert_eq!(mode(&path.join(TEXTS)), 0o700);
    assert_eq!(mode(&path.join(STATE)), 0o600);
    assert_eq!(mode(&path.join(TEXTS).join("000001.toml")), 0o600);
}

#[test]
fn a_state_that_is_cut_off_anywhere_is_set_aside_or_whole() {
    let record = steps().pop().expect("there are some").state.record();
    let whole = record.write();
    for length in 0..whole.len() {
        let content = &whole[..length];
        // The last byte ends the line; without it nothing is missing.
        let expected = (length == whole.len() - 1).then(|| record.clone());
        assert_eq!(Record::read(content).ok(), expected, "{length} bytes");

        let mut disk = Disk::default();
        disk.put(STATE, content);
        disk.put("applied/000001.toml", b"text");
        let (_, found) = open(&disk);
        assert_eq!(found.record, expected, "{length} bytes");
        if expected.is_none() {
            assert_eq!(
                disk.content("state.json.damaged-1").as_deref(),
                Some(content)
            );
            assert_eq!(
                disk.content("applied.damaged-1/000001.toml").as_deref(),
                Some(&b"text"[..])
            );
            assert_eq!(found.set_aside.len(), 2);
        }
    }
}

#[test]
fn a_state_of_another_format_or_in_disorder_is_set_aside() {
    let whole = String::from_utf8(steps()[2].state.record().write()).expect("text");
    let damages = [
        whole.replace("dray state 1", "dray state 2"),
        whole.replace("\"revision\"", "\"revisions\""),
        whole.replace("\"base\":2", "\"base\":9"),
        whole.replace("\"number\":2", "\"number\":1"),
        "[]".to_owned(),
        "\0\0\0\0".to_owned(),
        format!("{whole}{whole}"),
    ];
    for damaged in damages {
        assert_ne!(damaged, whole);
        let mut disk = Disk::default();
        disk.put(STATE, damaged.as_bytes());
        disk.put("state.json.damaged-1", b"older");
        let (mut store, found) = open(&disk);
        assert_eq!(found.record, None, "{damaged}");
        let aside = &found.set_aside[0];
        assert_eq!(aside.to, Path::new("/state/state.json.damaged-2"));
        assert!(!aside.why.is_empty());
        assert_eq!(
            disk.content("state.json.damaged-1").as_deref(),
            Some(&b"older"[..])
        );
        assert_eq!(
            disk.content("state.json.damaged-2").as_deref(),
            Some(damaged.as_bytes())
        );
        save(&mut store, &steps()[0]);
        assert_eq!(open(&disk).1.record, Some(steps()[0].state.record()));
    }
}

#[test]
fn texts_without_a_state_are_set_aside() {
    let mut disk = Disk::default();
    disk.put("applied/000007.toml", b"somebody's");
    let (_, found) = open(&disk);
    assert_eq!(found.record, None);
    assert_eq!(found.set_aside.len(), 1);
    assert_eq!(
        disk.content("applied.damaged-1/000007.toml").as_deref(),
        Some(&b"somebody's"[..])
    );
}

#[test]
fn a_text_that_is_not_what_was_applied_is_never_read() {
    let disk = Disk::default();
    let (mut store, _) = open(&disk);
    let step = &steps()[0];
    save(&mut store, step);
    let applied = step.state.applied();
    let (_, whole) = text(step).expect("a text");
    assert_eq!(store.text(applied).expect("is there"), *whole);
    for length in 0..whole.len() {
        disk.clone()
            .put("applied/000001.toml", &whole.as_bytes()[..length]);
        assert!(
            matches!(store.text(applied), Err(TextError::Changed { .. })),
            "{length} bytes"
        );
    }
    let why = store.text(applied).expect_err("is changed");
    let aside = store
        .set_text_aside(1, &why)
        .expect("moves")
        .expect("something is moved");
    assert_eq!(aside.to, Path::new("/state/applied/000001.toml.damaged-1"));
    assert!(matches!(
        store.text(applied),
        Err(TextError::Gone { number: 1 })
    ));
}

#[test]
fn what_nothing_names_is_removed_and_what_dray_does_not_know_is_left() {
    let mut disk = Disk::default();
    let step = &steps()[2];
    disk.put(STATE, &step.state.record().write());
    for applied in step.state.history() {
        disk.put(&text_of(applied.number), b"");
    }
    for left in [
        "applied/000099.toml",
        "applied/000002.toml.new",
        "next.json.new",
    ] {
        disk.put(left, b"");
    }
    let others = [
        "applied/readme",
        "applied/000003.toml.damaged-1",
        "applied/7.toml",
        "applied/my.toml.new",
    ];
    for name in others {
        disk.put(name, b"");
    }
    let (_, found) = open(&disk);
    assert_eq!(found.set_aside, []);
    let mut expected: Vec<String> = others.map(str::to_owned).into();
    expected.push(STATE.to_owned());
    expected.extend(
        step.state
            .history()
            .iter()
            .map(|applied| text_of(applied.number)),
    );
    expected.sort();
    assert_eq!(disk.names(), expected);
}

#[test]
fn the_documented_example_is_a_state() {
    let documented = include_str!("../store.rs").split("//! ```");
    let example = documented
        .filter_map(|block| block.strip_prefix("json\n"))
        .next();
    let json: String = example.expect("is documented").replace("//!", "");
    let record = Record::read(json.as_bytes()).expect("is a state");
    let written = serde_json::from_slice::<serde_json::Value>(&record.write()).expect("is JSON");
    let documented = serde_json::from_str::<serde_json::Value>(&json).expect("is JSON");
    assert_eq!(written, documented);
}

#[test]
fn a_stop_at_any_moment_leaves_the_state_of_before_or_of_after() {
    let steps = steps();
    for survives in Survives::ALL {
        for stop in 0.. {
            let disk = Disk::default();
            disk.stop_after(stop);
            let mut saved = 0;
            let finished = match Store::on(Box::new(disk.clone()), Path::new("/state"), None) {
                Ok((mut store, _)) => steps.iter().all(|step| {
                    let record = step.state.record();
                    let text = text(step);
                    let text = text.as_ref().map(|(number, text)| (*number, &**text));
                    let is_saved = store.save(&record, text).is_ok();
                    saved += usize::from(is_saved);
                    let is_settled = is_saved && store.settle().is_ok();
                    store.forget(&record, None);
                    is_settled
                }),
                Err(_) => false,
            };
            disk.restart(survives);
            let (store, found) = open(&disk);
            let before = saved.checked_sub(1).map(|last| steps[last].state.record());
            let after = steps.get(saved).map(|step| step.state.record());
            assert!(
                found.record == before || (found.record.is_some() && found.record == after),
                "{survives:?}, stopped after {stop}: {:?} after {saved} saves",
                found.record
            );
            if found.is_next {
                // What can be gone back to is what was settled before, whole.
                let last = saved - usize::from(found.record == before);
                let settled = last.checked_sub(1).map(|last| steps[last].state.record());
                assert_eq!(found.before, settled, "{survives:?}, stopped after {stop}");
                // (After a loss of power there is no data plane that would refuse what was saved.)
                let kept = found.before.iter().flat_map(|before| &before.applied);
                for applied in kept.filter(|_| matches!(survives, Survives::All)) {
                    store.text(applied).expect("its texts are there");
                }
            }
            match &found.record {
                Some(record) => {
                    assert_eq!(found.set_aside, [], "{survives:?}, stopped after {stop}");
                    for applied in &record.applied {
                        store
                            .text(applied)
                            .expect("each text that the state names is there");
                    }
                }
                // The first text was there before the first state.
                None => assert!(found.set_aside.len() <= 1),
            }
            if finished {
                break;
            }
        }
    }
}

#[test]
fn a_change_that_is_discarded_leaves_no_trace_after_a_stop_at_any_moment() {
    let steps = &steps()[..3];
    for survives in Survives::ALL {
        for stop in 0.. {
            let disk = Disk::default();
            let (mut store, _) = open(&disk);
            save(&mut store, &steps[0]);
            save(&mut store, &steps[1]);
            let after = steps[2].state.record();
            let (number, text) = text(&steps[2]).expect("a new configuration");
            store.save(&after, Some((number, &text))).expect("saves");
            disk.stop_after(stop);
            let discarded = store.discard().is_ok();
            disk.restart(survives);
            let found = open(&disk).1;
            let before = Some(steps[1].state.record());
            if found.record == before {
                assert_eq!((found.is_next, found.before), (false, None));
                assert_eq!(disk.content("applied/000002.toml"), None);
            } else {
                assert!(!discarded, "{survives:?}, stopped after {stop}");
                assert_eq!((found.record, found.before), (Some(after), before));
            }
            if discarded {
                break;
            }
        }
    }
}

#[test]
fn what_could_not_be_settled_or_discarded_is_so_before_the_next_change() {
    let steps = &steps()[..3];
    for is_discarded in [false, true] {
        let disk = Disk::default();
        let (mut store, _) = open(&disk);
        save(&mut store, &steps[0]);
        store.save(&steps[1].state.record(), None).expect("saves");
        disk.stop_after(0);
        let ended = if is_discarded {
            store.discard()
        } else {
            store.settle()
        };
        ended.expect_err("the disk has stopped");
        disk.restart(Survives::All);
        store.settle().expect("settles");
        let last = &steps[usize::from(!is_discarded)];
        let found = open(&disk).1;
        assert_eq!(found.record, Some(last.state.record()), "{is_discarded}");
        assert!(!found.is_next);
    }
}

#[test]
fn a_damaged_change_gives_way_to_what_was_settled_and_a_damaged_state_to_the_change() {
    let steps = steps();
    let (before, after) = (steps[2].state.record(), steps[3].state.record());
    let mut disk = Disk::default();
    for applied in &after.applied {
        disk.put(&text_of(applied.number), b"");
    }
    disk.put(STATE, &before.write());
    disk.put(NEXT, &after.write()[..40]);
    let found = open(&disk).1;
    assert_eq!((found.record, found.is_next), (Some(before), false));
    let [aside] = &found.set_aside[..] else {
        panic!("one is set aside: {:?}", found.set_aside);
    };
    assert_eq!(aside.to, Path::new("/state/next.json.damaged-1"));

    disk.put(STATE, b"damaged");
    disk.put(NEXT, &after.write());
    let found = open(&disk).1;
    assert_eq!(
        (found.record.as_ref(), found.is_next, found.before),
        (Some(&after), true, None)
    );
    let [aside] = &found.set_aside[..] else {
        panic!("one is set aside: {:?}", found.set_aside);
    };
    assert_eq!(aside.to, Path::new("/state/state.json.damaged-1"));
    let texts = after.applied.iter().map(|applied| text_of(applied.number));
    assert!(texts.into_iter().all(|text| disk.names().contains(&text)));
}

#[test]
fn a_stop_while_something_is_set_aside_loses_nothing() {
    for survives in Survives::ALL {
        for stop in 0.. {
            let mut disk = Disk::default();
            disk.put(STATE, b"damaged");
            disk.put("applied/000001.toml", b"text");
            disk.stop_after(stop);
            let finished = Store::on(Box::new(disk.clone()), Path::new("/state"), None).is_ok();
            disk.restart(survives);
            assert_eq!(open(&disk).1.record, None);
            let contents: Vec<_> = disk
                .names()
                .iter()
                .filter_map(|name| disk.content(name))
                .collect();
            assert!(
                contents.contains(&b"damaged".to_vec()),
                "{survives:?}, stopped after {stop}"
            );
            assert!(
                contents.contains(&b"text".to_vec()),
                "{survives:?}, stopped after {stop}"
            );
            assert!(disk.names().iter().all(|name| name.contains(".damaged-")));
            if finished {
                break;
            }
        }
    }
}

/// A life: started, edited, applied to be confirmed, drained, gone back, applied more often than is kept.
fn steps() -> Vec<Step> {
    let first = state();
    let text = Some((
        1,
        std::sync::Arc::clone(crate::sample::configuration(crate::sample::TEXT).text()),
    ));
    let mut steps = vec![Step {
        state: first,
        effects: vec![crate::Effect::Persist { text }],
        notes: vec![],
    }];
    let mut go = |step: &dyn Fn(&State) -> Step| {
        let last = &steps.last().expect("there is one").state;
        let next = step(last);
        steps.push(next);
    };
    go(&|state| edited(state, &[weigh("web", "10.77.0.11", 7)], 1_001));
    go(&|state| {
        let mut request = apply(other(21));
        request.confirm = Some(std::time::Duration::from_secs(60));
        granted(state, Request::Apply(request), 1_002)
    });
    go(&|state| granted(state, drain(None, "10.77.0.12", Then::Move), 1_003));
    go(&|state| {
        state
            .step(Request::Tick { counted: vec![] }, at(1_063))
            .expect("is granted")
    });
    for last in 30..32 + crate::HISTORY as u8 {
        go(&|state| granted(state, Request::Apply(apply(other(last))), 1_100));
    }
    steps
}

fn save(store: &mut Store, step: &Step) {
    let text = text(step);
    let text = text.as_ref().map(|(number, text)| (*number, &**text));
    store.save(&step.state.record(), text).expect("saves");
    store.settle().expect("settles");
}

fn open(disk: &Disk) -> (Store, Found) {
    Store::on(Box::new(disk.clone()), Path::new("/state"), None).expect("opens")
}
