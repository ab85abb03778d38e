//! `GET /v1/counters`: what was counted, without what is set.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Reason, Status, Traffic};

/// What was counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Counters {
    /// Of each virtual service, in the order of the configuration.
    pub services: Vec<ServiceCounters>,
    /// Packets that were passed, dropped or forwarded in an unusual way, by the reason for it.
    pub reasons: Vec<Reason>,
}

/// What was counted of one virtual service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServiceCounters {
    /// Its name.
    pub service: String,
    /// How often it had no destination to give.
    pub refused: u64,
    /// What its destinations have had together, those that are gone among them.
    pub traffic: Traffic,
    /// Of each of its destinations.
    pub destinations: Vec<DestinationCounters>,
}

/// What was counted of one destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DestinationCounters {
    /// The real server's address.
    #[schema(value_type = String, example = "10.77.0.11")]
    pub real: IpAddr,
    /// The port that packets reach it at; 0 for that of the connection.
    pub port: u16,
    /// What it has had.
    pub traffic: Traffic,
}

impl From<Status> for Counters {
    fn from(status: Status) -> Self {
        let services = status.services.into_iter().map(|service| ServiceCounters {
            service: service.name,
            refused: service.refused,
            traffic: service.traffic,
            destinations: service
                .destinations
                .into_iter()
                .map(|destination| DestinationCounters {
                    real: destination.real,
                    port: destination.port,
                    traffic: destination.traffic,
                })
                .collect(),
        });
        Self {
            services: services.collect(),
            reasons: status.reasons,
        }
    }
}
