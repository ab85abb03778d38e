//! Picks compared with what the Linux kernel's IPVS does.

mod arena;
mod model;
mod properties;
mod recordings;
mod service;
mod vectors;
