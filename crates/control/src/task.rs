//! The task that owns the state: it alone writes to the data plane, so there is nothing to lock.
//!
//! A *pass* is plan and apply over some of the services. There is one when the desired state changes,
//! when the way to a real server changes, and when a sweep has found something to free. A pass that fails
//! leaves what it did in the view; a full pass is then tried every 2 s until one succeeds.
//!
//! Once a second the occupancy of the table says which defences are on.
//!
//! `task/refusal.rs` says whether another desired state can be put in force, `task/replace.rs` puts it in force,
//! `task/addresses.rs` the addresses that it needs on an interface, `task/answers.rs` tells readers what is, `task/news.rs`
//! those who listen what happens. What takes long is done in slices between other things (`task/chores.rs`).

mod addresses;
mod answers;
mod basis;
mod chores;
mod news;
mod refusal;
mod replace;

use std::{
    collections::{BTreeSet, VecDeque},
    net::IpAddr,
    sync::Arc,
    time::Duration,
};

use dray_model::{DataPlane, Desired, Net, Resolutions};
use tokio::{
    sync::{mpsc, watch},
    task::{JoinHandle, yield_now},
    time::{MissedTickBehavior, interval},
};
use tracing::{debug, error, info, warn};

use crate::{
    apply::{ApplyError, Done, Turned, apply},
    catalog::Catalog,
    defence::Guard,
    difference::touched,
    event::Teller,
    handle::{ControlError, Handle, Request, StopMode},
    overload::Overloads,
    plan::{Input, Scope, Step, Unused, plan},
    rates,
    seen::Seen,
    shortage::Shortages,
    traffic::Book,
    view::View,
    vips::{VipLedger, Vips, sentence},
};

use chores::Chore;
use refusal::{Way, shortfalls};

/// Time between two sweeps.
const TICK: Duration = Duration::from_millis(100);

/// Sweeps that cover the whole connection table: once in 4 s.
const PARTS: u32 = 40;

/// Ticks in a period of the rates, each of which is one service's in so many.
const SLICES: u32 = (rates::PERIOD.as_millis() / TICK.as_millis()) as u32;

/// Ticks between two looks at the occupancy of the table: a second.
const WATCH: usize = (Duration::from_secs(1).as_millis() / TICK.as_millis()) as usize;

/// What the control task owns from its start on.
pub struct Parts<D, N> {
    /// The data plane; given back when the task ends.
    pub dataplane: D,
    /// The host's network.
    pub net: N,
    /// The network's reports on the addresses that it follows.
    pub resolutions: watch::Receiver<Resolutions>,
    /// The first desired state.
    pub desired: Arc<Desired>,
    /// The record of VIPs that were added.
    pub ledger: Box<dyn VipLedger>,
}

/// Adopts what the data plane holds, brings it to the desired state, and goes on keeping it there.
/// Answers when the first state is applied. The task ends when it is asked to or when the last handle is
/// gone, and gives the data plane back.
///
/// # Errors
/// [`ControlError`]; what the data plane held before goes on forwarding.
pub async fn start<D, N>(parts: Parts<D, N>) -> Result<(Handle, JoinHandle<D>), ControlError>
where
    D: DataPlane + 'static,
    N: Net + 'static,
{
    let task = Task::begin(parts).await?;
    let (handle, requests) = Handle::new(task.teller.door());
    Ok((handle, tokio::spawn(task.run(requests))))
}

/// What a pass did.
struct Passed {
    /// Steps that were carried out.
    steps: usize,
    /// What may get new connections from now on, and what no more.
    turned: Vec<Turned>,
    /// How it ended.
    result: Result<(), ApplyError>,
}

struct Task<D, N> {
    dataplane: D,
    net: N,
    reports: watch::Receiver<Resolutions>,
    /// Whether reports still come.
    informed: bool,

    desired: Arc<Desired>,
    /// The way to another, if one was checked and nothing has changed since.
    checked: Option<Way>,
    /// The services of the desired state.
    catalog: Catalog,
    resolutions: Resolutions,
    view: View,
    vips: Vips,
    /// Whether there are local addresses that only connections still need.
    lingering: bool,
    book: Book,
    guard: Guard,
    shortages: Shortages,
    overloads: Overloads,
    teller: Teller,
    /// What is done in slices, one of the first chore's after another.
    chores: VecDeque<Chore>,
    /// Connections that each part of the table had at its last sweep.
    alive: [u64; PARTS as usize],
    /// Of those, connections whose addresses are changed.
    translated: [u64; PARTS as usize],
    ticks: usize,
    /// What was out of use at the last tick.
    seen: Seen,
    /// Why the data plane is not what it should be, when it is not.
    behind: Option<String>,
}

