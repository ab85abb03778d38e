//! IPVS's view of an SCTP association (RFC 9260): the state tables of `net/netfilter/ipvs/ip_vs_proto_sctp.c`. The event is
//! the packet's first chunk; nothing else is looked at, but for an ABORT behind a cookie.

use crate::{
    state::{SCTP, State},
    table,
};

/// Event: data, or a chunk that says nothing of the association's state.
pub const DATA: u8 = 0;
/// Event: INIT.
pub const INIT: u8 = 1;
/// Event: INIT ACK.
pub const INIT_ACK: u8 = 2;
/// Event: COOKIE ECHO.
pub const COOKIE_ECHO: u8 = 3;
/// Event: COOKIE ACK.
pub const COOKIE_ACK: u8 = 4;
/// Event: SHUTDOWN.
pub const SHUTDOWN: u8 = 5;
/// Event: SHUTDOWN ACK.
pub const SHUTDOWN_ACK: u8 = 6;
/// Event: SHUTDOWN COMPLETE.
pub const SHUTDOWN_COMPLETE: u8 = 7;
/// Event: ERROR.
pub const ERROR: u8 = 8;
/// Event: ABORT.
pub const ABORT: u8 = 9;
/// No event: the packet ends before its first chunk does begin. It changes no state and opens no connection.
pub const NO_CHUNK: u8 = 10;

/// The event of a packet whose first chunk has this type (RFC 9260 section 3.2).
#[inline(always)]
pub const fn event(chunk_type: u8) -> u8 {
    // By type, 0 to 15, four bits each; types that are not named here are 0, which is DATA.
    const EVENTS: u64 = (INIT as u64) << 4
        | (INIT_ACK as u64) << 8
        | (ABORT as u64) << 24
        | (SHUTDOWN as u64) << 28
        | (SHUTDOWN_ACK as u64) << 32
        | (ERROR as u64) << 36
        | (COOKIE_ECHO as u64) << 40
        | (COOKIE_ACK as u64) << 44
        | (SHUTDOWN_COMPLETE as u64) << 56;
    if chunk_type < 16 {
        (EVENTS >> (chunk_type * 4)) as u8 & 0xf
    } else {
        DATA
    }
}

/// Whether an ABORT that is the second chunk decides, given the event of the first.
#[inline(always)]
pub const fn may_end_in_abort(event: u8) -> bool {
    event == COOKIE_ECHO || event == COOKIE_ACK
}

/// The state after an event. `direction` is 0 for the client's packets while no reply was seen, 1 for the client's packets, 2
/// for the real server's; `state` is a [`State`]'s number, and so is what it gives.
#[inline(always)]
pub fn after(direction: usize, event: u8, state: u8) -> u8 {
    let row = ROWS[(direction << 4 | (event & 0xf) as usize) & (ROWS.len() - 1)];
    SCTP | (row >> ((state & 0xf) * 4)) as u8 & 0xf
}

/// Whether a packet of this event may open a connection: INIT, or with `sloppy` anything but ABORT.
#[inline(always)]
pub const fn opens(event: u8, sloppy: bool) -> bool {
    is_new(event) || sloppy && event != ABORT && event != NO_CHUNK
}

/// Whether a packet of this event is one that begins connections.
#[inline(always)]
pub const fn is_new(event: u8) -> bool {
    event == INIT
}

/// By direction and event, 16 of each direction, so that an index is in range by a mask: the states after it, four bits
/// for each state before.
static ROWS: [u64; 64] = {
    let mut rows = [row(b"NO I1 IN CS CR CW CO CE ES SS SR SA RJ CL"); 64];
    let mut direction = 0;
    while direction < TABLES.len() {
        let mut event = 0;
        while event < TABLES[direction].len() {
            rows[direction << 4 | event] = row(TABLES[direction][event]);
            event += 1;
        }
        direction += 1;
    }
    rows
};

/// The kernel's tables, by direction and event; columns are the states before: NO I1 IN CS CR CW CO CE ES SS SR SA RJ CL.
const TABLES: [[&[u8; 41]; 10]; 3] = [
    [
        b"ES I1 IN CS CR ES CO CE ES SS SR SA RJ CL",
        b"I1 IN IN IN IN IN CO CE ES SS SR SA IN IN",
        b"CE CE CE CE CE CE CO CE ES SS SR SA RJ CL",
        b"ES ES ES ES ES ES CO CE ES SS SR SA RJ CL",
        b"ES I1 IN ES ES CW ES ES ES SS SR SA RJ CL",
        b"SR I1 IN CS CR CW CO CE SR SS SR SA RJ CL",
        b"CL IN IN CS CR CW CO CE CL CL SR CL RJ CL",
        b"CL CL CL CL CL CW CO CE ES SS CL CL RJ CL",
        b"CL I1 IN CS CR CW CO CE ES SS SR SA RJ CL",
        b"CL CL CL CL CL RJ CL CL CL CL CL CL CL CL",
    ],
    [
        b"ES I1 IN CS CR CW CO CE ES SS SR SA RJ CL",
        b"I1 IN IN CS CR CW CO CE ES SS SR SA IN IN",
        b"CW CW CW CS CR CO CO CE ES SS SR SA RJ CL",
        b"CR IN IN CR CR CW CO CE ES SS SR SA RJ CL",
        b"ES I1 IN CS CR CW CO ES ES SS SR SA RJ CL",
        b"SR I1 IN CS CR CW CO CE SR SS SR SA RJ CL",
        b"CL IN IN CS CR CW CO CE ES CL SR CL RJ CL",
        b"CL CL CL CS CR CW CO CE ES SS SR CL RJ CL",
        b"CL I1 IN CS CR CW CO CL ES SS SR SA RJ CL",
        b"CL CL CL CL CL RJ CL CL CL CL CL CL CL CL",
    ],
    [
        b"ES I1 IN CS CR CW CO CE ES SS SR SA RJ CL",
        b"CW CW CW CW CW CW CW CW ES CW CW CW CW CW",
        b"CS CS CS CS CR CW CO CE ES SS SR SA RJ CL",
        b"CE CE CE CE CE CE CE CE ES SS SR SA RJ CL",
        b"ES ES ES ES ES ES ES ES ES SS SR SA RJ CL",
        b"SS SS SS SS SS SS SS SS SS SS SR SA RJ CL",
        b"SA SA SA SA SA CW CO CE ES SA SA SA RJ CL",
        b"CL I1 IN CS CR CW CO CE ES SS SR SA RJ CL",
        b"CL CL CL CL CL CW CO CE ES SS SR SA RJ CL",
        b"CL RJ CL CL CL CL CL CL CL CL CL CL CL CL",
    ],
];

