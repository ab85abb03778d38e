//! How many TCP segments a namespace's kernel had to send again: its own count (RFC 4022, tcpRetransSegs).

use std::fs;

use anyhow::{Context as _, Result};

/// The count of the calling thread's namespace, since it was made.
pub(crate) fn count() -> Result<u64> {
    // Not /proc/net, which is that of the process's first thread.
    const COUNTERS: &str = "/proc/thread-self/net/snmp";
    let text =
        fs::read_to_string(COUNTERS).with_context(|| format!("failed to read {COUNTERS}"))?;
    counter(&text, "Tcp:", "RetransSegs")
        .with_context(|| format!("{COUNTERS} does not count retransmissions"))
}

/// The value of a counter in the form of `/proc/net/snmp`: for each protocol a line of names and a line of values.
fn counter(text: &str, protocol: &str, name: &str) -> Option<u64> {
    let mut lines = text.lines().filter(|line| line.starts_with(protocol));
    let (names, values) = (lines.next()?, lines.next()?);
    let place = names.split_whitespace().position(|found| found == name)?;
    values.split_whitespace().nth(place)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_found_under_its_name() {
        let text = "\
Ip: Forwarding InReceives
Ip: 1 2
Tcp: RtoAlgorithm MaxConn RetransSegs InErrs
Tcp: 1 -1 42 0
";
        assert_eq!(counter(text, "Tcp:", "RetransSegs"), Some(42));
        assert_eq!(counter(text, "Tcp:", "OutSegs"), None);
        assert_eq!(counter(text, "Udp:", "InErrors"), None);
    }

    #[test]
    fn the_kernel_counts_for_the_calling_thread() {
        count().unwrap();
    }
}
