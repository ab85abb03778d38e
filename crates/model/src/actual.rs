//! What the data plane holds, as the planner sees it.

use std::{collections::BTreeMap, fmt, net::IpAddr};

use crate::{
    DestinationId, Forward, Hop, HopId, Record, ServiceId, ServiceIdentity, ServiceOptions,
    Thresholds,
};

/// Everything the data plane holds that a plan can change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Actual {
    /// Services that packets can find.
    pub services: BTreeMap<ServiceIdentity, ActualService>,
    /// Destinations, those of removed real servers with connections left among them.
    pub destinations: BTreeMap<DestinationId, ActualDestination>,
    /// Next hops that destinations may name.
    pub hops: BTreeMap<HopId, Hop>,
}

/// A service that packets can find.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActualService {
    /// Its number.
    pub id: ServiceId,
    /// How it treats clients.
    pub options: ServiceOptions,
    /// Its scheduling record (the layout is `dray-sched`'s).
    pub record: Record,
}

/// One destination: a real server inside one service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActualDestination {
    /// The service that it belongs or belonged to.
    pub service: ServiceIdentity,
    /// The real server's address.
    pub real: IpAddr,
    /// The real server's port, host byte order; 0 for that of the connection. Direct routing and tunnels do not
    /// change the packet's, whatever it says.
    pub port: u16,
    /// How packets reach it.
    pub forward: Forward,
    /// Where its packets go; `None` while it has no resolved neighbour.
    pub hop: Option<HopId>,
    /// Its weight now; 0 quiesces it. Up to 2,147,483,647.
    pub weight: u32,
    /// Beyond which numbers of connections it gets no new ones.
    pub thresholds: Thresholds,
    /// Whether its service has it. One that was removed stays while it has connections, which then are treated as the
    /// [policy](crate::Policy) says.
    pub available: bool,
    /// Whether the real server is the director itself: its packets go to the host's stack, untouched.
    pub local: bool,
}

impl fmt::Display for ActualDestination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.real, self.service)?;
        match (self.available, self.hop) {
            (false, _) => f.write_str(", removed"),
            (true, None) if self.local => f.write_str(", local"),
            (true, None) => f.write_str(", without next hop"),
            (true, Some(hop)) => write!(f, " by next hop {hop}, weight {}", self.weight),
        }
    }
}
