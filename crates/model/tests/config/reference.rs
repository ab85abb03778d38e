//! The pages about the configuration say what the parser does.

use dray_model::config::{self, Key, Presence, TABLES};

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

const IPVS_PAGE: &str = include_str!("../../../../docs/ipvs-settings.md");
const TUNE_PAGE: &str = include_str!("../../../../docs/tune.md");
const SCHEDULERS_PAGE: &str = include_str!("../../../../docs/schedulers.md");

#[test]
fn the_examples_of_the_pages_are_good() {
    for page in [PAGE, IPVS_PAGE, SCHEDULERS_PAGE, TUNE_PAGE] {
        let examples: Vec<_> = page
            .split("```toml\n")
            .skip(1)
            .map(|rest| rest.split("```").next().expect("the end of the example"))
            .collect();
        assert!(!examples.is_empty());
        for example in examples {
            read(example);
        }
    }
}

/// Every sysctl of IPVS with the key that the page gives for it, if there is one.
fn sysctls() -> Vec<(&'static str, Option<&'static str>)> {
    let table = IPVS_PAGE
        .split("## Every sysctl")
        .nth(1)
        .expect("the table");
    let table = table.split("\n## ").next().expect("its end");
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    let word = |cell: &'static str| cell.trim().strip_prefix('`')?.strip_suffix('`');
    rows.skip(1)
        .map(|row| {
            let cells: Vec<_> = row.split('|').collect();
            (word(cells[1]).expect("a name"), word(cells[3]))
        })
        .collect()
}

#[test]
fn the_table_of_sysctls_says_what_the_parser_does() {
    let sysctls = sysctls();
    assert!(sysctls.len() > 30, "{sysctls:?}");
    let known = TABLES
        .iter()
        .find(|table| table.header == "[director.ipvs]");
    let known = known.expect("the table").keys;
    for (name, key) in sysctls {
        if let Some(key) = key {
            assert!(known.iter().any(|known| known.name == key), "{key}");
            continue;
        }
        let text = format!("[director]\ninterfaces = ['eth0']\n[director.ipvs]\n{name} = 1");
        let wrong = config::parse("dray.toml", &text).expect_err(name);
        let first = wrong.iter().next().expect("an error");
        assert!(first.cause.contains("no meaning in dray"), "{first:?}");
    }
}

#[test]
fn the_schedulers_page_has_a_section_for_each() {
    for scheduler in dray_model::Scheduler::ALL {
        let heading = format!("\n## {}: ", scheduler.name());
        assert!(SCHEDULERS_PAGE.contains(&heading), "{heading}");
    }
}
