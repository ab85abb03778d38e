//! Parts of the configuration: edits that wait together are checked one after another, kept once and put in force
//! once, so that a thousand of them a second do not wait for a thousand disks.

use dray_api::{
    Caller, Edited, Precondition,
    v1::{ConfigurationTurn, Problem},
};
use dray_intent::{Batch, Condition, EditRequest, NotEdited};
use dray_model::{Desired, edit::Edit};
use tracing::info;

use super::Desk;
use crate::daemon::{clock::now, order::Reply};

/// An edit that somebody waits for.
pub(in crate::daemon) struct EditOrder {
    pub(in crate::daemon) caller: Caller,
    pub(in crate::daemon) request: EditRequest<Guard>,
    pub(in crate::daemon) reply: Reply<Edited>,
}

/// What the caller has seen, as a condition of the edit.
#[derive(Debug)]
pub(in crate::daemon) struct Guard(pub(in crate::daemon) Precondition);

impl Condition for Guard {
    type Failure = Problem;

    fn check(&self, edit: &Edit, effective: &Desired, revision: u64) -> Result<(), Problem> {
        self.0.check_edit(edit, effective, revision)
    }
}

impl Desk {
    /// Carries edits out and answers each. When they cannot be put in force together, each is tried by itself.
    pub(in crate::daemon) async fn edit(&mut self, orders: Vec<EditOrder>) {
        let Batch { step, results } = self
            .state()
            .edit(orders.iter().map(|order| &order.request), now());
        let is_one = orders.len() == 1;
        match self.carry_out(step).await {
            Ok(done) => {
                self.log(&done.notes);
                if let Some(last) = orders.last().filter(|_| done.applied.is_some()) {
                    self.tell(ConfigurationTurn::Edited, last.caller.name());
                }
                for (order, result) in orders.into_iter().zip(results) {
                    if let Ok(edited) = &result {
                        info!(who = %order.caller, revision = edited.revision, "configuration edited");
                    }
                    order.reply.send(answer(result));
                }
            }
            Err(problem) if is_one => {
                for (order, result) in orders.into_iter().zip(results) {
                    order.reply.send(answer(result).and(Err(problem.clone())));
                }
            }
            Err(_) => {
                for order in orders {
                    Box::pin(self.edit(vec![order])).await;
                }
            }
        }
    }
}

fn answer(result: Result<dray_intent::Edited, NotEdited<Problem>>) -> Result<Edited, Problem> {
    match result {
        Ok(edited) => Ok(Edited {
            revision: edited.revision,
            before: edited.before,
            after: edited.effective,
        }),
        Err(NotEdited::Condition(problem)) => Err(problem),
        Err(NotEdited::Edit(error)) => Err(Problem::from(error)),
    }
}
