//! The pages about the configuration say what the parser does.

use dray_model::config::{Key, Presence, TABLES};

use crate::read;

const PAGE: &str = include_str!("../../../../docs/reference/configuration.md");

/// The page's sections with a name in backticks: "## `[table]`", and "### `key`" with its table before it.
fn sections() -> Vec<(String, &'static str)> {
    let mut table = "";
    let headings = PAGE
        .split("\n## ")
        .skip(1)
        .flat_map(|section| section.split("\n### "));
    headings
        .filter_map(|section| {
            let name = section
                .lines()
                .next()?
                .strip_prefix('`')?
                .strip_suffix('`')?;
            if name.starts_with('[') {
                table = name;
                return Some((name.to_owned(), section));
            }
            Some((format!("{table} {name}"), section))
        })
        .collect()
}

/// Tables and keys as the parser knows them, named as the page's sections.
fn known() -> Vec<(String, Option<&'static Key>)> {
    let mut known = Vec::new();
    for table in TABLES.iter().filter(|table| !table.header.is_empty()) {
        known.push((table.header.to_owned(), None));
        // A key whose example is a header is a table, and in the list as such.
        let keys = table
            .keys
            .iter()
            .filter(|key| !key.example.starts_with('['));
        known.extend(keys.map(|key| (format!("{} {}", table.header, key.name), Some(*key))));
    }
    known
}

#[test]
fn the_reference_page_names_every_key_and_no_other() {
    let documented: Vec<_> = sections().into_iter().map(|(name, _)| name).collect();
    let known: Vec<_> = known().into_iter().map(|(name, _)| name).collect();
    assert_eq!(documented, known);
}

#[test]
fn the_reference_page_gives_the_defaults_of_every_key() {
    let known = known()
        .into_iter()
        .filter_map(|(name, key)| Some((name, key?)));
    for (name, key) in known {
        let sections = sections();
        let (_, section) = sections
            .iter()
            .find(|(section, _)| *section == name)
            .expect(&name);
        match key.presence {
            Presence::Required => assert!(section.contains("Required."), "{name}"),
            Presence::Unless(other) => {
                let words = format!("Required, unless there is `{other}`.");
                assert!(section.contains(&words), "{name}");
            }
            Presence::Default(default) => {
                let given = section
                    .split_once("Default: ")
                    .expect(&name)
                    .1
                    .replace(['`', '"'], "");
                assert!(
                    given.starts_with(&default.replace('`', "")),
                    "{name}: {default}, not {given}"
                );
            }
        }
    }
}

#[test]
fn the_examples_of_the_reference_page_are_good() {
    let examples: Vec<_> = PAGE
        .split("```toml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().expect("the end of the example"))
        .collect();
    assert!(!examples.is_empty());
    for example in examples {
        read(example);
    }
}
