//! CRC32c (Castagnoli), SCTP's checksum (RFC 9260 section 6.8), after a change of the packet's first bytes, without the bytes
//! behind them.
//!
//! A CRC is linear: that of two packets of equal length differs by the CRC of their difference, begun with 0. The difference of
//! two pairs of ports is four bytes with zeros behind. What zeros do to a CRC is linear, too, so for each power of two as
//! a number of zeros there is a table of what becomes of every half byte.

/// The polynomial, x³² left out. Bits are in the order in which they are sent: the highest one is x⁰.
const POLYNOMIAL: u32 = 0x82f6_3b78;

/// Bits of a length.
const BITS: usize = 16;

/// Half bytes of a CRC.
const HALVES: usize = 8;

/// By the binary logarithm of a number of zero bytes, then by the place of a half byte, the lowest first: what becomes of each.
static TABLES: [[[u32; 16]; HALVES]; BITS] = {
    let mut tables = [[[0; 16]; HALVES]; BITS];
    let mut bit = 0;
    while bit < BITS {
        let mut half = 0;
        while half < HALVES {
            let mut value = 0;
            while value < 16 {
                let crc = (value as u32) << (4 * half);
                tables[bit][half][value] = if bit == 0 {
                    after_zero(crc)
                } else {
                    after_zeros(after_zeros(crc, &tables[bit - 1]), &tables[bit - 1])
                };
                value += 1;
            }
            half += 1;
        }
        bit += 1;
    }
    tables
};

/// The checksum of a packet of `length` bytes, as it lies in it, when the first four bytes change from `old` to `new` (first
/// byte lowest). The checksum's own place counts as zero, before and after.
#[inline(always)]
pub(crate) fn after_change(checksum: [u8; 4], length: u16, old: u32, new: u32) -> [u8; 4] {
    let mut change = old ^ new;
    let mut bit = 0;
    while bit < BITS {
        if length >> bit & 1 != 0 {
            change = after_zeros(change, &TABLES[bit]);
        }
        bit += 1;
    }
    (u32::from_le_bytes(checksum) ^ change).to_le_bytes()
}

/// A CRC after as many zero bytes as this table is for.
#[inline(always)]
const fn after_zeros(crc: u32, table: &[[u32; 16]; HALVES]) -> u32 {
    let mut after = 0;
    let mut half = 0;
    while half < HALVES {
        after ^= table[half][(crc >> (4 * half)) as usize & 0xf];
        half += 1;
    }
    after
}

/// A CRC after one.
const fn after_zero(mut crc: u32) -> u32 {
    let mut bit = 0;
    while bit < 8 {
        crc = crc >> 1 ^ if crc & 1 == 0 { 0 } else { POLYNOMIAL };
        bit += 1;
    }
    crc
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
    fn every_bit_of_a_length_counts() {
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
