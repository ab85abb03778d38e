//! The tables of a pick in the test's own memory: what the host's copy of the schedulers picks from.

use std::{
    cell::Cell,
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use dray_sched::{
    Flow, LOCALITY_BUCKETS, LOCALITY_SLOTS, LOCALITY_WORDS, Load, Place, Scan, Standing, Tables,
};

use crate::Family;

/// A record by itself, and what is known of destinations, by number. Of others it is known that they have no connections.
pub(crate) struct Host {
    record: Vec<Cell<u64>>,
    locality: Vec<Cell<u64>>,
    pub(crate) live: BTreeMap<u32, Load>,
    pub(crate) standing: BTreeMap<u32, Standing>,
}

impl Host {
    pub(crate) fn of(record: &[u64]) -> Self {
        let locality = LOCALITY_BUCKETS * LOCALITY_SLOTS * LOCALITY_WORDS;
        Self {
            record: record.iter().copied().map(Cell::new).collect(),
            locality: vec![Cell::new(0); locality as usize],
            live: BTreeMap::new(),
            standing: BTreeMap::new(),
        }
    }

    /// Goes by another record from now on.
    pub(crate) fn publish(&mut self, record: &[u64]) {
        self.record = record.iter().copied().map(Cell::new).collect();
    }

    fn locality_word(&self, place: Place, word: u32) -> Option<&Cell<u64>> {
        let inside = place.slot < LOCALITY_SLOTS && word < LOCALITY_WORDS;
        let index = (place.bucket * LOCALITY_SLOTS + place.slot) * LOCALITY_WORDS + word;
        self.locality.get(index as usize).filter(|_| inside)
    }
}

impl Tables for Host {
    fn word(&self, index: u32) -> Option<u64> {
        self.record.get(index as usize).map(Cell::get)
    }

    fn advance(&self, index: u32) -> Option<u64> {
        let word = self.record.get(index as usize)?;
        Some(word.replace(word.get() + 1))
    }

    fn replace(&self, index: u32, old: u64, new: u64) -> bool {
        exchange(self.record.get(index as usize), old, new)
    }

    fn live(&self, destination: u32) -> Option<Load> {
        Some(self.live.get(&destination).copied().unwrap_or_default())
    }

    fn standing(&self, destination: u32) -> Option<Standing> {
        self.standing.get(&destination).copied()
    }

    fn locality(&self, place: Place, word: u32) -> Option<u64> {
        self.locality_word(place, word).map(Cell::get)
    }

    fn set_locality(&self, place: Place, word: u32, value: u64) {
        if let Some(word) = self.locality_word(place, word) {
            word.set(value);
        }
    }

    fn replace_locality(&self, place: Place, word: u32, old: u64, new: u64) -> bool {
        exchange(self.locality_word(place, word), old, new)
    }

    fn random(&self) -> u32 {
        unreachable!("the kernel's random numbers are its own")
    }

    fn scan<S: Scan<Self>>(&self, count: u32, scan: &mut S) {
        for index in 0..count {
            if scan.step(self, index).is_break() {
                break;
            }
        }
    }
}

fn exchange(word: Option<&Cell<u64>>, old: u64, new: u64) -> bool {
    match word {
        Some(word) if word.get() == old => {
            word.set(new);
            true
        }
        _ => false,
    }
}

/// What schedulers see of a packet for the service of this number.
pub(crate) fn flow(client: SocketAddr, vip: IpAddr, service: u32) -> Flow {
    let octets = match vip {
        IpAddr::V4(vip) => vip.to_ipv6_mapped().octets(),
        IpAddr::V6(vip) => vip.octets(),
    };
    let (head, tail) = octets.split_at(8);
    let word = |bytes: &[u8]| u64::from_ne_bytes(bytes.try_into().expect("eight bytes"));
    Flow {
        client: fold(client.ip()),
        client_port: client.port(),
        vip: fold(vip),
        vip_words: [word(head), word(tail)],
        service,
        tick: 0,
        hash: 0,
    }
}

fn fold(address: IpAddr) -> u32 {
    match address {
        IpAddr::V4(address) => address.to_bits(),
        IpAddr::V6(address) => {
            let bits = address.to_bits();
            (bits >> 96) as u32 ^ (bits >> 64) as u32 ^ (bits >> 32) as u32 ^ bits as u32
        }
    }
}

/// A client that looks random.
pub(crate) fn stranger(family: Family, number: u32) -> SocketAddr {
    let mixed = (number ^ 0x5bd1).wrapping_mul(0x9e37_79b1);
    let port = 1024 + (mixed >> 8) as u16 % 50_000;
    let address = match family {
        Family::V4 => IpAddr::V4(Ipv4Addr::from_bits(mixed | 0x0100_0000)),
        Family::V6 => IpAddr::V6((0x2001_0db8 << 96 | u128::from(mixed)).into()),
    };
    SocketAddr::new(address, port)
}
