//! The router and its description, made from one list of operations.

mod configuration;
mod connections;
mod description;
mod director;
mod drains;
mod events;
mod history;
mod live;
mod patches;
mod preconditions;
mod process;
mod reals;
mod refusals;
mod services;

use axum::{
    Router,
    http::{Method, Uri},
    routing::{MethodFilter, get, on},
};
use utoipa::{OpenApi, Path};
use utoipa_axum::{PathItemExt, paste};

use crate::{Backend, request::Reader, v1::Problem};

pub use description::openapi;
pub use live::service_name;

/// The API of a daemon. Requests must have a `Result<Caller, Problem>` among their extensions, which [`Server`](crate::Server)
/// puts there; without it, everything is forbidden.
pub fn router<B: Backend>(backend: B) -> Router {
    operations::<B>()
        .route("/v1/openapi.json", get(description::description))
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method)
        .with_state(backend)
}

/// Makes router and description of the same functions.
macro_rules! operations {
    ($($module:ident::$operation:ident),* $(,)?) => {
        #[derive(OpenApi)]
        #[openapi(
            info(
                title = "dray",
                description = "The API of a dray director. docs/api.md says who may use it, and gives examples.",
            ),
            paths($($module::$operation),*),
        )]
        struct Description;

        fn operations<B: Backend>() -> Router<B> {
            paste! {
                Router::new()$(.route(
                    &<$module::[<__path_ $operation>]>::path(),
                    on(methods::<$module::[<__path_ $operation>]>(), $module::$operation::<B>),
                ))*
            }
        }
    };
}

operations! {
    live::status,
    live::counters,
    live::vips,
    live::neighbours,
    live::zero,
    connections::connections,
    connections::end_connections,
    connections::templates,
    configuration::configuration,
    configuration::put_configuration,
    configuration::confirm,
    history::history,
    history::historic,
    history::rollback,
    director::director,
    director::patch_director,
    services::services,
    services::add_service,
    services::clear,
    services::service,
    services::put_service,
    services::patch_service,
    services::remove_service,
    reals::reals,
    reals::add_real,
    reals::real,
    reals::put_real,
    reals::patch_real,
    reals::remove_real,
    drains::drains,
    drains::start_drain,
    drains::drain,
    drains::cancel_drain,
    events::events,
    process::reload,
    process::stop,
}

/// The methods that an operation is for.
fn methods<P: Path>() -> MethodFilter {
    let methods = P::methods();
    let mut filters = methods.iter().map(|method| method.to_method_filter());
    let first = filters.next().expect("an operation has a method");
    filters.fold(first, MethodFilter::or)
}

async fn no_such_path(_: Reader, uri: Uri) -> Problem {
    Problem::not_found(format!("there is nothing at {}", uri.path()))
}

async fn no_such_method(_: Reader, method: Method, uri: Uri) -> Problem {
    Problem::method_not_allowed(format!("{} does not take {method}", uri.path()))
}
