//! Whatever is imported: it ends, in a configuration that dray accepts or in faults; and no line is forgotten.

use std::path::Path;

use dray_model::config;
use proptest::prelude::*;

use super::super::{
    Options, import,
    keyword::{Body, every},
    testing::Shelf,
};

/// What may stand behind a keyword, beside its example.
const WORDS: [&str; 24] = [
    "0",
    "1",
    "65536",
    "-1",
    "TCP",
    "UDP",
    "DR",
    "TUN",
    "NAT",
    "type",
    "gue",
    "port",
    "sh",
    "mh",
    "10.0.0.1",
    "10.0.0.2",
    "80",
    "$A",
    "fwmark",
    "group",
    "WEB",
    "2001:db8::1",
    "10.0.0.1-3",
    "\"a b\"",
];

/// Lines that are no keywords.
const LINES: [&str; 12] = [
    "$A=10.0.0.9",
    "$A= \\",
    "@one weight 2",
    "@^one weight 3",
    "~SEQ(A, 1, 3) real_server 10.0.0.$A 80 { }",
    "~LST(A, 1, 2) 10.0.0.${A} 80",
    "include other.conf",
    "{",
    "}",
    "# nothing",
    "10.0.0.1-5 80",
    "fwmark 3",
];

/// A statement of a block, with the blocks around it opened and closed.
fn nested() -> impl Strategy<Value = String> {
    let places = every();
    (
        0..places.len(),
        prop::collection::vec(prop::sample::select(&WORDS[..]), 0..3),
    )
        .prop_map(move |(at, words)| {
            let path = &places[at];
            let mut text = String::new();
            let mut close = String::new();
            for (depth, keyword) in path.iter().enumerate() {
                let is_last = depth + 1 == path.len();
                let example = if is_last && !words.is_empty() {
                    words.join(" ")
                } else {
                    keyword.example.to_owned()
                };
                text.push_str(&format!("{} {example}", keyword.name));
                match keyword.body {
                    Body::None => {}
                    Body::Keywords(_) => {
                        text.push_str(" {");
                        close.push_str("}\n");
                    }
                    Body::Values(value) => {
                        text.push_str(" {\n");
                        text.push_str(value);
                        close.push_str("}\n");
                    }
                }
                text.push('\n');
            }
            text + &close
        })
}

/// A virtual server with whatever in it.
fn server() -> impl Strategy<Value = String> {
    let address = prop::sample::select(vec![
        "10.0.0.1 80",
        "10.0.0.2",
        "fwmark 1",
        "group WEB",
        "2001:db8::1 443",
        "10.0.0.2 0",
    ]);
    let lines = prop::sample::select(vec![
        "protocol TCP",
        "protocol UDP",
        "protocol SCTP",
        "lb_algo sh",
        "lb_algo wrr",
        "sh-port",
        "ops",
        "lb_kind DR",
        "lb_kind NAT",
        "lb_kind TUN",
        "lb_kind TUN type gue port 6080 csum",
        "persistence_timeout 60",
        "persistence_granularity 255.255.0.0",
        "persistence_granularity 64",
        "persistence_engine sip",
        "ip_family inet6",
        "snmp_name web",
        "real_server 10.0.0.11 80 { weight 5 }",
        "real_server 10.0.0.11 8080 { }",
        "real_server 10.0.0.1 80 { lvs_method TUN }",
        "real_server 2001:db8::11 { uthreshold 5\nlthreshold 9 }",
        "real_server 10.0.0.12 { lvs_method NAT }",
    ]);
    (address, prop::collection::vec(lines, 0..12)).prop_map(|(address, lines)| {
        format!(
            "virtual_server {address} {{\n{}\n}}\nvirtual_server_group WEB {{\n10.0.0.5-7 80\n2001:db8::5 80\nfwmark 2\n}}\n",
            lines.join("\n")
        )
    })
}

fn any_text() -> impl Strategy<Value = String> {
    let line = prop::sample::select(&LINES[..]).prop_map(str::to_owned);
    let switch = Just("global_defs {\nnftables_ipvs\n}\n".to_owned());
    let piece = prop_oneof![6 => server(), 6 => nested(), 2 => line, 1 => switch];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.join("\n"))
}

fn imports(text: &str) -> Result<(), TestCaseError> {
    let shelf = Shelf::of(&[("/k/main.conf", text), ("/k/other.conf", "weight 1\n")]);
    let options = Options {
        main: Path::new("/k/main.conf"),
        config_id: Some("one"),
    };
    match import(&shelf, &options) {
        Ok(imported) => {
            let parsed = config::parse("imported", &imported.toml);
            prop_assert!(
                parsed.is_ok(),
                "{text}\n{}\n{}",
                imported.toml,
                parsed.expect_err("it is an error")
            );
        }
        Err(faults) => prop_assert!(faults.iter().next().is_some()),
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn what_is_written_by_the_rules_becomes_a_configuration(text in any_text()) {
        imports(&text)?;
    }

    #[test]
    fn what_is_no_configuration_at_all_comes_to_an_end(text in "[ -~\n]{0,200}") {
        imports(&text)?;
    }

    #[test]
    fn pieces_of_lines_come_to_an_end(
        pieces in prop::collection::vec(prop::sample::select(vec!["$A", "${A}", "=", "\\\n", "\n", " ", "{", "}", "~SEQ(A,1,9)", "~LST(A,1)", "\"", "@one ", "include ", "main.conf", "x"]), 0..40),
    ) {
        imports(&pieces.concat())?;
    }
}
