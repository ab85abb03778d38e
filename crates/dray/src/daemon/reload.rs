//! Reads the configuration file again and puts it in force.

use std::path::Path;

use dray_api::v1::{ConfigError, Problem, Reloaded};
use dray_control::Handle;
use dray_model::config::{self, LoadError};
use tracing::{error, info};

use super::{
    backend,
    notify::{Moment, notify},
    wire,
};

/// A file with an error, or one that cannot be applied, changes nothing.
pub(super) async fn reload(control: &Handle, file: &Path) -> Result<Reloaded, Problem> {
    notify(Moment::Reloading);
    let result = replace(control, file).await;
    notify(Moment::Ready);
    match &result {
        Ok(reloaded) => info!(
            services = reloaded.services,
            reals = reloaded.reals,
            added = reloaded.services_added,
            changed = reloaded.services_changed,
            removed = reloaded.services_removed,
            "configuration reloaded"
        ),
        Err(Problem {
            detail, rendered, ..
        }) => {
            error!(
                "not reloaded, nothing was changed: {}",
                rendered.as_ref().unwrap_or(detail)
            );
        }
    }
    result
}

async fn replace(control: &Handle, file: &Path) -> Result<Reloaded, Problem> {
    let desired = config::load(file).map_err(refusal)?;
    let applied = control.replace(desired).await.map_err(backend::problem)?;
    Ok(wire::reloaded(file, applied))
}

fn refusal(error: LoadError) -> Problem {
    let LoadError::Invalid(diagnostics) = error else {
        return Problem::failed(format!("{:#}", anyhow::Error::new(error)));
    };
    let errors = diagnostics.iter().map(|diagnostic| ConfigError {
        line: diagnostic.place.line,
        column: diagnostic.place.column,
        cause: diagnostic.cause.clone(),
        cure: diagnostic.cure.clone(),
    });
    let errors: Vec<_> = errors.collect();
    Problem::bad_config("nothing was changed", diagnostics.render(false), errors)
}
