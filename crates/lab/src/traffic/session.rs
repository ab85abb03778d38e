//! One connection in the hands of a test, kept across events.

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use tokio::runtime::Runtime;

use super::{
    exchange::{Answer, Exchange},
    load::within,
};
use crate::namespace::{Namespace, runtime};

/// An open connection, with the runtime that drives it.
pub struct Session<E: Exchange> {
    exchange: E,
    patience: Duration,
    connection: E::Connection,
    runtime: Runtime,
}

impl<E: Exchange> Session<E> {
    pub(super) fn open(
        namespace: &Arc<Namespace>,
        exchange: E,
        patience: Duration,
    ) -> Result<Self> {
        let (runtime, connection) = namespace.run(|| {
            let runtime = runtime()?;
            let connection = runtime.block_on(within(patience, exchange.open()))?;
            Ok((runtime, connection))
        })?;
        Ok(Self {
            exchange,
            patience,
            connection,
            runtime,
        })
    }

    /// Asks one question on the connection.
    ///
    /// # Errors
    /// If it is not answered: the connection was closed, or nothing came.
    pub fn ask(&mut self) -> Result<Answer> {
        self.runtime.block_on(within(
            self.patience,
            self.exchange.ask(&mut self.connection),
        ))
    }
}
