//! A host's network that is a map.

use std::{
    collections::BTreeSet,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard},
};

use dray_model::{Net, NetError, Resolution, Resolutions, Unresolved, Way};
use tokio::sync::watch;

/// A [`Net`] that does what the test says. Clones share one state.
#[derive(Clone, Debug)]
pub struct FakeNet {
    state: Arc<Mutex<State>>,
    reports: watch::Sender<Resolutions>,
}

#[derive(Debug, Default)]
struct State {
    followed: BTreeSet<IpAddr>,
    vips: BTreeSet<(String, IpAddr)>,
    broken: BTreeSet<String>,
}

impl FakeNet {
    /// A network of which nothing is known and that has no VIP.
    pub fn new() -> Self {
        Self {
            state: Arc::default(),
            reports: watch::Sender::new(Resolutions::default()),
        }
    }

    /// Its reports on the way to addresses.
    pub fn reports(&self) -> watch::Receiver<Resolutions> {
        self.reports.subscribe()
    }

    /// Reports that the way to each of these addresses is known.
    pub fn resolve(&self, ways: impl IntoIterator<Item = (IpAddr, Way)>) {
        self.report(
            ways.into_iter()
                .map(|(address, way)| (address, Resolution::Resolved(way))),
        );
    }

    /// Reports that the way to an address is not known, and why.
    pub fn unresolve(&self, address: IpAddr, why: Unresolved) {
        self.report([(address, Resolution::Unresolved(why))]);
    }

    fn report(&self, changes: impl IntoIterator<Item = (IpAddr, Resolution)>) {
        self.reports.send_modify(|report| report.extend(changes));
    }

    /// The addresses that are followed.
    pub fn followed(&self) -> BTreeSet<IpAddr> {
        self.state().followed.clone()
    }

    /// The VIPs on an interface.
    pub fn vips(&self, interface: &str) -> BTreeSet<IpAddr> {
        let state = self.state();
        let there = state.vips.iter().filter(|(on, _)| on == interface);
        there.map(|(_, vip)| *vip).collect()
    }

    /// Puts a VIP on an interface as somebody else would.
    pub fn put_vip(&self, interface: &str, vip: IpAddr) {
        self.state().vips.insert((interface.to_owned(), vip));
    }

    /// Makes every change of an interface's addresses fail, or no more.
    pub fn set_broken(&self, interface: &str, broken: bool) {
        let mut state = self.state();
        if broken {
            state.broken.insert(interface.to_owned());
        } else {
            state.broken.remove(interface);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("no test goes on after a panic in the network")
    }

    fn change(&self, what: String, interface: &str) -> Result<MutexGuard<'_, State>, NetError> {
        let state = self.state();
        if state.broken.contains(interface) {
            let source = "refused by the test".into();
            return Err(NetError { what, source });
        }
        Ok(state)
    }
}

impl Default for FakeNet {
    fn default() -> Self {
        Self::new()
    }
}

impl Net for FakeNet {
    fn follow(&self, addresses: BTreeSet<IpAddr>) {
        self.state().followed.extend(addresses);
    }

    fn unfollow(&self, addresses: BTreeSet<IpAddr>) {
        let followed = &mut self.state().followed;
        followed.retain(|address| !addresses.contains(address));
    }

    async fn add_vip(&self, interface: &str, vip: IpAddr) -> Result<bool, NetError> {
        let mut state = self.change(format!("add {vip} to {interface}"), interface)?;
        Ok(state.vips.insert((interface.to_owned(), vip)))
    }

    async fn remove_vip(&self, interface: &str, vip: IpAddr) -> Result<(), NetError> {
        let mut state = self.change(format!("remove {vip} from {interface}"), interface)?;
        state.vips.remove(&(interface.to_owned(), vip));
        Ok(())
    }
}
