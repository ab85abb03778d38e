//! Edits: each makes the state that a file with the same change would mean, or is refused where that would be.

use dray_model::{
    Desired, RealServer, Service, ServiceName, Weight,
    config::{self, FieldError},
    document::{self, Document, Endpoint},
    edit::{Edit, EditError, Existing, edit},
    patch,
};
use proptest::{prelude::*, sample::Index};
use serde_json::{Value, json};

use crate::{document::desired, json::scraps, read};

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
    ] {
        let found = refused(&change);
        let told = |(at, why): &(String, String)| at == path && why.contains(cause);
        assert!(found.iter().any(told), "{change:?}: {found:?}");
    }
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

/// An edit to be, before it is known what there is to edit.
#[derive(Clone, Debug)]
enum Draft {
    AddService(document::Service),
    PutService(Index, document::Service),
    PatchService(Index, Value),
    RemoveService(Index),
    AddReal(Index, document::Real),
    PutReal(Index, Index, document::Real),
    PatchReal(Index, Index, Value),
    RemoveReal(Index, Index),
    PatchDirector(Value),
    Clear,
}

/// What could be in the way of one another: something that is there takes the place of something new.
#[derive(Clone, Debug)]
enum Clash {
    None,
    Name(Index),
    Identity(Index),
    /// A real server's address becomes a VIP.
    Vip(Index, Index),
    /// A VIP becomes a real server.
    Real(Index),
}

fn clash() -> impl Strategy<Value = Clash> {
    let index = any::<Index>;
    prop_oneof![
        4 => Just(Clash::None),
        1 => index().prop_map(Clash::Name),
        1 => index().prop_map(Clash::Identity),
        1 => (index(), index()).prop_map(|(service, real)| Clash::Vip(service, real)),
        1 => index().prop_map(Clash::Real),
    ]
}

fn draft() -> impl Strategy<Value = Draft> {
    let index = any::<Index>;
    let given = || {
        let state = desired().prop_filter("has services", |desired| !desired.services.is_empty());
        let first = |desired: Desired| document::Service::from(&*desired.services[0]);
        state.prop_map(first).boxed()
    };
    let given_real = || {
        given().prop_map(|service| {
            let real = service.real.first().cloned();
            real.unwrap_or(document::Real {
                address: "10.2.0.1".to_owned(),
                ..document::Real::default()
            })
        })
    };
    prop_oneof![
        3 => given().prop_map(Draft::AddService),
        2 => (index(), given()).prop_map(|(at, document)| Draft::PutService(at, document)),
        3 => (index(), service_patch()).prop_map(|(at, patch)| Draft::PatchService(at, patch)),
        1 => index().prop_map(Draft::RemoveService),
        2 => (index(), given_real()).prop_map(|(at, real)| Draft::AddReal(at, real)),
        2 => (index(), index(), given_real()).prop_map(|(at, real, new)| Draft::PutReal(at, real, new)),
        3 => (index(), index(), real_patch()).prop_map(|(at, real, patch)| Draft::PatchReal(at, real, patch)),
        1 => (index(), index()).prop_map(|(at, real)| Draft::RemoveReal(at, real)),
        2 => director_patch().prop_map(Draft::PatchDirector),
        1 => Just(Draft::Clear),
    ]
}

fn service_patch() -> BoxedStrategy<Value> {
    prop_oneof![
        any::<u16>().prop_map(|port| json!({ "address": format!("tcp://10.1.0.1:{port}") })),
        prop::sample::select(vec![
            json!({ "scheduler": "mh", "flags": ["mh-port"] }),
            json!({ "forward": "fullnat", "tunnel": null, "tunnel_port": null, "tunnel_checksum": null }),
            json!({ "forward": "nat", "real": null }),
            json!({ "forward": "tun", "tunnel": "gre" }),
            json!({ "one_packet": true }),
            json!({ "persistent": "6m", "netmask": null }),
            json!({ "persistent": null }),
            json!({ "real": [{ "address": "10.2.0.1" }, { "address": "10.1.0.1" }] }),
            json!({ "address": null, "mark": 5 }),
            json!({ "name": "renamed" }),
            json!({ "name": null }),
            json!({ "mss": 1400 }),
            json!({}),
        ]),
        scraps(),
    ]
    .boxed()
}

fn real_patch() -> BoxedStrategy<Value> {
    prop_oneof![
        any::<u16>().prop_map(|weight| json!({ "weight": weight })),
        any::<u16>().prop_map(|port| json!({ "address": format!("10.2.0.1:{port}") })),
        prop::sample::select(vec![
            json!({ "forward": "fullnat" }),
            json!({ "forward": "dr" }),
            json!({ "upper_threshold": 10 }),
            json!({ "upper_threshold": 100, "lower_threshold": 80 }),
            json!({ "weight": null }),
            json!({ "address": null }),
        ]),
        scraps(),
    ]
    .boxed()
}

fn director_patch() -> BoxedStrategy<Value> {
    prop_oneof![
        prop::sample::select(vec![
            json!({ "fullnat": null }),
            json!({ "fullnat": { "addresses": ["10.3.0.1", "2001:db8:3::1-2001:db8:3::9"] } }),
            json!({ "fullnat": { "addresses": ["10.1.0.1", "10.2.0.1"] } }),
            json!({ "interfaces": ["eth7"], "vip_interface": null }),
            json!({ "manage_vips": false }),
            json!({ "ipvs": { "compat": "ipvs", "drop_entry": 1 } }),
            json!({ "timeouts": { "tcp": "1h" }, "max_connections": 4096 }),
        ]),
        scraps(),
    ]
    .boxed()
}

