//! How the data plane treats connections: what IPVS has sysctls for, and what dray has beside them.

use std::num::NonZeroU32;

use crate::Timeouts;

/// How the data plane is to treat packets and connections, now. What the operator wants is [`IpvsOptions`]; the control
/// room makes this of it, with the defences that the occupancy of the table calls for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// How long a connection lasts without packets.
    pub timeouts: Timeouts,
    /// What holds whatever the load is.
    pub ipvs: IpvsOptions,
    /// The `drop_packet` defence: of the packets that would be scheduled, each so-manieth is dropped.
    pub drop_rate: Option<NonZeroU32>,
    /// The `secure_tcp` defence is on.
    pub secure_tcp: bool,
}

/// IPVS's settings by IPVS's names (`net.ipv4.vs.*`), and those of dray.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IpvsOptions {
    /// Whose rules hold where kernels differ.
    pub rules: KernelRules,
    /// `conn_reuse_mode`, 0 to 3: bit 0 lets a SYN on a connection in TIME_WAIT or CLOSE be scheduled anew, bit 1 on one in
    /// FIN_WAIT too.
    pub conn_reuse_mode: u8,
    /// `expire_nodest_conn`: connections of a removed real server end.
    pub expire_nodest_conn: bool,
    /// What becomes of packets of a removed real server's connections without `expire_nodest_conn`.
    pub removed: Removed,
    /// `expire_quiescent_template`: a template of a real server with weight 0 does not count.
    pub expire_quiescent_template: bool,
    /// `sloppy_tcp`: any TCP segment but RST may open a connection.
    pub sloppy_tcp: bool,
    /// `sloppy_sctp`: any SCTP packet but ABORT may open a connection.
    pub sloppy_sctp: bool,
    /// `schedule_icmp`: ICMP errors about unknown connections are scheduled by the packet that they quote.
    pub schedule_icmp: bool,
    /// `drop_entry`.
    pub drop_entry: Defence,
    /// `drop_packet`.
    pub drop_packet: Defence,
    /// `am_droprate`: of the packets that would be scheduled, each so-manieth is dropped, when `drop_packet` is always on.
    pub am_droprate: NonZeroU32,
    /// `secure_tcp`.
    pub secure_tcp: Defence,
    /// Occupancy of the connection table, in percent of `max_connections`, from which automatic defences are on. IPVS's
    /// `amemthresh` is one of free memory, which says little about the table.
    pub defence_threshold: u8,
    /// What a client is told that finds no real server.
    pub no_destination: NoDestination,
    /// Whether a template keeps its timeout when its time was over while it had connections. IPVS sets it to 60 s for good.
    pub keep_template_timeout: bool,
    /// Whether a TCP segment with none of SYN, FIN, RST, ACK closes its connection. IPVS's does.
    pub null_segments_close: bool,
    /// Most ICMP errors and resets that the director makes a second, on each processor; `None` for no limit.
    pub answers_per_second: Option<NonZeroU32>,
}

/// Where kernels differ in what they decide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KernelRules {
    /// Linux 6.1.176, and what came before.
    V6_1_176,
    /// Linux 6.1.192 and later: least-connection schedulers weigh `256 * active + all`, and editing thresholds takes
    /// effect at once.
    #[default]
    V6_1_192,
}

/// What becomes of packets of a removed real server's connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Removed {
    /// They go on to the real server until the connection ends.
    #[default]
    Finish,
    /// They are dropped, as IPVS does, until the real server is back or the connection's time is over.
    Drop,
}

/// When a defence is on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Defence {
    /// Never (IPVS's 0).
    #[default]
    Off,
    /// While the table is occupied beyond the threshold (IPVS's 1 and 2).
    Automatic,
    /// Always (IPVS's 3).
    On,
}

/// What a client is told that finds no real server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NoDestination {
    /// ICMP port unreachable, as IPVS does (RFC 792, RFC 4443).
    #[default]
    Icmp,
    /// A TCP reset; ICMP port unreachable for other protocols.
    Reset,
    /// Nothing.
    Drop,
}

impl IpvsOptions {
    /// IPVS's own defaults, by which `compat = "ipvs"` begins.
    pub const IPVS: Self = Self {
        rules: KernelRules::V6_1_192,
        conn_reuse_mode: 1,
        expire_nodest_conn: false,
        removed: Removed::Drop,
        expire_quiescent_template: false,
        sloppy_tcp: false,
        sloppy_sctp: false,
        schedule_icmp: false,
        drop_entry: Defence::Off,
        drop_packet: Defence::Off,
        am_droprate: NonZeroU32::new(10).expect("10 is not 0"),
        secure_tcp: Defence::Off,
        defence_threshold: 90,
        no_destination: NoDestination::Icmp,
        keep_template_timeout: false,
        null_segments_close: true,
        answers_per_second: NonZeroU32::new(1000),
    };
}

impl Default for IpvsOptions {
    fn default() -> Self {
        Self {
            removed: Removed::Finish,
            expire_quiescent_template: true,
            keep_template_timeout: true,
            null_segments_close: false,
            ..Self::IPVS
        }
    }
}
