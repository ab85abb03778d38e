//! What the API's router asks of this daemon.

use std::path::PathBuf;

use dray_api::v1::{
    Connections, ConnectionsQuery, Limit, Problem, Reloaded, Status, StopMode, Stopped, Templates,
    TemplatesQuery,
};
use dray_control::{ControlError, Handle};
use dray_model::ServiceName;

use super::{
    order::{Order, Orders},
    wire,
};

/// This daemon, as its API sees it.
#[derive(Clone, Debug)]
pub(super) struct Backend {
    control: Handle,
    orders: Orders,
    config: PathBuf,
}

impl Backend {
    pub(super) fn new(control: Handle, orders: Orders, config: PathBuf) -> Self {
        Self {
            control,
            orders,
            config,
        }
    }
}

impl Backend {
    /// A service that has no connections is another thing than one that is not there.
    async fn check_service(&self, name: &ServiceName) -> Result<(), Problem> {
        let status = self.control.status().await.map_err(problem)?;
        if status.services.iter().any(|service| service.name == *name) {
            return Ok(());
        }
        Err(Problem::bad_request(format!(
            "no service is called `{name}`; `dray status` shows the names"
        )))
    }
}

impl dray_api::Backend for Backend {
    async fn status(&self) -> Result<Status, Problem> {
        let status = self.control.status().await.map_err(problem)?;
        Ok(wire::status(status, &self.config))
    }

    async fn connections(&self, query: ConnectionsQuery) -> Result<Connections, Problem> {
        let limit = entries(query.limit);
        let filter = wire::filter(query)?;
        let service = filter.service.clone();
        let connections = self
            .control
            .connections(filter, limit)
            .await
            .map_err(problem)?;
        if let (Some(name), []) = (service, &connections.list[..]) {
            self.check_service(&name).await?;
        }
        Ok(wire::connections(connections))
    }

    async fn templates(&self, query: TemplatesQuery) -> Result<Templates, Problem> {
        let templates = self.control.templates(entries(query.limit)).await;
        templates.map(wire::templates).map_err(problem)
    }

    async fn reload(&self) -> Result<Reloaded, Problem> {
        self.orders.give(Order::Reload).await
    }

    async fn stop(&self, mode: StopMode) -> Result<Stopped, Problem> {
        self.orders.give(|reply| Order::Stop(mode, reply)).await
    }
}

fn entries(limit: Limit) -> usize {
    usize::try_from(limit.value()).expect("a limit is at most 100,000")
}

/// What the control room could not do, for whoever asked.
pub(super) fn problem(error: ControlError) -> Problem {
    match error {
        ControlError::Stopped => Problem::stopping(),
        error => Problem::failed(format!("{:#}", anyhow::Error::new(error))),
    }
}
