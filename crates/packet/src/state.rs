//! The states that connections have, of all protocols in one numbering: IPVS's numbers for TCP (0 to 10), 11 for UDP, 16
//! plus IPVS's number for SCTP (16 to 29). The tables that lead from one to the next are in `tcp` and `sctp`.

use crate::TransportProtocol;

/// States that there is room for: five bits of a connection's word.
pub const ROOM: usize = 32;

/// What is added to IPVS's number of an SCTP state.
pub const SCTP: u8 = 16;

/// Declares the states: number, IPVS's name, IPVS's default timeout in seconds, and whether it is active.
macro_rules! states {
    ($($(#[$doc:meta])* $state:ident = $number:literal, $name:literal, $seconds:literal $(, $active:ident)?;)*) => {
        /// A state of a connection.
        #[repr(u8)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum State {
            $($(#[$doc])* $state = $number,)*
        }

        impl State {
            /// Every state, by number.
            pub const ALL: &[Self] = &[$(Self::$state),*];

            /// The state of that number.
            pub const fn from_number(number: u8) -> Option<Self> {
                match number { $($number => Some(Self::$state),)* _ => None }
            }

            /// IPVS's name for it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$state => $name,)* }
            }
        }

        /// IPVS's time without packets after which a connection ends, in seconds, by state; 0 where there is no state.
        pub const TIMEOUTS: [u32; ROOM] = {
            let mut seconds = [0; ROOM];
            $(seconds[$number] = $seconds;)*
            seconds
        };

        /// A bit for each active state.
        const ACTIVE: u32 = 0 $($(| states!(@bit $active, $number))?)*;
    };
    (@bit active, $number:literal) => { 1 << $number };
}

states! {
    /// TCP: no packet yet.
    None = 0, "NONE", 2;
    /// TCP: data may flow.
    Established = 1, "ESTABLISHED", 900, active;
    /// TCP: the real server opens it (its packets pass the director in NAT only).
    SynSent = 2, "SYN_SENT", 120, active;
    /// TCP: the client opens it.
    SynReceived = 3, "SYN_RECV", 60, active;
    /// TCP: one side has closed.
    FinWait = 4, "FIN_WAIT", 120;
    /// TCP: both sides have closed.
    TimeWait = 5, "TIME_WAIT", 120;
    /// TCP: reset.
    Close = 6, "CLOSE", 10;
    /// TCP: the client has closed, the real server not yet (both directions seen).
    CloseWait = 7, "CLOSE_WAIT", 60;
    /// TCP: waiting for the last ACK.
    LastAck = 8, "LAST_ACK", 30;
    /// TCP: waiting for a data connection (FTP).
    Listen = 9, "LISTEN", 120;
    /// TCP: half open, under `secure_tcp`.
    SynAck = 10, "SYNACK", 120, active;
    /// UDP knows one state.
    Udp = 11, "UDP", 300;
    /// SCTP: no packet yet.
    SctpNone = 16, "NONE", 2;
    /// SCTP: one INIT.
    SctpInit1 = 17, "INIT1", 4;
    /// SCTP: more than one INIT.
    SctpInit = 18, "INIT", 61;
    /// SCTP: the real server has sent its cookie.
    SctpCookieSent = 19, "C-SENT", 61;
    /// SCTP: the client has replied with the cookie.
    SctpCookieReplied = 20, "C-REPLIED", 61;
    /// SCTP: the real server opens it, and waits for a cookie.
    SctpCookieWait = 21, "C-WAIT", 61;
    /// SCTP: the client has sent its cookie.
    SctpCookie = 22, "COOKIE", 61;
    /// SCTP: the real server has replied with the cookie.
    SctpCookieEchoed = 23, "C-ECHOED", 61;
    /// SCTP: data may flow.
    SctpEstablished = 24, "ESTABLISHED", 900, active;
    /// SCTP: the real server shuts it down.
    SctpShutdownSent = 25, "S-SENT", 61;
    /// SCTP: the client shuts it down.
    SctpShutdownReceived = 26, "S-RECEIVED", 61;
    /// SCTP: the real server has agreed.
    SctpShutdownAckSent = 27, "S-ACK-SENT", 61;
    /// SCTP: aborted while the real server opened it.
    SctpRejected = 28, "REJECTED", 4;
    /// SCTP: over.
    SctpClosed = 29, "CLOSED", 61;
}

impl State {
    /// The state of a connection of which no packet was judged yet.
    #[inline(always)]
    pub const fn first(protocol: TransportProtocol) -> Self {
        match protocol {
            TransportProtocol::Tcp => Self::None,
            TransportProtocol::Udp => Self::Udp,
            TransportProtocol::Sctp => Self::SctpNone,
        }
    }
}

/// Whether a connection in this state (by number; higher bits do not matter) counts as active.
#[inline(always)]
pub const fn is_active(state: u8) -> bool {
    ACTIVE >> (state & 0x1f) & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::{State::*, *};

    #[test]
    fn every_number_leads_back_to_its_state_and_others_to_none() {
        for state in State::ALL {
            assert_eq!(State::from_number(*state as u8), Some(*state));
        }
        for number in [12, 13, 14, 15, 30, 31, 255] {
            assert_eq!(State::from_number(number), Option::None);
        }
    }

    #[test]
    fn the_active_states_are_the_kernels() {
        let active: Vec<_> = (0..ROOM as u8)
            .filter(|number| is_active(*number))
            .map(|number| State::from_number(number).unwrap())
            .collect();
        assert_eq!(
            active,
            [Established, SynSent, SynReceived, SynAck, SctpEstablished]
        );
    }

    #[test]
    fn a_state_with_its_flags_is_as_active_as_the_state() {
        for state in State::ALL {
            let number = *state as u8;
            assert_eq!(is_active(number | 0xe0), is_active(number));
        }
    }

    #[test]
    fn every_state_has_a_timeout_and_no_other_number_does() {
        for (number, seconds) in TIMEOUTS.into_iter().enumerate() {
            assert_eq!(
                seconds != 0,
                State::from_number(number as u8).is_some(),
                "{number}"
            );
        }
    }
}
