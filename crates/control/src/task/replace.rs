//! Another desired state: put in force whole, or not at all.

use std::{collections::BTreeSet, sync::Arc};

use dray_model::{DataPlane, Desired, Net};

use super::{Passed, Task, refusal::Way};
use crate::{
    apply::ApplyError,
    handle::ControlError,
    plan::{Scope, Unused},
    snapshot::Applied,
    vips::sentence,
};

impl<D: DataPlane, N: Net> Task<D, N> {
    pub(super) async fn replace(&mut self, desired: Arc<Desired>) -> Result<Applied, ControlError> {
        let Way {
            desired,
            difference,
            steps: planned,
        } = self.possible_way_to(desired)?;
        let same_locals =
            self.desired.director.fullnat.addresses == desired.director.fullnat.addresses;
        if !same_locals {
            self.add_locals(&desired).await;
        }
        let Passed {
            steps,
            turned,
            result,
        } = self.carry_out(planned);
        if let Err(forth) = result {
            self.tell_turned(turned);
            let error = self.go_back(forth);
            self.sync_vips().await;
            return Err(error);
        }
        self.behind = None;
        let before = std::mem::replace(&mut self.desired, desired);
        self.catalog.change(&difference);
        for chore in &mut self.chores {
            chore.outdate(&difference);
        }
        self.tell_replaced(&difference, before.director != self.desired.director);
        self.tell_turned(turned);
        self.watch();
        let (director, services) = (&self.desired.director, &self.desired.services);
        let applied = Applied {
            services: services.len(),
            reals: services.iter().map(|service| service.reals.len()).sum(),
            services_added: difference.added.len(),
            services_changed: difference.changed.len(),
            services_removed: difference.removed.len(),
            steps,
            problems: Vec::new(),
        };
        let same_vips = same_locals
            && difference.added.is_empty()
            && difference.removed.is_empty()
            && director.marks == before.director.marks
            && director.vips == before.director.vips;
        if !same_vips {
            self.sync_vips().await;
        }
        let problems = self.problems();
        Ok(Applied {
            problems,
            ..applied
        })
    }

    /// Brings the desired state of before back into force.
    fn go_back(&mut self, forth: ApplyError) -> ControlError {
        let desired = Arc::clone(&self.desired);
        let Passed { turned, result, .. } = self.pass(&desired, Scope::All, &Unused::default());
        self.tell_turned(turned);
        match result {
            Ok(()) => {
                self.behind = None;
                ControlError::Apply(forth)
            }
            Err(back) => {
                let back = sentence(&back);
                self.behind = Some(back.clone());
                ControlError::Stuck { forth, back }
            }
        }
    }

    /// Takes every service and VIP away.
    pub(super) async fn withdraw(&mut self) -> Result<(), ControlError> {
        let nothing = Desired {
            director: self.desired.director.clone(),
            services: Vec::new(),
        };
        let Passed { result, .. } = self.pass(&nothing, Scope::All, &Unused::default());
        self.sync_with(&BTreeSet::new()).await;
        result.map_err(ControlError::Withdraw)?;
        match self.vips.problems().next() {
            Some(problem) => Err(ControlError::Vips(problem)),
            None => Ok(()),
        }
    }
}
