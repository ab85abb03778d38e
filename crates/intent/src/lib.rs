//! What the operator wants, how it came about, and that it survives: applied configurations, edits, confirmations, rollbacks
//! and drains.
//!
//! ```text
//!                         ┌────────── State (pure) ──────────┐
//!  text ─ Configuration ─▶│ base ─────┐                      │
//!  api, CLI ── Edit ─────▶│ edits ────┴▶ in force, revision  │─ step ─▶ Step { state, effects, notes }
//!  clock ─── Timestamp ──▶│ unconfirmed, drains, history     │                   │
//!                         └──────────────────────────────────┘                   ▼
//!                                       Store ◀── Persist ── EndConnections, Replace ─▶ control
//! ```
//!
//! The applied configuration is the *base*. Edits change what is *in force*; what differs from the base is *the edits*, worked out
//! and never recorded as they came. A new configuration is on the disk before it is put in force, and a kill at any moment
//! leaves the state of before or that of after.
//!
//! Start with [`State`]; [`Intent`] is that with its directory. What is in force when the daemon starts is decided in
//! `start.rs`, what the directory holds is told in `store.rs`.

mod configuration;
mod digest;
mod drain;
mod edits;
mod history;
mod intent;
mod note;
#[cfg(test)]
mod sample;
mod start;
mod state;
mod store;
mod text;
mod time;

pub use configuration::Configuration;
pub use digest::{Digest, InvalidDigest};
pub use drain::{Drain, DrainRequest, ENDED_DRAINS, End, EndedDrain, Occupancy, Quiesced, Then};
pub use edits::{DroppedEdit, Edits, ListEdits, Patch, ServiceEdits};
pub use history::{Applied, HISTORY, Source};
pub use intent::{Intent, Opened, RollbackError, StartError};
pub use note::Note;
pub use start::ConfigFile;
pub use state::{
    Apply, Batch, Condition, EditRequest, Edited, Effect, Keeping, NotEdited, Refusal, Request,
    RollbackTarget, State, Step, Taken, Unconfirmed, Version,
};
pub use store::{OpenError, SetAside, StoreError, TextError};
pub use time::Timestamp;
