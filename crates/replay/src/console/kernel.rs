//! The console's director as `ipvsadm` sees it: in the kernel's place.

use std::time::Duration;

use dray_ipvsadm::{
    Change, Director, Refusal,
    snapshot::{Connection, Daemon, Service, Snapshot},
};
use dray_model::{DataPlane, ServiceIdentity, Timeouts};

use super::{Console, ConsoleError, apply};
use crate::ipvs::CommandError;

pub(super) struct Kernel<'a> {
    pub(super) console: &'a mut Console,
    pub(super) plane: &'a mut dyn DataPlane,
    pub(super) now: Duration,
}

impl Director for Kernel<'_> {
    type Error = ConsoleError;

    fn snapshot(&mut self) -> Result<Snapshot, ConsoleError> {
        self.console.ipvs.count(self.plane);
        Ok(self
            .console
            .with_facts(self.plane, |facts| facts.snapshot()))
    }

    fn service(&mut self, identity: &ServiceIdentity) -> Result<Option<Service>, ConsoleError> {
        self.console.ipvs.count(self.plane);
        Ok(self.console.with_facts(self.plane, |facts| {
            Some(facts.service(facts.ipvs.service(identity)?))
        }))
    }

    fn connections(&mut self) -> Result<Vec<Connection>, ConsoleError> {
        Ok(self.console.connections(self.plane))
    }

    fn timeouts(&mut self) -> Result<Timeouts, ConsoleError> {
        Ok(self.console.policy.timeouts)
    }

    fn daemons(&mut self) -> Result<Vec<Daemon>, ConsoleError> {
        Ok(Vec::new())
    }

    fn change(&mut self, change: &Change) -> Result<Result<(), Refusal>, ConsoleError> {
        let Self {
            console,
            plane,
            now,
        } = self;
        let (ipvs, host) = (&mut console.ipvs, &console.host);
        ipvs.count(*plane);
        let actions = match change {
            Change::AddService(service, settings) => ipvs.add_service(*service, settings),
            Change::EditService(service, settings) => ipvs.edit_service(service, settings, *plane),
            Change::DeleteService(service) => ipvs.delete_service(service, *now),
            Change::Clear => ipvs.clear(*now),
            Change::AddServer(service, real) => ipvs.add_destination(service, real, *plane, host),
            Change::EditServer(service, real) => ipvs.edit_destination(service, real, *plane, host),
            Change::DeleteServer(service, (address, port)) => {
                ipvs.delete_destination(service, *address, *port, *plane, *now)
            }
            Change::Zero(service) => ipvs
                .zero(service.as_ref())
                .map(|()| Vec::new())
                .map_err(CommandError::from),
            Change::SetTimeouts(timeouts) => {
                console.set_timeouts(timeouts, *plane);
                Ok(Vec::new())
            }
            // The site has two interfaces, and neither is one that can be named without its scenario's packets being sent there.
            Change::StartDaemon(_) => Err(Refusal::NoDevice.into()),
            Change::StopDaemon(_) => Err(Refusal::NoProcess.into()),
        };
        match actions {
            Ok(actions) => {
                apply(*plane, &actions)?;
                Ok(Ok(()))
            }
            Err(CommandError::Refused(refusal)) => Ok(Err(refusal)),
            Err(error @ CommandError::Record { .. }) => Err(ConsoleError::NotPlayed(format!(
                "{error}: {}",
                std::error::Error::source(&error).map_or_else(String::new, ToString::to_string)
            ))),
        }
    }
}
