//! What a preview is made of, as the task has it.

use std::{collections::BTreeMap, sync::Arc};

use dray_model::{DataPlane, Desired, DestinationId, Net, ServiceIdentity};

use super::Task;
use crate::{
    preview::{Basis, Present, PresentReal},
    view::Listed,
    vips::sentence,
};

impl<D: DataPlane, N: Net> Task<D, N> {
    /// Costs what differs, not what there is.
    pub(super) fn basis(&self, wanted: Arc<Desired>) -> Basis {
        let way = self.way_to(wanted);
        let refusals = self.refusals(&way);
        let services = way.difference.services().into_iter();
        Basis {
            before: Arc::clone(&self.desired),
            refusals: refusals.map(|refusal| sentence(&refusal)).collect(),
            added_vips: self.vips.added().clone(),
            present: services
                .map(|service| (service, self.present(service)))
                .collect(),
            difference: way.difference,
            after: way.desired,
        }
    }

    fn present(&self, identity: ServiceIdentity) -> Present {
        let service = self.view.services().get(&identity);
        let list = service.map_or(&[][..], |service| &service.list);
        let listed: BTreeMap<DestinationId, Listed> = list
            .iter()
            .map(|listed| (listed.destination, *listed))
            .collect();
        let destinations = self.view.destinations_of(identity);
        Present {
            service: service.cloned(),
            destinations: destinations
                .map(|(real, id)| {
                    let listed = listed.get(&id).copied();
                    let live = self.dataplane.live(id);
                    (real, PresentReal { id, listed, live })
                })
                .collect(),
        }
    }
}
