//! Which destinations have reached their upper thresholds. Packets decide that; this looks, once in 2 s.

use std::collections::BTreeSet;

use dray_model::{ActualDestination, DataPlane, DestinationId};

use crate::view::View;

/// Those that were overloaded when they were last looked at.
#[derive(Debug, Default)]
pub(crate) struct Overloads(BTreeSet<DestinationId>);

/// A destination that has reached its upper threshold, or that has few enough connections again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Overload {
    pub(crate) destination: ActualDestination,
    pub(crate) begins: bool,
}

impl Overloads {
    /// Looks at the destinations with thresholds of every service whose number is `slice` modulo `slices`; says what is not
    /// as it was.
    pub(crate) fn look<D: DataPlane>(
        &mut self,
        dataplane: &D,
        view: &View,
        slice: u32,
        slices: u32,
    ) -> Vec<Overload> {
        let services = view.services().values();
        let limited = services
            .filter(|service| service.id.0 % slices == slice)
            .flat_map(|service| &service.list)
            .filter(|listed| listed.limited || self.0.contains(&listed.destination))
            .map(|listed| listed.destination);
        let turned: Vec<(DestinationId, Overload)> = limited
            .filter_map(|id| {
                let begins = dataplane.live(id).overloaded;
                let destination = *view.destinations().get(&id)?;
                let turned = Overload {
                    destination,
                    begins,
                };
                (begins != self.0.contains(&id)).then_some((id, turned))
            })
            .collect();
        for (id, Overload { begins, .. }) in &turned {
            if *begins {
                self.0.insert(*id);
            } else {
                self.0.remove(id);
            }
        }
        turned.into_iter().map(|(_, turned)| turned).collect()
    }

    /// Forgets a destination that is no more: its number may become another's.
    pub(crate) fn forget(&mut self, id: DestinationId) {
        self.0.remove(&id);
    }
}
