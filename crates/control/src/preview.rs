//! What another desired state would change, before it does: what is new, other, gone, and what becomes of connections.
//!
//! ```text
//! task ── Basis: both states, how their services differ, what counts towards the destinations ──▶ preview ──▶ Preview
//! ```
//!
//! The task only gathers what it costs little to gather; the rest is a pure function of that.

mod fate;
mod service;
mod settings;
mod slots;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::Arc,
};

use dray_model::{Desired, DestinationId, Live, ServiceIdentity, ServiceName, document::Endpoint};
use serde_json::Value;

use crate::{
    difference::{Changed, Difference},
    snapshot::AddedVip,
    view::{Listed, ServiceView},
    vips,
};

/// What replacing the desired state would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preview {
    /// Why it would be refused, each a sentence for people; empty when it would not.
    pub refusals: Vec<String>,
    /// Settings of `[director]` that would be others.
    pub director: Vec<SettingChange>,
    /// Whether other packets would get marks.
    pub marks: bool,
    /// Services that would be new or other, in the order of the new configuration, then those that would be gone.
    pub services: Vec<ServicePreview>,
    /// Whether the services that stay would stand in another order, which nothing but listings goes by.
    pub reordered: bool,
    /// Addresses that the director would put on an interface, unless they are there.
    pub vips_added: Vec<AddedVip>,
    /// Addresses that the director would take off an interface; local addresses of FULLNAT's once no connection comes from
    /// them.
    pub vips_withdrawn: Vec<AddedVip>,
}

impl Preview {
    /// Whether nothing would change.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What counts towards real servers that would be gone or other, of all services together.
    pub fn affected(&self) -> impl Iterator<Item = &Affected> {
        let reals = self.services.iter().flat_map(|service| &service.reals);
        reals.filter_map(|real| real.affected.as_ref())
    }
}

/// What would become of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Change {
    /// It would be new.
    Added,
    /// It would be other than it is.
    Changed,
    /// It would be gone.
    Removed,
}

/// A setting with another value, both as a configuration file says them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingChange {
    /// Its key; of a key inside a table, both with a dot between.
    pub key: String,
    /// Its value now; none when it is not written, which stands for its default.
    pub before: Option<Value>,
    /// Its value then, likewise.
    pub after: Option<Value>,
}

/// What would become of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServicePreview {
    /// Its name, then if it stays, else now.
    pub name: ServiceName,
    /// Protocol, VIP and port, or its mark. One with another identity is another service.
    pub identity: ServiceIdentity,
    /// What would become of it.
    pub change: Change,
    /// Its settings that would be others; all of a new one's, none of a removed one's.
    pub settings: Vec<SettingChange>,
    /// Its real servers that would be new, other or gone, in the order of the new configuration, then those that would be
    /// gone. All of them when the whole service is new or gone.
    pub reals: Vec<RealPreview>,
    /// Whether the real servers that stay would stand in another order, which nothing but listings goes by.
    pub reordered: bool,
    /// `sh`, `dh` and `mh`: how much of the scheduler's table would name another real server; none with another scheduler
    /// than now, and when the service is new or gone.
    pub moved: Option<MovedSlots>,
}

/// What would become of a real server in a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RealPreview {
    /// Its name in a configuration file. One with another address or port is another real server.
    pub real: Endpoint,
    /// What would become of it.
    pub change: Change,
    /// Its settings that would be others; all of a new one's, none of a removed one's.
    pub settings: Vec<SettingChange>,
    /// What has to do with it at present, and what would become of that; none for a new one without any.
    pub affected: Option<Affected>,
}

/// Connections and templates at the moment of the question, and what would become of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Affected {
    /// Connections in an active state.
    pub active: u32,
    /// All other connections.
    pub inactive: u32,
    /// Persistence templates.
    pub templates: u32,
    /// What would become of the connections.
    pub connections_fate: Fate,
    /// What would become of the templates.
    pub templates_fate: Fate,
}

