//! The Internet checksum (RFC 1071), changed in place rather than computed anew (RFC 1624).

/// The IPv4 header checksum after the TTL went down by one.
///
/// The TTL is the high byte of its 16-bit word, so that word went down by 0x0100 and the checksum, its
/// complement, goes up by as much, with the carry added at the low end.
#[inline(always)]
pub const fn after_ttl_decrement(checksum: [u8; 2]) -> [u8; 2] {
    let sum = u16::from_be_bytes(checksum) as u32 + 0x0100;
    ((sum + (sum >= 0xffff) as u32) as u16).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 1071 over one TTL/protocol word and the rest of the header summed up in `rest`.
    fn from_scratch(ttl: u8, rest: u16) -> u16 {
        let sum = u32::from(ttl) << 8 | 6;
        let sum = sum + u32::from(rest);
        !((sum & 0xffff) + (sum >> 16)) as u16
    }

    #[test]
    fn it_agrees_with_a_checksum_from_scratch_for_every_rest_of_the_header() {
        for ttl in [1, 2, 64, 128, 255] {
            for rest in 0..=u16::MAX {
                let before = from_scratch(ttl, rest).to_be_bytes();
                let after = u16::from_be_bytes(after_ttl_decrement(before));
                let right = from_scratch(ttl - 1, rest);
                // 0x0000 and 0xffff are the same number in one's complement.
                assert_eq!(after % 0xffff, right % 0xffff, "ttl {ttl} rest {rest:#x}");
            }
        }
    }
}
