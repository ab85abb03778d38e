//! The VIPs on the director's interface: added when a service needs them, removed when none does. FULLNAT's local addresses are
//! on it likewise, from before the first connection that comes from them.
//!
//! Only what the director added is ever removed. The record of that outlives the daemon, and names a VIP
//! before it is added: a daemon killed in between leaves no address behind that nobody would remove.

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    io,
    net::IpAddr,
};

use dray_model::{Desired, MarkRule, Net, VipOwnership};
use futures_util::{StreamExt as _, stream};
use tracing::{info, warn};

use crate::{event::Happening, snapshot::AddedVip};

/// How many VIPs are on their way to the kernel at once, which takes them one by one. Nobody then waits for one answer after
/// another, which on a busy host takes longer than what is done.
const PIPELINE: usize = 64;

/// Remembers across restarts which VIPs the director has put on an interface, so that it takes off what
/// it added and nothing else.
pub trait VipLedger: Send {
    /// The VIPs that earlier runs added; empty when there was none.
    ///
    /// # Errors
    /// When the record is there and cannot be read.
    fn load(&mut self) -> io::Result<BTreeSet<AddedVip>>;

    /// Replaces the record; durable on return.
    ///
    /// # Errors
    /// When it cannot be written.
    fn save(&mut self, added: &BTreeSet<AddedVip>) -> io::Result<()>;
}

/// The VIPs and local addresses that a desired state needs on an interface; none when somebody else puts them there.
pub(crate) fn wanted(desired: &Desired) -> BTreeSet<AddedVip> {
    let services = desired.services.iter();
    let of_services = services.filter_map(|service| Some(service.identity.address()?.vip));
    let of_marks = desired.director.marks.iter().filter_map(vip);
    let mut wanted = on_interface(desired, of_services.chain(of_marks));
    wanted.append(&mut locals(desired));
    wanted
}

/// The local addresses among them.
pub(crate) fn locals(desired: &Desired) -> BTreeSet<AddedVip> {
    on_interface(desired, desired.director.fullnat.addresses.iter().copied())
}

fn on_interface(desired: &Desired, addresses: impl Iterator<Item = IpAddr>) -> BTreeSet<AddedVip> {
    match &desired.director.vips {
        VipOwnership::Director { interface } => addresses
            .map(|vip| AddedVip {
                interface: interface.clone(),
                vip,
            })
            .collect(),
        VipOwnership::External => BTreeSet::new(),
    }
}

/// The VIP of a mark's packets, when they are for a single one.
fn vip(rule: &MarkRule) -> Option<IpAddr> {
    let (address, length) = rule.destination?;
    let whole = if address.is_ipv4() { 32 } else { 128 };
    (length == whole).then_some(address)
}

pub(crate) struct Vips {
    ledger: Box<dyn VipLedger>,
    /// What the ledger holds.
    recorded: BTreeSet<AddedVip>,
    /// What the director has added.
    added: BTreeSet<AddedVip>,
    /// What this run has seen to, whoever added it.
    seen_to: BTreeSet<AddedVip>,
    /// What could not be done, each a sentence.
    failures: BTreeMap<AddedVip, String>,
    unrecorded: Option<String>,
    /// What was put and taken off since somebody asked.
    news: Vec<Happening>,
}

impl Vips {
    pub(crate) fn load(mut ledger: Box<dyn VipLedger>) -> io::Result<Self> {
        let added = ledger.load()?;
        Ok(Self {
            ledger,
            recorded: added.clone(),
            added,
            seen_to: BTreeSet::new(),
            failures: BTreeMap::new(),
            unrecorded: None,
            news: Vec::new(),
        })
    }

    /// What was put on an interface and taken off since the last call.
    pub(crate) fn take_news(&mut self) -> Vec<Happening> {
        std::mem::take(&mut self.news)
    }

    /// The VIPs that the director has added.
    pub(crate) fn added(&self) -> &BTreeSet<AddedVip> {
        &self.added
    }

    /// What could not be done, each a sentence.
    pub(crate) fn problems(&self) -> impl Iterator<Item = String> {
        self.failures.values().chain(&self.unrecorded).cloned()
    }

    /// Puts these where they belong and removes none. What fails is tried again at the next [`Vips::sync`].
    pub(crate) async fn add<N: Net>(&mut self, net: &N, wanted: &BTreeSet<AddedVip>) {
        let before = self.failures.clone();
        self.add_missing(net, wanted, &before).await;
        self.record(self.added.clone());
    }

