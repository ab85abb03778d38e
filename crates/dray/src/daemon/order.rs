//! What the daemon can be told to do, by its API or by a signal.

use dray_api::v1::{Problem, Reloaded, StopMode, Stopped};
use tokio::sync::{mpsc, oneshot};

/// Something to do, with the way back of its answer.
#[derive(Debug)]
pub(super) enum Order {
    /// Read the configuration file again.
    Reload(Reply<Reloaded>),
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

/// Makes the queue that orders wait in; more callers than it has room for wait for room.
pub(super) fn queue() -> (Orders, mpsc::Receiver<Order>) {
    let (orders, queue) = mpsc::channel(16);
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
