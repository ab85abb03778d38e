//! One step of a plan: plain data, carried out in order.

use std::fmt;

use crate::{ActualDestination, DestinationId, HopId, NextHop, Record, ServiceAddress, ServiceId};

/// One step of a plan. Each leaves the data plane in a state that forwards correctly, so a plan may
/// stop after any of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Writes a next hop that no destination names yet.
    WriteHop {
        /// Its number.
        id: HopId,
        /// Its contents.
        hop: NextHop,
    },
    /// Writes a destination whose number is free.
    AddDestination {
        /// Its number.
        id: DestinationId,
        /// Its contents.
        destination: ActualDestination,
    },
    /// Points a destination at another next hop, or at none.
    SetHop {
        /// The destination.
        id: DestinationId,
        /// Its new next hop.
        hop: Option<HopId>,
    },
    /// Makes a scheduling record the service's, whole, from one packet to the next; adds the service
    /// when it is new.
    Publish {
        /// The service's number.
        id: ServiceId,
        /// The service's address.
        address: ServiceAddress,
        /// The record.
        record: Record,
    },
    /// Takes a service away: no new connections. Those it has go on.
    Withdraw {
        /// The service's number.
        id: ServiceId,
        /// The service's address.
        address: ServiceAddress,
    },
    /// Frees the number of a destination that no record and no connection names.
    FreeDestination {
        /// The destination.
        id: DestinationId,
    },
    /// Frees the number of a next hop that no destination names.
    FreeHop {
        /// The next hop.
        id: HopId,
    },
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WriteHop { id, hop } => write!(f, "write next hop {id}: {hop}"),
            Self::AddDestination { id, destination } => {
                write!(
                    f,
                    "add destination {id}: {} of {}",
                    destination.real, destination.service
                )
            }
            Self::SetHop { id, hop: Some(hop) } => {
                write!(f, "send destination {id} to next hop {hop}")
            }
            Self::SetHop { id, hop: None } => {
                write!(f, "take the next hop of destination {id} away")
            }
            Self::Publish { id, address, .. } => write!(f, "publish service {id}: {address}"),
            Self::Withdraw { id, address } => write!(f, "withdraw service {id}: {address}"),
            Self::FreeDestination { id } => write!(f, "free destination {id}"),
            Self::FreeHop { id } => write!(f, "free next hop {id}"),
        }
    }
}
