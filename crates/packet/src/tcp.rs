//! IPVS's view of a TCP connection: the state tables of `net/netfilter/ipvs/ip_vs_proto_tcp.c`, as data. Nothing but
//! four flags is looked at, neither sequence numbers nor windows.
//!
//! A table has a row for each [`event`], and a row is one word: four bits for each state before. So the step from a state
//! to the next one is a shift ([`after`]), and other tables mean other behaviour without another branch.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::table;

/// The header's fixed part (RFC 9293 section 3.1), as it lies in the packet (all numbers in network order).
#[repr(C)]
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
pub struct Header {
    /// Source port, then destination port.
    pub ports: [u8; 4],
    /// Sequence number.
    pub sequence: [u8; 4],
    /// Acknowledgment number.
    pub acknowledgment: [u8; 4],
    /// Header length in 32-bit words, in the high four bits.
    pub data_offset: u8,
    /// [`FIN`] and the like.
    pub flags: u8,
    /// Window.
    pub window: [u8; 2],
    /// Checksum, of a pseudo-header too.
    pub checksum: [u8; 2],
    /// Urgent pointer.
    pub urgent: [u8; 2],
}

/// FIN in the flags of a TCP header.
pub const FIN: u8 = 0x01;
/// SYN.
pub const SYN: u8 = 0x02;
/// RST.
pub const RST: u8 = 0x04;
/// ACK.
pub const ACK: u8 = 0x10;

/// Events, the rows of a table: RST, SYN, FIN, ACK, none of them.
pub const EVENTS: usize = 5;

/// The tables, in the layout of `dray_abi::Settings::tcp`: by direction (0 the client's packets while no reply was seen,
/// 1 the client's packets, 2 the real server's), then by [`event`].
///
/// With `secure` they are those of the `secure_tcp` defence. With `null_segments_close` a segment with none of the
/// four flags closes its connection, as in IPVS; without it changes nothing.
pub const fn tables(secure: bool, null_segments_close: bool) -> [[u64; EVENTS]; 3] {
    let none = if null_segments_close {
        row(b"CL CL CL CL CL CL CL CL CL CL CL")
    } else {
        row(b"NO ES SS SR FW TW CL CW LA LI SA")
    };
    if secure {
        [
            [
                row(b"CL CL CL SR CL CL CL CL LA LI CL"),
                row(b"SA ES ES SR SA SA SA SA SA SA SA"),
                row(b"CL FW SS TW FW TW CL CW LA LI TW"),
                row(b"ES ES SS ES FW TW CL CW CL LI ES"),
                none,
            ],
            [
                row(b"CL CL CL SR CL CL CL CL LA LI CL"),
                row(b"SR ES ES SR SR SR SR SR SR SR SA"),
                row(b"CL CW SS TW TW TW CL CW LA LI SA"),
                row(b"ES ES SS SR FW TW CL CW CL LI SA"),
                none,
            ],
            [
                row(b"CL CL SS CL CL TW CL CL CL CL CL"),
                row(b"SS ES SS SA SS SS SS SS SS LI SA"),
                row(b"TW FW SS TW FW TW CL TW LA LI TW"),
                row(b"ES ES SS ES FW TW CL CW LA ES ES"),
                none,
            ],
        ]
    } else {
        [
            [
                row(b"CL CL CL SR CL CL CL CL LA LI CL"),
                row(b"SR ES ES SR SR SR SR SR SR SR SR"),
                row(b"CL FW SS TW FW TW CL CW LA LI TW"),
                row(b"ES ES SS ES FW TW CL CW CL LI ES"),
                none,
            ],
            [
                row(b"CL CL CL SR CL CL CL CL LA LI SR"),
                row(b"SR ES ES SR SR SR SR SR SR SR SR"),
                row(b"CL CW SS TW TW TW CL CW LA LI TW"),
                row(b"ES ES SS ES FW TW CL CW CL LI ES"),
                none,
            ],
            [
                row(b"CL CL SS CL CL TW CL CL CL CL CL"),
                row(b"SS ES SS SR SS SS SS SS SS LI SR"),
                row(b"TW FW SS TW FW TW CL TW LA LI TW"),
                row(b"ES ES SS ES FW TW CL CW LA ES ES"),
                none,
            ],
        ]
    }
}

/// The event that a segment with these flags is, below [`EVENTS`].
#[inline(always)]
pub const fn event(flags: u8) -> usize {
    // By RST, SYN and FIN, two bits each.
    const CLOSING_OR_OPENING: u32 = 2 << (2 * FIN) | 1 << (2 * SYN) | 1 << (2 * (SYN | FIN));
    let rare = flags & (RST | SYN | FIN);
    if rare == 0 {
        // Nearly every segment: 3 with ACK, 4 without.
        (4 - (flags >> 4 & 1)) as usize
    } else {
        (CLOSING_OR_OPENING >> (2 * rare) & 3) as usize
    }
}

/// The state (by number, below 16) after an event, whose row this is.
#[inline(always)]
pub const fn after(row: u64, state: u8) -> u8 {
    (row >> ((state & 0xf) * 4)) as u8 & 0xf
}

/// Whether a segment with these flags, of RST, SYN, FIN and ACK, has ACK alone: in every table it leaves an established connection
/// as it is.
#[inline(always)]
pub const fn is_plain(flags: u8) -> bool {
    flags & (RST | SYN | FIN | ACK) == ACK
}

