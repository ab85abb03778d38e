//! Which connections are meant.

use std::net::IpAddr;

use clap::{Args, builder::PossibleValuesParser};
use dray_api::v1::Prefix;
use dray_packet::state::State;

/// What connections have in common.
#[derive(Debug, Args)]
pub(super) struct Filters {
    /// Clients with this address or in this network
    #[arg(long, value_name = "A[/LEN]")]
    pub(super) client: Option<Prefix>,
    /// The service of this name
    #[arg(long, value_name = "NAME")]
    pub(super) service: Option<String>,
    /// On this real server
    #[arg(long, value_name = "A")]
    pub(super) real: Option<IpAddr>,
    /// In this state
    #[arg(long, value_name = "S", ignore_case = true, value_parser = states())]
    pub(super) state: Option<String>,
}

fn states() -> PossibleValuesParser {
    let mut names: Vec<&str> = Vec::new();
    for state in State::ALL {
        // TCP's and SCTP's have some names in common.
        if !names.contains(&state.name()) {
            names.push(state.name());
        }
    }
    PossibleValuesParser::new(names)
}
