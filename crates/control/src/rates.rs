//! Rates as IPVS estimates them: every 2 s, an average over the past in which each step weighs a quarter
//! (net/netfilter/ipvs/ip_vs_est.c of Linux 6.1).
//!
//! ```text
//! connections, packets: e += (((now − last) << 9) − e) >> 2    shown: (e + 0x1ff) >> 10
//! bytes:                e += (((now − last) << 4) − e) >> 2    shown: (e + 0xf) >> 5
//! ```

use std::time::Duration;

use dray_model::Counters;

/// Time between two ticks of one estimator.
pub const PERIOD: Duration = Duration::from_secs(2);

/// How fast counters grow, per second, as `ipvsadm --rate` shows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// Connections per second.
    pub connections: u64,
    /// Packets per second.
    pub packets: u64,
    /// Bytes per second.
    pub bytes: u64,
    /// Packets of replies per second.
    pub reply_packets: u64,
    /// Bytes of those packets per second.
    pub reply_bytes: u64,
}

/// The estimator of one destination or service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Estimator {
    last: Counters,
    connections: i64,
    packets: i64,
    bytes: i64,
    reply_packets: i64,
    reply_bytes: i64,
}

impl Estimator {
    /// At rest: what was counted before does not show.
    pub(crate) const fn starting_at(last: Counters) -> Self {
        Self {
            last,
            connections: 0,
            packets: 0,
            bytes: 0,
            reply_packets: 0,
            reply_bytes: 0,
        }
    }

    /// A tick: the counters as they are now, one [`PERIOD`] after the tick before.
    #[must_use]
    pub(crate) const fn tick(self, now: Counters) -> Self {
        let Self { last, .. } = self;
        Self {
            last: now,
            connections: step(self.connections, last.connections, now.connections, PACKETS),
            packets: step(self.packets, last.packets, now.packets, PACKETS),
            bytes: step(self.bytes, last.bytes, now.bytes, BYTES),
            reply_packets: step(
                self.reply_packets,
                last.reply_packets,
                now.reply_packets,
                PACKETS,
            ),
            reply_bytes: step(self.reply_bytes, last.reply_bytes, now.reply_bytes, BYTES),
        }
    }

    /// The counters at the last tick, or at the start.
    pub(crate) const fn last(&self) -> Counters {
        self.last
    }

    /// The rates as IPVS shows them.
    pub(crate) const fn rates(&self) -> Rates {
        Rates {
            connections: shown(self.connections, PACKETS),
            packets: shown(self.packets, PACKETS),
            bytes: shown(self.bytes, BYTES),
            reply_packets: shown(self.reply_packets, PACKETS),
            reply_bytes: shown(self.reply_bytes, BYTES),
        }
    }
}

/// The scale of connections and packets.
const PACKETS: u32 = 9;
/// The scale of bytes.
const BYTES: u32 = 4;

/// IPVS's fixed point: a rate per second is scaled by 2 to the power of `scale` + 1, and a period is 2 s.
const fn step(estimate: i64, last: u64, now: u64, scale: u32) -> i64 {
    // Wraps as the kernel's does: a counter set back gives one wrong step, never a panic.
    let rate = (now.wrapping_sub(last) as i64).wrapping_shl(scale);
    estimate.wrapping_add(rate.wrapping_sub(estimate) >> 2)
}

const fn shown(estimate: i64, scale: u32) -> u64 {
    let half = (1 << scale) - 1;
    estimate.wrapping_add(half).cast_unsigned() >> (scale + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of replies there are as many as of clients' packets, and of as many bytes.
    fn counters(connections: u64, packets: u64, bytes: u64) -> Counters {
        Counters {
            connections,
            packets,
            bytes,
            reply_packets: packets,
            reply_bytes: bytes,
        }
    }

    /// The rates after each tick, the counters growing by `per_second` for each second.
    fn run(estimator: &mut Estimator, per_second: Counters, ticks: usize) -> Vec<Rates> {
        (0..ticks)
            .map(|_| {
                let last = estimator.last;
                *estimator = estimator.tick(counters(
                    last.connections + 2 * per_second.connections,
                    last.packets + 2 * per_second.packets,
                    last.bytes + 2 * per_second.bytes,
                ));
                estimator.rates()
            })
            .collect()
    }

    #[test]
    fn connections_and_packets_rise_and_fall_as_the_kernels_do() {
        let mut estimator = Estimator::starting_at(counters(7, 0, 0));
        let rising = run(&mut estimator, counters(100, 100, 0), 12);
        let connections: Vec<u64> = rising.iter().map(|rates| rates.connections).collect();
        let packets: Vec<u64> = rising.iter().map(|rates| rates.packets).collect();
        let replies: Vec<u64> = rising.iter().map(|rates| rates.reply_packets).collect();
        assert_eq!(
            connections,
            [25, 44, 58, 68, 76, 82, 87, 90, 92, 94, 96, 97]
        );
        assert_eq!([packets, replies], [connections.clone(), connections]);
    }

    #[test]
    fn rates_die_away_after_the_traffic_stops() {
        let mut estimator = Estimator::starting_at(Counters::default());
        run(&mut estimator, counters(100, 0, 0), 12);
        let falling: Vec<u64> = run(&mut estimator, Counters::default(), 14)
            .iter()
            .map(|rates| rates.connections)
            .collect();
        assert_eq!(falling, [73, 54, 41, 31, 23, 17, 13, 10, 7, 5, 4, 3, 2, 2]);
    }

    #[test]
    fn bytes_rise_as_the_kernels_do() {
        let mut estimator = Estimator::starting_at(Counters::default());
        let bytes: Vec<[u64; 2]> = run(&mut estimator, counters(0, 0, 125_000), 6)
            .iter()
            .map(|rates| [rates.bytes, rates.reply_bytes])
            .collect();
        let rising = [31_250, 54_687, 72_266, 85_449, 95_337, 102_753];
        assert_eq!(bytes, rising.map(|bytes| [bytes; 2]));
    }

    #[test]
    fn a_counter_that_was_set_back_does_not_panic() {
        let estimator = Estimator::starting_at(counters(u64::MAX, 5, 5));
        let after = estimator.tick(Counters::default());
        assert_eq!(after.last, Counters::default());
    }
}
