//! A real server in its service.

use clap::Args;
use dray_model::document::{self, Endpoint};
use serde::Serialize;

use crate::thing::thing;

/// Which real server of which service.
#[derive(Debug, Args)]
pub(super) struct Place {
    /// The real server, as in 10.77.0.11, 10.77.0.11:8080 or [2001:db8::11]:8080
    #[arg(value_name = "REAL")]
    pub(super) real: Endpoint,
    /// The service of this name
    #[arg(long, value_name = "NAME")]
    pub(super) service: String,
}

impl Place {
    /// As `service web, real server 10.77.0.11`.
    pub(super) fn text(&self) -> String {
        thing(Some(&self.service), Some(&self.real.to_string()))
    }

    /// The real server with its service.
    pub(super) fn seat(&self, real: document::Real) -> Seat {
        Seat {
            service: self.service.clone(),
            real,
        }
    }
}

/// A real server with the name of its service, as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Seat {
    pub(super) service: String,
    #[serde(flatten)]
    pub(super) real: document::Real,
}
