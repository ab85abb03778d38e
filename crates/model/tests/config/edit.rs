//! Edits: each makes the state that a file with the same change would mean, or is refused where that would be.

mod draft;

use dray_model::{
    Desired, RealServer, Service, ServiceName, Weight,
    config::{self, FieldError},
    document::{self, Document, Endpoint},
    edit::{Edit, EditError, Existing, edit},
};
use proptest::prelude::*;
use serde_json::{Value, json};

use self::draft::{clash, clashing, draft, settle};
use crate::{document::desired, read};

const SITE: &str = r#"
[director]
interfaces = ["eth0"]

[director.fullnat]
addresses = ["10.0.0.9"]

[[service]]
name = "web"
address = "tcp://10.0.0.1:80"
real = [
    { address = "10.0.1.1" },
    { address = "10.0.1.2", weight = 5 },
    { address = "10.0.1.3:8080", forward = "nat" },
]

[[service]]
name = "dns"
address = "udp://10.0.0.2:53"
one_packet = true
real = [{ address = "10.0.1.4" }]

[[service]]
name = "all"
mark = 5

[[mark]]
mark = 5
destination = ["10.0.0.5"]

[[mark]]
mark = 6
"#;

fn name(text: &str) -> ServiceName {
    ServiceName::new(text).expect("a name")
}

fn endpoint(text: &str) -> Endpoint {
    text.parse().expect("a real server")
}

fn service(value: Value) -> document::Service {
    serde_json::from_value(value).expect("a service's document")
}

fn real(value: Value) -> document::Real {
    serde_json::from_value(value).expect("a real server's document")
}

fn patch_real(service: &str, real: &str, patch: Value) -> Edit {
    Edit::PatchReal {
        service: name(service),
        real: endpoint(real),
        patch,
    }
}

/// Path and cause of each error.
fn refused(change: &Edit) -> Vec<(String, String)> {
    match edit(&read(SITE), change) {
        Err(EditError::Invalid(errors)) => {
            let parts = |error: FieldError| (error.path, error.cause);
            errors.into_iter().map(parts).collect()
        }
        other => panic!("{change:?}: {other:?}"),
    }
}

/// Whether an edit takes away what there never is at the error's place. It leads to no file that would have the error.
fn is_in_vain(change: &Edit, error: &FieldError) -> bool {
    let (Edit::PatchService { patch, .. }
    | Edit::PatchReal { patch, .. }
    | Edit::PatchDirector { patch }) = change
    else {
        return false;
    };
    patch.pointer(&error.path) == Some(&Value::Null) && error.cause.starts_with("unknown key")
}

#[test]
fn a_weight_changes_in_its_place_and_all_other_services_are_shared() {
    let before = read(SITE);
    let after = edit(
        &before,
        &patch_real("web", "10.0.1.1", json!({ "weight": 0 })),
    );
    let after = after.expect("a good edit");
    let weights = |service: &Service| {
        let weight = |real: &RealServer| real.weight.value();
        service.reals.iter().map(weight).collect::<Vec<_>>()
    };
    assert_eq!(weights(&after.services[0]), [0, 5, 1]);
    assert_eq!(weights(&before.services[0]), [1, 5, 1]);
    for number in [1, 2] {
        let (before, after) = (&before.services[number], &after.services[number]);
        assert!(std::sync::Arc::ptr_eq(before, after));
    }
}

#[test]
fn what_is_new_comes_last_and_what_is_put_keeps_its_place() {
    let names = |desired: &Desired| {
        let name = |service: &std::sync::Arc<Service>| service.name.to_string();
        desired.services.iter().map(name).collect::<Vec<_>>()
    };
    let document = |name: &str, port: u16| {
        service(json!({ "name": name, "address": format!("tcp://10.0.0.7:{port}") }))
    };
    let put = |old: &str, document| Edit::PutService {
        name: name(old),
        document,
    };
    let mut site = read(SITE);
    for change in [
        Edit::AddService(document("new", 1)),
        put("last", document("last", 2)),
        put("dns", document("names", 3)),
        Edit::AddReal {
            service: name("web"),
            real: real(json!({ "address": "10.0.1.9" })),
        },
        Edit::PutReal {
            service: name("web"),
            real: endpoint("10.0.1.1:80"),
            document: real(json!({ "address": "10.0.1.8", "weight": 3 })),
        },
        Edit::PutReal {
            service: name("web"),
            real: endpoint("10.0.1.10"),
            document: real(json!({ "address": "10.0.1.10:80" })),
        },
        Edit::RemoveReal {
            service: name("web"),
            real: endpoint("10.0.1.3:8080"),
        },
    ] {
        site = edit(&site, &change).unwrap_or_else(|error| panic!("{change:?}: {error}"));
    }
    assert_eq!(names(&site), ["web", "names", "all", "new", "last"]);
    let reals = site.services[0].reals.iter();
    let reals: Vec<_> = reals.map(|real| real.address.to_string()).collect();
    assert_eq!(reals, ["10.0.1.8", "10.0.1.2", "10.0.1.9", "10.0.1.10"]);
    assert_eq!(site.services[0].reals[0].weight, Weight::new(3));
}

