//! A real server of a service.

use std::net::IpAddr;

use dray_ipvsadm::{DestinationSettings, Method, Refusal, snapshot::Counts};
use dray_model::{
    Action, ActualDestination, Counters, DataPlane, DestinationId, HopId, KernelRules,
    ServiceIdentity, Thresholds,
};

use super::{Statistics, Surroundings};

/// What IPVS checks of a real server before it looks it up.
pub(super) fn check(
    wanted: &DestinationSettings,
    service: &ServiceIdentity,
    rules: KernelRules,
) -> Result<(), Refusal> {
    let same_family = dray_model::Family::of(wanted.address) == service.family();
    if !same_family && !matches!(wanted.method, Method::Tunnel(_)) {
        return Err(Refusal::Invalid);
    }
    if wanted.lower > wanted.upper {
        return Err(Refusal::Range);
    }
    let too_high = rules == KernelRules::V6_1_192 && i32::try_from(wanted.upper).is_err();
    if too_high {
        return Err(Refusal::Invalid);
    }
    Ok(())
}

/// Whether an address can be a new real server's.
pub(super) fn check_address(address: IpAddr, around: &dyn Surroundings) -> Result<(), Refusal> {
    let may = around.is_own(address)
        || match address {
            IpAddr::V4(address) => {
                !(address.is_multicast() || address.is_broadcast() || address.octets()[0] == 0)
            }
            IpAddr::V6(address) => {
                !(address.is_multicast()
                    || address.is_unspecified()
                    || address.to_ipv4_mapped().is_some()
                    || address.is_unicast_link_local())
            }
        };
    if may { Ok(()) } else { Err(Refusal::Invalid) }
}

/// A real server of a service.
#[derive(Clone, Copy, Debug)]
pub struct Destination {
    /// Its number in the data plane.
    pub id: DestinationId,
    /// How it is set.
    pub settings: DestinationSettings,
    /// Its service has it.
    pub available: bool,
    /// Its counters.
    pub statistics: Statistics,
    hop: Option<HopId>,
    local: bool,
    counted: Counters,
}

impl Destination {
    pub(super) fn new(
        id: DestinationId,
        hop: Option<HopId>,
        local: bool,
        settings: DestinationSettings,
    ) -> Self {
        Self {
            id,
            settings,
            available: true,
            statistics: Statistics::default(),
            hop: hop.filter(|_| !local),
            local,
            counted: Counters::default(),
        }
    }

    /// Its service has it as a command wants it.
    pub(super) fn become_available(&mut self, wanted: &DestinationSettings, hop: Option<HopId>) {
        self.settings = *wanted;
        self.available = true;
        self.hop = hop.filter(|_| !self.local);
    }

    pub(super) fn added(&self, service: &ServiceIdentity) -> Action {
        Action::AddDestination {
            id: self.id,
            destination: self.actual(service),
        }
    }

    pub(super) fn set(&self, service: &ServiceIdentity) -> Action {
        Action::SetDestination {
            id: self.id,
            destination: self.actual(service),
        }
    }

    fn actual(&self, service: &ServiceIdentity) -> ActualDestination {
        ActualDestination {
            service: *service,
            real: self.settings.address,
            port: self.settings.port,
            forward: self.settings.method.into(),
            hop: self.hop,
            weight: self.settings.weight,
            thresholds: Thresholds {
                upper: self.settings.upper,
                lower: self.settings.lower,
            },
            available: self.available,
            local: self.local,
        }
    }

    /// Takes in what the data plane has counted for it since the last time, and says how much that was.
    pub(super) fn count(&mut self, plane: &dyn DataPlane) -> Counts {
        let now = plane.counters(self.id);
        let since = Counts {
            connections: now.connections - self.counted.connections,
            in_packets: now.packets - self.counted.packets,
            out_packets: now.reply_packets - self.counted.reply_packets,
            in_bytes: now.bytes - self.counted.bytes,
            out_bytes: now.reply_bytes - self.counted.reply_bytes,
        };
        self.counted = now;
        self.statistics.add(since);
        since
    }
}
