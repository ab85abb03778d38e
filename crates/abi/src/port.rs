//! The director's interfaces, each with all that a packet needs to know of the director: one entry, one look.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// One of the director's interfaces.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct Port {
    /// Its Ethernet address in the low 48 bits, first byte lowest: only frames sent to it are looked at.
    pub mac: u64,
    /// The kernel's number for it.
    pub interface: u32,
    /// 0: not in use; 1: native XDP; 2: generic XDP.
    pub used: u32,
    /// What holds for the director as a whole: the same in every port, but for what packets write.
    pub settings: Settings,
}

/// Settings that may change at any time, each one word.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct Settings {
    /// Time without packets after which a connection ends, by state ([`Meta::state`](crate::Meta::state)), in ticks.
    pub timeouts: [u32; 32],
    /// The TCP state tables: for each [direction](Settings::INPUT_ONLY) and event (0 RST, 1 SYN, 2 FIN, 3 ACK, 4 none of
    /// them) the state after it, four bits for each state before.
    pub tcp: [[u64; 5]; 3],
    /// [`Settings::FINISH_REMOVED`] and the like.
    pub options: u32,
    /// The rules that give marks: how many in the low half, the first one in the high half.
    pub rules: u32,
    /// `drop_packet`: of the packets that would be scheduled each so-manieth is dropped; 0 for none.
    pub drop_rate: u32,
    /// Most answers that the director makes (ICMP errors, resets) on each processor in 16 ticks (1.07 s); 0 for no limit.
    pub answers: u32,
    /// The tick at which a new connection last found the table full; 0 for never. Written by packets, of whatever
    /// port, in port 0's entry.
    pub full: u32,
    /// Packets that came by since `drop_packet` dropped one. Written by packets, in port 0's entry.
    pub passed: u32,
    /// The clock of a private instance, in ticks (see the program's constant `OWN_CLOCK`).
    pub clock: u32,
    /// FULLNAT: how many local addresses there are, of IPv4 in the low half, of IPv6 in the high half.
    pub locals: u32,
    /// FULLNAT: the local ports, the first one in the low half, how many in the high half.
    pub local_ports: u32,
    /// Fills the word.
    pub reserved: u32,
}

impl Settings {
    /// Row of [`Settings::tcp`]: the client's packets, while no reply was seen.
    pub const INPUT_ONLY: usize = 0;
    /// The client's packets, once a reply was seen.
    pub const INPUT: usize = 1;
    /// The real server's packets.
    pub const OUTPUT: usize = 2;

    /// Option: `conn_reuse_mode`, bit 0.
    pub const REUSE_CLOSED: u32 = 1;
    /// Option: `conn_reuse_mode`, bit 1.
    pub const REUSE_FIN_WAIT: u32 = 1 << 1;
    /// Option: `expire_nodest_conn`.
    pub const EXPIRE_NODEST_CONN: u32 = 1 << 2;
    /// Option: packets of a removed real server's connections go on to it; without, and without `expire_nodest_conn`,
    /// they are dropped.
    pub const FINISH_REMOVED: u32 = 1 << 3;
    /// Option: `expire_quiescent_template`.
    pub const EXPIRE_QUIESCENT_TEMPLATE: u32 = 1 << 4;
    /// Option: `sloppy_tcp`.
    pub const SLOPPY_TCP: u32 = 1 << 5;
    /// Option: `sloppy_sctp`.
    pub const SLOPPY_SCTP: u32 = 1 << 6;
    /// Option: `schedule_icmp`.
    pub const SCHEDULE_ICMP: u32 = 1 << 7;
    /// Option: a template's timeout stays when its time was over while it had connections.
    pub const KEEP_TEMPLATE_TIMEOUT: u32 = 1 << 8;
    /// Option: the rules of Linux 6.1.176 for overload.
    pub const RULES_6_1_176: u32 = 1 << 9;
    /// Option: no destination is answered with a reset, for TCP.
    pub const REFUSE_BY_RESET: u32 = 1 << 10;
    /// Option: no destination is not answered.
    pub const REFUSE_SILENTLY: u32 = 1 << 11;
    /// Option: there is a service with port 0, or a mark's: look for port 0.
    pub const ANY_PORT_SERVICES: u32 = 1 << 12;
    /// Option: there is a service for TCP port 21: look for FTP's data connections.
    pub const FTP_SERVICES: u32 = 1 << 13;
}
