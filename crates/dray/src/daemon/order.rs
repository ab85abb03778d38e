//! What the daemon can be told to do, by its API or by a signal.

use dray_api::{
    Application, Caller,
    v1::{
        Confirmed, Drain, DrainRequest, HistoricConfiguration, Outcome, Problem, Reloaded,
        RollbackRequest, StopMode, Stopped,
    },
};
use tokio::sync::{mpsc, oneshot};

use super::desk::EditOrder;

/// Something to do, with the way back of its answer.
pub(super) enum Order {
    /// Read the configuration file again.
    Reload(Reply<Reloaded>),
    /// Put a configuration in force.
    Apply(Caller, Box<Application>, Reply<Outcome>),
    /// Keep the configuration that waits for it, if it is the one of that number.
    Confirm(Caller, Option<u64>, Reply<Confirmed>),
    /// Go back to an earlier configuration.
    RollBack(Caller, RollbackRequest, Reply<Outcome>),
    /// Change a part of the configuration.
    Edit(Box<EditOrder>),
    /// Empty a real server.
    Drain(Caller, DrainRequest, Reply<Drain>),
    /// Call a drain off.
    CancelDrain(Caller, u64, Reply<Drain>),
    /// Show a configuration of the history.
    Historic(u64, Reply<HistoricConfiguration>),
    /// End.
    Stop(StopMode, Reply<Stopped>),
}

/// Where an answer goes; a signal wants none.
#[derive(Debug)]
pub(super) struct Reply<T>(Option<oneshot::Sender<Result<T, Problem>>>);

impl<T> Reply<T> {
    pub(super) fn nobody() -> Self {
        Self(None)
    }

    pub(super) fn send(self, answer: Result<T, Problem>) {
        if let Some(reply) = self.0 {
            // A caller that hung up wants no answer any more; the order was carried out all the same.
            let _ = reply.send(answer);
        }
    }
}

/// Gives orders.
#[derive(Clone, Debug)]
pub(super) struct Orders(mpsc::Sender<Order>);

/// Orders that may wait; more callers wait for room. Edits that wait together are carried out together.
const QUEUE: usize = 1024;

/// Makes the queue that orders wait in.
pub(super) fn queue() -> (Orders, mpsc::Receiver<Order>) {
    let (orders, queue) = mpsc::channel(QUEUE);
    (Orders(orders), queue)
}

impl Orders {
    /// Gives an order and waits until it is carried out.
    pub(super) async fn give<T>(
        &self,
        order: impl FnOnce(Reply<T>) -> Order,
    ) -> Result<T, Problem> {
        let (reply, answer) = oneshot::channel();
        let order = order(Reply(Some(reply)));
        self.0.send(order).await.map_err(|_| Problem::stopping())?;
        answer.await.map_err(|_| Problem::stopping())?
    }
}
