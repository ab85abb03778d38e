//! The daemon: rooms wired together, and one loop that takes orders.
//!
//! ```text
//! dray reload, apply, service, drain … ─▶ Backend ─ Order ─▶┐
//! SIGHUP, SIGTERM, SIGINT ──────────────▶ Signals ─ Order ─▶┤ run ─▶ Desk ─▶ control::Handle ─▶ (its task owns the data plane)
//! the clock ────────────────────────────────────── tick ───▶┘          ╰───▶ intent::Intent (the state directory)
//! dray status, connections, history ────▶ Backend ─────────────────────────▶ control::Handle, Board
//! ```
//!
//! Orders are carried out one after another, so that two changes cannot overtake one another; edits that wait together are
//! carried out together. What may be asked at any time goes past the loop.

mod backend;
pub(crate) mod clock;
mod desk;
pub mod ledger;
mod news;
mod notify;
mod order;
mod problem;
mod signals;
mod start;
mod stop;
mod wire;

use std::{ops::ControlFlow, path::PathBuf, time::Duration};

use anyhow::{Context, bail};
use dray_api::{
    RuntimeDir, Server,
    v1::{Problem, StopMode, Stopped},
};
use dray_intent::Intent;
use dray_model::{Api, DataPlane, Net};
use tokio::time::{MissedTickBehavior, interval};
use tracing::{error, info};

use self::{
    backend::Backend,
    desk::Desk,
    news::News,
    notify::{Moment, notify},
    order::{Order, Queue, Reply},
    signals::Signals,
    start::start,
};

pub use start::{Machine, Open};

/// What a daemon is made of. `D` and `N` are the kernel's data plane and the host's network, or a test's.
pub struct Parts<D, N> {
    /// The configuration file, to be read again on reload.
    pub config: PathBuf,
    /// What is wanted, and the directory that it survives in.
    pub intent: Intent,
    /// The directory that this daemon owns.
    pub runtime_dir: RuntimeDir,
    /// Opens what it acts on.
    pub open: Open<D, N>,
    /// Takes the data plane away for good, after it was given back.
    pub withdraw: Box<dyn FnOnce(D) -> anyhow::Result<()> + Send>,
}

/// Runs a daemon until it is told to stop. It answers on its socket when the first state is applied. Told to stop while what it
/// acts on is opened, it puts nothing in force, and leaves what was there before.
///
/// # Errors
/// When no first state can be applied, the socket cannot be opened, or something could not be
/// withdrawn. What was forwarded before goes on.
pub async fn run<D, N>(parts: Parts<D, N>) -> anyhow::Result<()>
where
    D: DataPlane + 'static,
    N: Net + 'static,
{
    let mut signals = Signals::catch().context("failed to catch signals")?;
    let Parts {
        config,
        mut intent,
        runtime_dir,
        open,
        withdraw,
    } = parts;
    let (control, mut task) = match start(&open, &mut intent, &mut signals).await? {
        ControlFlow::Continue(started) => started,
        ControlFlow::Break(machine) => {
            notify(Moment::Stopping);
            return stop::early(machine, withdraw);
        }
    };
    let (orders, mut queue) = order::queue();
    let news = News::of(&control);
    let mut desk = Desk::new(intent, control.clone(), config.clone(), news.clone());
    let backend = Backend {
        control: control.clone(),
        orders,
        board: desk.board(),
        news,
        config,
    };
    let mut door = Door::open(&runtime_dir, backend, &desk)?;
    notify(Moment::Ready);
    info!(runtime_dir = %runtime_dir.path().display(), "ready");

    let mut clock = interval(TICK);
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mode, reply) = loop {
        let order = tokio::select! {
            Some(order) = queue.next() => order,
            order = signals.next() => order,
            _ = clock.tick(), if desk.is_waiting() => {
                desk.tick().await;
                door.follow(&desk);
                continue;
            }
            _ = &mut task => bail!("the control task ended by itself; forwarding goes on as it was"),
        };
        if let ControlFlow::Break(stop) = carry_out(order, &mut desk, &mut queue, &mut door).await {
            break stop;
        }
    };
    notify(Moment::Stopping);
    let stopped = stop::stop(&control, task, withdraw, mode).await;
    reply.send(stop::answer(mode, &stopped));
    door.server.end().await;
    stopped
}

/// Time between two looks at drains and deadlines.
const TICK: Duration = Duration::from_secs(1);

/// Carries an order out; with an edit, those that wait behind it. The last one is for the caller.
async fn carry_out(
    order: Order,
    desk: &mut Desk,
    queue: &mut Queue,
    door: &mut Door,
) -> ControlFlow<(StopMode, Reply<Stopped>)> {
    match order {
        Order::Edit(first) => desk.edit(queue.with_next_edits(*first)).await,
        Order::Reload(reply) => {
            notify(Moment::Reloading);
            let reloaded = desk.reload().await;
            notify(Moment::Ready);
            log_reload(&reloaded);
            door.renew(desk);
            reply.send(reloaded);
        }
        Order::Apply(caller, application, reply) => {
            reply.send(desk.apply(&caller, *application).await);
        }
        Order::Confirm(caller, number, reply) => {
            reply.send(desk.confirm(&caller, number).await);
        }
        Order::RollBack(caller, request, reply) => {
            reply.send(desk.roll_back(&caller, request).await);
        }
        Order::Drain(caller, request, reply) => reply.send(desk.drain(&caller, request).await),
        Order::CancelDrain(caller, id, reply) => reply.send(desk.cancel_drain(&caller, id).await),
        Order::Historic(number, reply) => reply.send(desk.historic(number)),
        Order::Stop(mode, reply) => return ControlFlow::Break((mode, reply)),
    }
    door.follow(desk);
    ControlFlow::Continue(())
}

fn log_reload(reloaded: &Result<dray_api::v1::Reloaded, Problem>) {
    match reloaded {
        Ok(reloaded) => info!(
            services = reloaded.services,
            reals = reloaded.reals,
            added = reloaded.services_added,
            changed = reloaded.services_changed,
            removed = reloaded.services_removed,
            "configuration reloaded"
        ),
        Err(Problem {
            detail, rendered, ..
        }) => error!(
            "not reloaded, nothing was changed: {}",
            rendered.as_ref().unwrap_or(detail)
        ),
    }
}

/// Where the API is offered, as the configuration in force wants it.
struct Door {
    server: Server,
    wanted: Api,
}

impl Door {
    fn open(runtime_dir: &RuntimeDir, backend: Backend, desk: &Desk) -> anyhow::Result<Self> {
        let wanted = desk.state().in_force().effective.director.api.clone();
        let server = Server::start(runtime_dir, backend, &wanted)?;
        Ok(Self { server, wanted })
    }

    /// Does as the configuration in force wants, if it wants something else than before.
    fn follow(&mut self, desk: &Desk) {
        if desk.state().in_force().effective.director.api != self.wanted {
            self.renew(desk);
        }
    }

    /// The same, and reads certificates, keys and tokens again.
    fn renew(&mut self, desk: &Desk) {
        self.wanted = desk.state().in_force().effective.director.api.clone();
        if let Err(error) = self.server.configure(&self.wanted) {
            error!(
                "the API is not offered as the configuration wants: {}",
                problem::with_causes(error)
            );
        }
    }
}
