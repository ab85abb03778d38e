//! `ipvsadm` 1.31: its command lines, texts, exit statuses and listings, over plain values.
//!
//! ```text
//! words ─ parse ─▶ Command ─▶ whoever carries it out ─▶ Snapshot ─ listing ─▶ text
//!                                      │
//!                                      └─▶ Refusal ─▶ text
//! ```
//!
//! - [`parse`](mod@parse) reads words as `ipvsadm` and its option library, popt, do.
//! - [`listing`] prints a [`snapshot`] as `ipvsadm` prints what the kernel says.
//!
//! Nothing here acts on anything. Start reading at `command.rs`.

mod command;
pub mod listing;
pub mod parse;
mod refusal;
mod settings;
pub mod snapshot;

pub use command::{Command, List, SetTimeouts, Usage};
pub use parse::parse;
pub use refusal::Refusal;
pub use settings::{DestinationSettings, Method, Netmask, SchedulerFlags, ServiceSettings};