/// The draft with something that is there in the place of something new.
fn clashing(draft: Draft, clash: &Clash, desired: &Desired) -> Draft {
    let of = |index: &Index| {
        let services = &desired.services;
        (!services.is_empty()).then(|| &services[index.index(services.len())])
    };
    let real_of = |service: &Index, real: &Index| {
        let reals = &of(service)?.reals;
        (!reals.is_empty()).then(|| reals[real.index(reals.len())])
    };
    let vip = |index: &Index| Some(of(index)?.identity.address()?.vip.to_string());
    let changed = |mut document: document::Service| {
        match clash {
            Clash::None => {}
            Clash::Name(at) => {
                if let Some(other) = of(at) {
                    document.name = other.name.to_string();
                }
            }
            Clash::Identity(at) => {
                if let Some(other) = of(at) {
                    let other = document::Service::from(&**other);
                    (document.address, document.mark, document.family) =
                        (other.address, other.mark, other.family);
                }
            }
            Clash::Vip(at, real) => {
                if let Some(real) = real_of(at, real) {
                    let vip = std::net::SocketAddr::new(real.address, 80);
                    (document.address, document.mark, document.family) =
                        (Some(format!("tcp://{vip}")), None, None);
                }
            }
            Clash::Real(at) => {
                if let (Some(vip), Some(real)) = (vip(at), document.real.first_mut()) {
                    real.address = vip;
                }
            }
        }
        document
    };
    let changed_real = |real: document::Real| match clash {
        Clash::Real(at) => document::Real {
            address: vip(at).unwrap_or(real.address.clone()),
            ..real
        },
        Clash::Vip(at, index) => match real_of(at, index) {
            Some(other) => document::Real {
                address: other.address.to_string(),
                ..real
            },
            None => real,
        },
        _ => real,
    };
    match draft {
        Draft::AddService(document) => Draft::AddService(changed(document)),
        Draft::PutService(at, document) => Draft::PutService(at, changed(document)),
        Draft::AddReal(at, real) => Draft::AddReal(at, changed_real(real)),
        Draft::PutReal(at, index, real) => Draft::PutReal(at, index, changed_real(real)),
        other => other,
    }
}

fn json(document: &impl serde::Serialize) -> Value {
    serde_json::to_value(document).expect("documents are JSON")
}

/// The edit, and the JSON of the state after it, if there is what is to be changed.
fn settle(draft: Draft, desired: &Desired) -> Option<(Edit, Value)> {
    let mut whole = json(&Document::from(desired));
    let pick = |index: Index| {
        let services = &desired.services;
        let at = (!services.is_empty()).then(|| index.index(services.len()))?;
        Some((at, services[at].name.clone()))
    };
    let pick_real = |at: usize, index: Index| {
        let service = &desired.services[at];
        let number = (!service.reals.is_empty()).then(|| index.index(service.reals.len()))?;
        Some((
            number,
            Endpoint::of(&service.reals[number], &service.identity),
        ))
    };
    if whole.get("service").is_none() {
        whole["service"] = json!([]);
    }
    let services = whole["service"].as_array_mut().expect("a list");
    let edit = match draft {
        Draft::AddService(document) => {
            services.push(json(&document));
            Edit::AddService(document)
        }
        Draft::PutService(at, document) => {
            let (at, name) = pick(at)?;
            services[at] = json(&document);
            Edit::PutService { name, document }
        }
        Draft::PatchService(at, patch) => {
            let (at, name) = pick(at)?;
            patch::merge(&mut services[at], &patch);
            Edit::PatchService { name, patch }
        }
        Draft::RemoveService(at) => {
            let (at, name) = pick(at)?;
            services.remove(at);
            Edit::RemoveService { name }
        }
        Draft::AddReal(at, real) => {
            let (at, service) = pick(at)?;
            if services[at].get("real").is_none() {
                services[at]["real"] = json!([]);
            }
            services[at]["real"]
                .as_array_mut()
                .expect("a list")
                .push(json(&real));
            Edit::AddReal { service, real }
        }
        Draft::PutReal(at, index, document) => {
            let (at, service) = pick(at)?;
            let (number, real) = pick_real(at, index)?;
            services[at]["real"][number] = json(&document);
            Edit::PutReal {
                service,
                real,
                document,
            }
        }
        Draft::PatchReal(at, index, patch) => {
            let (at, service) = pick(at)?;
            let (number, real) = pick_real(at, index)?;
            patch::merge(&mut services[at]["real"][number], &patch);
            Edit::PatchReal {
                service,
                real,
                patch,
            }
        }
        Draft::RemoveReal(at, index) => {
            let (at, service) = pick(at)?;
            let (number, real) = pick_real(at, index)?;
            services[at]["real"]
                .as_array_mut()
                .expect("a list")
                .remove(number);
            Edit::RemoveReal { service, real }
        }
        Draft::PatchDirector(patch) => {
            patch::merge(&mut whole["director"], &patch);
            Edit::PatchDirector { patch }
        }
        Draft::Clear => {
            services.clear();
            Edit::Clear
        }
    };
    Some((edit, whole))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

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
            (Err(EditError::Exists(_)), Err(_)) => {}
            (edited, read) => prop_assert!(false, "{:?}\n{:?}\n{:?}", change, edited, read),
        }
    }
}
