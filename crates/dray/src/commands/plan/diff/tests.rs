//! Plans of all kinds.

use dray_api::v1::{
    Affected, DroppedEdit, EditSummary, Fate, HashSlots, Protocol, ServiceAddress, ServiceIdentity,
};
use serde_json::json;

use super::*;

#[test]
fn each_difference_has_its_line_and_the_disruption_is_told() {
    insta::assert_snapshot!(diff(&large(), Paint::Plain));
}

#[test]
fn at_a_terminal_what_comes_is_green_and_what_goes_is_red() {
    let text = diff(&large(), Paint::Coloured);
    for line in [
        "\x1b[32m+ service dns\x1b[0m\n",
        "\x1b[31m- address 10.77.0.99 on eth0\x1b[0m\n",
        "\x1b[33m~     weight: 3 → 5\x1b[0m\n",
    ] {
        assert!(text.contains(line), "{text}");
    }
}

#[test]
fn no_difference_is_said_in_words() {
    assert_eq!(diff(&Plan::default(), Paint::Plain), "Nothing changes.\n");
    let kept = Plan {
        edits_kept: vec![edit("web", "10.77.0.11")],
        ..Plan::default()
    };
    insta::assert_snapshot!(diff(&kept, Paint::Plain), @"
    Nothing changes.
    Edit that stays: service web, real server 10.77.0.11 changed
    ");
}

#[test]
fn edits_that_are_dropped_are_told_where_nothing_else_changes() {
    let plan = Plan {
        edits_dropped: vec![DroppedEdit {
            what: "service old".to_owned(),
            why: None,
        }],
        ..Plan::default()
    };
    insta::assert_snapshot!(diff(&plan, Paint::Plain), @"
    No connection is affected.
    Edit that is dropped: service old
    ");
}

fn large() -> Plan {
    let vip = |vip: &str, change| VipChange {
        vip: vip.parse().expect("an address"),
        interface: "eth0".to_owned(),
        change,
    };
    let affected = Affected {
        active: 12,
        inactive: 1,
        templates: 2,
        connections_fate: Fate::Finish,
        templates_fate: Fate::Void,
    };
    let kept = Affected {
        connections_fate: Fate::Kept,
        templates_fate: Fate::Kept,
        ..affected
    };
    Plan {
        revision: 412,
        refusals: vec!["`interfaces` cannot change while the daemon runs".to_owned()],
        director: vec![field("timeouts.tcp", Value::Null, json!("10m"))],
        marks: true,
        services: vec![
            service("dns", Change::Added),
            ServiceChange {
                fields: vec![
                    field("scheduler", json!("sh"), json!("mh")),
                    field("flags", Value::Null, json!(["mh-port", "mh-fallback"])),
                ],
                reals: vec![
                    real(
                        "10.77.0.13",
                        Change::Added,
                        field("weight", Value::Null, json!(2)),
                        None,
                    ),
                    real(
                        "10.77.0.12",
                        Change::Changed,
                        field("weight", json!(3), json!(5)),
                        Some(kept),
                    ),
                    real(
                        "10.77.0.11:8080",
                        Change::Removed,
                        field("weight", json!(2), Value::Null),
                        Some(affected),
                    ),
                ],
                reordered: true,
                hash_slots: Some(HashSlots {
                    moved: 312,
                    of: 1024,
                }),
                ..service("web", Change::Changed)
            },
            service("old", Change::Removed),
        ],
        reordered: true,
        vips: vec![
            vip("10.77.0.101", Change::Added),
            vip("10.77.0.99", Change::Removed),
        ],
        connections_affected: 13,
        edits_kept: vec![edit("web", "10.77.0.12")],
        edits_dropped: vec![
            DroppedEdit {
                what: "service old".to_owned(),
                why: Some("the new configuration has no such service".to_owned()),
            },
            DroppedEdit {
                what: "service web, real server 10.77.0.11:8080".to_owned(),
                why: None,
            },
        ],
    }
}

fn service(service: &str, change: Change) -> ServiceChange {
    ServiceChange {
        service: service.to_owned(),
        identity: ServiceIdentity::Address(ServiceAddress {
            protocol: Protocol::Udp,
            vip: "10.77.0.100".parse().expect("an address"),
            port: 53,
        }),
        change,
        fields: vec![],
        reals: vec![],
        reordered: false,
        hash_slots: None,
    }
}

fn real(real: &str, change: Change, field: FieldChange, affected: Option<Affected>) -> RealChange {
    RealChange {
        real: real.to_owned(),
        change,
        fields: vec![field],
        affected,
    }
}

fn field(key: &str, before: Value, after: Value) -> FieldChange {
    FieldChange {
        key: key.to_owned(),
        before,
        after,
    }
}

fn edit(service: &str, real: &str) -> EditSummary {
    EditSummary {
        service: Some(service.to_owned()),
        real: Some(real.to_owned()),
        change: Change::Changed,
        by_drain: false,
    }
}
