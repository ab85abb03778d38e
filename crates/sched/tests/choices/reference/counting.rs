//! The schedulers that remember nothing: `lc`, `wlc`, `sed`, `nq`, `fo`, `ovf`, `twos`.

use dray_sched::{Kind, Load, Overhead};

use super::{Dest, Moment};

pub(super) fn pick(kind: Kind, rule: Overhead, list: &[Dest], now: &Moment) -> Option<u32> {
    let dest = match kind {
        Kind::LeastConnection => lc(rule, list, now),
        Kind::WeightedLeastConnection => wlc(rule, list, now),
        Kind::ShortestExpectedDelay => sed(list, now),
        Kind::NeverQueue => nq(list, now),
        Kind::Failover => fo(list, now),
        Kind::Overflow => ovf(list, now),
        Kind::PowerOfTwo => twos(rule, list, now),
        kind => panic!("{kind:?} remembers something"),
    };
    dest.map(|dest| dest.number)
}

pub(super) fn overhead(rule: Overhead, load: Load) -> i32 {
    let Load {
        active, inactive, ..
    } = load;
    let total = active.wrapping_add(inactive);
    let overhead = match rule {
        Overhead::Inactive => active.wrapping_mul(256).wrapping_add(inactive),
        Overhead::Total => active.wrapping_mul(256).wrapping_add(total),
    };
    overhead as i32
}

fn lc<'a>(rule: Overhead, list: &'a [Dest], now: &Moment) -> Option<&'a Dest> {
    let mut least: Option<(&Dest, u32)> = None;
    for dest in list {
        if now.overloaded(dest) || dest.weight == 0 {
            continue;
        }
        let load = overhead(rule, now.load(dest.number)) as u32;
        if least.is_none_or(|(_, lowest)| load < lowest) {
            least = Some((dest, load));
        }
    }
    least.map(|(dest, _)| dest)
}

pub(super) fn wlc<'a>(rule: Overhead, list: &'a [Dest], now: &Moment) -> Option<&'a Dest> {
    weighted(list, now, |dest| {
        i64::from(overhead(rule, now.load(dest.number)))
    })
}

fn sed<'a>(list: &'a [Dest], now: &Moment) -> Option<&'a Dest> {
    weighted(list, now, |dest| i64::from(now.active(dest)) + 1)
}

fn weighted<'a>(list: &'a [Dest], now: &Moment, load: impl Fn(&Dest) -> i64) -> Option<&'a Dest> {
    let mut open = list
        .iter()
        .filter(|dest| !now.overloaded(dest) && dest.weight > 0);
    let mut least = open.next()?;
    for dest in open {
        if load(least) * dest.weight > load(dest) * least.weight {
            least = dest;
        }
    }
    Some(least)
}

fn nq<'a>(list: &'a [Dest], now: &Moment) -> Option<&'a Dest> {
    let idle = |dest: &&Dest| !now.overloaded(dest) && dest.weight > 0 && now.active(dest) == 0;
    list.iter().find(idle).or_else(|| sed(list, now))
}

fn fo<'a>(list: &'a [Dest], now: &Moment) -> Option<&'a Dest> {
    heaviest(list.iter().filter(|dest| !now.overloaded(dest)))
}

fn ovf<'a>(list: &'a [Dest], now: &Moment) -> Option<&'a Dest> {
    let has_room =
        |dest: &&Dest| !now.overloaded(dest) && i64::from(now.active(dest)) <= dest.weight;
    heaviest(list.iter().filter(has_room))
}

/// The first of the heaviest; one without a weight is not among them.
fn heaviest<'a>(list: impl Iterator<Item = &'a Dest>) -> Option<&'a Dest> {
    let mut heaviest = None;
    let mut weight = 0;
    for dest in list {
        if dest.weight > weight {
            heaviest = Some(dest);
            weight = dest.weight;
        }
    }
    heaviest
}

fn twos<'a>(rule: Overhead, list: &'a [Dest], now: &Moment) -> Option<&'a Dest> {
    let open: Vec<_> = list
        .iter()
        .filter(|dest| !now.overloaded(dest) && dest.weight > 0)
        .collect();
    let mut one = *open.last()?;
    let mut other = None;
    let total = open
        .iter()
        .fold(0_i32, |total, dest| total.wrapping_add(dest.weight as i32))
        .wrapping_add(1) as u32;
    let mut draws = now
        .random
        .map(|random| ((u64::from(random) * u64::from(total)) >> 32) as i32);
    let (mut one_weight, mut one_load) = (-1, 0);
    let (mut other_weight, mut other_load) = (-1, 0);
    for dest in open {
        let weight = dest.weight as i32;
        draws = draws.map(|draw| draw.wrapping_sub(weight));
        if draws[0] <= 0 && one_weight == -1 {
            one = dest;
            one_weight = weight;
            one_load = overhead(rule, now.load(dest.number));
        }
        if draws[1] <= 0 && other_weight == -1 {
            other = Some(dest);
            other_weight = weight;
            other_load = overhead(rule, now.load(dest.number));
        }
    }
    let better = other_weight.wrapping_mul(one_load) > one_weight.wrapping_mul(other_load);
    Some(other.filter(|_| better).unwrap_or(one))
}
