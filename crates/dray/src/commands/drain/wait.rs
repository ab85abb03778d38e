//! Waits for a drain's end.

use std::time::Duration;

use dray_api::{
    CallError, Client,
    v1::{Drain, DrainState},
};
use tokio::{
    signal::unix::{SignalKind, signal},
    time::{MissedTickBehavior, interval},
};

use super::progress::Progress;

/// How often a drain is looked at.
const EVERY: Duration = Duration::from_secs(1);

/// Why there is nothing more to wait for.
#[derive(Debug)]
pub(super) enum Ended {
    /// The drain has ended.
    Drain(Drain),
    /// Ctrl-C has ended the waiting; the drain goes on.
    Waiting(Drain),
}

/// Waits, and shows how far the drain is. It goes on without this, and over restarts of the daemon.
pub(super) async fn wait(client: &Client, begun: Drain) -> Result<Ended, CallError> {
    // Caught before anything is said: who reads that this waits may end it. Where signals cannot be caught, Ctrl-C ends
    // the program as ever.
    let mut interrupt = signal(SignalKind::interrupt()).ok();
    let mut last = begun;
    tokio::select! {
        Some(()) = async { interrupt.as_mut()?.recv().await } => Ok(Ended::Waiting(last)),
        ended = follow(client, &mut last) => ended.map(|()| Ended::Drain(last)),
    }
}

/// Looks at the drain until it has ended.
async fn follow(client: &Client, last: &mut Drain) -> Result<(), CallError> {
    let mut progress = Progress::start(last);
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while last.state == DrainState::Draining {
        ticks.tick().await;
        match client.drain(last.id).await {
            Ok(drain) => {
                progress.show(&drain);
                *last = drain;
            }
            Err(CallError::NoDaemon { .. } | CallError::Broken { .. }) => progress.absent(),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