impl<D: DataPlane, N: Net> Task<D, N> {
    async fn begin(parts: Parts<D, N>) -> Result<Self, ControlError> {
        let Parts {
            mut dataplane,
            net,
            resolutions: mut reports,
            desired,
            ledger,
        } = parts;
        let view = View::new(dataplane.observe().map_err(ControlError::Observe)?);
        if !view.destinations().is_empty() {
            info!(
                services = view.services().len(),
                destinations = view.destinations().len(),
                "services taken over with their connections"
            );
        }
        let vips = Vips::load(ledger).map_err(ControlError::Ledger)?;
        let mut guard = Guard::default();
        guard.treat(&mut dataplane, &desired.director, 0);
        let resolutions = reports.borrow_and_update().clone();
        let mut task = Self {
            book: Book::adopt(&dataplane, &view),
            dataplane,
            net,
            reports,
            informed: true,
            catalog: Catalog::of(&desired),
            desired: Arc::clone(&desired),
            checked: None,
            resolutions,
            view,
            vips,
            lingering: false,
            guard,
            shortages: Shortages::default(),
            overloads: Overloads::default(),
            teller: Teller::new(),
            chores: VecDeque::new(),
            alive: [0; PARTS as usize],
            translated: [0; PARTS as usize],
            ticks: 0,
            seen: Seen::default(),
            behind: None,
        };
        let steps = task.steps(&desired, Scope::All, &Unused::default());
        if let Some(refusal) = shortfalls(&steps, task.dataplane.room()).next() {
            return Err(refusal);
        }
        task.add_locals(&desired).await;
        // Those of the data plane that was taken over; also when there are none, so that what an earlier run followed is let go.
        let adopted = task.view.destinations().values();
        task.net
            .follow(adopted.map(|destination| destination.real).collect());
        let passed = task.carry_out(steps);
        passed.result.map_err(ControlError::Start)?;
        task.sync_vips().await;
        Ok(task)
    }

