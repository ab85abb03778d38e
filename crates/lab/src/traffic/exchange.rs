//! What all kinds of traffic have in common: open a connection, ask, and be told who answers.

use anyhow::Result;

/// A way to ask a virtual service which real server answers.
pub trait Exchange: Clone + Send + Sync + 'static {
    /// What stays the same between two questions: with TCP a connection, with UDP a socket.
    type Connection: Send;

    /// Opens a connection.
    fn open(&self) -> impl Future<Output = Result<Self::Connection>> + Send;

    /// Asks one question.
    fn ask(&self, connection: &mut Self::Connection)
    -> impl Future<Output = Result<Answer>> + Send;
}

/// A real server's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The name of the real server.
    pub server: String,
    /// Bytes of the answer's content.
    pub bytes: usize,
}
