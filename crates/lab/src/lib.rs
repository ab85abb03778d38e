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
//! Start with [`Topology`] and [`Lab::up`]:
//!
//! ```no_run
//! use std::{net::SocketAddr, path::Path};
//!
//! use dray_lab::{Family, Lab, Topology, VirtualService};
//!
//! # fn main() -> anyhow::Result<()> {
//! let lab = Lab::up(Topology::one_arm(3).named("example"))?;
//! lab.serve_http(80)?;
//! let director = lab.director(0);
//! let web = VirtualService::tcp("web", Family::V4, 80).weights(&[3, 1, 1]);
//! director.start(Path::new("target/debug/dray"), director.config().service(web))?;
//! director.wait_until_eligible()?;
//!
//! let vip = SocketAddr::new(lab.topology().vip(0, Family::V4), 80);
//! let load = lab.client(0).http(vip).concurrency(16).start()?;
//! load.wait_for(1_000)?;
//! director.kill()?;
//! load.wait_for(1_000)?;
//! assert_eq!(load.stop()?.failed(), 0);
//! # Ok(())
//! # }
//! ```

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
    servers::{DOWNLOAD, DOWNLOAD_BYTES, PAGE, PAGE_BYTES, SERVER_HEADER, SERVER_RECORD, UPLOADS},
    topology::{Arms, Family, Gateway, Network, Topology},
};
