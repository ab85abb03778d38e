//! `ipvsadm` 1.31: its command lines, texts, exit statuses and listings, over plain values.
//!
//! ```text
//! words ─ parse ─▶ Command ─ run ─┬─▶ change ──────▶ Director ─▶ done, or Refusal ─▶ text
//!            ▲                    ├─▶ list, save ──▶ Director ─▶ Snapshot ─ listing ─▶ text
//!          Names                  └─▶ restore: each line of the standard input is a command again
//! ```
//!
//! - [`parse`](mod@parse) reads words as `ipvsadm` and its option library, popt, do.
//! - [`listing`] prints what is in [`snapshot`] as `ipvsadm` prints what the kernel says.
//! - [`run`](mod@run) carries a whole command line out: it gives what goes to standard output and error, and the exit status.
//! - [`edits`] makes edits of a dray director's desired state of commands.
//!
//! What acts is behind two traits: [`Director`] has the services, [`Names`] resolves those of hosts and ports. Start reading at
//! `run.rs`.

mod command;
pub mod edits;
pub mod listing;
pub mod names;
pub mod parse;
mod refusal;
mod restore;
pub mod run;
mod settings;
pub mod snapshot;
mod usage;
pub mod wrappers;

pub use command::{Change, Command, List, Role, SetTimeouts, StartDaemon};
pub use names::Names;
pub use parse::parse;
pub use refusal::Refusal;
pub use run::{Answer, Director, run};
pub use settings::{DestinationSettings, Method, Netmask, SchedulerFlags, ServiceSettings};
pub use usage::Usage;
