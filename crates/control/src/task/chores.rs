//! What looks at much, done in slices: between two of them the task does whatever else is waiting.
//!
//! A status of a hundred thousand destinations takes a tenth of a second, and so does a look at every entry of a big table. No
//! change waits that long for them.

use std::collections::HashMap;

use dray_model::{DataPlane, Net, Part, ServiceIdentity};
use tokio::sync::oneshot;

use super::Task;
use crate::{
    difference::Difference,
    selection::{Selection, Which},
    snapshot::{Ended, ServiceStatus, Status},
};

/// Destinations that a slice of a status has, and a service's more.
const DESTINATIONS: usize = 256;

/// Slices that a table is gone through in when entries are ended.
const PARTS: u32 = 1024;

/// Something that is done in slices.
#[derive(Debug)]
pub(super) enum Chore {
    Status(StatusChore),
    End(EndChore),
}

/// A status in the making.
#[derive(Debug)]
pub(super) struct StatusChore {
    done: HashMap<ServiceIdentity, ServiceStatus>,
    /// The place in the desired state of the service that comes next.
    next: usize,
    reply: oneshot::Sender<Status>,
}

/// An ending of entries: first nobody finds the templates any more, then the connections end, and the templates with them.
#[derive(Debug)]
pub(super) struct EndChore {
    which: Which,
    /// What that means; none before somebody has looked, and when a number may have become another's.
    selection: Option<Selection>,
    /// The part of the table of templates that comes next.
    templates: u32,
    /// The part of the table of connections that comes next.
    connections: u32,
    ended: Ended,
    reply: oneshot::Sender<Ended>,
}

impl Chore {
    pub(super) fn status(reply: oneshot::Sender<Status>) -> Self {
        Self::Status(StatusChore {
            done: HashMap::new(),
            next: 0,
            reply,
        })
    }

    pub(super) fn end(which: Which, templates: bool, reply: oneshot::Sender<Ended>) -> Self {
        Self::End(EndChore {
            which,
            selection: None,
            templates: if templates { 0 } else { PARTS },
            connections: 0,
            ended: Ended::default(),
            reply,
        })
    }

    /// Looks again at services that are not as they were.
    pub(super) fn outdate(&mut self, difference: &Difference) {
        match self {
            Self::Status(StatusChore { done, .. }) => {
                for service in difference.services() {
                    done.remove(&service);
                }
            }
            Self::End(EndChore { selection, .. }) => *selection = None,
        }
    }

    /// Looks again who has which number: some have got other ones.
    pub(super) fn renumber(&mut self) {
        if let Self::End(EndChore { selection, .. }) = self {
            *selection = None;
        }
    }
}

impl<D: DataPlane, N: Net> Task<D, N> {
    /// A slice of the chore that has waited longest. What nobody waits for any more is left.
    pub(super) fn work(&mut self) {
        let left = match self.chores.pop_front() {
            Some(Chore::Status(chore)) if !chore.reply.is_closed() => self.go_on_with_status(chore),
            // Once begun, it is carried to its end: half of it is nothing that anybody wants.
            Some(Chore::End(chore)) => self.go_on_ending(chore),
            _ => None,
        };
        self.chores.extend(left);
    }

    fn go_on_with_status(&mut self, mut chore: StatusChore) -> Option<Chore> {
        let interfaces = self.interfaces();
        let report = self.report(&interfaces);
        let mut looked_at = 0;
        while let Some(service) = self.desired.services.get(chore.next) {
            if looked_at >= DESTINATIONS {
                return Some(Chore::Status(chore));
            }
            chore.next += 1;
            looked_at += 1 + service.reals.len();
            let status = || report.service(service);
            chore.done.entry(service.identity).or_insert_with(status);
        }
        // What was changed meanwhile is looked at again.
        let services = self.desired.services.iter().map(|service| {
            let done = chore.done.remove(&service.identity);
            done.unwrap_or_else(|| report.service(service))
        });
        let status = self.status(services.collect());
        // The caller may have gone away.
        _ = chore.reply.send(status);
        None
    }

    fn go_on_ending(&mut self, mut chore: EndChore) -> Option<Chore> {
        let selection = (chore.selection)
            .get_or_insert_with(|| Selection::of(&chore.which, &self.catalog, &self.view));
        let part = |number| Part { number, of: PARTS };
        if chore.templates < PARTS {
            chore.ended.templates += self
                .dataplane
                .end_templates(part(chore.templates), &|found| {
                    selection.has_template(found)
                });
            chore.templates += 1;
            return Some(Chore::End(chore));
        }
        chore.ended.connections += self
            .dataplane
            .end_connections(part(chore.connections), &|found| {
                selection.has_connection(found)
            });
        chore.connections += 1;
        if chore.connections < PARTS {
            return Some(Chore::End(chore));
        }
        _ = chore.reply.send(chore.ended);
        None
    }
}