    /// Puts every wanted VIP where it belongs and removes those that were added and are not wanted.
    /// What fails is tried again at the next call.
    pub(crate) async fn sync<N: Net>(&mut self, net: &N, wanted: &BTreeSet<AddedVip>) {
        let before = std::mem::take(&mut self.failures);
        self.add_missing(net, wanted, &before).await;
        self.remove_unwanted(net, wanted, &before).await;
        self.seen_to.retain(|vip| wanted.contains(vip));
        self.record(self.added.clone());
    }

    async fn add_missing<N: Net>(
        &mut self,
        net: &N,
        wanted: &BTreeSet<AddedVip>,
        before: &BTreeMap<AddedVip, String>,
    ) {
        let missing: BTreeSet<AddedVip> = wanted.difference(&self.seen_to).cloned().collect();
        self.record(self.added.union(&missing).cloned().collect());
        let mut outcomes = stream::iter(missing)
            .map(async |vip| (net.add_vip(&vip.interface, vip.vip).await, vip))
            .buffered(PIPELINE);
        while let Some((outcome, vip)) = outcomes.next().await {
            match outcome {
                Ok(new) => {
                    if new {
                        info!(vip = %vip.vip, interface = vip.interface, "VIP added");
                        self.added.insert(vip.clone());
                        self.news.push(Happening::VipAdded(vip.clone()));
                    }
                    self.failures.remove(&vip);
                    self.seen_to.insert(vip);
                }
                Err(error) => self.fail(vip, &error, before),
            }
        }
    }

    async fn remove_unwanted<N: Net>(
        &mut self,
        net: &N,
        wanted: &BTreeSet<AddedVip>,
        before: &BTreeMap<AddedVip, String>,
    ) {
        let unwanted: Vec<AddedVip> = self.added.difference(wanted).cloned().collect();
        let mut outcomes = stream::iter(unwanted)
            .map(async |vip| (net.remove_vip(&vip.interface, vip.vip).await, vip))
            .buffered(PIPELINE);
        while let Some((outcome, vip)) = outcomes.next().await {
            match outcome {
                Ok(()) => {
                    info!(vip = %vip.vip, interface = vip.interface, "VIP removed");
                    self.added.remove(&vip);
                    self.news.push(Happening::VipWithdrawn(vip));
                }
                Err(error) => self.fail(vip, &error, before),
            }
        }
    }

    /// Notes a failure, and tells of it once.
    fn fail(&mut self, vip: AddedVip, error: &dyn Error, before: &BTreeMap<AddedVip, String>) {
        let failure = sentence(error);
        if before.get(&vip) != Some(&failure) {
            warn!(vip = %vip.vip, interface = vip.interface, error = failure, "VIP not set");
        }
        self.failures.insert(vip, failure);
    }

    fn record(&mut self, added: BTreeSet<AddedVip>) {
        if added == self.recorded {
            return;
        }
        match self.ledger.save(&added) {
            Ok(()) => {
                self.recorded = added;
                self.unrecorded = None;
            }
            Err(error) => {
                let problem = format!(
                    "failed to record which VIPs were added, so they would stay behind if the daemon \
                     were killed: {error}"
                );
                warn!(%error, "added VIPs not recorded");
                self.unrecorded = Some(problem);
            }
        }
    }
}

