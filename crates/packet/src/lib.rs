//! Packets: bounds-checked headers, checksums, the connection table's hash and the state tables of TCP and SCTP. Pure, and
//! compiled for both sides of the kernel boundary: what the XDP program does to a packet is tested here,
//! on the host, without a kernel.
//!
//! ```text
//! Frame ─ ethernet::parse ─▶ Ethernet ─ ipv4::parse │ ipv6::parse ─▶ Packet (key, flags, TTL, length)
//!
//! Packet ─ translate (NAT, FULLNAT), mss, toa ─▶ a packet with other addresses, of either family
//!        ─ encapsulate (tunnels) ─▶ ─ … ─▶ decapsulate
//!        ─ answer ─▶ an ICMP error or a reset
//! ```
//!
//! What rewrites a frame copies constant sizes and mends checksums by what changed. Where a sum over the payload cannot be
//! avoided, and where options are walked, there is a value with a `step`, which the kernel's loop helper drives.
#![cfg_attr(not(test), no_std)]

pub mod answer;
pub mod checksum;
mod crc32c;
pub mod decapsulate;
pub mod encapsulate;
pub mod ethernet;
mod frame;
pub mod hash;
pub mod icmp;
pub mod ipv4;
pub mod ipv6;
pub mod mss;
mod obstacle;
#[cfg(test)]
mod sample;
pub mod sctp;
mod segment;
pub mod sip;
pub mod state;
mod table;
pub mod tcp;
pub mod toa;
pub mod translate;
pub mod tunnel;

pub use frame::Frame;
pub use obstacle::Obstacle;
pub use segment::{Refusal, TransportProtocol, Upper};
