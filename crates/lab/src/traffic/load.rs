//! Many requests over many connections, from one client.

use std::{
    pin::pin,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use tokio::{task::JoinSet, time::timeout};

use super::{exchange::Exchange, plan::Amount, report::Report, retransmission, session::Session};
use crate::{
    namespace::{Namespace, runtime},
    wait::PATIENCE,
};

/// A load to be run.
#[must_use]
pub struct Load<E> {
    namespace: Arc<Namespace>,
    exchange: E,
    requests: u64,
    connections: u64,
    concurrency: usize,
    patience: Duration,
    on_progress: Option<OnProgress>,
}

type OnProgress = Box<dyn Fn(u64) + Send + Sync>;

impl<E: Exchange> Load<E> {
    pub(crate) fn new(namespace: Arc<Namespace>, exchange: E) -> Self {
        Self {
            namespace,
            exchange,
            requests: 1,
            connections: 1,
            concurrency: 32,
            patience: Duration::from_secs(10),
            on_progress: None,
        }
    }

    /// Sets the number of requests in all.
    pub fn requests(self, requests: u64) -> Self {
        Self { requests, ..self }
    }

    /// Sets the number of connections in all; the requests are spread over them evenly.
    pub fn connections(self, connections: u64) -> Self {
        Self {
            connections,
            ..self
        }
    }

    /// Sets how many connections are open at a time.
    pub fn concurrency(self, concurrency: usize) -> Self {
        Self {
            concurrency,
            ..self
        }
    }

    /// Sets how long a connection or a request may take before it counts as failed.
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Has a function called after every request, with the number of requests done.
    pub fn on_progress(self, on_progress: impl Fn(u64) + Send + Sync + 'static) -> Self {
        Self {
            on_progress: Some(Box::new(on_progress)),
            ..self
        }
    }

    /// Changes how requests are made.
    pub fn with(self, change: impl FnOnce(E) -> E) -> Self {
        Self {
            exchange: change(self.exchange),
            ..self
        }
    }

    /// Runs it to its end.
    ///
    /// # Errors
    /// If it cannot run at all. A request that fails is counted in the report.
    pub fn run(self) -> Result<Report> {
        ensure!(self.connections > 0, "a load needs at least one connection");
        let amount = Amount::Exactly {
            requests: self.requests,
            connections: self.connections,
        };
        self.launch(amount)?.join()
    }

    /// Starts it without an end: connection after connection, each with as many requests as
    /// [`Load::requests`] over [`Load::connections`] makes, at least one.
    ///
    /// # Errors
    /// If it cannot run at all.
    pub fn start(self) -> Result<Running> {
        let requests_per_connection = (self.requests / self.connections.max(1)).max(1);
        self.launch(Amount::UntilStopped {
            requests_per_connection,
        })
    }

    /// Opens one connection and hands it over.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn session(self) -> Result<Session<E>> {
        Session::open(&self.namespace, self.exchange, self.patience)
    }

    fn launch(self, amount: Amount) -> Result<Running> {
        let Self {
            namespace,
            exchange,
            concurrency,
            patience,
            on_progress,
            ..
        } = self;
        let shared = Arc::new(Shared {
            amount,
            patience,
            on_progress,
            next: AtomicU64::new(0),
            stop: AtomicBool::new(false),
            done: Mutex::default(),
            changed: Condvar::new(),
        });
        let for_workers = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("lab-load".to_owned())
            .spawn(move || {
                let _finished = Finished(&for_workers);
                namespace.enter()?;
                let before = retransmission::count()?;
                let work = work_together(&exchange, &for_workers, concurrency);
                let mut report = runtime()?.block_on(work)?;
                report.retransmitted = retransmission::count()? - before;
                Ok(report)
            })?;
        Ok(Running {
            shared,
            thread: Some(thread),
        })
    }
}

/// A load that is running. It stops when dropped.
pub struct Running {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<Result<Report>>>,
}

impl Running {
    /// Requests done so far, served or failed.
    pub fn done(&self) -> u64 {
        self.shared.done().requests
    }

