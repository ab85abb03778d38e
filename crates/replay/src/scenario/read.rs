//! Reading a scenario: JSON, by strict types, and then what the types cannot say.

mod step;

use serde::Deserialize;

use super::{
    Kernel, MarkRule, Payload, Prefix, Scenario, Service, Step, Timeouts,
    json::{RawService, settings},
};
use crate::Endpoint;

/// The text is not a scenario.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is no JSON, or has what the format has not.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// A step contradicts what is around it.
    #[error("step {step}: {what}")]
    Step {
        /// The step's number, from 0.
        step: usize,
        /// What is wrong, and what to do.
        what: String,
    },
}

pub(super) fn read(text: &str) -> Result<Scenario, ReadError> {
    let scenario: Scenario = serde_json::from_str::<RawScenario>(text)?.into();
    for (step, played) in scenario.steps.iter().enumerate() {
        check(&scenario, step, played).map_err(|what| ReadError::Step { step, what })?;
    }
    Ok(scenario)
}

/// What a step says of others, or leaves to them.
fn check(scenario: &Scenario, number: usize, step: &Step) -> Result<(), String> {
    let Step::Packet(packet) = step else {
        return Ok(());
    };
    match &packet.payload {
        Payload::Segment(segment) if segment.destination.or(scenario.destination).is_none() => {
            Err("it has no `dst`, and the scenario has none either; give it one".to_owned())
        }
        Payload::Segment(segment)
            if segment
                .destination
                .or(scenario.destination)
                .is_some_and(|destination| {
                    destination.address.is_ipv4() != segment.source.address.is_ipv4()
                }) =>
        {
            Err("`src` and `dst` are of different address families".to_owned())
        }
        Payload::Reply(reply) => match scenario.steps.get(reply.to) {
            Some(Step::Packet(_)) if reply.to < number => Ok(()),
            _ => Err(format!(
                "`reply` names step {}, which is no packet before it",
                reply.to
            )),
        },
        Payload::Segment(_) | Payload::Raw(_) => Ok(()),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawScenario {
    scenario: String,
    kernel: Option<Kernel>,
    about: Option<String>,
    #[serde(default, deserialize_with = "settings")]
    sysctl: Vec<(String, String)>,
    timeout: Option<Timeouts>,
    #[serde(default)]
    setup: Vec<String>,
    #[serde(default)]
    apart: bool,
    #[serde(default)]
    random: bool,
    dst: Option<Endpoint>,
    services: Vec<RawService>,
    steps: Vec<Step>,
    #[serde(default)]
    local: Vec<Prefix>,
    #[serde(default)]
    marks: Vec<MarkRule>,
}

impl From<RawScenario> for Scenario {
    fn from(raw: RawScenario) -> Self {
        Self {
            name: raw.scenario,
            kernel: raw.kernel,
            about: raw.about,
            sysctls: raw.sysctl,
            timeouts: raw.timeout,
            setup: raw.setup,
            apart: raw.apart,
            random: raw.random,
            destination: raw.dst,
            services: raw.services.into_iter().map(Service::from).collect(),
            steps: raw.steps,
            local: raw.local,
            marks: raw.marks,
        }
    }
}
