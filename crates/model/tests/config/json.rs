//! Configurations in JSON: errors by field, in the words of the file's, and nothing that breaks the parser.

use dray_model::{
    config::{self, FieldError},
    document::{Document, Real, Service},
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{FULL, read, state::desired};

/// The errors of a configuration: path, cause, cure.
fn wrong(document: &Value) -> Vec<(String, String, String)> {
    let errors = config::parse_json(document).expect_err("it has errors");
    let parts = |error: FieldError| (error.path, error.cause, error.cure);
    errors.into_iter().map(parts).collect()
}

fn full() -> Value {
    serde_json::to_value(Document::from(&read(FULL))).expect("documents are JSON")
}

#[test]
fn an_error_names_its_field_its_cause_and_its_cure_as_the_files_does() {
    let mut document = full();
    document["service"][0]["real"][1]["weight"] = json!(70_000);
    let [(path, cause, cure)] = &wrong(&document)[..] else {
        panic!("one error")
    };
    assert_eq!(path, "/service/0/real/1/weight");
    assert_eq!(cause, "`weight` is out of range");
    assert_eq!(cure, "write 0 to 65_535; 0 quiesces the real server");
}

#[test]
fn every_error_is_told_at_its_field() {
    let document = json!({
        "director": { "interfaces": "eth0", "max_connections": 1, "timeouts": { "tcp": "5" } },
        "service": [
            { "name": "a", "address": "tcp://10.0.0.1:80", "sheduler": "rr" },
            { "name": "a", "address": "tcp://10.0.0.1:80", "real": [{ "weight": "3" }, 7] },
            { "name": "b", "address": "10.0.0.1:80", "flags": ["sh-port", 1] },
        ],
        "mark": 5,
        "servce": [],
    });
    let paths: Vec<_> = wrong(&document)
        .into_iter()
        .map(|(path, ..)| path)
        .collect();
    assert_eq!(
        paths,
        [
            "/director/interfaces",
            "/director/max_connections",
            "/director/timeouts/tcp",
            "/mark",
            "/servce",
            "/service/0/sheduler",
            "/service/1/address",
            "/service/1/name",
            "/service/1/real/0",
            "/service/1/real/0/weight",
            "/service/1/real/1",
            "/service/2/address",
            "/service/2/flags/0",
            "/service/2/flags/1",
        ]
    );
}

#[test]
fn null_is_told_to_be_no_value() {
    let mut document = full();
    document["service"][0]["scheduler"] = Value::Null;
    document["service"][1]["real"] = json!([null]);
    document["director"]["interfaces"] = json!(["eth0", "eth1", null]);
    let found = wrong(&document);
    let paths: Vec<_> = found.iter().map(|(path, ..)| path.as_str()).collect();
    let expected = [
        "/director/interfaces/2",
        "/service/0/scheduler",
        "/service/1/real/0",
    ];
    assert_eq!(paths, expected);
    for (_, cause, cure) in &found {
        assert!(
            cause.contains("`null`") && cure.contains("leave"),
            "{cause}: {cure}"
        );
    }
}

#[test]
fn what_no_configuration_has_is_refused_with_a_path() {
    let text = "x".repeat(10_000);
    let deep = |levels| (0..levels).fold(json!(1), |inner, _| json!([inner]));
    for (field, value) in [
        ("max_connections", json!(u64::MAX)),
        ("max_connections", json!(i64::MIN)),
        ("max_connections", json!(1e300)),
        ("max_connections", json!(-0.0)),
        ("max_connections", json!(4096.5)),
        ("manage_vips", json!("yes")),
        ("vip_interface", json!(text)),
        ("vip_interface", json!("\u{0}\n\"\\")),
        ("timeouts", deep(100)),
        ("timeouts", json!([])),
        ("fullnat", json!({ "addresses": deep(100) })),
    ] {
        let mut document = full();
        document["director"][field] = value;
        let found = wrong(&document);
        let path = format!("/director/{field}");
        assert!(
            found.iter().all(|(at, ..)| at.starts_with(&path)),
            "{found:?}"
        );
    }
}

#[test]
fn odd_keys_are_told_by_a_path_that_can_be_followed() {
    for key in ["", " ", "a/b", "~", "\"", "\u{0}", "[x]", "é", "a.b"] {
        let mut document = full();
        document["service"][0][key] = json!(1);
        let [(path, cause, _)] = &wrong(&document)[..] else {
            panic!("one error")
        };
        assert!(cause.starts_with("unknown key"), "{cause}");
        assert_eq!(document.pointer(path), Some(&json!(1)), "{path}");
    }
}

#[test]
fn what_is_no_object_is_no_configuration() {
    for document in [json!(null), json!([]), json!("[director]"), json!(5)] {
        let found = wrong(&document);
        assert_eq!(found[0].0, "", "{document}");
        assert!(found[0].1.contains("object"), "{found:?}");
    }
    let (path, cause, _) = &wrong(&json!({}))[0];
    assert_eq!(
        (path.as_str(), cause.as_str()),
        ("", "there is no `[director]`")
    );
}

#[test]
fn one_service_and_one_real_server_are_read_as_in_a_file() {
    let service = json!({ "name": "a", "address": "tcp://10.0.0.1:80", "netmask": 24, "real": [{ "address": "x" }] });
    let errors = Service::from_json(&service).expect_err("two errors");
    let paths: Vec<_> = errors.iter().map(|error| error.path.as_str()).collect();
    assert_eq!(paths, ["/netmask", "/real/0/address"]);

    let real = json!({ "address": "10.0.0.2", "wieght": 3 });
    let errors = Real::from_json(&real).expect_err("a misspelt key");
    assert_eq!(errors[0].path, "/wieght");
    assert_eq!(errors[0].cure, "did you mean `weight`?");

    let document = full();
    for service in document["service"].as_array().expect("a list") {
        let read = Service::from_json(service).expect("a good service");
        assert_eq!(&serde_json::to_value(read).expect("JSON"), service);
    }
    let real = json!({ "address": "10.0.0.2:8080", "forward": "nat", "weight": 0 });
    let read = Real::from_json(&real).expect("a good real server");
    assert_eq!(serde_json::to_value(read).expect("JSON"), real);
}

proptest! {
    #[test]
    fn no_json_makes_the_parser_panic(document in scraps()) {
        judge(&document)?;
    }

    #[test]
    fn no_slip_in_json_makes_the_parser_panic(
        desired in desired(),
        at in any::<prop::sample::Index>(),
        new in scraps(),
    ) {
        let mut document = serde_json::to_value(Document::from(&desired)).expect("JSON");
        let paths = paths(&document);
        *document.pointer_mut(&paths[at.index(paths.len())]).expect("there") = new;
        judge(&document)?;
    }

    #[test]
    fn null_is_nowhere_a_value(desired in desired(), at in any::<prop::sample::Index>()) {
        let mut document = serde_json::to_value(Document::from(&desired)).expect("JSON");
        let paths = paths(&document);
        *document.pointer_mut(&paths[at.index(paths.len())]).expect("there") = Value::Null;
        prop_assert!(config::parse_json(&document).is_err());
    }
}

/// A document is taken, and then also as its service's and real servers' types, or refused with errors at fields that are there.
fn judge(document: &Value) -> Result<(), TestCaseError> {
    let Err(errors) = config::parse_json(document) else {
        let typed = serde_json::from_value::<Document>(document.clone());
        prop_assert!(typed.is_ok(), "{:?}", typed);
        return Ok(());
    };
    prop_assert!(!errors.is_empty());
    for error in errors {
        prop_assert!(document.pointer(&error.path).is_some(), "{}", error);
        prop_assert!(
            !error.cause.is_empty() && !error.cure.is_empty(),
            "{}",
            error
        );
    }
    Ok(())
}

/// The path of every value.
fn paths(value: &Value) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut inner = |step: &str, value| {
        let below = paths(value).into_iter();
        all.extend(below.map(|path| format!("/{step}{path}")));
    };
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| inner(name, value)),
        Value::Array(items) => (0..).zip(items).for_each(|(number, value): (usize, _)| {
            inner(&number.to_string(), value);
        }),
        _ => {}
    }
    all
}

/// JSON out of what configurations are made of, and of what they are not.
pub(crate) fn scraps() -> impl Strategy<Value = Value> {
    let words = prop::sample::select(vec![
        "eth0",
        "wrr",
        "tun",
        "nat",
        "fullnat",
        "gue",
        "6m",
        "tcp://10.0.0.1:80",
        "10.0.0.2",
        "10.0.0.2:8080",
        "255.255.255.0",
        "sip",
        "toa",
        "ipv6",
        "ipvs",
        "on",
        "",
        "\"",
        "\u{7f}",
        "'''",
    ]);
    let keys = prop::sample::select(vec![
        "director",
        "service",
        "mark",
        "interfaces",
        "name",
        "address",
        "real",
        "weight",
        "fullnat",
        "addresses",
        "ports",
        "netmask",
        "persistent",
        "forward",
        "tunnel",
        "tunnel_port",
        "flags",
        "a/b",
        "~",
        "",
        "é",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (0..100_u8).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        words.prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((keys.clone(), inner), 0..5).prop_map(|members| {
                Value::Object(
                    members
                        .into_iter()
                        .map(|(key, value)| (key.to_owned(), value))
                        .collect(),
                )
            }),
        ]
    })
}
