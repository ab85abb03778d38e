//! VIPs and local addresses on the director's interface, as services and connections come and go.

use std::{cell::RefCell, collections::BTreeSet, net::IpAddr};

use dray_model::{DataPlane, Desired, Net};

use super::Task;
use crate::{snapshot::AddedVip, vips};

impl<D: DataPlane, N: Net> Task<D, N> {
    /// Puts FULLNAT's local addresses where they belong before connections come from them. VIPs wait until their services are
    /// there.
    pub(super) async fn add_locals(&mut self, desired: &Desired) {
        self.vips.add(&self.net, &vips::locals(desired)).await;
        self.tell_vips();
    }

    /// Puts everything where it belongs, and takes off what is not wanted and no connection comes from.
    pub(super) async fn sync_vips(&mut self) {
        let mut wanted = vips::wanted(&self.desired);
        let lingering = self.lingering(&wanted);
        self.lingering = !lingering.is_empty();
        wanted.extend(lingering);
        self.sync_with(&wanted).await;
    }

    /// Puts exactly these where they belong.
    pub(super) async fn sync_with(&mut self, wanted: &BTreeSet<AddedVip>) {
        self.vips.sync(&self.net, wanted).await;
        self.tell_vips();
    }

    /// Local addresses that are not wanted any more, while connections come from them: real servers ask for their Ethernet
    /// address.
    fn lingering(&self, wanted: &BTreeSet<AddedVip>) -> BTreeSet<AddedVip> {
        let mut unwanted: BTreeSet<AddedVip> =
            self.vips.added().difference(wanted).cloned().collect();
        if unwanted.is_empty() {
            return unwanted;
        }
        let addresses: BTreeSet<IpAddr> = unwanted.iter().map(|added| added.vip).collect();
        let in_use = RefCell::new(BTreeSet::new());
        // One look at the whole table for all of them, which copies no connection.
        self.dataplane.connections(
            &|connection| {
                let local = connection.local.map(|local| local.ip());
                in_use
                    .borrow_mut()
                    .extend(local.filter(|local| addresses.contains(local)));
                false
            },
            usize::MAX,
        );
        let in_use = in_use.into_inner();
        unwanted.retain(|added| in_use.contains(&added.vip));
        unwanted
    }
}