    /// Waits until so many more requests are done than now.
    ///
    /// # Errors
    /// If the load ends before, or does not get on for [`PATIENCE`].
    pub fn wait_for(&self, more: u64) -> Result<()> {
        let mut done = self.shared.done();
        let goal = done.requests + more;
        while done.requests < goal {
            ensure!(
                !done.finished,
                "the load ended after {} requests, before {goal}",
                done.requests
            );
            let before = done.requests;
            let waited = self
                .shared
                .changed
                .wait_timeout(done, PATIENCE)
                .unwrap_or_else(PoisonError::into_inner);
            done = waited.0;
            if waited.1.timed_out() && done.requests == before {
                bail!(
                    "the load has stood still at {before} requests for {} seconds",
                    PATIENCE.as_secs()
                );
            }
        }
        Ok(())
    }

    /// Has every connection finish the requests it has to do, opens no more, and reports.
    ///
    /// # Errors
    /// If the load could not run at all.
    pub fn stop(self) -> Result<Report> {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.join()
    }

    fn join(mut self) -> Result<Report> {
        let thread = self.thread.take().context("a load is joined once")?;
        thread.join().map_err(|_| anyhow!("the load panicked"))?
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // Whoever drops it does not ask what became of it.
            let _ = thread.join();
        }
    }
}

/// What the workers of a load share with one another and with its handle.
struct Shared {
    amount: Amount,
    patience: Duration,
    on_progress: Option<OnProgress>,
    next: AtomicU64,
    stop: AtomicBool,
    done: Mutex<Done>,
    changed: Condvar,
}

#[derive(Default)]
struct Done {
    requests: u64,
    finished: bool,
}

impl Shared {
    /// The number of requests of the next connection to open.
    fn next_connection(&self) -> Option<u64> {
        if self.stop.load(Ordering::Relaxed) {
            return None;
        }
        self.amount
            .on_connection(self.next.fetch_add(1, Ordering::Relaxed))
    }

    fn progress(&self, requests: u64) {
        let mut done = self.done();
        done.requests += requests;
        let so_far = done.requests;
        drop(done);
        self.changed.notify_all();
        if let Some(on_progress) = &self.on_progress {
            on_progress(so_far);
        }
    }

    fn done(&self) -> MutexGuard<'_, Done> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells those who wait that no more will come, however the load ends.
struct Finished<'a>(&'a Shared);

impl Drop for Finished<'_> {
    fn drop(&mut self) {
        self.0.done().finished = true;
        self.0.changed.notify_all();
    }
}

async fn work_together<E: Exchange>(
    exchange: &E,
    shared: &Arc<Shared>,
    concurrency: usize,
) -> Result<Report> {
    let start = Instant::now();
    let mut workers = JoinSet::new();
    for _ in 0..concurrency.max(1) {
        workers.spawn(work(exchange.clone(), Arc::clone(shared)));
    }
    let mut report = Report::default();
    while let Some(worker) = workers.join_next().await {
        report.add(worker?);
    }
    report.elapsed = start.elapsed();
    Ok(report)
}

/// Opens one connection after the other, as long as there are any to open.
async fn work<E: Exchange>(exchange: E, shared: Arc<Shared>) -> Report {
    let mut report = Report::default();
    while let Some(requests) = shared.next_connection() {
        let mut left = requests;
        if let Err(error) = converse(&exchange, &shared, &mut left, &mut report).await {
            // What cannot be asked any more on a broken connection has failed with it.
            report.failed_for(&format!("{error:#}"), left);
            shared.progress(left);
        }
    }
    report
}

/// Opens a connection and asks on it until nothing is left to ask.
async fn converse<E: Exchange>(
    exchange: &E,
    shared: &Shared,
    left: &mut u64,
    report: &mut Report,
) -> Result<()> {
    let start = Instant::now();
    let mut connection = within(shared.patience, exchange.open()).await?;
    report.connect_latencies.record(start.elapsed());
    let mut server = None;
    while *left > 0 {
        let start = Instant::now();
        let answer = within(shared.patience, exchange.ask(&mut connection)).await?;
        report.latencies.record(start.elapsed());
        let first = server.is_none();
        let server = server.get_or_insert_with(|| answer.server.clone());
        ensure!(
            *server == answer.server,
            "{} answers on a connection of {server}",
            answer.server
        );
        report.bytes += answer.bytes as u64;
        report.served_by(server, first);
        *left -= 1;
        shared.progress(1);
    }
    Ok(())
}

/// Awaits something, but not for ever.
pub(super) async fn within<T>(
    patience: Duration,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    match timeout(patience, pin!(work)).await {
        Ok(outcome) => outcome,
        Err(_) => bail!("nothing came for {} seconds", patience.as_secs_f32()),
    }
}
