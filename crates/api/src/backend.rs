//! What the router asks of the daemon.

use std::future::Future;

use crate::v1::{
    Connections, ConnectionsQuery, Problem, Reloaded, Status, StopMode, Stopped, Templates,
    TemplatesQuery,
};

/// The daemon behind the router. The binary implements it; tests of the router use one of their own.
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

    /// Reads the configuration file again. A file with an error changes nothing.
    fn reload(&self) -> impl Future<Output = Result<Reloaded, Problem>> + Send;

    /// Ends the daemon. It answers when what the mode asks for is done, and ends after the answer.
    fn stop(&self, mode: StopMode) -> impl Future<Output = Result<Stopped, Problem>> + Send;
}
