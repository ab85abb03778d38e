//! Configurations as people write them: what comes of them, and what is said of each line.

mod random;

use std::path::Path;

use dray_model::{Forward, Protocol, ServiceAddress, ServiceIdentity, Weight, config};

use super::{Faults, Options, testing::Shelf};
use crate::{Entry, Imported, Verdict};

/// Imports files of `/etc/keepalived`; the first is the main one.
fn import(files: &[(&str, &str)], config_id: Option<&str>) -> Result<Imported, Faults> {
    let main = Path::new("/etc/keepalived").join(files[0].0);
    let options = Options {
        main: &main,
        config_id,
    };
    super::import(&Shelf::below("/etc/keepalived", files), &options)
}

fn imported(files: &[(&str, &str)], config_id: Option<&str>) -> Imported {
    let imported = import(files, config_id).unwrap_or_else(|faults| panic!("{faults}"));
    if let Err(diagnostics) = config::parse("imported", &imported.toml) {
        panic!("{diagnostics}");
    }
    imported
}

fn one(text: &str) -> Imported {
    imported(&[("keepalived.conf", text)], None)
}

fn faults(text: &str) -> String {
    let faults = import(&[("keepalived.conf", text)], None);
    faults.expect_err("it has faults").to_string()
}

/// `line: verdict: statement` of each entry.
fn verdicts(imported: &Imported) -> Vec<String> {
    let entries = imported.report.entries.iter();
    let line = |entry: &Entry| format!("{}: {}: {}", entry.line, entry.verdict, entry.statement);
    entries.map(line).collect()
}

fn snapshot(imported: &Imported) -> String {
    format!("{}\n{}", imported.toml, imported.report)
}

#[test]
fn a_pair_of_directors_keeps_its_vrrp_and_gives_its_services_to_dray() {
    let imported = one(include_str!("tests/pair.conf"));
    insta::assert_snapshot!(snapshot(&imported));
    let desired = config::parse("imported", &imported.toml).expect("it was accepted before");
    let web = &desired.services[0];
    let address = ServiceAddress {
        protocol: Protocol::Tcp,
        vip: "192.0.2.100".parse().expect("it is an address"),
        port: 80,
    };
    assert_eq!(web.identity, ServiceIdentity::Address(address));
    let reals = web
        .reals
        .iter()
        .map(|real| (real.address.to_string(), real.forward, real.weight));
    assert_eq!(
        reals.collect::<Vec<_>>(),
        [
            (
                "192.0.2.11".to_owned(),
                Forward::DirectRouting,
                Weight::new(3)
            ),
            (
                "192.0.2.12".to_owned(),
                Forward::DirectRouting,
                Weight::DEFAULT
            ),
        ]
    );
}

#[test]
fn every_setting_of_lvs_is_translated() {
    insta::assert_snapshot!(snapshot(&one(include_str!("tests/every.conf"))));
}

#[test]
fn groups_become_marks_where_keepalived_makes_them_so() {
    insta::assert_snapshot!(snapshot(&one(include_str!("tests/groups.conf"))));
}

#[test]
fn parameters_repetitions_and_conditions_are_written_out() {
    let text = include_str!("tests/parameters.conf");
    insta::assert_snapshot!(snapshot(&imported(
        &[("keepalived.conf", text)],
        Some("main")
    )));
    let others = imported(&[("keepalived.conf", text)], Some("backup"));
    let priority = |imported: &Imported| imported.toml.contains("priority 200");
    assert!(priority(&others), "{}", others.toml);
}

#[test]
fn included_files_are_read_from_where_they_are() {
    let imported = imported(
        &[
            (
                "keepalived.conf",
                "include conf.d/*.conf\ninclude none.conf\nincluder empty/*\ninclude also/*\n",
            ),
            ("conf.d/b.conf", "# nothing\n"),
            ("conf.d/a.conf", "include ../reals/a.inc\n"),
            (
                "reals/a.inc",
                "virtual_server 192.0.2.100 80 {\n  protocol TCP\n  include one.inc\n}\n",
            ),
            ("reals/one.inc", "real_server 192.0.2.11 80 {\n}\n"),
        ],
        None,
    );
    insta::assert_snapshot!(snapshot(&imported));
}

#[test]
fn a_file_that_includes_itself_is_an_error() {
    let faults = faults("include keepalived.conf\n");
    assert!(
        faults.starts_with(
            "keepalived.conf:1: files, parameters and repetitions are more than 64 deep"
        ),
        "{faults}"
    );
}

#[test]
fn blocks_that_are_too_deep_are_an_error() {
    for line in ["a {\n", "{\n", "global_defs { router_id a {\n"] {
        let faults = faults(&line.repeat(10_000));
        assert!(
            faults.contains("blocks are more than 32 deep in each other"),
            "{faults}"
        );
    }
}

#[test]
fn files_that_include_themselves_often_come_to_an_end() {
    let text = "include keepalived.conf\n".repeat(10);
    let faults = import(&[("keepalived.conf", &text)], None).expect_err("it has no end");
    assert_eq!(faults.iter().count(), 100);
}

#[test]
fn syntax_errors_say_where_what_and_how_to_go_on() {
    let texts = [
        "virtual_server 192.0.2.100 80 {\n  protocol TCP\n",
        "global_defs\nvrrp_version 3\n",
        "}\n",
        "{\n}\n",
        "router_id a\nglobal_defs {\n  router_id {\n    a\n  }\n}\n",
        "vrrp_instance \"VI_1 {\n}\n",
        "~SEQ(A, b) x\n",
        "$A=$A\nrouter_id $A\n",
        "$A= \\\n$A \\\nx\n$A\n",
        "vrrp_instance VI_1 {\n  virtual_ipaddress\n}\n",
        "static_ipaddress\n192.0.2.1\n",
    ];
    let all: Vec<String> = texts
        .iter()
        .map(|text| format!("{text}=> {}", faults(text)))
        .collect();
    insta::assert_snapshot!(all.join("\n\n"));
}

#[test]
fn what_keepalived_ignores_is_refused_and_carried_along() {
    let imported = one(include_str!("tests/wrong.conf"));
    insta::assert_snapshot!(snapshot(&imported));
}

#[test]
fn one_line_may_have_many_statements() {
    let imported = one(
        "virtual_server 192.0.2.100 80 { protocol TCP\nreal_server 192.0.2.11 80 { weight 2 }}\n",
    );
    assert_eq!(
        verdicts(&imported),
        [
            "1: translated: virtual_server 192.0.2.100 80",
            "1: translated: protocol TCP",
            "2: translated: real_server 192.0.2.11 80",
            "2: translated: weight 2",
        ]
    );
}

#[test]
fn a_main_file_that_cannot_be_read_is_an_error() {
    let main = Path::new("/etc/none.conf");
    let options = Options {
        main,
        config_id: None,
    };
    let faults = super::import(&Shelf::below("/", &[]), &options).expect_err("it is not there");
    assert_eq!(
        faults.to_string(),
        "/etc/none.conf:1: the file cannot be read (no such file): name keepalived's configuration file"
    );
}

#[test]
fn the_report_is_data_too() {
    let imported = one("lvs_flush\n");
    let json = serde_json::to_value(&imported.report).expect("it is data");
    assert_eq!(
        json["entries"][0],
        serde_json::json!({
            "file": "keepalived.conf",
            "line": 1,
            "statement": "lvs_flush",
            "verdict": "refused",
            "words": "keepalived knows no `lvs_flush` here",
        })
    );
    assert_eq!(imported.report.count(Verdict::Refused), 1);
}
