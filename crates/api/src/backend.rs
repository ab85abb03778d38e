//! What the router asks of the daemon.

use std::{future::Future, sync::Arc, time::Duration};

use dray_model::{Desired, ServiceName, edit::Edit};
use tokio::sync::broadcast;

use crate::{
    Caller, Precondition,
    v1::{
        Confirmed, Connections, ConnectionsQuery, Drain, DrainRequest, Drains, EditsPolicy,
        EndQuery, Ended, Event, HistoricConfiguration, History, Outcome, Plan, Problem, Reloaded,
        RollbackRequest, Status, StopMode, Stopped, Templates, TemplatesQuery,
    },
};

/// The daemon behind the router. The binary implements it; tests of the router use one of their own.
///
/// What changes things has the caller as its first argument, for the history. A change that is answered is durable.
pub trait Backend: Clone + Send + Sync + 'static {
    /// What the director does at the moment.
    fn status(&self) -> impl Future<Output = Result<Status, Problem>> + Send;

    /// The connections that the query asks for.
    fn connections(
        &self,
        query: ConnectionsQuery,
    ) -> impl Future<Output = Result<Connections, Problem>> + Send;

    /// The persistence templates that the query asks for.
    fn templates(
        &self,
        query: TemplatesQuery,
    ) -> impl Future<Output = Result<Templates, Problem>> + Send;

    /// The configuration in force, edits included.
    fn configuration(&self) -> impl Future<Output = Result<Configuration, Problem>> + Send;

    /// The configurations that were applied last.
    fn history(&self) -> impl Future<Output = Result<History, Problem>> + Send;

    /// One of them; 404 when it is not kept.
    fn historic(
        &self,
        number: u64,
    ) -> impl Future<Output = Result<HistoricConfiguration, Problem>> + Send;

    /// The drains that are under way, and those that ended lately.
    fn drains(&self) -> impl Future<Output = Result<Drains, Problem>> + Send;

    /// What happens from now on.
    fn events(&self) -> broadcast::Receiver<Event>;

    /// What [`Backend::apply`] would do; nothing is changed. A precondition that does not hold is an error here too.
    fn plan(&self, application: Application) -> impl Future<Output = Result<Plan, Problem>> + Send;

    /// Puts a configuration in force. The outcome says what was applied.
    fn apply(
        &self,
        caller: Caller,
        application: Application,
    ) -> impl Future<Output = Result<Outcome, Problem>> + Send;

    /// Keeps the configuration that waits for its confirmation, if it is the one of that number; 409 when none does, or
    /// another.
    fn confirm(
        &self,
        caller: Caller,
        number: Option<u64>,
    ) -> impl Future<Output = Result<Confirmed, Problem>> + Send;

    /// Goes back to an earlier configuration; 404 when it is not kept.
    fn rollback(
        &self,
        caller: Caller,
        request: RollbackRequest,
    ) -> impl Future<Output = Result<Outcome, Problem>> + Send;

    /// Changes a part of the configuration. [`Precondition::check_edit`] says whether the precondition holds, and an
    /// [`EditError`](dray_model::edit::EditError) makes a [`Problem`].
    fn edit(
        &self,
        caller: Caller,
        edit: Edit,
        precondition: Precondition,
    ) -> impl Future<Output = Result<Edited, Problem>> + Send;

    /// Begins to empty a real server; 404 when it is not in the configuration, 409 when that is under way.
    fn drain(
        &self,
        caller: Caller,
        request: DrainRequest,
    ) -> impl Future<Output = Result<Drain, Problem>> + Send;

    /// Calls a drain off and gives the real server its weight back; 404 when it is not under way.
    fn cancel_drain(
        &self,
        caller: Caller,
        id: u64,
    ) -> impl Future<Output = Result<Drain, Problem>> + Send;

    /// Ends the connections that the query asks for; the router has seen that it asks for some, or for all.
    fn end_connections(
        &self,
        caller: Caller,
        query: EndQuery,
    ) -> impl Future<Output = Result<Ended, Problem>> + Send;

    /// Sets the counters of a service and of its destinations to 0, or all; 404 when there is no such service.
    fn zero(
        &self,
        caller: Caller,
        service: Option<ServiceName>,
    ) -> impl Future<Output = Result<(), Problem>> + Send;

    /// Reads the configuration file again. A file with an error changes nothing.
    fn reload(&self, caller: Caller) -> impl Future<Output = Result<Reloaded, Problem>> + Send;

    /// Ends the daemon. It answers when what the mode asks for is done, and ends after the answer.
    fn stop(
        &self,
        caller: Caller,
        mode: StopMode,
    ) -> impl Future<Output = Result<Stopped, Problem>> + Send;
}

/// A configuration in force.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// Goes up with every change.
    pub revision: u64,
    /// What it says.
    pub desired: Arc<Desired>,
}

/// What an edit did.
#[derive(Clone, Debug)]
pub struct Edited {
    /// The revision that it made.
    pub revision: u64,
    /// The configuration before it.
    pub before: Arc<Desired>,
    /// The configuration after it, without what others edited later.
    pub after: Arc<Desired>,
}

/// A configuration to be put in force. It was parsed already, and has no error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// Its text, for the history.
    pub text: String,
    /// What it says.
    pub desired: Desired,
    /// The file that it is from, as the caller names it.
    pub file: Option<String>,
    /// What becomes of edits since the configuration before.
    pub edits: EditsPolicy,
    /// Goes back to what was before unless it is confirmed within this time.
    pub confirm: Option<Duration>,
    /// What must hold of the configuration in force; see [`Precondition::check_revision`].
    pub precondition: Precondition,
}
