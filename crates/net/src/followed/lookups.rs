//! Which addresses the kernel is asked the route of next. A batch costs what it gives, however much is left.
//!
//! New addresses come first, and all at once, so that there is one map of all of them. Then come, some at a time, those whose
//! route may have changed, so that a neighbour's news need not wait for 100,000 answers.
//!
//! Doubt comes in spans of addresses: the prefix of a route, or a whole family when the host has another rule. A span is as
//! quickly noted over 100,000 followed addresses as over one. The doubted are asked for in rounds: what is doubted during a
//! round waits for the next, so that what changes all the time does not keep the rest waiting.
//!
//! What is only suspected is not asked for before somebody says so: the host has another address, and of what follows from that
//! the kernel tells the most by itself, as news of routes. 10,000 VIPs that come one by one must not cost 10,000 rounds.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
    net::IpAddr,
    ops::RangeInclusive,
};

/// How many routes are asked for again before neighbours' news is looked at.
pub(super) const AGAIN: usize = 256;

#[derive(Default)]
pub(super) struct Lookups {
    /// Addresses whose route was not asked for yet.
    new: BTreeSet<IpAddr>,
    /// What is left of the round that is under way, the last span first.
    round: Vec<RangeInclusive<IpAddr>>,
    next_round: Spans,
    suspected: Spans,
}

/// Spans of addresses: the last address of each by its first. No two overlap.
#[derive(Default)]
struct Spans(BTreeMap<IpAddr, IpAddr>);

impl Lookups {
    /// Asks for the route of an address for the first time.
    pub(super) fn add(&mut self, address: IpAddr) {
        self.new.insert(address);
    }

    /// The address is not followed any more.
    pub(super) fn remove(&mut self, address: IpAddr) {
        self.new.remove(&address);
    }

    /// Asks again for the routes of the followed addresses in this span.
    pub(super) fn doubt(&mut self, span: RangeInclusive<IpAddr>) {
        self.next_round.add(span);
    }

    /// Asks for those in this span after the next [`Lookups::look_into_suspects`].
    pub(super) fn suspect(&mut self, span: RangeInclusive<IpAddr>) {
        self.suspected.add(span);
    }

    /// Whether something is suspected.
    pub(super) fn has_suspects(&self) -> bool {
        !self.suspected.0.is_empty()
    }

    /// Asks for what is suspected.
    pub(super) fn look_into_suspects(&mut self) {
        for (first, last) in mem::take(&mut self.suspected).0 {
            self.next_round.add(first..=last);
        }
    }

    /// Whether there is nothing to ask for now.
    pub(super) fn is_empty(&self) -> bool {
        self.new.is_empty() && self.round.is_empty() && self.next_round.0.is_empty()
    }

    /// The addresses to ask for next. All of them must be asked for.
    pub(super) fn take<T>(&mut self, followed: &BTreeMap<IpAddr, T>) -> Vec<IpAddr> {
        if !self.new.is_empty() {
            return mem::take(&mut self.new).into_iter().collect();
        }
        if self.round.is_empty() {
            let spans = mem::take(&mut self.next_round).0.into_iter().rev();
            self.round = spans.map(|(first, last)| first..=last).collect();
        }
        let mut batch = Vec::new();
        while batch.len() < AGAIN
            && let Some(span) = self.round.pop()
        {
            let last = *span.end();
            let mut doubted = followed.range(span).map(|(address, _)| *address);
            batch.extend(doubted.by_ref().take(AGAIN - batch.len()));
            self.round.extend(doubted.next().map(|left| left..=last));
        }
        batch
    }
}

