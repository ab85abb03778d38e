//! The binary's inside: the command line and the daemon, made of the other rooms. No logic lives here.
//!
//! ```text
//! dray run     ─▶ commands::run ─▶ daemon ─▶ control, net, data plane, api
//! dray status  ─▶ commands::status ─▶ dray_api::Client ─▶ a running daemon
//! ```
//!
//! It is a library so that tests can assemble a whole [`daemon`] around a data plane of their own. Start
//! with [`commands`].

pub mod commands;
pub mod daemon;

mod address;
mod grid;
mod log;
mod number;
mod output;
mod paint;
mod privileges;
mod terminal;
mod thing;
mod when;
mod withdraw;
