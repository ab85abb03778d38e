//! Picks compared with what the Linux kernel's IPVS does.

mod against_reference;
mod arena;
mod locality;
mod playback;
mod properties;
mod recordings;
mod reference;
mod service;
mod twos;
mod vectors;