impl Affected {
    /// Connections, active or not.
    pub const fn connections(&self) -> u64 {
        self.active as u64 + self.inactive as u64
    }
}

/// What becomes of connections or templates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// They go on as they are.
    Kept,
    /// They go on to a real server that gets no new ones (`removed = "finish"`, or its weight is 0).
    Finish,
    /// Their packets are dropped until the real server is back or their time is over (`removed = "drop"`).
    Dropped,
    /// They end within seconds (`expire_nodest_conn`).
    Ended,
    /// They end with their next packet: the new forwarding method changes addresses, and theirs were not changed.
    EndedByMethod,
    /// Templates: they give no more connections to the real server; their clients are scheduled anew.
    Void,
}

/// How much of a table by hash names another real server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MovedSlots {
    /// Slots that would name another real server, or none.
    pub moved: u32,
    /// Slots of the table.
    pub of: u32,
}

/// All that a preview is made of.
#[derive(Debug)]
pub(crate) struct Basis {
    pub(crate) before: Arc<Desired>,
    pub(crate) after: Arc<Desired>,
    pub(crate) difference: Difference,
    pub(crate) refusals: Vec<String>,
    /// Addresses that the director has put on an interface.
    pub(crate) added_vips: BTreeSet<AddedVip>,
    /// What the data plane has of the services that differ.
    pub(crate) present: BTreeMap<ServiceIdentity, Present>,
}

/// What the data plane has of a service.
#[derive(Debug, Default)]
pub(crate) struct Present {
    /// None when packets cannot find it.
    pub(crate) service: Option<ServiceView>,
    /// Its destinations, those among them that are leaving.
    pub(crate) destinations: BTreeMap<SocketAddr, PresentReal>,
}

/// What the data plane has of a real server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PresentReal {
    pub(crate) id: DestinationId,
    pub(crate) listed: Option<Listed>,
    pub(crate) live: Live,
}

impl Basis {
    /// What would change.
    pub(crate) fn preview(self) -> Preview {
        let (before, after) = (&*self.before, &*self.after);
        let (vips_before, vips_after) = (vips::wanted(before), vips::wanted(after));
        let withdrawn = vips_before.difference(&vips_after);
        Preview {
            director: settings::of_director(&before.director, &after.director),
            marks: before.director.marks != after.director.marks,
            services: self.services(),
            reordered: is_reordered(
                before.services.iter().map(|service| service.identity),
                after.services.iter().map(|service| service.identity),
            ),
            vips_added: vips_after.difference(&vips_before).cloned().collect(),
            vips_withdrawn: withdrawn
                .filter(|vip| self.added_vips.contains(vip))
                .cloned()
                .collect(),
            refusals: self.refusals,
        }
    }

    fn services(&self) -> Vec<ServicePreview> {
        let Difference {
            added,
            changed,
            removed,
        } = &self.difference;
        let stay = self.after.services.iter().filter_map(|service| {
            let identity = service.identity;
            match changed.get(&identity) {
                Some(Changed { before, after }) => Some(self.changed(before, after)),
                None => Some(self.added(added.get(&identity)?)),
            }
        });
        let gone = removed.values().map(|service| self.removed(service));
        stay.chain(gone).collect()
    }
}

/// Whether what is in both stands in another order in the second.
fn is_reordered<T: Ord + Copy>(
    before: impl Iterator<Item = T> + Clone,
    after: impl Iterator<Item = T> + Clone,
) -> bool {
    // Most often they are the same, and nothing needs looking up.
    if before.clone().eq(after.clone()) {
        return false;
    }
    let had: BTreeSet<T> = before.clone().collect();
    let has: BTreeSet<T> = after.clone().collect();
    let before = before.filter(|one| has.contains(one));
    let after = after.filter(|one| had.contains(one));
    !before.eq(after)
}
