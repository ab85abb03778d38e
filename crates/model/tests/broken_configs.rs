//! Every file of `tests/broken` is refused, and the message is good enough to repair it by.

use std::{collections::BTreeSet, fs, path::PathBuf};

use dray_model::config::{self, Diagnostics};

/// The broken files in order: name, text, what is wrong with it.
fn broken() -> Vec<(String, String, Diagnostics)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/broken");
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("the folder can be read").path())
        .collect();
    files.sort();
    files
        .into_iter()
        .map(|path| {
            let name = path
                .file_name()
                .expect("a file")
                .to_string_lossy()
                .into_owned();
            let text = fs::read_to_string(&path).expect("the file can be read");
            let wrong = config::parse(&name, &text).expect_err(&name);
            (name, text, wrong)
        })
        .collect()
}

#[test]
fn broken_files_are_explained_as_recorded() {
    let files = broken();
    assert!(files.len() >= 60, "only {} broken files", files.len());
    for (name, _, wrong) in files {
        let name = name.trim_end_matches(".toml");
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(name, wrong.render(false));
        });
    }
}

#[test]
fn every_recorded_message_has_its_file() {
    let names = |folder: &str| -> BTreeSet<_> {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(folder);
        let entries = fs::read_dir(folder).expect("the folder is there");
        let paths = entries.map(|entry| entry.expect("the folder can be read").path());
        paths
            .filter(|path| path.extension().is_none_or(|extension| extension != "new"))
            .map(|path| path.file_stem().expect("a file").to_owned())
            .collect()
    };
    assert_eq!(names("tests/snapshots"), names("tests/broken"));
}

#[test]
fn every_error_names_line_column_cause_and_cure() {
    for (name, text, wrong) in broken() {
        let text = text.trim_start_matches('\u{feff}');
        let rendered = wrong.render(false);
        assert_ne!(wrong.iter().len(), 0, "{name}: no error");
        for error in &wrong {
            let place = &error.place;
            let at = format!("{name}:{}:{}", place.line, place.column);
            let line = text.split('\n').nth(place.line - 1).expect(&at);
            assert!(
                place.column <= line.trim_end_matches('\r').chars().count() + 1,
                "{at}: beyond the line"
            );
            assert!(
                rendered.contains(&format!("--> {at}\n")),
                "{at} is not shown in:\n{rendered}"
            );
            assert!(
                rendered.contains(&format!("error: {}\n", error.cause)),
                "{at}: cause in:\n{rendered}"
            );
            assert!(
                rendered.contains(&format!("help: {}\n", error.cure)),
                "{at}: cure in:\n{rendered}"
            );
            for part in [&error.cause, &error.cure, &error.label] {
                assert!(!part.is_empty() && !part.contains('\n'), "{at}: {part:?}");
            }
        }
    }
}

#[test]
fn no_line_is_blamed_twice_for_the_same_cause() {
    for (name, _, wrong) in broken() {
        let mut seen = std::collections::HashSet::new();
        for error in &wrong {
            let key = (error.place.line, error.place.column, error.cause.clone());
            assert!(seen.insert(key), "{name}: {error:?}");
        }
    }
}

#[test]
fn colours_change_the_look_and_not_the_words() {
    for (name, _, wrong) in broken() {
        let colored = wrong.render(true);
        assert!(colored.contains('\u{1b}'), "{name}: no colour");
        assert_eq!(without_escapes(&colored), wrong.render(false), "{name}");
    }
}

/// The text without ANSI colours (CSI … m) and links (OSC 8 … ST).
fn without_escapes(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, escape)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        rest = match escape.strip_prefix('[') {
            Some(color) => color.split_once('m').expect("a colour ends").1,
            None => escape.split_once("\u{1b}\\").expect("a link ends").1,
        };
    }
    plain + rest
}
