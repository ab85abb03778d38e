//! The table that commands change.

use dray_ipvsadm::{Change, DestinationSettings, ServiceSettings, SetTimeouts};
use dray_model::{ServiceIdentity, document::Timeouts};

use super::service;
use crate::{
    draft::{Names, Origin, ServiceDraft},
    report::{Ledger, Verdict},
};

/// Services, and the timeouts.
#[derive(Debug, Default)]
pub(super) struct Table {
    services: Vec<Service>,
    timeouts: [Option<u32>; 3],
    /// What is there no more, and why.
    gone: Vec<(Origin, &'static str)>,
}

/// A service with its real servers, in the order in which they were added.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) identity: ServiceIdentity,
    pub(super) settings: ServiceSettings,
    pub(super) origin: Origin,
    pub(super) reals: Vec<Real>,
}

/// A real server.
#[derive(Debug)]
pub(super) struct Real {
    pub(super) settings: DestinationSettings,
    pub(super) origin: Origin,
}

/// Why a command is for the synchronisation of connections, if it is.
pub(super) fn synced(change: &Change) -> Option<&'static str> {
    matches!(change, Change::StartDaemon(_) | Change::StopDaemon(_)).then_some(
        "dray does not share connections between directors yet; with `sh` or `mh`, directors choose alike without",
    )
}

impl Table {
    /// Carries a command out: what is to be said of it at once, if anything, or why it is refused.
    pub(super) fn change(
        &mut self,
        change: Change,
        origin: &Origin,
    ) -> Result<Option<&'static str>, String> {
        match change {
            Change::AddService(identity, settings) => {
                if self.at(identity).is_ok() {
                    return Err("ipvsadm says: Service already exists".to_owned());
                }
                self.services.push(Service {
                    identity,
                    settings,
                    origin: origin.clone(),
                    reals: Vec::new(),
                });
                Ok(None)
            }
            Change::EditService(identity, settings) => {
                let at = self.at(identity)?;
                let service = &mut self.services[at];
                let before = std::mem::replace(&mut service.origin, origin.clone());
                service.settings = settings;
                self.gone.push((before, "a later command changes it"));
                Ok(None)
            }
            Change::DeleteService(identity) => {
                let at = self.at(identity)?;
                let service = self.services.remove(at);
                self.forget(service);
                Ok(Some("what it removes is not in the configuration"))
            }
            Change::Clear => {
                for service in std::mem::take(&mut self.services) {
                    self.forget(service);
                }
                Ok(Some("what was there before is not in the configuration"))
            }
            Change::AddServer(identity, settings) => {
                let at = self.at(identity)?;
                let service = &mut self.services[at];
                if service.find(&settings).is_some() {
                    return Err("ipvsadm says: Destination already exists".to_owned());
                }
                service.reals.push(Real {
                    settings,
                    origin: origin.clone(),
                });
                Ok(None)
            }
            Change::EditServer(identity, settings) => {
                let at = self.at(identity)?;
                let service = &mut self.services[at];
                let real = service.find(&settings).ok_or(NO_SERVER)?;
                let after = Real {
                    settings,
                    origin: origin.clone(),
                };
                let before = std::mem::replace(&mut service.reals[real], after);
                self.gone
                    .push((before.origin, "a later command changes it"));
                Ok(None)
            }
            Change::DeleteServer(identity, (address, port)) => {
                let at = self.at(identity)?;
                let service = &mut self.services[at];
                let is_it =
                    |real: &Real| (real.settings.address, real.settings.port) == (address, port);
                let real = service.reals.iter().position(is_it).ok_or(NO_SERVER)?;
                let real = service.reals.remove(real);
                self.gone.push((real.origin, REMOVED));
                Ok(Some("what it removes is not in the configuration"))
            }
            Change::Zero(_) => Ok(Some("dray's counters begin at zero")),
            Change::SetTimeouts(SetTimeouts { tcp, tcp_fin, udp }) => {
                for (slot, seconds) in self.timeouts.iter_mut().zip([tcp, tcp_fin, udp]) {
                    *slot = seconds.map(Into::into).or(*slot);
                }
                Ok(Some("`[director.timeouts]`"))
            }
            // Whoever calls has looked for these.
            Change::StartDaemon(_) | Change::StopDaemon(_) => Ok(None),
        }
    }

    fn at(&self, identity: ServiceIdentity) -> Result<usize, String> {
        let at = self
            .services
            .iter()
            .position(|service| service.identity == identity);
        at.ok_or_else(|| "ipvsadm says: Service not defined".to_owned())
    }

    fn forget(&mut self, service: Service) {
        let reals = service.reals.into_iter().map(|real| real.origin);
        let origins = [service.origin].into_iter().chain(reals);
        self.gone.extend(origins.map(|origin| (origin, REMOVED)));
    }

    /// The timeouts that were set.
    pub(super) fn timeouts(&self) -> Option<Timeouts> {
        let [tcp, tcp_fin, udp] = self
            .timeouts
            .map(|seconds| seconds.map(|seconds| format!("{seconds}s")));
        let timeouts = Timeouts { tcp, tcp_fin, udp };
        (timeouts != Timeouts::default()).then_some(timeouts)
    }

    /// The services as dray has them.
    pub(super) fn into_services(self, ledger: &mut Ledger) -> Vec<ServiceDraft> {
        for (origin, why) in self.gone {
            ledger.say(origin.place, &origin.statement, Verdict::Ignored, why);
        }
        let mut names = Names::default();
        let services = self.services.iter();
        services
            .map(|service| service::draft(service, &mut names, ledger))
            .collect()
    }
}

impl Service {
    fn find(&self, settings: &DestinationSettings) -> Option<usize> {
        let wanted = (settings.address, settings.port);
        self.reals
            .iter()
            .position(|real| (real.settings.address, real.settings.port) == wanted)
    }
}

/// What `ipvsadm` says of a real server that is not there.
const NO_SERVER: &str = "ipvsadm says: No such destination";

/// Why something is not in the configuration.
const REMOVED: &str = "a later command removes it";
