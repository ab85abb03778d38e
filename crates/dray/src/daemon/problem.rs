//! What goes wrong, for whoever asked.

use std::error::Error;

use dray_api::v1::Problem;
use dray_control::ControlError;
use dray_intent::{Refusal, StoreError};

/// What the control room could not do.
pub(super) fn control(error: ControlError) -> Problem {
    match error {
        ControlError::Stopped => Problem::stopping(),
        error @ (ControlError::NeedsRestart { .. } | ControlError::NoRoom { .. }) => {
            Problem::conflict(error.to_string())
        }
        error => failed(error),
    }
}

/// What the state does not allow.
pub(super) fn refused(refusal: Refusal) -> Problem {
    let text = refusal.to_string();
    match refusal {
        Refusal::NoSuchConfiguration { .. }
        | Refusal::NothingToDrain { .. }
        | Refusal::NoSuchDrain { ended: None, .. } => Problem::not_found(text),
        Refusal::NothingToConfirm { .. }
        | Refusal::NotTheOneToConfirm { .. }
        | Refusal::NothingBefore { .. }
        | Refusal::AlreadyDraining { .. }
        | Refusal::NoSuchDrain { ended: Some(_), .. } => Problem::conflict(text),
    }
}

/// What cannot be kept.
pub(super) fn not_kept(error: StoreError) -> Problem {
    let why = with_causes(error);
    Problem::failed(format!("nothing was changed: it cannot be kept: {why}"))
}

/// What nobody who asks can do anything about.
pub(super) fn failed(error: impl Error + Send + Sync + 'static) -> Problem {
    Problem::failed(with_causes(error))
}

/// The error with its causes, on one line.
pub(super) fn with_causes(error: impl Error + Send + Sync + 'static) -> String {
    format!("{:#}", anyhow::Error::new(error))
}
