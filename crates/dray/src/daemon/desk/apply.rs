//! Whole configurations: applied, confirmed, gone back to, read again from the daemon's file.

use std::{path::Path, sync::Arc};

use dray_api::{
    Application, Caller,
    v1::{
        ConfigurationTurn, Confirmed, EditsPolicy, Outcome, Plan, Problem, Reloaded,
        RollbackRequest,
    },
};
use dray_control::Handle;
use dray_intent::{
    Apply, Configuration, Keeping, Request, RollbackError, RollbackTarget, Source, State, Step,
    Timestamp,
};
use dray_model::config::{self, LoadError};

use super::Desk;
use crate::daemon::{clock::now, problem, wire};

impl Desk {
    /// Reads the daemon's file again and puts it in force. A file with an error, or one that cannot be applied, changes nothing.
    pub(in crate::daemon) async fn reload(&mut self) -> Result<Reloaded, Problem> {
        let apply = Apply {
            configuration: read(&self.file)?,
            source: Source::Daemon {
                file: self.file.display().to_string(),
            },
            edits: Keeping::Keep,
            confirm: None,
        };
        let step = self.state().step(Request::Apply(apply), now());
        let done = self.carry_out(step.map_err(problem::refused)?).await?;
        self.log(&done.notes);
        let applied = match done.applied {
            Some(applied) => {
                self.tell(ConfigurationTurn::Applied, "the daemon's file");
                applied
            }
            // Nothing is other than it was; but what could not be done then may be done now.
            None => {
                let desired = Arc::clone(&self.state().in_force().effective);
                self.control
                    .replace(desired)
                    .await
                    .map_err(problem::control)?
            }
        };
        Ok(wire::reloaded(&self.file, applied))
    }

    pub(in crate::daemon) async fn apply(
        &mut self,
        caller: &Caller,
        application: Application,
    ) -> Result<Outcome, Problem> {
        let edits = application.edits;
        let step = step(self.state(), application, Some(caller), now())?;
        self.put_in_force(step, edits, ConfigurationTurn::Applied, caller)
            .await
    }

    pub(in crate::daemon) async fn roll_back(
        &mut self,
        caller: &Caller,
        request: RollbackRequest,
    ) -> Result<Outcome, Problem> {
        let target = self.state().rollback_target(request.number);
        let edits = match target.map_err(problem::refused)? {
            RollbackTarget::Unconfirmed => EditsPolicy::Keep,
            RollbackTarget::Number(_) => request.edits.unwrap_or(EditsPolicy::Drop),
        };
        let step = self.intent.rollback(request.number, keeping(edits), now());
        let step = step.map_err(|error| match error {
            RollbackError::Refused(refusal) => problem::refused(refusal),
            error => Problem::conflict(problem::with_causes(error)),
        })?;
        self.put_in_force(step, edits, ConfigurationTurn::RolledBack, caller)
            .await
    }

    pub(in crate::daemon) async fn confirm(
        &mut self,
        caller: &Caller,
        number: Option<u64>,
    ) -> Result<Confirmed, Problem> {
        let step = self.state().step(Request::Confirm { number }, now());
        self.carry_out(step.map_err(problem::refused)?).await?;
        self.tell(ConfigurationTurn::Confirmed, caller.name());
        Ok(Confirmed {
            number: self.state().in_force().number,
        })
    }

    async fn put_in_force(
        &mut self,
        step: Step,
        edits: EditsPolicy,
        what: ConfigurationTurn,
        caller: &Caller,
    ) -> Result<Outcome, Problem> {
        let plan = foresee(&self.control, self.state(), &step, edits).await?;
        let edits_dropped = plan.edits_dropped.clone();
        let done = self.carry_out(step).await?;
        self.log(&done.notes);
        if done.applied.is_some() {
            self.tell(what, caller.name());
        }
        let problems = done.applied.map(|applied| applied.problems);
        let applied = wire::history::applied(
            self.state(),
            edits_dropped,
            problems.unwrap_or_default(),
            now(),
        );
        Ok(Outcome {
            plan,
            applied: Some(applied),
        })
    }
}

/// What applying a configuration would do, by the state that readers see.
pub(in crate::daemon) async fn plan(
    control: &Handle,
    state: &State,
    application: Application,
) -> Result<Plan, Problem> {
    let edits = application.edits;
    let step = step(state, application, None, now())?;
    foresee(control, state, &step, edits).await
}

/// What a step would change.
async fn foresee(
    control: &Handle,
    before: &State,
    step: &Step,
    edits: EditsPolicy,
) -> Result<Plan, Problem> {
    let wanted = Arc::clone(&step.state.in_force().effective);
    let preview = control.preview(wanted).await.map_err(problem::control)?;
    Ok(wire::plan::plan(
        preview,
        before,
        &step.state,
        &step.notes,
        edits,
    ))
}

fn step(
    state: &State,
    application: Application,
    caller: Option<&Caller>,
    now: Timestamp,
) -> Result<Step, Problem> {
    application.precondition.check_revision(state.revision())?;
    let apply = Apply {
        configuration: Configuration::parsed(application.text, application.desired.into()),
        source: Source::Client {
            who: caller
                .map(|caller| caller.name().to_owned())
                .unwrap_or_default(),
            file: application.file,
        },
        edits: keeping(application.edits),
        confirm: application.confirm,
    };
    state
        .step(Request::Apply(apply), now)
        .map_err(problem::refused)
}

const fn keeping(edits: EditsPolicy) -> Keeping {
    match edits {
        EditsPolicy::Keep => Keeping::Keep,
        EditsPolicy::Drop => Keeping::Drop,
    }
}

/// The daemon's file.
fn read(file: &Path) -> Result<Configuration, Problem> {
    let refusal = |error: LoadError| match error {
        LoadError::Invalid(diagnostics) => Problem::from(&diagnostics),
        error => problem::failed(error),
    };
    let text = config::read_text(file).map_err(refusal)?;
    Configuration::parse(&file.display().to_string(), text)
        .map_err(|diagnostics| Problem::from(&diagnostics))
}
