//! The connection table's hash.
//!
//! Which bucket a connection falls into must not be for the client to choose, so the hash is keyed: multiply
//! each 32-bit word by a secret odd 64-bit number and add up. That is universal (Dietzfelbinger: two different
//! keys meet in the high bits with the probability of chance, whatever they are), and the multiplications do
//! not wait for one another. But the sums of consecutive ports, which is what clients use, lie at equal distances,
//! and so could fall into few buckets; one more multiplication of the folded sum scatters them.

/// Multipliers: eight for words of addresses, one for the ports, one for the protocol, one that scatters.
pub type Multipliers = [u64; 11];

const PORTS: usize = 8;
const PROTOCOL: usize = 9;
const SCATTER: usize = 10;

/// Where a connection belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place(u64);

impl Place {
    /// Of an IPv4 connection's key.
    #[inline(always)]
    pub const fn of4(key: &[u64; 2], multipliers: &Multipliers) -> Self {
        let sum = word(key[0], multipliers[0], multipliers[1]);
        Self(scatter(
            sum.wrapping_add(tail(key[1], multipliers)),
            multipliers,
        ))
    }

    /// Of an IPv6 connection's key.
    #[inline(always)]
    pub const fn of6(key: &[u64; 5], multipliers: &Multipliers) -> Self {
        let client = word(key[0], multipliers[0], multipliers[1]).wrapping_add(word(
            key[1],
            multipliers[2],
            multipliers[3],
        ));
        let vip = word(key[2], multipliers[4], multipliers[5]).wrapping_add(word(
            key[3],
            multipliers[6],
            multipliers[7],
        ));
        let sum = client.wrapping_add(vip);
        Self(scatter(
            sum.wrapping_add(tail(key[4], multipliers)),
            multipliers,
        ))
    }

    /// Its home among `buckets`.
    #[inline(always)]
    pub const fn home(self, buckets: u32) -> u32 {
        scale(self.0, buckets)
    }

    /// The bucket that it goes to when its home is full.
    #[inline(always)]
    pub const fn other(self, buckets: u32, multipliers: &Multipliers) -> u32 {
        scale(scatter(self.0, multipliers), buckets)
    }

    /// The slot of a bucket at which a search begins (to be taken modulo the bucket's slots).
    #[inline(always)]
    pub const fn first_slot(self) -> usize {
        (self.0 >> 24) as u8 as usize
    }
}

/// A hash of a flow without a key: directors that must agree use this one.
#[inline(always)]
pub const fn of_flow(key: &[u64]) -> u32 {
    let mut hash = 0x9e37_79b9_7f4a_7c15_u64;
    let mut rest = key;
    while let [first, others @ ..] = rest {
        hash = (hash ^ *first).wrapping_mul(0xff51_afd7_ed55_8ccd);
        hash ^= hash >> 32;
        rest = others;
    }
    hash as u32
}

#[inline(always)]
const fn word(pair: u64, low: u64, high: u64) -> u64 {
    ((pair as u32) as u64)
        .wrapping_mul(low)
        .wrapping_add((pair >> 32).wrapping_mul(high))
}

#[inline(always)]
const fn tail(ports_protocol: u64, multipliers: &Multipliers) -> u64 {
    word(ports_protocol, multipliers[PORTS], multipliers[PROTOCOL])
}

/// Spreads numbers at equal distances over all of 64 bits; a permutation.
#[inline(always)]
const fn scatter(sum: u64, multipliers: &Multipliers) -> u64 {
    (sum ^ (sum >> 32)).wrapping_mul(multipliers[SCATTER])
}

/// The high half of a hash, scaled to `0..buckets`.
#[inline(always)]
const fn scale(hash: u64, buckets: u32) -> u32 {
    (((hash >> 32) * buckets as u64) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn multipliers() -> impl Strategy<Value = Multipliers> {
        prop::array::uniform11(any::<u64>().prop_map(|number| number | 1))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn consecutive_ports_spread_over_the_buckets(multipliers in multipliers(), client in any::<u32>()) {
            const BUCKETS: u32 = 1000;
            let mut load = vec![0u32; BUCKETS as usize];
            for port in 0..20_000u16 {
                let ports = u32::from_ne_bytes([(port >> 8) as u8, port as u8, 0, 80]);
                let key = [u64::from(client), u64::from(ports) | 6 << 32];
                load[Place::of4(&key, &multipliers).home(BUCKETS) as usize] += 1;
            }
            // 20 on average; of a thousand such numbers drawn by chance the highest is about 40.
            prop_assert!(*load.iter().max().unwrap() < 100);
        }

        #[test]
        fn neighbouring_hosts_and_ports_overflow_no_more_buckets_than_chance_does(multipliers in multipliers()) {
            const BUCKETS: u32 = 1536;
            let mut load = vec![0u32; BUCKETS as usize];
            let mut overflowing = 0;
            for (host, port) in (0..41).flat_map(|host| (10_000..10_100u16).map(move |port| (host, port))) {
                let client = u32::from_ne_bytes([192, 0, 2, host]);
                let ports = u32::from_ne_bytes([(port >> 8) as u8, port as u8, 0, 80]);
                let key = [u64::from(client), u64::from(ports) | 6 << 32];
                let load = &mut load[Place::of4(&key, &multipliers).home(BUCKETS) as usize];
                *load += 1;
                overflowing += u32::from(*load > 8);
            }
            // A third of the slots: by chance 3 of 4100 connections, and in 50,000 trials never more than 19.
            prop_assert!(overflowing < 40, "{}", overflowing);
        }

        #[test]
        fn buckets_are_in_range(multipliers in multipliers(), key in any::<[u64; 5]>(), buckets in 1u32..) {
            let place = Place::of6(&key, &multipliers);
            prop_assert!(place.home(buckets) < buckets);
            prop_assert!(place.other(buckets, &multipliers) < buckets);
        }
    }

    #[test]
    fn the_unkeyed_hash_is_the_same_on_every_director() {
        assert_eq!(of_flow(&[1, 2]), of_flow(&[1, 2]));
        assert_ne!(of_flow(&[1, 2]), of_flow(&[2, 1]));
    }
}