impl Spans {
    /// Adds one, as part of what it overlaps.
    fn add(&mut self, span: RangeInclusive<IpAddr>) {
        let (mut first, mut last) = span.into_inner();
        if let Some((&earlier, &reaches)) = self.0.range(..first).next_back()
            && reaches >= first
        {
            first = earlier;
        }
        while let Some((&inner, &reaches)) = self.0.range(first..=last).next() {
            self.0.remove(&inner);
            last = last.max(reaches);
        }
        self.0.insert(first, last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    fn followed(addresses: impl IntoIterator<Item = IpAddr>) -> BTreeMap<IpAddr, ()> {
        addresses.into_iter().map(|address| (address, ())).collect()
    }

    /// The last parts of all addresses that are still to be asked for.
    fn all_of(lookups: &mut Lookups, followed: &BTreeMap<IpAddr, ()>) -> Vec<u8> {
        let mut all = Vec::new();
        while !lookups.is_empty() {
            let batch = lookups.take(followed);
            all.extend(batch.iter().map(|address| match address {
                IpAddr::V4(address) => address.octets()[3],
                IpAddr::V6(address) => address.octets()[15],
            }));
        }
        all
    }

    #[test]
    fn new_addresses_come_first_and_once() {
        let followed = followed((0..10).map(ip));
        let mut lookups = Lookups::default();
        lookups.doubt(ip(0)..=ip(3));
        for address in [ip(9), ip(7), ip(9), ip(8)] {
            lookups.add(address);
        }
        lookups.remove(ip(8));
        assert_eq!(lookups.take(&followed), [ip(7), ip(9)]);
        assert_eq!(lookups.take(&followed), [ip(0), ip(1), ip(2), ip(3)]);
        assert!(lookups.is_empty());
    }

    #[test]
    fn doubt_is_of_followed_addresses_only_and_of_each_once_a_round() {
        let even = followed((0..=50).map(|half| ip(2 * half)));
        let spans: [&[[u8; 2]]; 7] = [
            &[[1, 1]],
            &[[10, 20], [30, 40]],
            &[[10, 20], [15, 25]],
            &[[15, 25], [10, 20]],
            &[[10, 20], [12, 14], [20, 21]],
            &[[12, 14], [18, 18], [10, 20], [0, 100]],
            &[[10, 40], [20, 30], [35, 50], [5, 9]],
        ];
        for spans in spans {
            let mut lookups = Lookups::default();
            let mut expected = BTreeSet::new();
            for [first, last] in spans {
                lookups.doubt(ip(*first)..=ip(*last));
                expected.extend((*first..=*last).filter(|last| last % 2 == 0));
            }
            let asked = all_of(&mut lookups, &even);
            assert_eq!(asked, Vec::from_iter(expected), "{spans:?}");
        }
    }

    #[test]
    fn a_span_may_be_of_both_families() {
        let six: IpAddr = "fd00::9".parse().expect("an address");
        let all = followed([ip(1), six]);
        let mut lookups = Lookups::default();
        lookups.doubt(ip(0)..=six);
        assert_eq!(all_of(&mut lookups, &all), [1, 9]);
    }

    #[test]
    fn what_is_doubted_all_the_time_keeps_nothing_waiting() {
        let first = u32::from_be_bytes([10, 1, 0, 0]);
        let many: Vec<IpAddr> = (first..)
            .take(3 * AGAIN)
            .map(|bits| IpAddr::V4(bits.into()))
            .collect();
        let all = many[0]..=many[many.len() - 1];
        let many = followed(many);
        let mut lookups = Lookups::default();
        let mut asked = BTreeSet::new();
        for _ in 0..3 {
            lookups.doubt(all.clone());
            asked.extend(lookups.take(&many));
        }
        assert_eq!(asked.len(), many.len());
        // What was doubted meanwhile is asked for again.
        assert_eq!(lookups.take(&many).len(), AGAIN);
    }

    #[test]
    fn what_is_suspected_waits_until_it_is_looked_into_once() {
        let followed = followed((0..10).map(ip));
        let mut lookups = Lookups::default();
        for _ in 0..2 {
            lookups.suspect(ip(2)..=ip(4));
        }
        assert!(lookups.has_suspects() && lookups.is_empty());
        assert!(lookups.take(&followed).is_empty());
        lookups.look_into_suspects();
        assert!(!lookups.has_suspects());
        assert_eq!(all_of(&mut lookups, &followed), [2, 3, 4]);
    }

    #[test]
    fn an_address_that_is_followed_no_more_is_not_asked_for() {
        let mut lookups = Lookups::default();
        lookups.doubt(ip(0)..=ip(9));
        assert_eq!(all_of(&mut lookups, &followed([ip(4)])), [4]);
    }
}
