//! FULLNAT's local addresses.
//!
//! Packets read how many there are and then one of them. Those that stay keep their places, so that hardly anything is written
//! that packets read; where an address of more than one word changes, packets see none of its family meanwhile.

use std::net::IpAddr;

use dray_abi::{LOCAL_ADDRESSES, LocalAddress};
use dray_model::{DataPlaneError, LocalAddresses};

use crate::{KernelDataPlane, apply::wait_for_packets, maps::Maps, wire};

/// Makes these the addresses and ports of connections that begin from now on.
pub(crate) fn set(
    plane: &mut KernelDataPlane,
    locals: &LocalAddresses,
) -> Result<(), DataPlaneError> {
    let settings = plane.maps.settings();
    let (ipv4, ipv6): (Vec<IpAddr>, Vec<IpAddr>) = locals
        .addresses
        .iter()
        .partition(|address| address.is_ipv4());
    let ipv4 = Stretch::new(&plane.maps, 0, settings.locals & 0xffff, &ipv4)?;
    let ipv6 = Stretch::new(&plane.maps, LOCAL_ADDRESSES, settings.locals >> 16, &ipv6)?;
    let first = *locals.ports.start();
    let ports = u16::try_from(locals.ports.len()).unwrap_or(u16::MAX);
    plane.maps.store_local_ports(first, ports);
    if ipv4.stays() && ipv6.stays() {
        return Ok(());
    }
    plane.maps.store_locals(ipv4.seen(), ipv6.seen());
    // Packets may still be reading what was given up a moment ago.
    wait_for_packets(plane);
    ipv4.write(&plane.maps);
    ipv6.write(&plane.maps);
    let count = |stretch: &Stretch| stretch.wanted.len() as u16;
    plane.maps.store_locals(count(&ipv4), count(&ipv6));
    Ok(())
}

/// The addresses of one family: what is there, and what is to be there.
struct Stretch {
    /// Index of the first one.
    first: u32,
    present: Vec<LocalAddress>,
    wanted: Vec<LocalAddress>,
}

impl Stretch {
    fn new(maps: &Maps, first: u32, count: u32, wanted: &[IpAddr]) -> Result<Self, DataPlaneError> {
        if wanted.len() > LOCAL_ADDRESSES as usize {
            return Err(DataPlaneError::Full {
                what: "more local addresses of a family",
                room: u64::from(LOCAL_ADDRESSES),
                cure: "give fewer of them and a larger range of ports",
            });
        }
        let present: Vec<LocalAddress> = (first..first + count.min(LOCAL_ADDRESSES))
            .filter_map(|index| maps.locals.read(index))
            .collect();
        let wanted: Vec<LocalAddress> = wanted
            .iter()
            .map(|address| wire::address_bytes(*address))
            .collect();
        Ok(Self {
            first,
            wanted: arranged(&present, &wanted),
            present,
        })
    }

    /// Whether nothing is to be done.
    fn stays(&self) -> bool {
        self.present == self.wanted
    }

    /// How many packets may see while they are written.
    fn seen(&self) -> u16 {
        let mut both = self.present.iter().zip(&self.wanted);
        if both.any(|(old, new)| tears(*old, *new)) {
            return 0;
        }
        self.present.len().min(self.wanted.len()) as u16
    }

    fn write(&self, maps: &Maps) {
        for (address, index) in self.wanted.iter().zip(self.first..) {
            maps.locals.write(index, *address);
        }
    }
}

/// Whether a packet could see half of the one and half of the other: each word is written whole.
fn tears(old: LocalAddress, new: LocalAddress) -> bool {
    let words = |address: LocalAddress| -> [u64; 2] { zerocopy::transmute!(address) };
    let (old, new) = (words(old), words(new));
    old[0] != new[0] && old[1] != new[1]
}

/// The wanted addresses, those that are present in the places that they have, if there are as many places.
fn arranged(present: &[LocalAddress], wanted: &[LocalAddress]) -> Vec<LocalAddress> {
    let places = &present[..present.len().min(wanted.len())];
    let mut others = wanted.iter().filter(|address| !places.contains(address));
    (0..wanted.len())
        .filter_map(|place| {
            let kept = places.get(place).filter(|address| wanted.contains(address));
            kept.or_else(|| others.next()).copied()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn addresses(lasts: &[u8]) -> Vec<LocalAddress> {
        let address = |last: &u8| wire::address_bytes([10, 0, 0, *last].into());
        lasts.iter().map(address).collect()
    }

    #[test]
    fn addresses_that_stay_keep_their_places() {
        let arranged = |present: &[u8], wanted: &[u8]| -> Vec<u8> {
            let arranged = arranged(&addresses(present), &addresses(wanted));
            arranged.iter().map(|address| address[15]).collect()
        };
        assert_eq!(arranged(&[], &[2, 1]), [2, 1]);
        assert_eq!(arranged(&[1, 2, 3], &[3, 4, 1]), [1, 4, 3]);
        assert_eq!(arranged(&[1, 2, 3], &[3, 2]), [3, 2]);
        assert_eq!(arranged(&[1, 2], &[3, 2, 1]), [1, 2, 3]);
        assert_eq!(arranged(&[1, 2], &[]), Vec::<u8>::new());
    }

    #[test]
    fn ipv4_addresses_and_neighbours_change_in_one_piece() {
        let address = |text: &str| wire::address_bytes(text.parse().unwrap());
        assert!(!tears(address("10.0.0.1"), address("192.0.2.7")));
        assert!(!tears(address("fd00::1"), address("fd00::2")));
        assert!(!tears(address("fd00::1"), address("fd01::1")));
        assert!(tears(address("fd00::1"), address("fd01::2")));
    }

    proptest! {
        #[test]
        fn all_that_are_wanted_are_there_and_no_others(
            present in proptest::sample::subsequence((0..20).collect::<Vec<u8>>(), 0..20).prop_shuffle(),
            wanted in proptest::sample::subsequence((0..20).collect::<Vec<u8>>(), 0..20).prop_shuffle(),
        ) {
            let (present, wanted) = (addresses(&present), addresses(&wanted));
            let mut arranged = arranged(&present, &wanted);
            arranged.sort_unstable();
            let mut sorted = wanted;
            sorted.sort_unstable();
            prop_assert_eq!(arranged, sorted);
        }
    }
}
