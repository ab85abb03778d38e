//! CRC32c (Castagnoli), SCTP's checksum (RFC 9260 section 6.8), after a change of the packet's first bytes, without the bytes
//! behind them.
//!
//! A CRC is linear: that of two packets of equal length differs by the CRC of their difference, begun with 0. The difference of
//! two pairs of ports is four bytes with zeros behind, and zeros do nothing but multiply by powers of x, modulo the
//! polynomial.

/// The polynomial, x³² left out. Bits are in the order in which they are sent: the highest one is x⁰.
const POLYNOMIAL: u32 = 0x82f6_3b78;

/// x⁰.
const ONE: u32 = 1 << 31;

/// Digits to the base 16 of a length.
const DIGITS: usize = 4;

/// By place and value of a digit: x to the power of eight times so many.
static POWERS: [[u32; 16]; DIGITS] = {
    let mut powers = [[ONE; 16]; DIGITS];
    // x⁸
    let mut unit = ONE >> 8;
    let mut place = 0;
    while place < DIGITS {
        let mut value = 1;
        while value < 16 {
            powers[place][value] = multiply(powers[place][value - 1], unit);
            value += 1;
        }
        unit = multiply(powers[place][15], unit);
        place += 1;
    }
    powers
};

/// The checksum of a packet of `length` bytes, as it lies in it, when the first four bytes change from `old` to `new` (first
/// byte lowest). The checksum's own place counts as zero, before and after.
#[inline(always)]
pub(crate) fn after_change(checksum: [u8; 4], length: u16, old: u32, new: u32) -> [u8; 4] {
    let mut change = old ^ new;
    let mut place = 0;
    while place < DIGITS {
        let digit = (length >> (4 * place)) as usize & 0xf;
        change = multiply(change, POWERS[place][digit]);
        place += 1;
    }
    (u32::from_le_bytes(checksum) ^ change).to_le_bytes()
}

/// The product of two polynomials, modulo [`POLYNOMIAL`].
#[inline(always)]
const fn multiply(mut left: u32, mut right: u32) -> u32 {
    let mut product = 0;
    let mut bit = 0;
    while bit < u32::BITS {
        // All ones where there is a one.
        product ^= right & (left >> 31).wrapping_neg();
        left <<= 1;
        right = right >> 1 ^ POLYNOMIAL & (right & 1).wrapping_neg();
        bit += 1;
    }
    product
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sample::crc32c;

    #[test]
    fn the_plain_way_gives_the_check_value_of_the_algorithm() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }

    proptest! {
        #[test]
        fn a_changed_start_gives_the_checksum_from_scratch(
            mut bytes in prop::collection::vec(any::<u8>(), 4..3000),
            new in any::<[u8; 4]>(),
        ) {
            let before = crc32c(&bytes).to_le_bytes();
            let old = u32::from_le_bytes(bytes[..4].try_into().unwrap());
            bytes[..4].copy_from_slice(&new);
            let after = after_change(before, bytes.len() as u16, old, u32::from_le_bytes(new));
            prop_assert_eq!(after, crc32c(&bytes).to_le_bytes());
        }
    }

    #[test]
    fn every_digit_of_a_length_counts() {
        for length in [
            4usize, 0x10, 0xff, 0x100, 0xfff, 0x1000, 0x5555, 0xaaaa, 0xffff,
        ] {
            let mut bytes = vec![7; length];
            let before = crc32c(&bytes).to_le_bytes();
            bytes[..4].copy_from_slice(&[1, 2, 3, 4]);
            let (old, new) = (u32::from_le_bytes([7; 4]), u32::from_le_bytes([1, 2, 3, 4]));
            let after = after_change(before, length as u16, old, new);
            assert_eq!(after, crc32c(&bytes).to_le_bytes(), "{length:#x}");
        }
    }
}