#[test]
fn what_is_not_there_cannot_be_changed() {
    let nobody = || name("nobody");
    let no_service = [
        Edit::PutService {
            name: nobody(),
            document: service(json!({ "name": "other", "address": "tcp://10.0.0.8:80" })),
        },
        Edit::PatchService {
            name: nobody(),
            patch: json!({}),
        },
        Edit::RemoveService { name: nobody() },
        Edit::AddReal {
            service: nobody(),
            real: real(json!({ "address": "10.0.1.9" })),
        },
        patch_real("nobody", "10.0.1.1", json!({})),
    ];
    for change in no_service {
        let expected = EditError::NoSuchService { name: nobody() };
        assert_eq!(edit(&read(SITE), &change), Err(expected), "{change:?}");
    }
    let other_port = endpoint("10.0.1.1:81");
    let no_real = [
        patch_real("web", "10.0.1.1:81", json!({})),
        Edit::RemoveReal {
            service: name("web"),
            real: other_port,
        },
        Edit::PutReal {
            service: name("web"),
            real: other_port,
            document: real(json!({ "address": "10.0.1.9" })),
        },
    ];
    for change in no_real {
        let expected = EditError::NoSuchReal {
            service: name("web"),
            real: other_port,
        };
        assert_eq!(edit(&read(SITE), &change), Err(expected), "{change:?}");
    }
}

#[test]
fn what_is_there_cannot_be_added() {
    let taken = |change| match edit(&read(SITE), &change) {
        Err(EditError::Exists(existing)) => existing,
        other => panic!("{change:?}: {other:?}"),
    };
    let same_name = service(json!({ "name": "web", "address": "tcp://10.0.0.8:80" }));
    let expected = Existing::Service { name: name("web") };
    assert_eq!(taken(Edit::AddService(same_name)), expected);
    for (identity, by) in [
        (
            json!({ "name": "new", "address": "tcp://10.0.0.1:80" }),
            "web",
        ),
        (json!({ "name": "new", "mark": 5, "family": "ipv4" }), "all"),
    ] {
        let Existing::Identity { by: found, .. } = taken(Edit::AddService(service(identity)))
        else {
            panic!("the address or mark is taken")
        };
        assert_eq!(found, name(by));
    }
    let same_real = Edit::AddReal {
        service: name("web"),
        real: real(json!({ "address": "10.0.1.2:80", "weight": 9 })),
    };
    assert!(matches!(taken(same_real), Existing::Real { .. }));
}

