//! The two hash functions with which IPVS spreads clients and destinations.

/// The kernel's multiplicative hash (`hash_32`): the upper `BITS` bits of `value` times 2³²/φ.
#[inline(always)]
pub(crate) const fn hash32<const BITS: u32>(value: u32) -> u32 {
    const { assert!(BITS >= 1 && BITS <= 32) };
    value.wrapping_mul(0x61c8_8647) >> (32 - BITS)
}

/// The kernel's `hsiphash` of one 32-bit word, as 64-bit kernels compute it: the lower half of SipHash-1-3 of the word's four
/// little-endian bytes. Both halves of the 128-bit key are `key`, as in all of IPVS's keys.
#[inline(always)]
pub(crate) const fn hsiphash(key: u64, value: u32) -> u32 {
    // A message of four bytes is one block: the bytes, and the length in the top byte.
    let block = (4 << 56) | value as u64;
    let state = State {
        v0: 0x736f_6d65_7073_6575 ^ key,
        v1: 0x646f_7261_6e64_6f6d ^ key,
        v2: 0x6c79_6765_6e65_7261 ^ key,
        v3: 0x7465_6462_7974_6573 ^ key ^ block,
    };
    let mut state = state.round();
    state.v0 ^= block;
    state.v2 ^= 0xff;
    let end = state.round().round().round();
    (end.v0 ^ end.v1 ^ end.v2 ^ end.v3) as u32
}

#[derive(Clone, Copy)]
struct State {
    v0: u64,
    v1: u64,
    v2: u64,
    v3: u64,
}

impl State {
    #[inline(always)]
    const fn round(self) -> Self {
        let Self { v0, v1, v2, v3 } = self;
        let v0 = v0.wrapping_add(v1);
        let v1 = v1.rotate_left(13) ^ v0;
        let v0 = v0.rotate_left(32);
        let v2 = v2.wrapping_add(v3);
        let v3 = v3.rotate_left(16) ^ v2;
        let v0 = v0.wrapping_add(v3);
        let v3 = v3.rotate_left(21) ^ v0;
        let v2 = v2.wrapping_add(v1);
        let v1 = v1.rotate_left(17) ^ v2;
        let v2 = v2.rotate_left(32);
        Self { v0, v1, v2, v3 }
    }
}

/// An address as IPVS's hashing schedulers see it: an IPv4 address as a number, the XOR of the four words of an IPv6 address.
#[cfg(feature = "host")]
pub(crate) fn fold(address: core::net::IpAddr) -> u32 {
    match address {
        core::net::IpAddr::V4(address) => address.to_bits(),
        core::net::IpAddr::V6(address) => {
            let bits = address.to_bits();
            (bits >> 96) as u32 ^ (bits >> 64) as u32 ^ (bits >> 32) as u32 ^ bits as u32
        }
    }
}

#[cfg(all(test, feature = "host"))]
mod tests {
    use core::hash::Hasher;

    use proptest::prelude::*;
    use siphasher::sip::SipHasher13;

    use super::*;

    fn number(address: &str) -> u32 {
        fold(address.parse().unwrap())
    }

    #[test]
    fn hash32_gives_the_known_buckets() {
        for (address, eight, ten, with_port) in [
            ("10.0.0.1", 39, 159, 134),
            ("10.0.0.2", 137, 550, 232),
            ("192.168.1.100", 89, 357, 184),
            ("203.0.113.77", 57, 230, 152),
            ("172.16.5.9", 115, 460, 209),
        ] {
            let client = number(address);
            assert_eq!(hash32::<8>(client), eight, "{address}");
            assert_eq!(hash32::<10>(client), ten, "{address}");
            assert_eq!(
                hash32::<8>(client + 12345),
                with_port,
                "{address} port 12345"
            );
        }
    }

    #[test]
    fn an_ipv6_address_folds_into_the_xor_of_its_words() {
        for (address, folded, bucket) in [
            ("2001:db8::1", 0x2001_0db9, 63),
            ("2001:db8::2", 0x2001_0dba, 160),
            ("fd00::1:2:3:4", 0xfd02_0006, 130),
        ] {
            assert_eq!(number(address), folded, "{address}");
            assert_eq!(hash32::<8>(folded), bucket, "{address}");
        }
    }

    #[test]
    fn hsiphash_gives_the_known_values() {
        for (address, first, second) in [
            ("10.0.0.1", 0x0308_0ce4, 0x48f9_d0c1),
            ("10.0.0.2", 0x41cf_de13, 0xc537_a6e5),
            ("192.168.1.100", 0xc15d_2cf8, 0x4f7e_dae2),
            ("203.0.113.77", 0xd668_af81, 0x76a3_e4cc),
            ("172.16.5.9", 0x4bc1_96de, 0x3f86_f92b),
        ] {
            assert_eq!(hsiphash(2_654_435_761, number(address)), first, "{address}");
            assert_eq!(
                hsiphash(2_654_446_892, number(address)),
                second,
                "{address}"
            );
        }
    }

    proptest! {
        #[test]
        fn hsiphash_is_the_lower_half_of_siphash_1_3(key: u64, value: u32) {
            let mut reference = SipHasher13::new_with_keys(key, key);
            reference.write(&value.to_le_bytes());
            prop_assert_eq!(hsiphash(key, value), reference.finish() as u32);
        }
    }
}
