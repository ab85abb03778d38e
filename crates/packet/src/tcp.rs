//! IPVS's view of a TCP connection of which only the client's packets are seen (the "input only" table of
//! `net/netfilter/ipvs/ip_vs_proto_tcp.c`), which is what a director in direct routing sees.

/// FIN in the flags of a TCP header.
pub const FIN: u8 = 0x01;
/// SYN.
pub const SYN: u8 = 0x02;
/// RST.
pub const RST: u8 = 0x04;
/// ACK.
pub const ACK: u8 = 0x10;

/// States of a connection, numbered as IPVS does. TCP uses the first eleven, UDP the last.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// No packet yet.
    None = 0,
    /// Data may flow.
    Established = 1,
    /// The real server opens it (seen in NAT only).
    SynSent = 2,
    /// The client opens it.
    SynReceived = 3,
    /// One side has closed.
    FinWait = 4,
    /// Both sides have closed.
    TimeWait = 5,
    /// Reset.
    Close = 6,
    /// The client has closed, the real server not yet (both directions seen).
    CloseWait = 7,
    /// Waiting for the last ACK.
    LastAck = 8,
    /// Waiting for a data connection (FTP).
    Listen = 9,
    /// Half open, under `secure_tcp`.
    SynAck = 10,
    /// UDP knows one state.
    Udp = 11,
}

impl State {
    /// Every state, by number.
    pub const ALL: [Self; 12] = [
        Self::None,
        Self::Established,
        Self::SynSent,
        Self::SynReceived,
        Self::FinWait,
        Self::TimeWait,
        Self::Close,
        Self::CloseWait,
        Self::LastAck,
        Self::Listen,
        Self::SynAck,
        Self::Udp,
    ];

    /// The state of that number.
    pub const fn from_number(number: u8) -> Option<Self> {
        if (number as usize) < Self::ALL.len() {
            Some(Self::ALL[number as usize])
        } else {
            None
        }
    }

    /// IPVS's name for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Established => "ESTABLISHED",
            Self::SynSent => "SYN_SENT",
            Self::SynReceived => "SYN_RECV",
            Self::FinWait => "FIN_WAIT",
            Self::TimeWait => "TIME_WAIT",
            Self::Close => "CLOSE",
            Self::CloseWait => "CLOSE_WAIT",
            Self::LastAck => "LAST_ACK",
            Self::Listen => "LISTEN",
            Self::SynAck => "SYNACK",
            Self::Udp => "UDP",
        }
    }
}

/// Whether a connection in this state (by number) counts as active.
#[inline(always)]
pub const fn is_active(state: u8) -> bool {
    const ACTIVE: u16 = 1 << State::Established as u8
        | 1 << State::SynSent as u8
        | 1 << State::SynReceived as u8
        | 1 << State::SynAck as u8;
    ACTIVE >> (state & 0xf) & 1 == 1
}

/// Whether a segment with these flags may open a connection: SYN, and not RST.
#[inline(always)]
pub const fn opens(flags: u8) -> bool {
    flags & (SYN | RST) == SYN
}

/// The state (by number, below 16) after a segment with these flags from the client.
#[inline(always)]
pub const fn after_input(state: u8, flags: u8) -> u8 {
    let row = if flags & RST != 0 {
        ON_RST
    } else if flags & SYN != 0 {
        ON_SYN
    } else if flags & FIN != 0 {
        ON_FIN
    } else if flags & ACK != 0 {
        ON_ACK
    } else {
        // IPVS closes a connection on a segment with none of the four flags.
        return State::Close as u8;
    };
    (row >> ((state & 0xf) * 4)) as u8 & 0xf
}

const ON_SYN: u64 = row([3, 1, 1, 3, 3, 3, 3, 3, 3, 3, 3]);
const ON_FIN: u64 = row([6, 4, 2, 5, 4, 5, 6, 7, 8, 9, 5]);
const ON_ACK: u64 = row([1, 1, 2, 1, 4, 5, 6, 7, 6, 9, 1]);
const ON_RST: u64 = row([6, 6, 6, 3, 6, 6, 6, 6, 8, 9, 6]);

/// Next states by present state, four bits each: a table that needs no memory access.
const fn row(states: [u8; 11]) -> u64 {
    let mut packed = 0;
    let mut state = 0;
    while state < states.len() {
        packed |= (states[state] as u64) << (state * 4);
        state += 1;
    }
    packed
}

#[cfg(test)]
mod tests {
    use super::{State::*, *};

    /// The table of the kernel's source, in its order of columns.
    const TABLE: [(u8, [State; 11]); 4] = [
        (
            SYN,
            [
                SynReceived,
                Established,
                Established,
                SynReceived,
                SynReceived,
                SynReceived,
                SynReceived,
                SynReceived,
                SynReceived,
                SynReceived,
                SynReceived,
            ],
        ),
        (
            FIN,
            [
                Close, FinWait, SynSent, TimeWait, FinWait, TimeWait, Close, CloseWait, LastAck,
                Listen, TimeWait,
            ],
        ),
        (
            ACK,
            [
                Established,
                Established,
                SynSent,
                Established,
                FinWait,
                TimeWait,
                Close,
                CloseWait,
                Close,
                Listen,
                Established,
            ],
        ),
        (
            RST,
            [
                Close,
                Close,
                Close,
                SynReceived,
                Close,
                Close,
                Close,
                Close,
                LastAck,
                Listen,
                Close,
            ],
        ),
    ];

    #[test]
    fn every_transition_is_the_kernels() {
        for (flags, row) in TABLE {
            for (state, next) in row.into_iter().enumerate() {
                assert_eq!(
                    after_input(state as u8, flags),
                    next as u8,
                    "{flags:#x} in {state}"
                );
            }
        }
    }

    #[test]
    fn rst_comes_before_syn_before_fin_before_ack() {
        let established = Established as u8;
        assert_eq!(after_input(established, RST | SYN | FIN | ACK), Close as u8);
        assert_eq!(after_input(established, SYN | FIN | ACK), Established as u8);
        assert_eq!(after_input(established, FIN | ACK), FinWait as u8);
    }

    #[test]
    fn a_segment_without_any_of_the_four_closes() {
        for state in State::ALL {
            assert_eq!(after_input(state as u8, 0x08), Close as u8);
        }
    }

    #[test]
    fn the_active_states_are_the_kernels() {
        let active: Vec<_> = State::ALL
            .into_iter()
            .filter(|state| is_active(*state as u8))
            .collect();
        assert_eq!(active, [Established, SynSent, SynReceived, SynAck]);
    }

    #[test]
    fn the_life_of_a_connection_in_direct_routing() {
        let mut state = None as u8;
        let mut states = vec![];
        for flags in [SYN, ACK, FIN | ACK, ACK, SYN, RST, ACK, RST] {
            state = after_input(state, flags);
            states.push(State::from_number(state).unwrap());
        }
        assert_eq!(
            states,
            [
                SynReceived,
                Established,
                FinWait,
                FinWait,
                SynReceived,
                SynReceived,
                Established,
                Close
            ]
        );
    }
}
