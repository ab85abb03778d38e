//! `GET /v1/neighbours`: the hosts that packets are handed to, which are real servers or gateways before them.

use std::{collections::BTreeMap, net::IpAddr};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Destination, Status};

/// The hosts that packets are handed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Neighbours {
    /// In the order of their addresses, IPv4 first.
    pub neighbours: Vec<Neighbour>,
}

/// A host that packets are handed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Neighbour {
    /// Its address.
    #[schema(value_type = String, example = "10.77.0.11")]
    pub address: IpAddr,
    /// Whether it is a gateway, and no real server itself.
    pub gateway: bool,
    /// Its Ethernet address, six hexadecimal bytes with colons; none while it is not known.
    pub mac: Option<String>,
    /// The interface that it is behind (the kernel's number); none while it is not known.
    pub interface: Option<u32>,
    /// VLAN identifier, 1 to 4094, or none.
    pub vlan: Option<u16>,
    /// The real servers that are reached by way of it.
    #[schema(value_type = Vec<String>)]
    pub reals: Vec<IpAddr>,
    /// Why it cannot be reached, as a sentence; none when it can.
    pub problem: Option<String>,
}

impl From<&Status> for Neighbours {
    fn from(status: &Status) -> Self {
        let mut neighbours: BTreeMap<(IpAddr, Option<u32>, Option<u16>), Neighbour> =
            BTreeMap::new();
        let services = status.services.iter().map(|service| &service.destinations);
        let leaving = status.leaving.iter().map(|service| &service.destinations);
        // A local destination is handed to nobody.
        let destinations = services.chain(leaving).flatten().filter(|each| !each.local);
        for destination in destinations {
            let neighbour = neighbour(destination);
            let key = (neighbour.address, neighbour.interface, neighbour.vlan);
            let known = neighbours.entry(key).or_insert(neighbour);
            if !known.reals.contains(&destination.real) {
                known.reals.push(destination.real);
            }
        }
        Self {
            neighbours: neighbours.into_values().collect(),
        }
    }
}

fn neighbour(destination: &Destination) -> Neighbour {
    let hop = destination.next_hop.as_ref();
    Neighbour {
        address: destination.gateway.unwrap_or(destination.real),
        gateway: destination.gateway.is_some(),
        mac: hop.map(|hop| hop.mac.clone()),
        interface: hop.map(|hop| hop.interface),
        vlan: hop.and_then(|hop| hop.vlan),
        reals: Vec::new(),
        problem: destination.why.clone(),
    }
}
