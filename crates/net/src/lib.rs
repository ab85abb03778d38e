//! The host's network as dray uses it: links, addresses, routes, neighbours, and announcements of VIPs.
//! The only room that names netlink.
//!
//! ```text
//!           tell, ask                                              Net (port)
//! kernel ◀────────────▶ Netlink ◀──── follower ◀──── follow ─────┐
//!    │                                  │  ▲                   Host ◀── control
//!    └─────── Events (unasked) ─────────┼──┘                     ▲
//!                                   Followed ─── Resolutions ────┘
//!                                   (pure)
//! ```
//!
//! Start with [`Netlink`], a handle on one network namespace. [`Host`] is what a director needs of it: its
//! follower task owns `Followed`, which turns the kernel's facts into next hops. [`real_server`]
//! sets a real server up for direct routing.

mod address;
mod announce;
mod event;
mod followed;
mod follower;
mod host;
mod link;
mod neighbour;
mod netlink;
mod path_mtu;
pub mod real_server;
mod resolve;
mod route;

pub use dray_model::NetError;
pub use host::Host;
pub use link::Link;
pub use netlink::Netlink;