#[test]
fn an_edit_is_refused_by_the_rules_of_a_file_at_the_field_that_it_gave() {
    let add_real = |service: &str, address: &str, forward: &str| Edit::AddReal {
        service: name(service),
        real: real(json!({ "address": address, "forward": forward })),
    };
    let patch_service = |service: &str, patch| Edit::PatchService {
        name: name(service),
        patch,
    };
    let director = |patch| Edit::PatchDirector { patch };
    for (change, path, cause) in [
        (
            add_real("web", "10.0.0.2", "dr"),
            "/address",
            "VIP of this director (see the service `dns`)",
        ),
        (
            add_real("web", "10.0.0.5", "dr"),
            "/address",
            "VIP of this director (see the director's settings)",
        ),
        (
            add_real("web", "10.0.0.9", "nat"),
            "/address",
            "the local address `10.0.0.9` is a real server too",
        ),
        (
            add_real("web", "2001:db8::1", "fullnat"),
            "/address",
            "FULLNAT has no IPv6 address",
        ),
        (
            add_real("dns", "10.0.1.9", "nat"),
            "",
            "in its service, `/one_packet`: one-packet scheduling",
        ),
        (
            patch_real("web", "10.0.1.2", json!({ "weight": -1 })),
            "/weight",
            "out of range",
        ),
        (
            patch_real("web", "10.0.1.2", json!({ "address": "10.0.1.1" })),
            "/address",
            "twice",
        ),
        (
            patch_real("web", "10.0.1.2", json!(5)),
            "",
            "must be a table",
        ),
        (
            patch_service("web", json!({ "address": "udp://10.0.0.2:53" })),
            "/address",
            "(see the service `dns`)",
        ),
        (
            patch_service("web", json!({ "name": "dns" })),
            "/name",
            "two services have the name `dns`",
        ),
        (
            patch_service("web", json!({ "address": "tcp://10.0.1.4:80" })),
            "/address",
            "(see the service `dns`)",
        ),
        (
            patch_service("web", json!({ "scheduler": "wr" })),
            "/scheduler",
            "no scheduler",
        ),
        (
            patch_service("web", json!({ "address": null, "mark": 7 })),
            "/mark",
            "no rule gives mark 7",
        ),
        (patch_service("web", json!([])), "", "must be an object"),
        (
            director(json!({ "fullnat": { "addresses": ["10.0.0.1"] } })),
            "/fullnat/addresses/0",
            "is a VIP too",
        ),
        (
            director(json!({ "interfaces": [] })),
            "/interfaces",
            "at least one interface",
        ),
        (
            director(json!({ "interface": "eth0" })),
            "/interface",
            "unknown key",
        ),
        (
            director(json!({ "timeouts": { "tcp": null, "tcp_syn": null } })),
            "/timeouts/tcp_syn",
            "unknown key",
        ),
        (
            director(json!({ "api": { "tcp": { "port": null } } })),
            "/api/tcp/port",
            "unknown key",
        ),
        (
            patch_service("web", json!({ "sheduler": null })),
            "/sheduler",
            "unknown key",
        ),
        (
            patch_real("web", "10.0.1.2", json!({ "wieght": null })),
            "/wieght",
            "unknown key",
        ),
    ] {
        let found = refused(&change);
        let told = |(at, why): &(String, String)| at == path && why.contains(cause);
        assert!(found.iter().any(told), "{change:?}: {found:?}");
    }
}

#[test]
fn null_takes_away_what_is_there_and_what_could_be() {
    let site = read(SITE);
    for change in [
        patch_real(
            "web",
            "10.0.1.1",
            json!({ "weight": null, "tunnel_port": null }),
        ),
        Edit::PatchService {
            name: name("web"),
            patch: json!({ "persistent": null, "flags": null }),
        },
        Edit::PatchDirector {
            patch: json!({ "timeouts": { "tcp": null }, "ipvs": null, "api": { "tcp": null } }),
        },
    ] {
        assert_eq!(edit(&site, &change).as_ref(), Ok(&site), "{change:?}");
    }
    let lighter = patch_real("web", "10.0.1.2", json!({ "weight": null }));
    let lighter = edit(&site, &lighter).expect("a good edit");
    assert_eq!(lighter.services[0].reals[1].weight, Weight::DEFAULT);
}

#[test]
fn services_of_a_mark_come_and_go_while_the_rule_stays() {
    let mut site = read(SITE);
    let marks = site.director.marks.clone();
    for change in [
        Edit::RemoveService { name: name("all") },
        Edit::AddService(service(json!({ "name": "six", "mark": 6 }))),
        Edit::Clear,
        Edit::AddService(service(json!({ "name": "all", "mark": 5 }))),
    ] {
        site = edit(&site, &change).unwrap_or_else(|error| panic!("{change:?}: {error}"));
        assert_eq!(read(&Document::from(&site).to_toml()), site);
    }
    assert_eq!(site.services.len(), 1);
    assert_eq!(site.director.marks, marks);
}

proptest! {
    #[test]
    fn an_edit_is_as_good_as_the_file_that_it_leads_to(
        before in desired(),
        draft in draft(),
        clash in clash(),
    ) {
        let draft = clashing(draft, &clash, &before);
        let Some((change, whole)) = settle(draft, &before) else {
            return Ok(());
        };
        let edited = edit(&before, &change);
        match (edited, config::parse_json(&whole)) {
            (Ok(edited), Ok(read)) => {
                prop_assert_eq!(&edited, &read, "{:?}", change);
                let text = Document::from(&edited).to_toml();
                let read = config::parse("dray.toml", &text);
                prop_assert_eq!(read.map_err(|wrong| wrong.to_string()), Ok(edited));
            }
            (Err(EditError::Invalid(errors)), Err(_)) => prop_assert!(!errors.is_empty()),
            (Err(EditError::Invalid(errors)), Ok(_)) => {
                let in_vain = |error| is_in_vain(&change, error);
                prop_assert!(errors.iter().all(in_vain), "{:?}\n{:?}", change, errors);
            }
            (Err(EditError::Exists(_)), Err(_)) => {}
            (edited, read) => prop_assert!(false, "{:?}\n{:?}\n{:?}", change, edited, read),
        }
    }
}
