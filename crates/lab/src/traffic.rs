//! Clients' traffic: loads that count every request, and sessions that live across events.
//!
//! An [`Exchange`] says how to connect and how to ask one question of which the answer names the real server.
//! There are two: [`Http`] and [`Dns`]. A [`Load`] asks many questions over many connections; a [`Session`] is one
//! connection in the hands of a test. All of it blocks: call it outside asynchronous code.

mod dns;
mod exchange;
mod http;
mod load;
mod plan;
mod report;
pub(crate) mod retransmission;
mod session;

pub use self::{
    dns::Dns,
    exchange::{Answer, Exchange},
    http::Http,
    load::{Load, Running},
    report::{Latencies, Report, Share},
    session::Session,
};
