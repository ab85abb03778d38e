//! Next hops: all that a packet needs to know to leave for a destination. Made by the planner, read by packets.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Where frames for a destination go, and what they become before. Never written while a destination names it.
///
/// Direct routing reads the first half cache line.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct Hop {
    /// Destination address of the frame.
    pub destination: [u8; 6],
    /// Source address of the frame.
    pub source: [u8; 6],
    /// The port that it leaves by.
    pub port: u32,
    /// VLAN identifier of the frame (1 to 4094), 0 for an untagged one.
    pub vlan: u32,
    /// 1 when the entry is in use.
    pub used: u32,
    /// The largest packet of a client's that fits, in bytes: what a tunnel adds is taken off.
    pub mtu: u32,
    /// The largest TCP segment that SYNs may ask for, in bytes; 0 leaves it to them.
    pub mss: u32,
    /// The real server (IPv4 as IPv4-mapped IPv6): a tunnel's outer destination, NAT's inner one. With direct routing 0.
    pub real: [u8; 16],
    /// Tunnels: the outer source, likewise.
    pub source_address: [u8; 16],
    /// Tunnels: the low bits of the outer source that come from a hash of the flow: 0 for a single source, at most 32.
    pub spread: u8,
    /// Tunnels: [`Hop::IPIP`] and the like.
    pub tunnel: u8,
    /// Tunnels: not 0 for a checksum over the inner packet (GRE and GUE): 1, or 2 where IPVS's remote checksum was asked for,
    /// which is the same for packets from the wire.
    pub checksum: u8,
    /// NAT: the prefix length of the network that the director and the real server share, within `real`'s 128 bits; 0 when
    /// there is none. A client there would get the real server's replies past the director.
    pub shared: u8,
    /// GUE: the UDP port, network order.
    pub tunnel_port: [u8; 2],
    /// FULLNAT: the kind of the TCP option that tells the client's address; 0 for none.
    pub address_option: u8,
    /// The forwarding method, as in [`Destination`](crate::Destination)'s flags. User space only.
    pub method: u8,
    /// What the next hop itself takes, in bytes. User space only.
    pub next_mtu: u32,
    /// Fills the word.
    pub padding: u32,
    /// Fills the entry.
    pub reserved: [u64; 6],
}

impl Hop {
    /// IPVS's number of a tunnel that is IP in IP (RFC 2003, RFC 2473, RFC 4213).
    pub const IPIP: u8 = 0;
    /// Generic UDP Encapsulation.
    pub const GUE: u8 = 1;
    /// Generic Routing Encapsulation (RFC 2784).
    pub const GRE: u8 = 2;
}
