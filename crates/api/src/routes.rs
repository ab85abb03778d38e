//! The router and its description, made from one list of operations.

mod configuration;
mod connections;
mod director;
mod drains;
mod events;
mod history;
mod live;
mod patches;
mod process;
mod reals;
mod refusals;
mod services;

use std::sync::LazyLock;

use axum::{
    Router,
    http::{Method, Uri, header},
    response::IntoResponse,
    routing::{MethodFilter, get, on},
};
use serde_json::Value;
use utoipa::{OpenApi, Path};
use utoipa_axum::{PathItemExt, paste};

use crate::{Backend, request::Reader, v1::Problem};

/// The API of a daemon. Requests must have a `Result<Caller, Problem>` among their extensions, which [`Server`](crate::Server)
/// puts there; without it, everything is forbidden.
pub fn router<B: Backend>(backend: B) -> Router {
    operations::<B>()
        .route("/v1/openapi.json", get(description))
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method)
        .with_state(backend)
}

/// The description of the API (OpenAPI 3.1) as JSON, which `GET /v1/openapi.json` answers.
pub fn openapi() -> String {
    let description = serde_json::to_value(Description::openapi());
    let mut description = description.expect("a description has only plain fields");
    name_unsigned(&mut description);
    format!("{description:#}\n")
}

/// Gives unsigned integers their format of OpenAPI's registry: with that of signed ones, half of them would be out of range.
fn name_unsigned(value: &mut Value) {
    match value {
        Value::Object(members) => {
            let is_unsigned = members.get("minimum").and_then(Value::as_u64).is_some();
            let format = members.get("format").and_then(Value::as_str);
            let unsigned = match format {
                Some("int32") if is_unsigned => Some("uint32"),
                Some("int64") if is_unsigned => Some("uint64"),
                _ => None,
            };
            if let Some(unsigned) = unsigned {
                members.insert("format".to_owned(), unsigned.into());
            }
            members.values_mut().for_each(name_unsigned);
        }
        Value::Array(items) => items.iter_mut().for_each(name_unsigned),
        _ => {}
    }
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

async fn description(_: Reader) -> impl IntoResponse {
    static TEXT: LazyLock<String> = LazyLock::new(openapi);
    ([(header::CONTENT_TYPE, "application/json")], TEXT.as_str())
}

async fn no_such_path(_: Reader, uri: Uri) -> Problem {
    Problem::not_found(format!("there is nothing at {}", uri.path()))
}

async fn no_such_method(_: Reader, method: Method, uri: Uri) -> Problem {
    Problem::method_not_allowed(format!("{} does not take {method}", uri.path()))
}
