//! The Call-ID of a SIP message (RFC 3261 section 20.8), which tells calls apart: found byte by byte, so that the kernel's loop
//! helper can drive the search as well as a loop, by the rules of Linux's SIP parser (`nf_conntrack_sip`) as IPVS uses it.
//!
//! The header is `Call-ID` or `i`, in any case, at the start of a line other than the first. Its value is a word, or two with an
//! `@` between, of at most 255 bytes, and CR or LF follows at once. The first such header decides. One that is folded
//! over lines is not found.

use core::ops::ControlFlow;

/// The longest value, in bytes.
pub const LONGEST: u32 = 255;

/// A search for the Call-ID.
#[derive(Clone, Copy, Debug)]
pub struct CallId {
    state: State,
    /// Number of the value's first byte.
    start: u32,
    hash: [u64; 2],
    multipliers: [u64; 2],
}

#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In a line that does not matter any more.
    Line,
    /// Behind a CR that ends a line.
    Return,
    /// At the start of a line.
    Start,
    /// Behind so much of the name.
    C,
    Ca,
    Cal,
    Call,
    CallDash,
    CallDashI,
    /// Behind an `i`, which may be the compact name.
    Compact,
    /// Behind the name.
    Name,
    /// Behind the colon.
    Colon,
    /// In the value's first word.
    Word,
    /// Behind the `@`.
    At,
    /// In the value's second word.
    Domain,
    Found,
    /// There is none, or none that counts.
    Nothing,
}

impl CallId {
    /// A search. `multipliers` are secret odd numbers, and different ones.
    #[inline(always)]
    pub const fn new(multipliers: [u64; 2]) -> Self {
        Self {
            state: State::Line,
            start: 0,
            hash: multipliers,
            multipliers,
        }
    }

    /// Looks at the message's next byte, which has this number, until the search is over.
    #[inline(always)]
    pub fn step(&mut self, number: u32, byte: u8) -> ControlFlow<()> {
        let before = self.state;
        self.state = next(before, byte);
        match self.state {
            State::Found | State::Nothing => return ControlFlow::Break(()),
            State::Word | State::At | State::Domain => {}
            _ => return ControlFlow::Continue(()),
        }
        if before == State::Colon {
            self.start = number;
        }
        if number.wrapping_sub(self.start) >= LONGEST {
            self.state = State::Nothing;
            return ControlFlow::Break(());
        }
        let [first, second] = self.hash;
        let [by, by_other] = self.multipliers;
        self.hash = [mix(first, byte, by), mix(second, byte, by_other)];
        ControlFlow::Continue(())
    }

    /// A hash of the value, once it was found whole.
    #[inline(always)]
    pub fn found(&self) -> Option<[u64; 2]> {
        (self.state == State::Found).then_some(self.hash)
    }
}

#[inline(always)]
const fn mix(hash: u64, byte: u8, multiplier: u64) -> u64 {
    let product = (hash ^ byte as u64).wrapping_mul(multiplier);
    product ^ (product >> 32)
}

#[inline(always)]
const fn next(state: State, byte: u8) -> State {
    let lower = byte.to_ascii_lowercase();
    match (state, lower) {
        // Whatever a line starts with is part of it, as in Linux: an empty line hides the end of the one before.
        (State::Return, b'\n') => State::Start,
        (State::Start | State::Return, b'c') => State::C,
        (State::Start | State::Return, b'i') => State::Compact,
        (State::Start | State::Return, _) => State::Line,
        (State::C, b'a') => State::Ca,
        (State::Ca, b'l') => State::Cal,
        (State::Cal, b'l') => State::Call,
        (State::Call, b'-') => State::CallDash,
        (State::CallDash, b'i') => State::CallDashI,
        (State::CallDashI, b'd') => State::Name,
        (State::Compact, b'a'..=b'z') => State::Line,
        (State::Name | State::Compact, b' ') => State::Name,
        (State::Name | State::Compact, b':') => State::Colon,
        (State::Name | State::Compact, _) => State::Nothing,
        (State::Colon, b' ') => State::Colon,
        (State::Word, b'@') => State::At,
        (State::Word | State::Domain, b'\r' | b'\n') => State::Found,
        (State::Colon | State::Word, _) if is_word(byte) => State::Word,
        (State::At | State::Domain, _) if is_word(byte) => State::Domain,
        (State::Colon | State::Word | State::At | State::Domain, _) => State::Nothing,
        (State::Found | State::Nothing, _) => state,
        (_, b'\r') => State::Return,
        (_, b'\n') => State::Start,
        _ => State::Line,
    }
}