/// The error with its causes.
pub(crate) fn sentence(error: &dyn Error) -> String {
    let mut sentence = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        sentence.push_str(": ");
        sentence.push_str(&error.to_string());
        cause = error.source();
    }
    sentence
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use dray_testkit::FakeNet;

    use super::*;

    #[derive(Clone, Default)]
    struct Memory {
        saved: Arc<Mutex<Vec<BTreeSet<AddedVip>>>>,
    }

    impl Memory {
        fn last(&self) -> BTreeSet<AddedVip> {
            self.saved
                .lock()
                .unwrap()
                .last()
                .cloned()
                .unwrap_or_default()
        }
    }

    impl VipLedger for Memory {
        fn load(&mut self) -> io::Result<BTreeSet<AddedVip>> {
            Ok(self.last())
        }

        fn save(&mut self, added: &BTreeSet<AddedVip>) -> io::Result<()> {
            self.saved.lock().unwrap().push(added.clone());
            Ok(())
        }
    }

    struct Unwritable;

    impl VipLedger for Unwritable {
        fn load(&mut self) -> io::Result<BTreeSet<AddedVip>> {
            Ok(BTreeSet::new())
        }

        fn save(&mut self, _: &BTreeSet<AddedVip>) -> io::Result<()> {
            Err(io::Error::other("disk full"))
        }
    }

    fn vip(last: u8) -> AddedVip {
        AddedVip {
            interface: "eth0".to_owned(),
            vip: [10, 77, 0, last].into(),
        }
    }

    fn vips(ledger: &Memory) -> Vips {
        Vips::load(Box::new(ledger.clone())).unwrap()
    }

    #[tokio::test]
    async fn what_was_added_is_removed_when_it_is_not_wanted() {
        let (net, ledger) = (FakeNet::new(), Memory::default());
        let mut vips = vips(&ledger);
        vips.sync(&net, &BTreeSet::from([vip(1), vip(2)])).await;
        assert_eq!(net.vips("eth0"), BTreeSet::from([vip(1).vip, vip(2).vip]));
        assert_eq!(ledger.last(), BTreeSet::from([vip(1), vip(2)]));

        vips.sync(&net, &BTreeSet::from([vip(2)])).await;
        assert_eq!(net.vips("eth0"), BTreeSet::from([vip(2).vip]));
        assert_eq!(ledger.last(), BTreeSet::from([vip(2)]));
    }

    #[tokio::test]
    async fn what_somebody_else_added_is_left_alone() {
        let (net, ledger) = (FakeNet::new(), Memory::default());
        net.put_vip("eth0", vip(1).vip);
        let mut vips = vips(&ledger);
        vips.sync(&net, &BTreeSet::from([vip(1)])).await;
        assert_eq!(ledger.last(), BTreeSet::new());
        vips.sync(&net, &BTreeSet::new()).await;
        assert_eq!(net.vips("eth0"), BTreeSet::from([vip(1).vip]));
    }

    #[tokio::test]
    async fn what_an_earlier_run_added_is_removed_by_a_later_one() {
        let (net, ledger) = (FakeNet::new(), Memory::default());
        vips(&ledger)
            .sync(&net, &BTreeSet::from([vip(1), vip(2)]))
            .await;
        vips(&ledger).sync(&net, &BTreeSet::from([vip(2)])).await;
        assert_eq!(net.vips("eth0"), BTreeSet::from([vip(2).vip]));
        vips(&ledger).sync(&net, &BTreeSet::new()).await;
        assert_eq!(net.vips("eth0"), BTreeSet::new());
    }

    #[tokio::test]
    async fn a_vip_is_on_record_before_it_is_added() {
        let (net, ledger) = (FakeNet::new(), Memory::default());
        net.set_broken("eth0", true);
        vips(&ledger).sync(&net, &BTreeSet::from([vip(1)])).await;
        let saved = ledger.saved.lock().unwrap().clone();
        assert_eq!(saved, [BTreeSet::from([vip(1)]), BTreeSet::new()]);
    }

    #[tokio::test]
    async fn a_failure_is_told_and_tried_again() {
        let (net, ledger) = (FakeNet::new(), Memory::default());
        net.set_broken("eth0", true);
        let mut vips = vips(&ledger);
        vips.sync(&net, &BTreeSet::from([vip(1)])).await;
        let problems: Vec<String> = vips.problems().collect();
        assert_eq!(
            problems,
            ["failed to add 10.77.0.1 to eth0: refused by the test"]
        );
        net.set_broken("eth0", false);
        vips.sync(&net, &BTreeSet::from([vip(1)])).await;
        assert_eq!(vips.problems().count(), 0);
        assert_eq!(net.vips("eth0"), BTreeSet::from([vip(1).vip]));
    }

    #[tokio::test]
    async fn a_ledger_that_cannot_be_written_is_told_and_does_not_keep_vips_away() {
        let net = FakeNet::new();
        let mut vips = Vips::load(Box::new(Unwritable)).unwrap();
        vips.sync(&net, &BTreeSet::from([vip(1)])).await;
        assert_eq!(net.vips("eth0"), BTreeSet::from([vip(1).vip]));
        assert!(vips.problems().any(|problem| problem.contains("disk full")));
    }
}
