//! What is known of the way to each of many addresses.
//!
//! The network keeps this up to date, the control task acts on it, and copies go from one to the other, again and again, of which
//! each differs from the one before in a few of perhaps 100,000 addresses. So it is kept in parts, which copies share until one of
//! them changes a part: to copy it, and to find out what has changed since a copy was made, costs about what has changed.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::IpAddr,
    sync::Arc,
};

use crate::Resolution;

/// What is known of each followed address. Cheap to copy.
#[derive(Clone)]
pub struct Resolutions {
    parts: Vec<Arc<BTreeMap<IpAddr, Resolution>>>,
}

/// How many parts there are, a power of two. Of 100,000 addresses, a part has about a hundred.
const PARTS: usize = 1024;

impl Resolutions {
    /// What is known of an address, if it is followed.
    pub fn get(&self, address: &IpAddr) -> Option<&Resolution> {
        self.parts[part(*address)].get(address)
    }

    /// Notes what is known of an address.
    pub fn insert(&mut self, address: IpAddr, resolution: Resolution) {
        self.part_mut(address).insert(address, resolution);
    }

    /// Forgets an address.
    pub fn remove(&mut self, address: &IpAddr) {
        self.part_mut(*address).remove(address);
    }

    /// How many addresses there are.
    pub fn len(&self) -> usize {
        self.parts.iter().map(|part| part.len()).sum()
    }

    /// Whether nothing is known of any address.
    pub fn is_empty(&self) -> bool {
        self.parts.iter().all(|part| part.is_empty())
    }

    /// All addresses with what is known of them, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (&IpAddr, &Resolution)> {
        self.parts.iter().flat_map(|part| part.iter())
    }

    /// Addresses of which something else is known than in a copy of before, or of which only one of the two knows.
    pub fn changed_since(&self, before: &Self) -> BTreeSet<IpAddr> {
        let pairs = self.parts.iter().zip(&before.parts);
        let mut changed = BTreeSet::new();
        for (now, before) in pairs.filter(|(now, before)| !Arc::ptr_eq(now, before)) {
            let differs = now
                .iter()
                .filter(|(address, resolution)| before.get(address) != Some(resolution));
            changed.extend(differs.map(|(address, _)| *address));
            changed.extend(before.keys().filter(|address| !now.contains_key(address)));
        }
        changed
    }

    fn part_mut(&mut self, address: IpAddr) -> &mut BTreeMap<IpAddr, Resolution> {
        Arc::make_mut(&mut self.parts[part(address)])
    }
}

/// Which part an address belongs to. Neighbouring addresses belong to different ones.
fn part(address: IpAddr) -> usize {
    // 2⁶⁴ divided by the golden ratio scatters numbers that follow one another (Knuth, TAOCP volume 3, section 6.4).
    const SCATTER: u64 = 0x9e37_79b9_7f4a_7c15;
    let number = match address {
        IpAddr::V4(address) => address.to_bits().into(),
        IpAddr::V6(address) => {
            let bits = address.to_bits();
            (bits >> 64) as u64 ^ bits as u64
        }
    };
    (number.wrapping_mul(SCATTER) >> (u64::BITS - PARTS.ilog2())) as usize
}

impl Default for Resolutions {
    fn default() -> Self {
        Self {
            parts: vec![Arc::default(); PARTS],
        }
    }
}

impl fmt::Debug for Resolutions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl Extend<(IpAddr, Resolution)> for Resolutions {
    fn extend<I: IntoIterator<Item = (IpAddr, Resolution)>>(&mut self, resolutions: I) {
        for (address, resolution) in resolutions {
            self.insert(address, resolution);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;
    use crate::Unresolved;

    const LOCAL: Resolution = Resolution::Unresolved(Unresolved::Local);
    const NO_ROUTE: Resolution = Resolution::Unresolved(Unresolved::NoRoute);

    /// Addresses of both families that follow one another, and some of other networks.
    fn addresses() -> Vec<IpAddr> {
        let near = (0..5_000u32).map(|number| Ipv4Addr::from_bits(0x0a80_0000 + number).into());
        let six = (0..5_000u128).map(|number| Ipv6Addr::from_bits((0xfd00 << 112) + number).into());
        let far = (0..5_000u128)
            .map(|number| Ipv6Addr::from_bits((0xfd00 << 112) + (number << 64)).into());
        near.chain(six).chain(far.skip(1)).collect()
    }

    #[test]
    fn what_was_noted_is_there_until_it_is_forgotten() {
        let mut resolutions = Resolutions::default();
        let addresses = addresses();
        assert!(resolutions.is_empty());
        resolutions.extend(addresses.iter().map(|address| (*address, LOCAL)));
        assert_eq!(resolutions.len(), addresses.len());
        let listed: BTreeSet<IpAddr> = resolutions.iter().map(|(address, _)| *address).collect();
        assert_eq!(listed, addresses.iter().copied().collect());

        let (gone, left) = addresses.split_at(7);
        for address in gone {
            resolutions.remove(address);
            assert_eq!(resolutions.get(address), None);
        }
        assert!(
            left.iter()
                .all(|address| resolutions.get(address) == Some(&LOCAL))
        );
        assert_eq!(resolutions.len(), left.len());
    }

    #[test]
    fn a_copy_stays_as_it_is_and_tells_what_has_changed_since() {
        let mut now = Resolutions::default();
        let addresses = addresses();
        let (known, new) = addresses.split_at(9_000);
        now.extend(known.iter().map(|address| (*address, LOCAL)));
        let before = now.clone();
        assert_eq!(now.changed_since(&before), BTreeSet::new());

        now.insert(known[1], LOCAL);
        assert_eq!(now.changed_since(&before), BTreeSet::new());
        now.insert(known[2], NO_ROUTE);
        now.remove(&known[3]);
        now.insert(new[4], LOCAL);
        let changed = BTreeSet::from([known[2], known[3], new[4]]);
        assert_eq!(now.changed_since(&before), changed);
        assert_eq!(before.changed_since(&now), changed);
        assert_eq!(before.len(), known.len());
        assert!(
            known
                .iter()
                .all(|address| before.get(address) == Some(&LOCAL))
        );
    }

    #[test]
    fn no_part_has_many_more_addresses_than_others() {
        let mut counts = vec![0; PARTS];
        let addresses = addresses();
        for address in &addresses {
            counts[part(*address)] += 1;
        }
        let fair = addresses.len() / PARTS;
        assert!(counts.iter().all(|count| *count <= 3 * fair), "{counts:?}");
    }
}
