//! Frames: building those that a step sends, and saying what those mean that come out.

mod build;
mod describe;
mod mask;
mod parse;
mod tunnel;

pub use build::{
    BuildError, IpFields, answer, checksum, ethernet, frames, icmp_packet, ip_packet, packet,
    tcp_packet,
};
pub use describe::{Described, Exit, describe};
pub use mask::mask;
pub use parse::{Icmp, Malformed, Packet, Transport};
