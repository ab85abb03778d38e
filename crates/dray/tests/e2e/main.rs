//! The director under real traffic: the built `dray` in network namespaces, real clients, real servers, a real kernel.
//!
//! `site.rs` is what every scene starts from; each other file is one scene. They need root, as the lab does.

mod ipv6;
mod reload;
mod restart;
mod site;
mod steady_load;
mod two_directors;
