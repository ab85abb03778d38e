//! The daemon: rooms wired together, and one loop that takes orders.
//!
//! ```text
//! dray reload, dray stop ─▶ Backend ─ Order ─▶┐
//! SIGHUP, SIGTERM, SIGINT ─▶ Signals ─ Order ─▶┤ run ─▶ control::Handle ─▶ (its task owns the data plane)
//! dray status, connections ─▶ Backend ─────────────────▶ control::Handle
//! ```
//!
//! Orders are carried out one after another, so that two reloads cannot overtake one another. What may be
//! asked at any time goes past the loop.

mod backend;
pub mod ledger;
mod notify;
mod order;
mod reload;
mod signals;
mod stop;
mod wire;

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use dray_api::{Listener, RuntimeDir};
use dray_control::Resolutions;
use dray_model::{DataPlane, Desired, Net};
use tokio::{
    sync::{oneshot, watch},
    task::JoinHandle,
    time::timeout,
};
use tracing::{info, warn};

use self::{backend::Backend, ledger::Ledger, notify::notify, order::Order, signals::Signals};

/// What a daemon is made of. `D` and `N` are the kernel's data plane and the host's network, or a test's.
pub struct Parts<D, N> {
    /// The configuration file, to be read again on reload.
    pub config: PathBuf,
    /// What it says now.
    pub desired: Desired,
    /// The directory that this daemon owns.
    pub runtime_dir: RuntimeDir,
    /// The record of what the director puts into the kernel.
    pub ledger: Ledger,
    /// The data plane.
    pub dataplane: D,
    /// Takes the data plane away for good, after it was given back.
    pub withdraw: Box<dyn FnOnce(D) -> anyhow::Result<()> + Send>,
    /// The host's network.
    pub net: N,
    /// The network's reports on the addresses that it follows.
    pub resolutions: watch::Receiver<Arc<Resolutions>>,
}

/// Runs a daemon until it is told to stop. It answers on its socket when the first state is applied.
///
/// # Errors
/// When the first state cannot be applied, the socket cannot be opened, or something could not be
/// withdrawn. What was forwarded before goes on.
pub async fn run<D, N>(parts: Parts<D, N>) -> anyhow::Result<()>
where
    D: DataPlane + 'static,
    N: Net + 'static,
{
    let mut signals = Signals::catch().context("failed to catch signals")?;
    let (control, mut task) = dray_control::start(dray_control::Parts {
        dataplane: parts.dataplane,
        net: parts.net,
        resolutions: parts.resolutions,
        desired: parts.desired,
        ledger: Box::new(parts.ledger),
    })
    .await?;
    let (orders, mut queue) = order::queue();
    let listener = parts.runtime_dir.listen()?;
    let backend = Backend::new(control.clone(), orders, parts.config.clone());
    let mut server = Server::start(listener, backend);
    notify(notify::Moment::Ready);
    info!(runtime_dir = %parts.runtime_dir.path().display(), "ready");

    let (mode, reply) = loop {
        let order = tokio::select! {
            Some(order) = queue.recv() => order,
            order = signals.next() => order,
            _ = &mut task => bail!("the control task ended by itself; forwarding goes on as it was"),
            _ = &mut server.task => bail!("the API ended by itself; forwarding goes on as it was"),
        };
        match order {
            Order::Reload(reply) => reply.send(reload::reload(&control, &parts.config).await),
            Order::Stop(mode, reply) => break (mode, reply),
        }
    };
    notify(notify::Moment::Stopping);
    let stopped = stop::stop(&control, task, parts.withdraw, mode).await;
    reply.send(stop::answer(mode, &stopped));
    server.end().await;
    stopped
}

/// The task that serves the API.
struct Server {
    task: JoinHandle<std::io::Result<()>>,
    end: oneshot::Sender<()>,
}

impl Server {
    fn start(listener: Listener, backend: Backend) -> Self {
        let (end, ended) = oneshot::channel();
        let router = dray_api::router(backend);
        let task = tokio::spawn(dray_api::serve(listener, router, async {
            // An error means that the sender is gone, which is an end as well.
            let _ = ended.await;
        }));
        Self { task, end }
    }

    /// Lets the calls under way have their answers.
    async fn end(self) {
        const PATIENCE: Duration = Duration::from_secs(5);
        // If nobody listens any more, the task has ended already.
        let _ = self.end.send(());
        if timeout(PATIENCE, self.task).await.is_err() {
            warn!("a client kept its call open; it was cut off");
        }
    }
}
