//! Each forwarding method under real traffic, in labs that are as the method needs them.
//!
//! `traffic` is what every method has to carry without a failure; each other file is one method.

mod direct_routing;
mod fullnat;
mod mixed;
mod nat;
mod spoofed;
mod traffic;
pub(crate) mod tunnels;
mod wire;
