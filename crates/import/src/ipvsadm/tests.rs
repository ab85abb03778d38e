//! Dumps as `ipvsadm-save` writes them, and scripts as people do.

use dray_ipvsadm::names::Tables;
use dray_model::config;

use super::{Dump, import};
use crate::Imported;

fn imported(text: &str) -> Imported {
    let names = Tables::read("10.0.0.1 www.example.com\n", "http 80/tcp\n");
    let dump = Dump {
        name: "dump",
        text,
        names: &names,
    };
    let imported = import(&dump);
    if let Err(diagnostics) = config::parse("imported", &imported.toml) {
        panic!("{text}\n{diagnostics}");
    }
    imported
}

fn snapshot(imported: &Imported) -> String {
    format!("{}\n{}", imported.toml, imported.report)
}

#[test]
fn a_dump_becomes_the_services_that_a_restore_of_it_makes() {
    insta::assert_snapshot!(snapshot(&imported(include_str!("tests/dump.txt"))));
}

#[test]
fn a_script_becomes_what_is_there_at_its_end() {
    insta::assert_snapshot!(snapshot(&imported(include_str!("tests/script.txt"))));
}

#[test]
fn an_empty_dump_is_a_director_without_services() {
    let imported = imported("\n# nothing\n");
    assert!(imported.report.entries.is_empty());
    assert!(!imported.toml.contains("manage_vips"), "{}", imported.toml);
}
