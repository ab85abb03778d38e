//! Why a packet was not forwarded as usual: one numbered list for the program, the counters, the commands
//! and the documentation.

/// Room for reasons in the counters of one processor.
pub const REASONS_PER_CPU: u32 = 64;

/// The last of them counts no packets: it limits the answers that the director makes. In the high half the first of
/// the 16 ticks, in the low half the answers made in them.
pub const ANSWERS: u32 = REASONS_PER_CPU - 1;

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $text:literal, $verdict:ident, $meaning:literal;)*) => {
        /// Why a packet was passed to the host, dropped, or forwarded in an unusual way. Numbers are never used
        /// again for another meaning.
        #[repr(u32)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason {
            $(#[doc = $meaning] $name = $number,)*
        }

        impl Reason {
            /// Every reason, by number.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The reason of that number.
            pub const fn from_number(number: u32) -> Option<Self> {
                match number { $($number => Some(Self::$name),)* _ => None }
            }

            /// Its name, as counters and documentation write it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// What becomes of the packet.
            pub const fn verdict(self) -> Verdict {
                match self { $(Self::$name => Verdict::$verdict,)* }
            }

            /// One sentence on what it means.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)* }
            }
        }
    };
}

/// What becomes of a packet that is counted under a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The host's own stack gets it, untouched.
    Pass,
    /// It ends here.
    Drop,
    /// It is forwarded all the same.
    Forward,
}

reasons! {
    NotIp = 0, "not-ip", Pass, "Not IPv4 or IPv6 (ARP, say), or more VLAN tags than two.";
    OtherHost = 1, "other-host", Pass, "The frame's destination is not this interface's address (broadcast, multicast, another host).";
    Truncated = 2, "truncated", Pass, "The frame ends inside its headers, or an IP header makes no sense.";
    Fragment = 3, "fragment", Pass, "An IP fragment of which no first one to a virtual service was seen; the host's stack gets it.";
    OtherProtocol = 4, "other-protocol", Pass, "Neither TCP, UDP nor SCTP, nor an ICMP error about a connection.";
    NotAService = 5, "not-a-service", Pass, "No virtual service has this address, port and protocol.";
    NoConnection = 6, "no-connection", Pass, "TCP without a connection that cannot open one (no SYN, or RST): the host's stack answers.";
    FtpDataPort = 7, "client-port-20", Pass, "The client's port is 20: IPVS never schedules active FTP's data connections.";
    NoDestination = 8, "no-destination", Drop, "The service has no real server to give: none, all quiesced, or the hash chose one that is.";
    NoNextHop = 9, "no-next-hop", Drop, "The real server's Ethernet address was never known.";
    TimeToLive = 10, "time-to-live", Drop, "The TTL or hop limit is used up.";
    NoRoom = 11, "no-room", Drop, "The frame could not be changed for its next hop (no headroom for a VLAN tag).";
    TableFull = 12, "table-full", Forward, "The connection table had no room: forwarded by a hash of the flow, without a connection.";
    HalfOpenReplaced = 13, "half-open-replaced", Forward, "The connection table was full: a half-open connection made room for a new one.";
    RealServerRemoved = 14, "real-server-removed", Drop, "A packet of a connection whose real server was removed (`removed = \"drop\"`).";
    DropPacket = 15, "drop-packet", Drop, "The `drop_packet` defence dropped a packet that would have been scheduled.";
    Reply = 16, "reply", Pass, "A real server's packet to a client, which the host's stack routes.";
    LocalRealServer = 17, "local-real-server", Pass, "The real server is the director itself.";
    Unreachable = 18, "unreachable", Forward, "The director answered with ICMP port unreachable: there was no real server to give.";
    Reset = 19, "reset", Forward, "The director answered with a TCP reset: there was no real server to give.";
    TimeExceeded = 20, "time-exceeded", Forward, "The director answered with ICMP time exceeded: the TTL or hop limit is used up.";
    TooBig = 21, "too-big", Forward, "The director answered that the packet is too big for the way to its real server.";
    NeedsFragmenting = 22, "needs-fragmenting", Drop, "The packet is too big for the way to its real server, and may be fragmented, which the director does not do.";
    AnswersExceeded = 23, "answers-exceeded", Drop, "An answer was due, but the director had made as many as it may (`answers_per_second`).";
    NoSession = 24, "no-session", Drop, "The service's persistence engine found no session in the packet (no SIP Call-ID, say).";
    LateFirstFragment = 25, "late-first-fragment", Drop, "A fragment of a packet to a VIP that came before the first one, which alone tells the service.";
    TemplatesFull = 26, "templates-full", Forward, "The table of persistence templates had no room: the connection was scheduled without one.";
    IcmpChecksum = 28, "icmp-checksum", Drop, "An ICMP error about a connection with a wrong checksum.";
    IcmpFragment = 29, "icmp-fragment", Drop, "An ICMPv6 error behind a Fragment header, which no sender makes.";
    TranslationsFull = 30, "translations-full", Drop, "A new connection to a NAT or FULLNAT real server found the table of translations full (`max_translations`).";
    PortsExhausted = 31, "ports-exhausted", Drop, "A new connection to a FULLNAT real server found no free local address and port (`[director.fullnat]`).";
    Hairpin = 32, "hairpin", Drop, "NAT: the client is the real server itself or on its network, so that replies would not come back through the director; use fullnat.";
    OtherFamily = 33, "other-family", Drop, "A packet that cannot be made one of the real server's IP version: fragment, options, extension headers, ICMP.";
    NoTranslation = 34, "no-translation", Drop, "A reply or fragment of a translated connection that has just ended.";
    TunnelChecksum = 35, "tunnel-checksum", Drop, "The packet's bytes could not be summed up for the tunnel's or the datagram's checksum.";
}
