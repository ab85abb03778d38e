//! The steps of a plan.

use std::{fmt, net::IpAddr};

use dray_model::{ActualDestination, DestinationId, HopId, NextHop, ServiceAddress, ServiceId};
use dray_sched::Kind;

use crate::snapshot::Ineligible;

/// One step of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    WriteHop {
        id: HopId,
        hop: NextHop,
    },
    AddDestination {
        id: DestinationId,
        destination: ActualDestination,
    },
    SetHop {
        id: DestinationId,
        hop: Option<HopId>,
    },
    Publish(Publication),
    Withdraw {
        id: ServiceId,
        address: ServiceAddress,
    },
    FreeDestination {
        id: DestinationId,
    },
    FreeHop {
        id: HopId,
    },
}

/// A scheduling record to be: it is built when its turn comes, as it takes up from where packets have
/// got to in the record before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Publication {
    pub(crate) id: ServiceId,
    pub(crate) address: ServiceAddress,
    pub(crate) kind: Kind,
    pub(crate) list: Vec<Listing>,
}

/// A destination in a record to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listing {
    pub(crate) destination: DestinationId,
    pub(crate) real: IpAddr,
    pub(crate) weight: u32,
    pub(crate) eligible: Result<(), Ineligible>,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WriteHop { id, hop } => write!(f, "write next hop {id}: {hop}"),
            Self::AddDestination { id, destination } => {
                let ActualDestination { real, service, .. } = destination;
                write!(f, "add destination {id}: {real} of {service}")
            }
            Self::SetHop { id, hop: Some(hop) } => write!(f, "send {id} to next hop {hop}"),
            Self::SetHop { id, hop: None } => write!(f, "take the next hop of {id} away"),
            Self::Publish(publication) => write!(f, "publish service {}", publication.address),
            Self::Withdraw { address, .. } => write!(f, "withdraw service {address}"),
            Self::FreeDestination { id } => write!(f, "free destination {id}"),
            Self::FreeHop { id } => write!(f, "free next hop {id}"),
        }
    }
}
