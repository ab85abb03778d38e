//! Random edits of random states, and what the state after one would be in JSON.

use dray_model::{
    Desired,
    document::{self, Document, Endpoint},
    edit::Edit,
    patch,
};
use proptest::{prelude::*, sample::Index};
use serde_json::{Value, json};

use crate::{document::desired, json::scraps};

/// An edit to be, before it is known what there is to edit.
#[derive(Clone, Debug)]
pub(crate) enum Draft {
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
pub(crate) enum Clash {
    None,
    Name(Index),
    Identity(Index),
    /// A real server's address becomes a VIP.
    Vip(Index, Index),
    /// A VIP becomes a real server.
    Real(Index),
}

pub(crate) fn clash() -> impl Strategy<Value = Clash> {
    let index = any::<Index>;
    prop_oneof![
        4 => Just(Clash::None),
        1 => index().prop_map(Clash::Name),
        1 => index().prop_map(Clash::Identity),
        1 => (index(), index()).prop_map(|(service, real)| Clash::Vip(service, real)),
        1 => index().prop_map(Clash::Real),
    ]
}

pub(crate) fn draft() -> impl Strategy<Value = Draft> {
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
pub(crate) fn clashing(draft: Draft, clash: &Clash, desired: &Desired) -> Draft {
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
pub(crate) fn settle(draft: Draft, desired: &Desired) -> Option<(Edit, Value)> {
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
