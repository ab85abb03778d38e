//! What readers are told.

use std::collections::BTreeSet;

use dray_model::{DataPlane, Net};

use super::Task;
use crate::{
    defence::room,
    report::Report,
    snapshot::{DirectorStatus, Status, TableStatus},
};

impl<D: DataPlane, N: Net> Task<D, N> {
    pub(super) fn report<'a>(&'a self, interfaces: &'a BTreeSet<u32>) -> Report<'a, D> {
        Report {
            dataplane: &self.dataplane,
            desired: &self.desired,
            view: &self.view,
            book: &self.book,
            resolutions: &self.resolutions,
            interfaces,
        }
    }

    pub(super) fn status(&self) -> Status {
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
            services: report.services(),
            leaving: report.leaving(),
            reasons: self.dataplane.reasons(),
            problems: self.problems().into_iter().chain(shortages).collect(),
        }
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
