//! What readers are told.

use std::collections::BTreeSet;

use dray_model::{DataPlane, Net, ServiceIdentity, ServiceName};

use super::Task;
use crate::{
    defence::room,
    report::Report,
    snapshot::{DirectorStatus, ServiceStatus, Status, TableStatus},
};

impl<D: DataPlane, N: Net> Task<D, N> {
    pub(super) fn report<'a>(&'a self, interfaces: &'a BTreeSet<u32>) -> Report<'a, D> {
        Report {
            dataplane: &self.dataplane,
            desired: &self.desired,
            catalog: &self.catalog,
            view: &self.view,
            book: &self.book,
            resolutions: &self.resolutions,
            interfaces,
        }
    }

    /// The status of all, of which the services' are there already.
    pub(super) fn status(&self, services: Vec<ServiceStatus>) -> Status {
        let interfaces = self.interfaces();
        let report = self.report(&interfaces);
        let director = &self.desired.director;
        let shortages = self.shortages.sentences();
        Status {
            director: DirectorStatus {
                interfaces: self.dataplane.interfaces(),
                table: TableStatus {
                    connections: self.alive.iter().sum(),
                    room: room(director),
                    translated: self.translated.iter().sum(),
                    translated_room: director.max_translations.get().into(),
                },
                timeouts: director.timeouts,
                defences: self.guard.defences(),
                removed: director.ipvs.removed,
                fullnat: director.fullnat.clone(),
                vips: self.vips.added().iter().cloned().collect(),
            },
            services,
            leaving: report.leaving(),
            reasons: self.dataplane.reasons(),
            problems: self.problems().into_iter().chain(shortages).collect(),
        }
    }

    /// The status of the service of this name, if there is one.
    pub(super) fn service(&self, name: &ServiceName) -> Option<ServiceStatus> {
        let service = self.catalog.named(name)?;
        Some(self.report(&self.interfaces()).service(service))
    }

    /// Zeroes the counters of the service of this name, or of all; says whether there is such a service.
    pub(super) fn zero(&mut self, name: Option<&ServiceName>) -> bool {
        let services: Vec<ServiceIdentity> = match name {
            Some(name) => match self.catalog.named(name) {
                Some(service) => vec![service.identity],
                None => return false,
            },
            None => {
                let retired = self.view.retired().keys();
                self.view
                    .services()
                    .keys()
                    .chain(retired)
                    .copied()
                    .collect()
            }
        };
        for service in services {
            self.book.zero(&self.dataplane, &self.view, service);
        }
        true
    }

    pub(super) fn problems(&self) -> Vec<String> {
        let deaf = (!self.informed).then(|| {
            "nothing watches the network any more: changes of real servers' Ethernet addresses go \
             unnoticed; `dray stop --keep-forwarding` and a new `dray run` mend it"
                .to_owned()
        });
        let behind = self.behind.as_ref().map(|why| {
            format!("the data plane is not what it should be, which is tried again: {why}")
        });
        let behind = behind.into_iter();
        behind.chain(self.vips.problems()).chain(deaf).collect()
    }
}