    async fn run(mut self, mut requests: mpsc::Receiver<Request>) -> D {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                request = requests.recv() => match request {
                    Some(request) => if self.answer(request).await.is_break() { break },
                    None => break,
                },
                changed = self.reports.changed(), if self.informed => match changed {
                    Ok(()) => self.resolve(),
                    Err(_) => {
                        error!("nothing watches the network any more");
                        self.informed = false;
                    }
                },
                _ = ticks.tick() => self.tick().await,
                // Everybody else in the process has a turn before each slice.
                () = yield_now(), if !self.chores.is_empty() => self.work(),
            }
        }
        self.dataplane
    }

    /// Does what is asked. A caller that has gone away meanwhile misses only the answer.
    async fn answer(&mut self, request: Request) -> std::ops::ControlFlow<()> {
        match request {
            Request::Replace(desired, reply) => _ = reply.send(self.replace(desired).await),
            Request::Check(desired, reply) => _ = reply.send(self.check(desired)),
            Request::Preview(desired, reply) => _ = reply.send(self.basis(desired)),
            Request::Status(reply) => self.chores.push_back(Chore::status(reply)),
            Request::Service(name, reply) => _ = reply.send(self.service(&name)),
            Request::Live(reals, reply) => {
                let interfaces = self.interfaces();
                _ = reply.send(self.report(&interfaces).live(&reals));
            }
            Request::End(which, templates, reply) => {
                self.chores.push_back(Chore::end(which, templates, reply));
            }
            Request::Zero(name, reply) => _ = reply.send(self.zero(name.as_ref())),
            Request::Connections(filter, limit, reply) => {
                let interfaces = self.interfaces();
                let connections = self.report(&interfaces).connections(&filter, limit);
                _ = reply.send(connections);
            }
            Request::Templates(limit, reply) => {
                let interfaces = self.interfaces();
                _ = reply.send(self.report(&interfaces).templates(limit));
            }
            Request::Stop(mode, reply) => {
                let stopped = match mode {
                    StopMode::KeepForwarding => Ok(()),
                    StopMode::Withdraw => self.withdraw().await,
                };
                _ = reply.send(stopped);
                return std::ops::ControlFlow::Break(());
            }
        }
        std::ops::ControlFlow::Continue(())
    }

    /// Plans and applies.
    fn pass(&mut self, desired: &Desired, scope: Scope<'_>, unused: &Unused) -> Passed {
        self.carry_out(self.steps(desired, scope, unused))
    }

    fn steps(&self, desired: &Desired, scope: Scope<'_>, unused: &Unused) -> Vec<Step> {
        let input = Input {
            desired,
            view: &self.view,
            resolutions: &self.resolutions,
            interfaces: &self.interfaces(),
            unused,
        };
        plan(input, scope)
    }

    fn carry_out(&mut self, steps: Vec<Step>) -> Passed {
        self.checked = None;
        let mut done = Done::default();
        let result = apply(&mut self.dataplane, &mut self.view, steps, &mut done);
        for freed in &done.freed {
            self.book.close(freed);
            self.overloads.forget(freed.id);
        }
        if !done.reals.is_empty() {
            self.follow(done.reals);
            self.chores.iter_mut().for_each(Chore::renumber);
        }
        Passed {
            steps: done.steps,
            turned: done.turned,
            result,
        }
    }

    /// Looks at how full the table is, and defends it.
    fn watch(&mut self) {
        let connections = self.alive.iter().sum();
        let director = &self.desired.director;
        let changed = self.guard.treat(&mut self.dataplane, director, connections);
        if let Some(changed) = changed {
            self.teller.tell(changed);
        }
    }

    /// Takes in a new report of the network.
    fn resolve(&mut self) {
        let resolutions = self.reports.borrow_and_update().clone();
        let reals = resolutions.changed_since(&self.resolutions);
        self.resolutions = resolutions;
        self.checked = None;
        let services = touched(&self.view, &reals);
        debug!(
            reals = reals.len(),
            services = services.len(),
            "network changed"
        );
        self.catch_up(Scope::Services(&services), &Unused::default());
    }

    async fn tick(&mut self) {
        let sweep = self.dataplane.sweep(PARTS);
        let part = self.ticks % PARTS as usize;
        self.alive[part] = sweep.alive;
        self.translated[part] = sweep.translated;
        let slice = (self.ticks % SLICES as usize) as u32;
        self.ticks += 1;
        if self.ticks.is_multiple_of(WATCH) {
            self.watch();
            self.guard.drop_entries(&mut self.dataplane);
            for news in self.shortages.look(&self.dataplane.reasons()) {
                self.teller.tell(news);
            }
        }
        self.look_for_overload(slice);
        self.book.tick(&self.dataplane, &self.view, slice, SLICES);
        self.free();
        if slice == 0 && self.behind.is_some() {
            self.catch_up(Scope::All, &Unused::default());
        }
        if slice == 0 && (self.lingering || self.vips.problems().next().is_some()) {
            self.sync_vips().await;
        }
    }

    /// Frees what is out of use now and was so at the last tick.
    fn free(&mut self) {
        let now = Seen::now(&self.view);
        let before = std::mem::replace(&mut self.seen, now);
        let unused = before.unused(&self.seen, |id| self.dataplane.live(id));
        for service in before.retired(&self.seen) {
            if self.view.forget_retired(service) {
                self.checked = None;
                self.book.forget(service);
            }
        }
        if unused != Unused::default() {
            self.catch_up(Scope::Services(&BTreeSet::new()), &unused);
        }
    }

    /// A pass that nobody waits for: a failure is told and tried again.
    fn catch_up(&mut self, scope: Scope<'_>, unused: &Unused) {
        let desired = Arc::clone(&self.desired);
        let Passed { turned, result, .. } = self.pass(&desired, scope, unused);
        self.tell_turned(turned);
        match (result, scope) {
            (Err(error), _) => {
                let problem = sentence(&error);
                if self.behind.as_ref() != Some(&problem) {
                    warn!(error = problem, "data plane not brought up to date");
                }
                self.behind = Some(problem);
            }
            (Ok(()), Scope::All) if self.behind.take().is_some() => {
                info!("data plane brought up to date");
            }
            (Ok(()), _) => {}
        }
    }

    /// Follows those of these real servers that packets are or will be sent to, and the others no more.
    fn follow(&self, reals: BTreeSet<IpAddr>) {
        let is_in_use = |real: &IpAddr| self.view.destinations_at(*real).next().is_some();
        let (used, left) = reals.into_iter().partition(is_in_use);
        self.net.follow(used);
        self.net.unfollow(left);
    }

    fn interfaces(&self) -> BTreeSet<u32> {
        let interfaces = self.dataplane.interfaces();
        interfaces.iter().map(|interface| interface.index).collect()
    }
}
