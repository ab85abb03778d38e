//! A lab without hardware: clients, a switch, directors and real servers on one machine, from network namespaces, veth
//! cables and bridges. Real programs serve, real sockets ask. The demo, the integration tests and the benchmarks are
//! all made of it.
//!
//! ```text
//! Topology (a value) ─ wiring (pure) ─▶ up ─▶ Lab ─┬─ client(0).http(vip) ─▶ Load ─▶ Report
//!                                                  ├─ director(0).start(…)
//!                                                  ├─ real_server(0).serve_http(80)
//!                                                  └─ capture_at_director(0, …) ─▶ Frames
//! ```
//!
//! It needs root. Nothing of it stays behind: see `premises`. All of it blocks: call it outside asynchronous code.
//!
//! Start with [`Topology`] and [`Lab::up`].

mod capture;
mod config;
pub mod demo;
mod director;
mod draw;
mod helper;
pub mod keep;
mod lab;
mod namespace;
mod offload;
mod premises;
mod process;
mod servers;
mod topology;
pub mod traffic;
mod up;
pub mod wait;
mod wiring;

pub use self::{
    capture::{Capture, Direction, Flow, Frame},
    config::{DirectorConfig, VirtualService},
    director::Director,
    lab::{Client, Lab, RealServer},
    namespace::Namespace,
    offload::Offload,
    servers::{PAGE, PAGE_BYTES, SERVER_HEADER, SERVER_RECORD},
    topology::{Arms, Family, Network, Topology},
};
