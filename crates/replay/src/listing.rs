//! What the director shows: IPVS's configuration as `ipvsadm` lists it, and the files of `/proc/net`.
//!
//! The text is exactly that of `ipvsadm` 1.31 and Linux 6.1, trailing blanks included; [`normalise`] makes of it
//! what scenarios hold.

mod normalise;
mod proc;

use dray_ipvsadm::snapshot::{Destination, Service, Snapshot, Statistics};
use dray_model::{DestinationId, Live, Thresholds};

use crate::ipvs::{self, Ipvs};

pub use normalise::normalise;
pub use proc::{proc_connections, proc_services, proc_statistics};

/// What the listings are made of.
pub struct Facts<'a> {
    /// The configuration.
    pub ipvs: &'a Ipvs,
    /// The connections of a real server now.
    pub live: &'a dyn Fn(DestinationId) -> Live,
}

impl Facts<'_> {
    /// The services as `ipvsadm` is told of them.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            size: SIZE,
            services: self
                .ipvs
                .services()
                .iter()
                .map(|it| self.service(it))
                .collect(),
        }
    }

    /// A service as `ipvsadm` is told of it.
    pub fn service(&self, service: &ipvs::Service) -> Service {
        Service {
            identity: service.identity,
            settings: service.settings.clone(),
            statistics: statistics(&service.statistics),
            destinations: service.list.iter().map(|it| self.destination(it)).collect(),
        }
    }

    fn destination(&self, destination: &ipvs::Destination) -> Destination {
        let live = (self.live)(destination.id);
        let settings = destination.settings;
        Destination {
            address: settings.address,
            port: settings.port,
            forward: settings.method.into(),
            weight: settings.weight,
            thresholds: Thresholds {
                upper: settings.upper,
                lower: settings.lower,
            },
            active: live.active,
            inactive: live.inactive,
            persistent: live.persistent,
            statistics: statistics(&destination.statistics),
        }
    }
}

fn statistics(statistics: &ipvs::Statistics) -> Statistics {
    Statistics {
        counts: statistics.shown(),
        rates: statistics.rates(),
    }
}

/// The buckets of the kernel's connection table.
const SIZE: u64 = 4096;
