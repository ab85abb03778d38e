//! The steps of a plan.

use std::{fmt, net::IpAddr};

use dray_model::{
    Action, DestinationId, LocalAddresses, MarkRule, ServiceId, ServiceIdentity, ServiceOptions,
};
use dray_sched::{Kind, Overhead};

use crate::snapshot::Ineligible;

/// One step of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// What the plan could say in full. It is never a publication.
    Do(Action),
    /// What becomes an action when its turn comes.
    Publish(Publication),
    /// The rules by which packets get their marks from then on.
    GiveMarks(Vec<MarkRule>),
    /// Where FULLNAT's packets come from in connections that begin from then on.
    TakeLocals(LocalAddresses),
}

/// A scheduling record to be: it is built when its turn comes, as it takes up from where packets have
/// got to in the record before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Publication {
    pub(crate) id: ServiceId,
    pub(crate) service: ServiceIdentity,
    pub(crate) options: ServiceOptions,
    pub(crate) kind: Kind,
    pub(crate) overhead: Overhead,
    pub(crate) list: Vec<Listing>,
}

/// A destination in a record to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listing {
    pub(crate) destination: DestinationId,
    pub(crate) real: IpAddr,
    /// The real server's port, 0 for that of the connection.
    pub(crate) port: u16,
    pub(crate) weight: u32,
    /// Whether it has an upper threshold.
    pub(crate) limited: bool,
    pub(crate) eligible: Result<(), Ineligible>,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Do(action) => action.fmt(f),
            Self::Publish(Publication { id, service, .. }) => {
                write!(f, "publish service {id}: {service}")
            }
            Self::GiveMarks(rules) => write!(f, "give marks by {} rules", rules.len()),
            Self::TakeLocals(LocalAddresses { addresses, .. }) => {
                write!(f, "take {} local addresses for FULLNAT", addresses.len())
            }
        }
    }
}
