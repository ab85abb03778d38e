//! `dh`, `sh` and `mh`.

use std::hash::Hasher;

use dray_sched::Kind;
use siphasher::sip::SipHasher13;

use super::{Dest, Moment};

const BUCKETS: usize = 256;
const SLOTS: usize = 4093;
const PLACE: u64 = 2_654_435_761;
const STRIDE: u64 = 2_654_446_892;

/// The destinations of all buckets, by number.
pub(super) fn build(kind: Kind, list: &[Dest]) -> Vec<Option<u32>> {
    match kind {
        Kind::DestinationHash => deal(list, |_| 1),
        Kind::SourceHash { .. } => deal(list, |dest| dest.weight.clamp(1, BUCKETS as i64)),
        Kind::MaglevHash { .. } => maglev(list),
        kind => panic!("{kind:?} has no table"),
    }
}

/// So many buckets in a row to each, round after round.
fn deal(list: &[Dest], buckets: impl Fn(&Dest) -> i64) -> Vec<Option<u32>> {
    let mut table = Vec::new();
    if list.is_empty() {
        table.resize(BUCKETS, None);
    }
    while table.len() < BUCKETS {
        for dest in list {
            for _ in 0..buckets(dest) {
                if table.len() < BUCKETS {
                    table.push(Some(dest.number));
                }
            }
        }
    }
    table
}

fn maglev(list: &[Dest]) -> Vec<Option<u32>> {
    let mut table = vec![None; SLOTS];
    let weights = || {
        list.iter()
            .map(|dest| dest.last_weight)
            .filter(|weight| *weight > 0)
    };
    let Some(divisor) = weights().reduce(gcd) else {
        return table;
    };
    let greatest = weights().max().unwrap_or(0) / divisor;
    let bits = (64 - greatest.leading_zeros()).saturating_sub(6);
    let mut walks: Vec<_> = list
        .iter()
        .map(|dest| {
            let key = dest.address.wrapping_add(u32::from(dest.port));
            let turns = match (dest.last_weight / divisor) >> bits {
                0 => i64::from(dest.last_weight != 0),
                turns => turns,
            };
            let place = hash(PLACE, key) as usize % SLOTS;
            let stride = hash(STRIDE, key) as usize % (SLOTS - 1) + 1;
            (dest.number, turns, place, stride)
        })
        .collect();
    let mut free = SLOTS;
    loop {
        for (number, turns, place, stride) in &mut walks {
            for _ in 0..*turns {
                while table[*place].is_some() {
                    *place = (*place + *stride) % SLOTS;
                }
                table[*place] = Some(*number);
                free -= 1;
                if free == 0 {
                    return table;
                }
            }
        }
    }
}

pub(super) fn pick(kind: Kind, table: &[Option<u32>], list: &[Dest], now: &Moment) -> Option<u32> {
    let usable = |number: u32| {
        list.iter()
            .any(|dest| dest.number == number && dest.weight > 0 && !now.overloaded(dest))
    };
    let flow = now.flow;
    let key = |port: bool| match port {
        true => flow.client.wrapping_add(u32::from(flow.client_port)),
        false => flow.client,
    };
    match kind {
        Kind::DestinationHash => table[bucket(flow.vip)].filter(|number| usable(*number)),
        Kind::SourceHash { fallback, port } => {
            let own = bucket(key(port));
            let probe = |offset: usize| (offset + own) % BUCKETS;
            probed(table, usable, own, fallback, |offset| probe(probe(offset)))
        }
        Kind::MaglevHash { fallback, port } => {
            let slot =
                |offset: usize| hash(PLACE, key(port).wrapping_add(offset as u32)) as usize % SLOTS;
            let own = slot(0);
            probed(table, usable, own, fallback, |offset| {
                slot((offset + own) % SLOTS)
            })
        }
        kind => panic!("{kind:?} has no table"),
    }
}

/// The client's own destination, or with `fallback` that of the first probe that is usable. An empty bucket ends it all.
fn probed(
    table: &[Option<u32>],
    usable: impl Fn(u32) -> bool,
    own: usize,
    fallback: bool,
    probe: impl Fn(usize) -> usize,
) -> Option<u32> {
    let number = table[own]?;
    if usable(number) {
        return Some(number);
    }
    if !fallback {
        return None;
    }
    for offset in 0..table.len() {
        let number = table[probe(offset)]?;
        if usable(number) {
            return Some(number);
        }
    }
    None
}

fn bucket(value: u32) -> usize {
    (value.wrapping_mul(0x61c8_8647) >> 24) as usize
}

fn hash(key: u64, value: u32) -> u32 {
    let mut hash = SipHasher13::new_with_keys(key, key);
    hash.write(&value.to_le_bytes());
    hash.finish() as u32
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
