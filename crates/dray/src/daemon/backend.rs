//! What the API's router asks of this daemon: what changes things goes to the desk as an order, what only asks goes past it.

use std::{path::PathBuf, sync::Arc};

use dray_api::{
    Application, Caller, Configuration, Edited, Precondition,
    v1::{
        Confirmed, Connections, ConnectionsQuery, Drain, DrainRequest, Drains, EndQuery, Ended,
        Event, HistoricConfiguration, History, Limit, Outcome, Plan, Problem, Reloaded,
        RollbackRequest, Status, StopMode, Stopped, Templates, TemplatesQuery,
    },
};
use dray_control::Handle;
use dray_intent::{EditRequest, State};
use dray_model::{ServiceName, edit::Edit};
use tokio::sync::broadcast;
use tracing::info;

use super::{
    clock::now,
    desk::{self, Board, EditOrder, Guard},
    news::News,
    order::{Order, Orders},
    problem, wire,
};

/// This daemon, as its API sees it.
#[derive(Clone, Debug)]
pub(super) struct Backend {
    pub(super) control: Handle,
    pub(super) orders: Orders,
    pub(super) board: Board,
    pub(super) news: News,
    pub(super) config: PathBuf,
}

impl Backend {
    fn state(&self) -> Arc<State> {
        Arc::clone(&self.board.borrow())
    }

    /// A service that has no connections is another thing than one that is not there.
    fn check_service(&self, name: &ServiceName) -> Result<(), Problem> {
        let state = self.state();
        let mut services = state.in_force().effective.services.iter();
        if services.any(|service| service.name == *name) {
            return Ok(());
        }
        Err(Problem::not_found(format!(
            "there is no service {:?}; `dray service list` shows the names",
            name.as_str()
        )))
    }
}

impl dray_api::Backend for Backend {
    async fn status(&self) -> Result<Status, Problem> {
        let status = self.control.status().await.map_err(problem::control)?;
        Ok(wire::status(status, &self.config, &self.state(), now()))
    }

    async fn connections(&self, query: ConnectionsQuery) -> Result<Connections, Problem> {
        let limit = entries(query.limit);
        let filter = wire::filter(query)?;
        let service = filter.service.clone();
        let connections = self
            .control
            .connections(filter, limit)
            .await
            .map_err(problem::control)?;
        if let (Some(name), []) = (service, &connections.list[..]) {
            self.check_service(&name)?;
        }
        Ok(wire::connections(connections))
    }

    async fn templates(&self, query: TemplatesQuery) -> Result<Templates, Problem> {
        let templates = self.control.templates(entries(query.limit)).await;
        templates.map(wire::templates).map_err(problem::control)
    }

    async fn configuration(&self) -> Result<Configuration, Problem> {
        let state = self.state();
        Ok(Configuration {
            revision: state.revision(),
            desired: Arc::clone(&state.in_force().effective),
        })
    }

    async fn history(&self) -> Result<History, Problem> {
        Ok(wire::history::history(&self.state()))
    }

    async fn historic(&self, number: u64) -> Result<HistoricConfiguration, Problem> {
        self.orders
            .give(|reply| Order::Historic(number, reply))
            .await
    }

    async fn drains(&self) -> Result<Drains, Problem> {
        let state = self.state();
        let mut drains = Vec::new();
        for drain in state.drains().iter().rev() {
            let live = self.control.live(wire::drain::names(drain)).await;
            let live = live.map_err(problem::control)?;
            drains.push(wire::drain::running(
                drain,
                live.active + live.inactive,
                now(),
            ));
        }
        drains.extend(state.ended_drains().iter().rev().map(wire::drain::ended));
        Ok(Drains { drains })
    }

    fn events(&self) -> broadcast::Receiver<Event> {
        self.news.listen()
    }

    async fn plan(&self, application: Application) -> Result<Plan, Problem> {
        desk::plan(&self.control, &self.state(), application).await
    }

    async fn apply(&self, caller: Caller, application: Application) -> Result<Outcome, Problem> {
        let application = Box::new(application);
        self.orders
            .give(|reply| Order::Apply(caller, application, reply))
            .await
    }

    async fn confirm(&self, caller: Caller, number: Option<u64>) -> Result<Confirmed, Problem> {
        self.orders
            .give(|reply| Order::Confirm(caller, number, reply))
            .await
    }

    async fn rollback(&self, caller: Caller, request: RollbackRequest) -> Result<Outcome, Problem> {
        self.orders
            .give(|reply| Order::RollBack(caller, request, reply))
            .await
    }

    async fn edit(
        &self,
        caller: Caller,
        edit: Edit,
        precondition: Precondition,
    ) -> Result<Edited, Problem> {
        let request = EditRequest {
            edit,
            condition: Guard(precondition),
        };
        self.orders
            .give(|reply| {
                Order::Edit(Box::new(EditOrder {
                    caller,
                    request,
                    reply,
                }))
            })
            .await
    }

    async fn drain(&self, caller: Caller, request: DrainRequest) -> Result<Drain, Problem> {
        self.orders
            .give(|reply| Order::Drain(caller, request, reply))
            .await
    }

    async fn cancel_drain(&self, caller: Caller, id: u64) -> Result<Drain, Problem> {
        self.orders
            .give(|reply| Order::CancelDrain(caller, id, reply))
            .await
    }

    async fn end_connections(&self, caller: Caller, query: EndQuery) -> Result<Ended, Problem> {
        let templates = query.templates;
        let filter = wire::end_filter(query)?;
        if let Some(name) = &filter.service {
            self.check_service(name)?;
        }
        let ended = self.control.end_connections(filter, templates).await;
        let ended = ended.map_err(problem::control)?;
        info!(who = %caller, connections = ended.connections, templates = ended.templates, "connections ended");
        Ok(wire::ended(ended))
    }

    async fn zero(&self, caller: Caller, service: Option<ServiceName>) -> Result<(), Problem> {
        let name = service.clone();
        if !self.control.zero(service).await.map_err(problem::control)? {
            let name = name.map(|name| name.to_string()).unwrap_or_default();
            return Err(Problem::not_found(format!("there is no service `{name}`")));
        }
        info!(who = %caller, "counters zeroed");
        Ok(())
    }

    async fn reload(&self, _: Caller) -> Result<Reloaded, Problem> {
        self.orders.give(Order::Reload).await
    }

    async fn stop(&self, _: Caller, mode: StopMode) -> Result<Stopped, Problem> {
        self.orders.give(|reply| Order::Stop(mode, reply)).await
    }
}

fn entries(limit: Limit) -> usize {
    usize::try_from(limit.value()).expect("a limit is at most 100,000")
}
