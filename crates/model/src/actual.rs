//! What the data plane holds, as the planner sees it.

use std::{collections::BTreeMap, net::IpAddr};

use crate::{DestinationId, HopId, NextHop, Record, ServiceAddress, ServiceId};

/// Everything the data plane holds that a plan can change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Actual {
    /// Services that packets can find.
    pub services: BTreeMap<ServiceAddress, ActualService>,
    /// Destinations, those of removed real servers with connections left among them.
    pub destinations: BTreeMap<DestinationId, ActualDestination>,
    /// Next hops that destinations may name.
    pub hops: BTreeMap<HopId, NextHop>,
}

/// A service that packets can find.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActualService {
    /// Its number.
    pub id: ServiceId,
    /// Its scheduling record (the layout is `dray-sched`'s).
    pub record: Record,
}

/// One destination: a real server inside one service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActualDestination {
    /// The service that it belongs or belonged to.
    pub service: ServiceAddress,
    /// The real server's address.
    pub real: IpAddr,
    /// Where its packets go; `None` while it has no resolved neighbour.
    pub hop: Option<HopId>,
}
