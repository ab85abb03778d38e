//! How the rest of the daemon speaks to the task that owns the state: requests over a bounded channel,
//! each with its own way back.

use dray_model::{DataPlaneError, Desired};
use tokio::sync::{mpsc, oneshot};

use crate::{
    apply::ApplyError,
    snapshot::{Applied, ConnectionFilter, Connections, Status, Templates},
};

/// Speaks to the control task. Clones speak to the same one; when the last is dropped the task ends as
/// [`StopMode::KeepForwarding`] says.
#[derive(Clone, Debug)]
pub struct Handle {
    requests: mpsc::Sender<Request>,
}

/// What stays behind when the task ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopMode {
    /// The data plane forwards as before and VIPs stay; the next daemon adopts both.
    KeepForwarding,
    /// Services are withdrawn and VIPs that the director added are removed. (Taking the program off the
    /// interfaces is up to whoever gets the data plane back.)
    Withdraw,
}

/// Why the control task could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// The data plane's present state could not be read.
    #[error("failed to read the present state of the data plane")]
    Observe(#[source] DataPlaneError),
    /// The list of VIPs that an earlier run added could not be read.
    #[error("failed to read which VIPs an earlier run added")]
    Ledger(#[source] std::io::Error),
    /// The first desired state could not be applied.
    #[error("failed to apply the first state")]
    Start(#[source] ApplyError),
    /// The change needs a new start.
    #[error(
        "`{what}` cannot change while the director runs; to change it, run `{stop}` and start the \
         daemon again{price}"
    )]
    NeedsRestart {
        /// The configuration's key.
        what: &'static str,
        /// The command that ends as much as has to be made anew.
        stop: &'static str,
        /// What that costs, as the end of a sentence.
        price: &'static str,
    },
    /// A step failed; the desired state of before is in force again.
    #[error("failed to apply the new state; the state of before is in force")]
    Apply(#[source] ApplyError),
    /// A step failed, and so did going back. It is tried again by itself.
    #[error(
        "failed to apply the new state, and to go back to the state of before ({back}); services not \
         named here forward as before, and going back is tried again"
    )]
    Stuck {
        /// Why the new state could not be applied.
        #[source]
        forth: ApplyError,
        /// Why the old one could not, as a sentence.
        back: String,
    },
    /// Services could not be withdrawn.
    #[error("failed to withdraw every service; the director ends all the same")]
    Withdraw(#[source] ApplyError),
    /// VIPs could not be removed.
    #[error("failed to remove every VIP; the director ends all the same: {0}")]
    Vips(String),
    /// The control task has ended.
    #[error("the director is stopping")]
    Stopped,
}

/// A question to the task, with the way back of its answer.
#[derive(Debug)]
pub(crate) enum Request {
    Replace(Desired, oneshot::Sender<Result<Applied, ControlError>>),
    Status(oneshot::Sender<Status>),
    Connections(ConnectionFilter, usize, oneshot::Sender<Connections>),
    Templates(usize, oneshot::Sender<Templates>),
    Stop(StopMode, oneshot::Sender<Result<(), ControlError>>),
}

/// Requests that may wait for the task; more callers wait for room.
const QUEUE: usize = 16;

impl Handle {
    pub(crate) fn new() -> (Self, mpsc::Receiver<Request>) {
        let (requests, receiver) = mpsc::channel(QUEUE);
        (Self { requests }, receiver)
    }

    /// Makes this the desired state. Answers when the data plane has it.
    ///
    /// # Errors
    /// [`ControlError`]; the desired state of before stays in force then.
    pub async fn replace(&self, desired: Desired) -> Result<Applied, ControlError> {
        self.ask(|reply| Request::Replace(desired, reply)).await?
    }

    /// What the director does, read at this moment.
    ///
    /// # Errors
    /// [`ControlError::Stopped`].
    pub async fn status(&self) -> Result<Status, ControlError> {
        self.ask(Request::Status).await
    }

    /// Connections of the table, at most `limit`.
    ///
    /// # Errors
    /// [`ControlError::Stopped`].
    pub async fn connections(
        &self,
        filter: ConnectionFilter,
        limit: usize,
    ) -> Result<Connections, ControlError> {
        self.ask(|reply| Request::Connections(filter, limit, reply))
            .await
    }

    /// Persistence templates, at most `limit`.
    ///
    /// # Errors
    /// [`ControlError::Stopped`].
    pub async fn templates(&self, limit: usize) -> Result<Templates, ControlError> {
        self.ask(|reply| Request::Templates(limit, reply)).await
    }

    /// Ends the task. Answers when what the mode asks for is done.
    ///
    /// # Errors
    /// [`ControlError`], when something could not be withdrawn; the task ends all the same.
    pub async fn stop(&self, mode: StopMode) -> Result<(), ControlError> {
        self.ask(|reply| Request::Stop(mode, reply)).await?
    }

    async fn ask<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<T>) -> Request,
    ) -> Result<T, ControlError> {
        let (reply, answer) = oneshot::channel();
        let sent = self.requests.send(request(reply)).await;
        sent.map_err(|_| ControlError::Stopped)?;
        answer.await.map_err(|_| ControlError::Stopped)
    }
}
