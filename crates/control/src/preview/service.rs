//! What would become of one service.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use dray_model::{IpvsOptions, Live, RealServer, Service, document::Endpoint};

use super::{
    Affected, Basis, Change, Present, RealPreview, ServicePreview, fate, is_reordered, settings,
    slots,
};

/// A service that packets cannot find and that has no destinations.
const ABSENT: &Present = &Present {
    service: None,
    destinations: BTreeMap::new(),
};

impl Basis {
    pub(super) fn added(&self, service: &Arc<Service>) -> ServicePreview {
        let reals = service.reals.iter();
        ServicePreview {
            name: service.name.clone(),
            identity: service.identity,
            change: Change::Added,
            settings: settings::of_service(None, service),
            reals: reals.map(|real| self.real_added(service, real)).collect(),
            reordered: false,
            moved: None,
        }
    }

    pub(super) fn removed(&self, service: &Arc<Service>) -> ServicePreview {
        let reals = service.reals.iter();
        ServicePreview {
            name: service.name.clone(),
            identity: service.identity,
            change: Change::Removed,
            settings: Vec::new(),
            reals: reals.map(|real| self.real_removed(service, real)).collect(),
            reordered: false,
            moved: None,
        }
    }

    pub(super) fn changed(&self, before: &Arc<Service>, after: &Arc<Service>) -> ServicePreview {
        let mut left: BTreeMap<SocketAddr, &RealServer> =
            before.reals.iter().map(|real| (name(real), real)).collect();
        let mut reals = Vec::new();
        for real in &after.reals {
            match left.remove(&name(real)) {
                Some(was) if was == real => {}
                Some(was) => reals.push(self.real_changed((was, before), (real, after))),
                None => reals.push(self.real_added(after, real)),
            }
        }
        let gone = left.into_values();
        reals.extend(gone.map(|real| self.real_removed(before, real)));
        ServicePreview {
            name: after.name.clone(),
            identity: after.identity,
            change: Change::Changed,
            settings: settings::of_service(Some(before), after),
            reals,
            reordered: is_reordered(before.reals.iter().map(name), after.reals.iter().map(name)),
            moved: slots::moved(self.present(after), after),
        }
    }

    fn real_added(&self, service: &Service, real: &RealServer) -> RealPreview {
        RealPreview {
            real: Endpoint::of(real, &service.identity),
            change: Change::Added,
            settings: settings::of_real(None, (real, service)),
            affected: self.live(service, real).map(fate::back).filter(is_any),
        }
    }

    fn real_removed(&self, service: &Service, real: &RealServer) -> RealPreview {
        let live = self.live(service, real).unwrap_or_default();
        RealPreview {
            real: Endpoint::of(real, &service.identity),
            change: Change::Removed,
            settings: Vec::new(),
            affected: Some(fate::removed(live, self.options())),
        }
    }

    fn real_changed(
        &self,
        before: (&RealServer, &Service),
        after: (&RealServer, &Service),
    ) -> RealPreview {
        let live = self.live(after.1, after.0).unwrap_or_default();
        RealPreview {
            real: Endpoint::of(after.0, &after.1.identity),
            change: Change::Changed,
            settings: settings::of_real(Some(before), after),
            affected: Some(fate::changed(live, before.0, after.0, self.options())),
        }
    }

    /// What counts towards a real server, also one that was removed and is not forgotten.
    fn live(&self, service: &Service, real: &RealServer) -> Option<Live> {
        let found = self.present(service).destinations.get(&name(real))?;
        Some(found.live)
    }

    fn present(&self, service: &Service) -> &Present {
        self.present.get(&service.identity).unwrap_or(ABSENT)
    }

    /// The settings that would be in force.
    fn options(&self) -> &IpvsOptions {
        &self.after.director.ipvs
    }
}

const fn name(real: &RealServer) -> SocketAddr {
    SocketAddr::new(real.address, real.port)
}

const fn is_any(affected: &Affected) -> bool {
    affected.active > 0 || affected.inactive > 0 || affected.templates > 0
}
