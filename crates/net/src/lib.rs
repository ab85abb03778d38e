//! The host's network as dray uses it: links, addresses, routes, neighbours and announcements.
//!
//! The only room that names netlink. Start with [`Netlink`].

mod address;
mod link;
mod neighbour;
mod netlink;
mod route;

pub use dray_model::NetError;
pub use link::Link;
pub use netlink::Netlink;