const fn row(states: &[u8]) -> u64 {
    table::row(states, &NAMES)
}

const NAMES: [[u8; 2]; 14] = [
    *b"NO", *b"I1", *b"IN", *b"CS", *b"CR", *b"CW", *b"CO", *b"CE", *b"ES", *b"SS", *b"SR", *b"SA",
    *b"RJ", *b"CL",
];

const _: () = assert!(State::SctpClosed as u8 - SCTP == NAMES.len() as u8 - 1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::State::*;

    const INPUT_ONLY: usize = 0;
    const INPUT: usize = 1;
    const OUTPUT: usize = 2;

    fn step(direction: usize, state: State, event: u8) -> State {
        State::from_number(after(direction, event, state as u8)).unwrap()
    }

    fn life<const N: usize>(packets: [(usize, u8); N]) -> [State; N] {
        let mut state = SctpNone;
        packets.map(|(direction, event)| {
            state = step(direction, state, event);
            state
        })
    }

    #[test]
    fn the_events_are_the_chunk_types_of_rfc_9260() {
        let named = [
            (0, DATA),
            (1, INIT),
            (2, INIT_ACK),
            (3, DATA),
            (4, DATA),
            (5, DATA),
            (6, ABORT),
            (7, SHUTDOWN),
            (8, SHUTDOWN_ACK),
            (9, ERROR),
            (10, COOKIE_ECHO),
            (11, COOKIE_ACK),
            (12, DATA),
            (13, DATA),
            (14, SHUTDOWN_COMPLETE),
        ];
        for (chunk_type, expected) in named {
            assert_eq!(event(chunk_type), expected, "{chunk_type}");
        }
        for chunk_type in 15..=u8::MAX {
            assert_eq!(event(chunk_type), DATA, "{chunk_type}");
        }
    }

    #[test]
    fn the_life_of_an_association_in_direct_routing() {
        let client = [INIT, COOKIE_ECHO, DATA, SHUTDOWN, SHUTDOWN_COMPLETE, INIT];
        assert_eq!(
            life(client.map(|event| (INPUT_ONLY, event))),
            [
                SctpInit1,
                SctpEstablished,
                SctpEstablished,
                SctpShutdownReceived,
                SctpClosed,
                SctpInit
            ]
        );
    }

    #[test]
    fn the_life_of_an_association_seen_from_both_sides() {
        assert_eq!(
            life([
                (INPUT_ONLY, INIT),
                (OUTPUT, INIT_ACK),
                (INPUT, COOKIE_ECHO),
                (OUTPUT, COOKIE_ACK),
                (INPUT, SHUTDOWN),
                (OUTPUT, SHUTDOWN_ACK),
                (INPUT, SHUTDOWN_COMPLETE),
            ]),
            [
                SctpInit1,
                SctpCookieSent,
                SctpCookieReplied,
                SctpEstablished,
                SctpShutdownReceived,
                SctpShutdownAckSent,
                SctpClosed
            ]
        );
    }

    #[test]
    fn an_abort_closes_every_association_or_rejects_the_real_servers() {
        for number in 16..30 {
            let state = State::from_number(number).unwrap();
            let expected = |rejected| {
                if state == rejected {
                    SctpRejected
                } else {
                    SctpClosed
                }
            };
            assert_eq!(step(INPUT_ONLY, state, ABORT), expected(SctpCookieWait));
            assert_eq!(step(INPUT, state, ABORT), expected(SctpCookieWait));
            assert_eq!(step(OUTPUT, state, ABORT), expected(SctpInit1));
        }
    }

    #[test]
    fn without_a_chunk_no_state_changes() {
        for direction in [INPUT_ONLY, INPUT, OUTPUT] {
            for state in 16..30 {
                for event in NO_CHUNK..16 {
                    assert_eq!(after(direction, event, state), state);
                }
            }
        }
    }

    #[test]
    fn any_numbers_lead_to_a_state() {
        for direction in 0..5 {
            for event in 0..=u8::MAX {
                for state in 16..30 {
                    assert!(State::from_number(after(direction, event, state)).is_some());
                }
            }
        }
    }

    #[test]
    fn only_init_opens_and_with_sloppy_sctp_all_but_abort() {
        for event in DATA..=NO_CHUNK {
            assert_eq!(opens(event, false), event == INIT);
            assert_eq!(opens(event, true), event != ABORT && event != NO_CHUNK);
            assert_eq!(is_new(event), event == INIT);
        }
    }
}