/// Whether a segment with these flags may open a connection: it has SYN and not RST, or with `sloppy` not RST.
#[inline(always)]
pub const fn opens(flags: u8, sloppy: bool) -> bool {
    flags & RST == 0 && (sloppy || is_new(flags))
}

/// Whether a segment with these flags is one that begins connections: it has SYN, whatever else.
#[inline(always)]
pub const fn is_new(flags: u8) -> bool {
    flags & SYN != 0
}

/// A row; states are in the kernel's order of columns, which is that of their numbers.
const fn row(states: &[u8]) -> u64 {
    table::row(
        states,
        &[
            *b"NO", *b"ES", *b"SS", *b"SR", *b"FW", *b"TW", *b"CL", *b"CW", *b"LA", *b"LI", *b"SA",
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::State::{self, *};

    const INPUT_ONLY: usize = 0;
    const INPUT: usize = 1;
    const OUTPUT: usize = 2;

    /// The state after a segment with these flags, in the usual tables.
    fn step(direction: usize, state: State, flags: u8) -> State {
        next(&tables(false, true)[direction], state, flags)
    }

    fn next(table: &[u64; EVENTS], state: State, flags: u8) -> State {
        State::from_number(after(table[event(flags)], state as u8)).unwrap()
    }

    fn tcp_states() -> impl Iterator<Item = State> {
        (0..11).map(|number| State::from_number(number).unwrap())
    }

    #[test]
    fn rst_comes_before_syn_before_fin_before_ack_for_all_flags() {
        for flags in 0..=u8::MAX {
            let expected = [RST, SYN, FIN, ACK]
                .iter()
                .position(|flag| flags & flag != 0)
                .unwrap_or(4);
            assert_eq!(event(flags), expected, "{flags:#x}");
        }
    }

    #[test]
    fn a_null_segment_closes_or_changes_nothing() {
        for direction in [INPUT_ONLY, INPUT, OUTPUT] {
            for state in tcp_states() {
                for secure in [false, true] {
                    let closing = tables(secure, true)[direction];
                    let careful = tables(secure, false)[direction];
                    assert_eq!(next(&closing, state, 0x08), Close);
                    assert_eq!(next(&careful, state, 0x08), state);
                }
            }
        }
    }

    #[test]
    fn plain_segments_leave_an_established_connection_as_it_is() {
        for secure in [false, true] {
            for table in tables(secure, true) {
                for flags in (0..=u8::MAX).filter(|flags| is_plain(*flags)) {
                    assert_eq!(next(&table, Established, flags), Established, "{flags:#x}");
                }
            }
        }
    }

    #[test]
    fn the_life_of_a_connection_in_direct_routing() {
        let mut state = None;
        let states = [SYN, ACK, FIN | ACK, ACK, SYN, RST, ACK, RST].map(|flags| {
            state = step(INPUT_ONLY, state, flags);
            state
        });
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

    #[test]
    fn the_life_of_a_connection_seen_from_both_sides() {
        let mut state = None;
        let segments = [
            (INPUT_ONLY, SYN),
            (OUTPUT, SYN | ACK),
            (INPUT, ACK),
            (INPUT, FIN | ACK),
            (OUTPUT, ACK),
            (OUTPUT, FIN | ACK),
            (INPUT, ACK),
        ];
        let states = segments.map(|(direction, flags)| {
            state = step(direction, state, flags);
            state
        });
        assert_eq!(
            states,
            [
                SynReceived,
                SynReceived,
                Established,
                CloseWait,
                CloseWait,
                TimeWait,
                TimeWait
            ]
        );
    }

    #[test]
    fn secure_tcp_differs_where_the_kernel_says_and_nowhere_else() {
        let (usual, secure) = (tables(false, true), tables(true, true));
        let mut different = vec![];
        for direction in [INPUT_ONLY, INPUT, OUTPUT] {
            for flags in [RST, SYN, FIN, ACK, 0] {
                for state in tcp_states() {
                    let before = next(&usual[direction], state, flags);
                    let after = next(&secure[direction], state, flags);
                    if before != after {
                        different.push((direction, flags, state, after));
                    }
                }
            }
        }
        let opened_anew = [
            None, FinWait, TimeWait, Close, CloseWait, LastAck, Listen, SynAck,
        ];
        let mut expected: Vec<_> = opened_anew
            .into_iter()
            .map(|state| (INPUT_ONLY, SYN, state, SynAck))
            .collect();
        expected.extend([
            (INPUT, RST, SynAck, Close),
            (INPUT, SYN, SynAck, SynAck),
            (INPUT, FIN, SynAck, SynAck),
            (INPUT, ACK, SynReceived, SynReceived),
            (INPUT, ACK, SynAck, SynAck),
            (OUTPUT, SYN, SynReceived, SynAck),
            (OUTPUT, SYN, SynAck, SynAck),
        ]);
        assert_eq!(different, expected);
    }

    #[test]
    fn only_syn_opens_and_with_sloppy_tcp_all_but_rst() {
        for (flags, strictly, sloppily) in [
            (SYN, true, true),
            (SYN | ACK, true, true),
            (SYN | FIN, true, true),
            (ACK, false, true),
            (0, false, true),
            (SYN | RST, false, false),
            (RST, false, false),
        ] {
            assert_eq!(opens(flags, false), strictly, "{flags:#x}");
            assert_eq!(opens(flags, true), sloppily, "{flags:#x}");
        }
    }
}
