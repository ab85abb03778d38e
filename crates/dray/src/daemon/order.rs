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

/// Where orders wait for their turn.
pub(super) struct Queue {
    waiting: mpsc::Receiver<Order>,
    /// One that was taken out and has its turn next.
    put_back: Option<Order>,
}

/// Orders that may wait; more callers wait for room.
const QUEUE: usize = 1024;

/// Edits that are carried out together, at most.
const BATCH: usize = 256;

/// Makes the queue that orders wait in.
pub(super) fn queue() -> (Orders, Queue) {
    let (orders, waiting) = mpsc::channel(QUEUE);
    let put_back = None;
    (Orders(orders), Queue { waiting, put_back })
}

impl Queue {
    /// Waits for the next order; none when nobody is left to give one.
    pub(super) async fn next(&mut self) -> Option<Order> {
        match self.put_back.take() {
            Some(order) => Some(order),
            None => self.waiting.recv().await,
        }
    }

    /// An edit that was taken out, with those that wait right behind it.
    pub(super) fn with_next_edits(&mut self, first: EditOrder) -> Vec<EditOrder> {
        let mut edits = vec![first];
        while edits.len() < BATCH {
            match self.waiting.try_recv() {
                Ok(Order::Edit(edit)) => edits.push(*edit),
                Ok(other) => {
                    self.put_back = Some(other);
                    break;
                }
                Err(_) => break,
            }
        }
        edits
    }
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

#[cfg(test)]
mod tests {
    use dray_api::{Access, Precondition};
    use dray_intent::EditRequest;
    use dray_model::{ServiceName, edit::Edit};

    use super::*;
    use crate::daemon::desk::Guard;

    #[tokio::test]
    async fn edits_that_wait_together_are_taken_together_and_nothing_overtakes() {
        let (orders, mut queue) = queue();
        for order in [edit("a"), edit("b"), reload(), edit("c"), edit("d")] {
            assert!(orders.0.send(order).await.is_ok());
        }
        drop(orders);
        let mut taken = Vec::new();
        while let Some(order) = queue.next().await {
            taken.push(match order {
                Order::Edit(first) => names(&queue.with_next_edits(*first)),
                Order::Reload(_) => "reload".to_owned(),
                _ => panic!("an order that nobody gave"),
            });
        }
        assert_eq!(taken, ["a b", "reload", "c d"]);
    }

    #[tokio::test]
    async fn so_many_edits_are_taken_at_once_at_most() {
        let (orders, mut queue) = queue();
        for _ in 0..BATCH + 1 {
            assert!(orders.0.send(edit("a")).await.is_ok());
        }
        drop(orders);
        for size in [BATCH, 1] {
            let Some(Order::Edit(first)) = queue.next().await else {
                panic!("no edit")
            };
            assert_eq!(queue.with_next_edits(*first).len(), size);
        }
        assert!(queue.next().await.is_none());
    }

    fn reload() -> Order {
        Order::Reload(Reply::nobody())
    }

    /// An edit by somebody of that name.
    fn edit(who: &str) -> Order {
        let edit = Edit::RemoveService {
            name: ServiceName::new("web").expect("a name"),
        };
        Order::Edit(Box::new(EditOrder {
            caller: Caller::new(who, Access::Write),
            request: EditRequest {
                edit,
                condition: Guard(Precondition::None),
            },
            reply: Reply::nobody(),
        }))
    }

    fn names(edits: &[EditOrder]) -> String {
        let names: Vec<_> = edits.iter().map(|edit| edit.caller.name()).collect();
        names.join(" ")
    }
}
