//! Signals as orders: SIGHUP reads the file again, SIGTERM and SIGINT stop and keep forwarding.

use std::io;

use dray_api::v1::StopMode;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::order::{Order, Reply};

/// The signals that this process catches.
#[derive(Debug)]
pub(super) struct Signals {
    hangup: Signal,
    stop: StopSignals,
}

/// Those that stop.
#[derive(Debug)]
struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub(super) fn catch() -> io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            stop: StopSignals {
                interrupt: signal(SignalKind::interrupt())?,
                terminate: signal(SignalKind::terminate())?,
            },
        })
    }

    pub(super) async fn next(&mut self) -> Order {
        tokio::select! {
            _ = self.hangup.recv() => Order::Reload(Reply::nobody()),
            () = self.stop.next() => Order::Stop(StopMode::KeepForwarding, Reply::nobody()),
        }
    }

    /// Waits for one that stops. One that reads the file again stays for [`Self::next`].
    pub(super) async fn stop(&mut self) {
        self.stop.next().await;
    }
}

impl StopSignals {
    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
