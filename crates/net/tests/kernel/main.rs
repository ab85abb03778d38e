//! The crate against a real kernel, in network namespaces of its own. Needs root.

mod capture;
mod links;
mod namespace;
mod neighbours;
mod network;
mod path_mtu;
mod real_server;
mod vips;
