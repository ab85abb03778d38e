//! How the rest of the daemon speaks to the task that owns the state: requests over a bounded channel,
//! each with its own way back.

use std::sync::Arc;

use dray_model::{DataPlaneError, Desired, ServiceName};
use tokio::sync::{broadcast, mpsc, oneshot};

use crate::{
    apply::ApplyError,
    event::{Door, Event},
    preview::{Basis, Preview},
    selection::Which,
    snapshot::{
        Applied, ConnectionFilter, Connections, Ended, RealLive, RealName, ServiceStatus, Status,
        Templates,
    },
};

/// Speaks to the control task. Clones speak to the same one; when the last is dropped the task ends as
/// [`StopMode::KeepForwarding`] says.
#[derive(Clone, Debug)]
pub struct Handle {
    requests: mpsc::Sender<Request>,
    events: Door,
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
    /// The data plane is too small for it.
    #[error(
        "no room for {needed} {what}: the data plane was made for {room}; to make it larger, end it \
         (`dray stop --withdraw`) and start the daemon again; established connections are lost"
    )]
    NoRoom {
        /// What there would be too many of.
        what: &'static str,
        /// How many there would be, those that leave counted.
        needed: u32,
        /// How many there can be.
        room: u32,
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
    Replace(Arc<Desired>, oneshot::Sender<Result<Applied, ControlError>>),
    Check(Arc<Desired>, oneshot::Sender<Result<(), ControlError>>),
    Preview(Arc<Desired>, oneshot::Sender<Basis>),
    Status(oneshot::Sender<Status>),
    Service(ServiceName, oneshot::Sender<Option<ServiceStatus>>),
    Live(Vec<RealName>, oneshot::Sender<RealLive>),
    Connections(ConnectionFilter, usize, oneshot::Sender<Connections>),
    Templates(usize, oneshot::Sender<Templates>),
    End(Which, bool, oneshot::Sender<Ended>),
    Zero(Option<ServiceName>, oneshot::Sender<bool>),
    Stop(StopMode, oneshot::Sender<Result<(), ControlError>>),
}

/// Requests that may wait for the task; more callers wait for room.
const QUEUE: usize = 16;

impl Handle {
    pub(crate) fn new(events: Door) -> (Self, mpsc::Receiver<Request>) {
        let (requests, receiver) = mpsc::channel(QUEUE);
        (Self { requests, events }, receiver)
    }

    /// Makes this the desired state. Answers when the data plane has it.
    ///
    /// # Errors
    /// [`ControlError`]; the desired state of before stays in force then.
    pub async fn replace(&self, desired: impl Into<Arc<Desired>>) -> Result<Applied, ControlError> {
        let desired = desired.into();
        self.ask(|reply| Request::Replace(desired, reply)).await?
    }

    /// Whether [`Handle::replace`] would begin to put this in force, or would refuse it first; nothing is changed.
    ///
    /// # Errors
    /// What it would be refused with: [`ControlError::NeedsRestart`], [`ControlError::NoRoom`]. Or [`ControlError::Stopped`].
    pub async fn check(&self, desired: impl Into<Arc<Desired>>) -> Result<(), ControlError> {
        let desired = desired.into();
        self.ask(|reply| Request::Check(desired, reply)).await?
    }

    /// What [`Handle::replace`] would do with this desired state; nothing is changed.
    ///
    /// # Errors
    /// [`ControlError::Stopped`].
    pub async fn preview(&self, desired: impl Into<Arc<Desired>>) -> Result<Preview, ControlError> {
        let desired = desired.into();
        let basis = self.ask(|reply| Request::Preview(desired, reply)).await?;
        // Here, not in the task: it may take long.
        Ok(basis.preview())
    }

    /// What happens from now on. A reader that is [`EVENTS_KEPT`](crate::EVENTS_KEPT) events behind loses the oldest and is
    /// told how many; when the director stops, the events end.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.events.listen()
    }

    /// What the director does, read at this moment. With very many real servers the reading takes its time, in which
    /// changes are not held up: what they change is read again.
    ///
    /// # Errors
    /// [`ControlError::Stopped`].
    pub async fn status(&self) -> Result<Status, ControlError> {
        self.ask(Request::Status).await
    }

    /// What the service of this name does; none when there is no such service.
    ///
    /// # Errors
    /// [`ControlError::Stopped`].
    pub async fn service(&self, name: ServiceName) -> Result<Option<ServiceStatus>, ControlError> {
        self.ask(|reply| Request::Service(name, reply)).await
    }

    /// What counts towards these real servers together. It costs what they are, however many others there are.
    ///
    /// # Errors
    /// [`ControlError::Stopped`].
    pub async fn live(&self, reals: Vec<RealName>) -> Result<RealLive, ControlError> {
        self.ask(|reply| Request::Live(reals, reply)).await
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

    /// Ends the connections that the filter accepts, and with `templates` also makes the templates that it accepts unfindable: a
    /// client's next connection is scheduled anew. Without, connections of persistent clients come back to their real
    /// server. Answers when all of the table was gone through; connections that began meanwhile may be there still.
    ///
    /// The next packet of an ended connection is treated as one of a connection that never was: a TCP segment without SYN is
    /// left to the director's host, which answers with a reset; a datagram is scheduled anew. A filter by client accepts a
    /// template whose clients are all in the network; one by state accepts no template.
    ///
    /// # Errors
    /// [`ControlError::Stopped`].
    pub async fn end_connections(
        &self,
        filter: ConnectionFilter,
        templates: bool,
    ) -> Result<Ended, ControlError> {
        self.ask(|reply| Request::End(Which::Filter(filter), templates, reply))
            .await
    }

    /// Ends the connections of these real servers, as [`Handle::end_connections`].
    ///
    /// # Errors
    /// [`ControlError::Stopped`].
    pub async fn end_reals(
        &self,
        reals: Vec<RealName>,
        templates: bool,
    ) -> Result<Ended, ControlError> {
        self.ask(|reply| Request::End(Which::Reals(reals), templates, reply))
            .await
    }

    /// Zeroes the counters of the service of this name and of its real servers, or of all services, as `ipvsadm --zero` does:
    /// their rates begin anew, and so does what is counted [since](crate::Traffic::since_zeroed). What is counted in all,
    /// which time series are made of, goes on. Answers whether there is such a service.
    ///
    /// # Errors
    /// [`ControlError::Stopped`].
    pub async fn zero(&self, service: Option<ServiceName>) -> Result<bool, ControlError> {
        self.ask(|reply| Request::Zero(service, reply)).await
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
