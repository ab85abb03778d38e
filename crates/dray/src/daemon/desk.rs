//! Where what is wanted changes: one order after another, each on the disk before it is in force, and in force before it
//! is answered.
//!
//! ```text
//! order ─▶ intent: step ─▶ Step ─ can it be in force? ▶ check ──────────▶ control ─ refuses ─▶ nothing has changed
//!                            ├─ effects in order ────▶ EndConnections ─▶ control
//!                            │                         Persist ────────▶ state directory
//!                            │                         Replace ────────▶ control ─ fails ─▶ discard: nothing has changed
//!                            ▼
//!                         commit ─▶ Board (what readers see), events
//! ```
//!
//! Each kind of order has its file: `desk/apply.rs` whole configurations, `desk/edit.rs` parts of them, many at once,
//! `desk/drain.rs` real servers that are emptied.

mod apply;
mod drain;
mod edit;

use std::{path::PathBuf, sync::Arc};

use dray_api::v1::{ConfigurationEvent, ConfigurationTurn, Event, HistoricConfiguration, Problem};
use dray_control::{Applied, ControlError, Handle, RealName};
use dray_intent::{Effect, Intent, Note, Request, State, Step};
use dray_model::Desired;
use tokio::sync::watch;
use tracing::{error, info, warn};

use super::{clock::now, news::News, problem, wire};

pub(super) use apply::plan;
pub(super) use edit::{EditOrder, Guard};

/// What changes the state, and all that it needs for it.
pub(super) struct Desk {
    intent: Intent,
    control: Handle,
    /// The daemon's own file.
    file: PathBuf,
    board: watch::Sender<Arc<State>>,
    news: News,
}

/// Where readers see the state as of the last change.
pub(super) type Board = watch::Receiver<Arc<State>>;

/// What carrying a step out brought.
struct Done {
    /// What the data plane took over; nothing when what is in force did not change.
    applied: Option<Applied>,
    notes: Vec<Note>,
}

impl Desk {
    pub(super) fn new(intent: Intent, control: Handle, file: PathBuf, news: News) -> Self {
        let board = watch::Sender::new(Arc::new(intent.state().clone()));
        Self {
            intent,
            control,
            file,
            board,
            news,
        }
    }

    pub(super) fn board(&self) -> Board {
        self.board.subscribe()
    }

    pub(super) fn state(&self) -> &State {
        self.intent.state()
    }

    /// Whether the clock has something to say: a drain or a configuration that waits for its confirmation.
    pub(super) fn is_waiting(&self) -> bool {
        self.state().next_deadline().is_some()
    }

    /// Looks at drains and deadlines.
    pub(super) async fn tick(&mut self) {
        let counted = self.count_drains().await;
        let step = match self.state().step(Request::Tick { counted }, now()) {
            Ok(step) => step,
            Err(refusal) => return error!("the clock's turn was refused: {refusal}"),
        };
        if step.effects.is_empty() {
            return;
        }
        let went_back = step
            .notes
            .iter()
            .any(|note| matches!(note, Note::WentBack { .. }));
        match self.carry_out(step).await {
            // What could not be done is tried again with the next tick.
            Err(problem) => error!("{problem}"),
            Ok(done) => {
                self.log(&done.notes);
                if went_back {
                    self.tell(ConfigurationTurn::NotConfirmed, "the director");
                }
            }
        }
    }

    /// A configuration of the history, with its text.
    pub(super) fn historic(&self, number: u64) -> Result<HistoricConfiguration, Problem> {
        let state = self.state();
        let Some(applied) = state.find(number) else {
            let why = state.rollback_target(Some(number)).err();
            return Err(Problem::not_found(
                why.map(|why| why.to_string()).unwrap_or_default(),
            ));
        };
        let text = self.intent.text(number).map_err(problem::failed)?;
        Ok(wire::history::historic(state, applied, text))
    }

    /// Makes a step true. When that fails, nothing has changed, but for connections that were ended.
    async fn carry_out(&mut self, step: Step) -> Result<Done, Problem> {
        if let Some(desired) = replaces(&step) {
            // What is on the disk would be in force after a restart, so it has to be something that can be.
            let checked = self.control.check(Arc::clone(desired)).await;
            checked.map_err(problem::control)?;
        }
        let mut applied = None;
        for effect in &step.effects {
            match effect {
                Effect::EndConnections { reals, templates } => {
                    let names = reals.iter();
                    let names = names.map(|(service, real)| RealName::within(service, *real));
                    let ended = self.control.end_reals(names.collect(), *templates);
                    let ended = ended.await.map_err(problem::control)?;
                    info!(
                        connections = ended.connections,
                        templates = ended.templates,
                        "connections ended"
                    );
                }
                Effect::Persist { .. } => self.intent.persist(&step).map_err(problem::not_kept)?,
                Effect::Replace(desired) => match self.control.replace(Arc::clone(desired)).await {
                    Ok(done) => applied = Some(done),
                    Err(why) => return Err(self.discard(step, why)),
                },
            }
        }
        let notes = step.notes.clone();
        self.intent.commit(step);
        self.board
            .send_replace(Arc::new(self.intent.state().clone()));
        self.tell_of_drains(&notes);
        Ok(Done { applied, notes })
    }

    /// Forgets a step that the data plane did not take.
    fn discard(&mut self, step: Step, why: ControlError) -> Problem {
        if let Err(error) = self.intent.discard(step) {
            error!(
                "what was refused is on the disk, and would be in force after a restart, until the next change is written: {}",
                problem::with_causes(error)
            );
        }
        problem::control(why)
    }

    fn log(&self, notes: &[Note]) {
        for note in notes {
            warn!("{note}");
        }
    }

    /// Tells whoever listens that the configuration is another one.
    fn tell(&self, what: ConfigurationTurn, who: &str) {
        self.news.tell(Event::Configuration(ConfigurationEvent {
            revision: self.state().revision(),
            base: self.state().in_force().number,
            what,
            who: who.to_owned(),
        }));
    }
}

/// What a step makes the data plane do, if it is something else than before.
fn replaces(step: &Step) -> Option<&Arc<Desired>> {
    step.effects.iter().find_map(|effect| match effect {
        Effect::Replace(desired) => Some(desired),
        _ => None,
    })
}
