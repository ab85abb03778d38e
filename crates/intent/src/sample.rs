//! Configurations and states for tests.

use std::sync::Arc;

use dray_model::{ServiceName, document::Endpoint, edit::Edit};
use serde_json::json;

use crate::{
    Apply, Configuration, DrainRequest, EditRequest, Effect, Keeping, Request, Source, State, Step,
    Then, Timestamp,
};

pub(crate) const FILE: &str = "/etc/dray/dray.toml";

/// Two services; `web` has two real servers, of weights 3 and 1.
pub(crate) const TEXT: &str = r#"
[director]
interfaces = ["eth0"]

[[service]]
name = "web"
address = "tcp://10.77.0.100:80"
real = [{ address = "10.77.0.11", weight = 3 }, { address = "10.77.0.12" }]

[[service]]
name = "dns"
address = "udp://10.77.0.100:53"
real = [{ address = "10.77.0.11" }]
"#;

pub(crate) fn configuration(text: &str) -> Configuration {
    match Configuration::parse("sample", text) {
        Ok(configuration) => configuration,
        Err(errors) => panic!("{errors}"),
    }
}

/// The sample with its services' first real server at another address.
pub(crate) fn other(last: u8) -> Configuration {
    configuration(&TEXT.replace("10.77.0.11\"", &format!("10.77.0.{last}\"")))
}

/// A daemon that started with the sample as its file, second 1,000.
pub(crate) fn state() -> State {
    State::first(FILE.to_owned(), &configuration(TEXT), at(1_000))
}

pub(crate) fn at(second: u64) -> Timestamp {
    Timestamp::from_millis(second * 1_000)
}

pub(crate) fn file(path: &str) -> Source {
    Source::Daemon {
        file: path.to_owned(),
    }
}

pub(crate) fn client(file: Option<&str>) -> Source {
    Source::Client {
        who: "uid 0".to_owned(),
        file: file.map(str::to_owned),
    }
}

/// A configuration that a client applies, edits kept.
pub(crate) fn apply(configuration: Configuration) -> Apply {
    Apply {
        configuration,
        source: client(None),
        edits: Keeping::Keep,
        confirm: None,
    }
}

pub(crate) fn name(name: &str) -> ServiceName {
    ServiceName::new(name).expect("a service's name")
}

pub(crate) fn real(endpoint: &str) -> Endpoint {
    endpoint.parse().expect("a real server's name")
}

/// Gives a real server a weight.
pub(crate) fn weigh(service: &str, endpoint: &str, weight: u16) -> EditRequest<()> {
    EditRequest {
        edit: Edit::PatchReal {
            service: name(service),
            real: real(endpoint),
            patch: json!({ "weight": weight }),
        },
        condition: (),
    }
}

/// Drains everything at an address for a minute.
pub(crate) fn drain(service: Option<&str>, endpoint: &str, then: Then) -> Request {
    Request::Drain(DrainRequest {
        service: service.map(name),
        real: real(endpoint),
        patience: std::time::Duration::from_secs(60),
        then,
        who: "uid 0".to_owned(),
        connections: 0,
    })
}

/// The step of a request that is granted.
pub(crate) fn granted(state: &State, request: Request, second: u64) -> Step {
    match state.step(request, at(second)) {
        Ok(step) => step,
        Err(refusal) => panic!("{refusal}"),
    }
}

/// The step of edits that are granted.
pub(crate) fn edited(state: &State, edits: &[EditRequest<()>], second: u64) -> Step {
    let batch = state.edit(edits, at(second));
    for result in batch.results {
        if let Err(refusal) = result {
            panic!("{refusal:?}");
        }
    }
    batch.step
}

/// The text that a step persists.
pub(crate) fn text(step: &Step) -> Option<(u64, Arc<str>)> {
    step.effects.iter().find_map(|effect| match effect {
        Effect::Persist { text } => text.clone(),
        _ => None,
    })
}

/// The weight of a real server that is in force.
pub(crate) fn weight(state: &State, service: &str, endpoint: &str) -> Option<u16> {
    let services = &state.in_force().effective.services;
    let service = services.iter().find(|one| one.name.as_str() == service)?;
    let endpoint = real(endpoint);
    let real = service
        .reals
        .iter()
        .find(|real| endpoint.names(real, &service.identity))?;
    Some(real.weight.value())
}