/// Whether a word may have this byte (RFC 3261 section 25.1).
#[inline(always)]
const fn is_word(byte: u8) -> bool {
    // A bit for each of the first 128 bytes.
    const WORD: u128 = {
        let others = *b"-.!%*_+`'~()<>:\\\"/[]?{}";
        let mut bits = 0;
        let mut byte = 0;
        while byte < 128 {
            if (byte as u8).is_ascii_alphanumeric() {
                bits |= 1 << byte;
            }
            byte += 1;
        }
        let mut at = 0;
        while at < others.len() {
            bits |= 1 << others[at];
            at += 1;
        }
        bits
    };
    const LOW: u64 = WORD as u64;
    const HIGH: u64 = (WORD >> 64) as u64;
    let bits = if byte & 0x40 == 0 { LOW } else { HIGH };
    byte < 128 && bits >> (byte & 0x3f) & 1 == 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MULTIPLIERS: [u64; 2] = [0x9e37_79b9_7f4a_7c15, 0xc2b2_ae3d_27d4_eb4f];

    fn search(message: &[u8]) -> Option<[u64; 2]> {
        let mut search = CallId::new(MULTIPLIERS);
        for (number, byte) in message.iter().enumerate() {
            if search.step(number as u32, *byte).is_break() {
                break;
            }
        }
        search.found()
    }

    /// What a message with this Call-ID gives.
    fn hash_of(value: &str) -> Option<[u64; 2]> {
        let hash = search(format!("\r\nCall-ID:{value}\r\n").as_bytes());
        assert!(hash.is_some(), "{value}");
        hash
    }

    fn invite(header: &str) -> String {
        format!(
            "INVITE sip:bob@biloxi.example SIP/2.0\r\nVia: SIP/2.0/UDP pc33;branch=z9hG4bK\r\n\
             Max-Forwards: 70\r\n{header}CSeq: 314159 INVITE\r\nContent-Length: 0\r\n\r\n"
        )
    }

    #[test]
    fn the_header_is_found_however_it_is_written() {
        let wanted = hash_of("a84b4c76e66710@pc33.atlanta.example");
        for header in [
            "Call-ID: a84b4c76e66710@pc33.atlanta.example\r\n",
            "call-id:a84b4c76e66710@pc33.atlanta.example\r\n",
            "CALL-ID   :   a84b4c76e66710@pc33.atlanta.example\r\n",
            "i: a84b4c76e66710@pc33.atlanta.example\r\n",
            "I:a84b4c76e66710@pc33.atlanta.example\n",
            "Call-ID: a84b4c76e66710@pc33.atlanta.example\r",
        ] {
            assert_eq!(search(invite(header).as_bytes()), wanted, "{header}");
        }
    }

    #[test]
    fn different_calls_have_different_hashes() {
        let calls = ["a", "b", "ab", "ba", "a@b", "a@c", "A", "aa", "a:"];
        let hashes: Vec<_> = calls.map(hash_of).into();
        for (index, hash) in hashes.iter().enumerate() {
            assert!(!hashes[..index].contains(hash), "{}", calls[index]);
        }
    }

    #[test]
    fn other_headers_are_not_mistaken_for_it() {
        for header in [
            "",
            "X-Call-ID: a\r\n",
            "Call-IDs: a\r\n",
            "Call: a\r\n",
            "In-Reply-To: a\r\n",
            "ii: a\r\n",
            " Call-ID: a\r\n",
        ] {
            assert_eq!(search(invite(header).as_bytes()), None, "{header}");
        }
        assert_eq!(
            search(b"Call-ID: a\r\n"),
            None,
            "the first line is a request"
        );
    }

    #[test]
    fn a_name_that_was_mistaken_does_not_hide_the_next_line() {
        for header in [
            "C\r\nCall-ID: a\r\n",
            "Call-\nCall-ID: a\r\n",
            "Cal: i\r\ni: a\r\n",
        ] {
            assert_eq!(search(invite(header).as_bytes()), hash_of("a"), "{header}");
        }
    }

    #[test]
    fn a_value_that_is_none_does_not_count() {
        for value in [
            "", "@", "a@", "a b", "a@b c", "a@b@c", "a;b", "\ta", "a\u{e9}",
        ] {
            let message = invite(&format!("Call-ID: {value}\r\n"));
            assert_eq!(search(message.as_bytes()), None, "{value:?}");
        }
    }

    #[test]
    fn a_value_has_at_most_255_bytes_and_an_end() {
        let longest = "x".repeat(255);
        assert!(search(invite(&format!("i: {longest}\r\n")).as_bytes()).is_some());
        assert_eq!(
            search(invite(&format!("i: {longest}x\r\n")).as_bytes()),
            None
        );
        assert_eq!(search(b"\ni: abc"), None);
    }

    #[test]
    fn the_words_characters_are_rfc_3261s() {
        let words: Vec<u8> = (0..=u8::MAX).filter(|byte| is_word(*byte)).collect();
        let mut expected = b"-.!%*_+`'~()<>:\\\"/[]?{}".to_vec();
        expected.extend((0..128u8).filter(u8::is_ascii_alphanumeric));
        expected.sort_unstable();
        assert_eq!(words, expected);
    }

    proptest! {
        #[test]
        fn any_bytes_lead_to_an_end(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let _ = search(&bytes);
        }

        #[test]
        fn every_call_is_found_by_its_own_hash(value in "[a-z0-9.-]{1,100}(@[a-z0-9.-]{1,100})?", more in "[a-z0-9]") {
            let message = invite(&format!("Call-ID: {value}\r\n"));
            prop_assert_eq!(search(message.as_bytes()), hash_of(&value));
            prop_assert_ne!(search(message.as_bytes()), hash_of(&format!("{value}{more}")));
        }
    }
}
