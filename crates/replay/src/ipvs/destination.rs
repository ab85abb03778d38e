//! A real server of a service.

use std::net::IpAddr;

use dray_model::{
    Action, ActualDestination, Counters, DataPlane, DestinationId, HopId, KernelRules,
    ServiceIdentity, Thresholds,
};

use super::{Counts, Method, Refusal, Statistics, Surroundings};

/// What a command says of a real server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DestinationSettings {
    /// Its address.
    pub address: IpAddr,
    /// Its port; 0 for that of the packet.
    pub port: u16,
    /// The forwarding method.
    pub method: Method,
    /// Its weight, 0 to 2,147,483,647.
    pub weight: u32,
    /// The upper threshold, 0 for none.
    pub upper: u32,
    /// The lower threshold.
    pub lower: u32,
}

impl DestinationSettings {
    /// What IPVS checks before it looks the real server up.
    pub(super) fn check(
        &self,
        service: &ServiceIdentity,
        rules: KernelRules,
    ) -> Result<(), Refusal> {
        let same_family = dray_model::Family::of(self.address) == service.family();
        if !same_family && !matches!(self.method, Method::Tunnel(_)) {
            return Err(Refusal::Invalid);
        }
        if self.lower > self.upper {
            return Err(Refusal::Range);
        }
        let too_high = rules == KernelRules::V6_1_192 && i32::try_from(self.upper).is_err();
        if too_high {
            return Err(Refusal::Invalid);
        }
        Ok(())
    }

    /// Whether the address can be a new real server's.
    pub(super) fn check_address(&self, around: &dyn Surroundings) -> Result<(), Refusal> {
        let may = around.is_own(self.address)
            || match self.address {
                IpAddr::V4(address) => {
                    !(address.is_multicast() || address.is_broadcast() || address.octets()[0] == 0)
                }
                IpAddr::V6(address) => {
                    !(address.is_multicast()
                        || address.is_unspecified()
                        || address.is_unicast_link_local())
                }
            };
        if may { Ok(()) } else { Err(Refusal::Invalid) }
    }
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
