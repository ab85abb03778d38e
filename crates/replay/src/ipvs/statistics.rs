//! Counters as users see them.
//!
//! What packets count is folded into the counters that are shown by a timer only, every two seconds; the rates are
//! made there too (`net/netfilter/ipvs/ip_vs_est.c`). `-Z` sets the point that is shown as zero.

use std::time::Duration;

use dray_ipvsadm::snapshot::Counts;

/// How often counts are shown.
pub const TICK: Duration = Duration::from_secs(2);

/// The counters of a service, a real server, or of all.
#[derive(Clone, Copy, Debug, Default)]
pub struct Statistics {
    counted: Counts,
    shown: Counts,
    zero: Counts,
    rates: [Average; 5],
}

impl Statistics {
    /// What is shown now.
    pub fn shown(&self) -> Counts {
        map2(self.shown, self.zero, u64::wrapping_sub)
    }

    /// What is shown a second.
    pub fn rates(&self) -> Counts {
        let [connections, in_packets, out_packets, in_bytes, out_bytes] = self.rates;
        Counts {
            connections: connections.of_packets(),
            in_packets: in_packets.of_packets(),
            out_packets: out_packets.of_packets(),
            in_bytes: in_bytes.of_bytes(),
            out_bytes: out_bytes.of_bytes(),
        }
    }

    pub(super) fn add(&mut self, counts: Counts) {
        self.counted = map2(self.counted, counts, u64::wrapping_add);
    }

    /// The timer: shows what was counted, and takes the averages on.
    pub(super) fn tick(&mut self) {
        let since = map2(self.counted, self.shown, u64::wrapping_sub);
        let scales = [9, 9, 9, 4, 4];
        for ((average, count), scale) in self.rates.iter_mut().zip(each(since)).zip(scales) {
            average.tick(count, scale);
        }
        self.shown = self.counted;
    }

    /// Shows zero from now on.
    pub(super) fn zero(&mut self) {
        self.zero = self.shown;
        self.rates = Default::default();
    }
}

fn map2(a: Counts, b: Counts, with: impl Fn(u64, u64) -> u64) -> Counts {
    Counts {
        connections: with(a.connections, b.connections),
        in_packets: with(a.in_packets, b.in_packets),
        out_packets: with(a.out_packets, b.out_packets),
        in_bytes: with(a.in_bytes, b.in_bytes),
        out_bytes: with(a.out_bytes, b.out_bytes),
    }
}

const fn each(counts: Counts) -> [u64; 5] {
    [
        counts.connections,
        counts.in_packets,
        counts.out_packets,
        counts.in_bytes,
        counts.out_bytes,
    ]
}

/// A moving average over ticks, scaled: by 2^10 of connections and packets, by 2^5 of bytes.
#[derive(Clone, Copy, Debug, Default)]
struct Average(i64);

impl Average {
    /// `scale`: a tick is two seconds, so one less than what the average is scaled by.
    const fn tick(&mut self, count: u64, scale: u32) {
        let rate = (count as i64) << scale;
        self.0 += (rate - self.0) >> 2;
    }

    const fn of_packets(self) -> u64 {
        ((self.0 + 0x1ff) >> 10) as u64
    }

    const fn of_bytes(self) -> u64 {
        ((self.0 + 0xf) >> 5) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(connections: u64, in_bytes: u64) -> Counts {
        Counts {
            connections,
            in_bytes,
            ..Counts::default()
        }
    }

    #[test]
    fn rates_are_the_kernels_moving_average() {
        let mut statistics = Statistics::default();
        let mut shown = Vec::new();
        for _ in 0..12 {
            statistics.add(counts(200, 250_000));
            statistics.tick();
            let rates = statistics.rates();
            shown.push((rates.connections, rates.in_bytes));
        }
        let connections: Vec<u64> = shown.iter().map(|(connections, _)| *connections).collect();
        assert_eq!(
            connections,
            [25, 44, 58, 68, 76, 82, 87, 90, 92, 94, 96, 97]
        );
        let bytes: Vec<u64> = shown.iter().take(6).map(|(_, bytes)| *bytes).collect();
        assert_eq!(bytes, [31250, 54687, 72266, 85449, 95337, 102_753]);
        let after: Vec<u64> = (0..14)
            .map(|_| {
                statistics.tick();
                statistics.rates().connections
            })
            .collect();
        assert_eq!(after, [73, 54, 41, 31, 23, 17, 13, 10, 7, 5, 4, 3, 2, 2]);
    }

    #[test]
    fn counts_are_shown_at_the_next_tick_and_less_what_was_zeroed() {
        let mut statistics = Statistics::default();
        statistics.add(counts(3, 120));
        assert_eq!(statistics.shown(), Counts::default());
        statistics.tick();
        assert_eq!(statistics.shown(), counts(3, 120));
        statistics.add(counts(1, 40));
        statistics.zero();
        assert_eq!(statistics.shown(), Counts::default());
        statistics.tick();
        assert_eq!(statistics.shown(), counts(1, 40));
    }
}
