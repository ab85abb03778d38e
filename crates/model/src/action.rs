//! One step of a plan: plain data, carried out in order.

use std::fmt;

use crate::{
    ActualDestination, DestinationId, Hop, HopId, Record, ServiceId, ServiceIdentity,
    ServiceOptions,
};

/// One step of a plan. Each leaves the data plane in a state that forwards correctly, so a plan may
/// stop after any of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Writes a next hop that no destination names yet.
    WriteHop {
        /// Its number.
        id: HopId,
        /// Its contents.
        hop: Hop,
    },
    /// Writes a destination whose number is free.
    AddDestination {
        /// Its number.
        id: DestinationId,
        /// Its contents.
        destination: ActualDestination,
    },
    /// Changes a destination that is there: anything but its service, real server and port.
    SetDestination {
        /// The destination.
        id: DestinationId,
        /// All of it, as it is to be.
        destination: ActualDestination,
    },
    /// Makes a scheduling record the service's, whole, from one packet to the next; adds the service
    /// when it is new.
    Publish {
        /// The service's number.
        id: ServiceId,
        /// Which service it is.
        service: ServiceIdentity,
        /// How it treats clients, in one store beside the record's.
        options: ServiceOptions,
        /// The record.
        record: Record,
    },
    /// Takes a service away: no new connections. Those it has go on.
    Withdraw {
        /// The service's number.
        id: ServiceId,
        /// Which service it is.
        service: ServiceIdentity,
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
                write!(f, "add destination {id}: {destination}")
            }
            Self::SetDestination { id, destination } => {
                write!(f, "set destination {id}: {destination}")
            }
            Self::Publish { id, service, .. } => write!(f, "publish service {id}: {service}"),
            Self::Withdraw { id, service } => write!(f, "withdraw service {id}: {service}"),
            Self::FreeDestination { id } => write!(f, "free destination {id}"),
            Self::FreeHop { id } => write!(f, "free next hop {id}"),
        }
    }
}
