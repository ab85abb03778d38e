//! What became of a load.

use std::{collections::BTreeMap, time::Duration};

/// Every request of a load, counted once: served or failed.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// What each real server got.
    pub servers: BTreeMap<String, Share>,
    /// Requests that failed, by cause.
    pub failures: BTreeMap<String, u64>,
    /// From a request to the end of its answer.
    pub latencies: Latencies,
    /// From the wish for a connection to its being there.
    pub connect_latencies: Latencies,
    /// TCP segments that the client's kernel sent again while the load ran, other loads' of the same client among them: a
    /// packet that was lost on its way to a real server shows here, though no request failed.
    pub retransmitted: u64,
    /// Bytes of content received.
    pub bytes: u64,
    /// How long the load took.
    pub elapsed: Duration,
}

/// What one real server got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Connections.
    pub connections: u64,
    /// Requests.
    pub requests: u64,
}

impl Report {
    /// Requests that were answered.
    pub fn served(&self) -> u64 {
        self.servers.values().map(|share| share.requests).sum()
    }

    /// Requests that were not.
    pub fn failed(&self) -> u64 {
        self.failures.values().sum()
    }

    /// Connections on which at least one request was answered.
    pub fn connections(&self) -> u64 {
        self.servers.values().map(|share| share.connections).sum()
    }

    /// The part of all connections that a real server got, 0 to 1.
    pub fn part_of_connections(&self, server: &str) -> f64 {
        let share = self.servers.get(server).copied().unwrap_or_default();
        share.connections as f64 / self.connections().max(1) as f64
    }

    pub(super) fn served_by(&mut self, server: &str, first_on_connection: bool) {
        let share = self.servers.entry(server.to_owned()).or_default();
        share.requests += 1;
        share.connections += u64::from(first_on_connection);
    }

    pub(super) fn failed_for(&mut self, cause: &str, requests: u64) {
        if requests > 0 {
            *self.failures.entry(cause.to_owned()).or_default() += requests;
        }
    }

    /// Adds what another worker counted in the same time.
    pub(super) fn add(&mut self, other: Self) {
        for (server, share) in other.servers {
            let sum = self.servers.entry(server).or_default();
            sum.connections += share.connections;
            sum.requests += share.requests;
        }
        for (cause, requests) in other.failures {
            self.failed_for(&cause, requests);
        }
        self.latencies.add(other.latencies);
        self.connect_latencies.add(other.connect_latencies);
        self.retransmitted += other.retransmitted;
        self.bytes += other.bytes;
        self.elapsed = self.elapsed.max(other.elapsed);
    }
}

/// Measured times.
#[derive(Clone, Debug, Default)]
pub struct Latencies(Vec<Duration>);

impl Latencies {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The least of them that is not exceeded by this part of them (0 to 1): 0.5 gives the median. `None` if there are
    /// none.
    pub fn percentile(&self, part: f64) -> Option<Duration> {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let rank = (part * sorted.len() as f64).ceil() as usize;
        sorted.get(rank.clamp(1, sorted.len().max(1)) - 1).copied()
    }

    pub(super) fn record(&mut self, latency: Duration) {
        self.0.push(latency);
    }

    fn add(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_measured_times() {
        let mut latencies = Latencies::default();
        assert_eq!(latencies.percentile(0.5), None);
        for milliseconds in (1..=100).rev() {
            latencies.record(Duration::from_millis(milliseconds));
        }
        for (part, milliseconds) in [(0.0, 1), (0.5, 50), (0.99, 99), (1.0, 100)] {
            assert_eq!(
                latencies.percentile(part),
                Some(Duration::from_millis(milliseconds)),
                "{part}"
            );
        }
    }

    #[test]
    fn reports_of_workers_add_up() {
        let mut one = Report::default();
        one.served_by("real1", true);
        one.served_by("real1", false);
        one.failed_for("no response", 2);
        let mut other = Report::default();
        other.served_by("real2", true);
        other.failed_for("no response", 1);
        other.failed_for("failed to connect", 0);
        one.add(other);
        assert_eq!((one.served(), one.failed(), one.connections()), (3, 3, 2));
        assert_eq!(one.failures.len(), 1);
        assert!((one.part_of_connections("real2") - 0.5).abs() < f64::EPSILON);
        assert!(one.part_of_connections("real3").abs() < f64::EPSILON);
    }
}
