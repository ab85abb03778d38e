//! Listings, less what means nothing in them.
//!
//! The kernel lists connections and services in the order of hash tables, which depends on a random number and on
//! addresses in memory: they are sorted here. The real servers of a service are not, because their order is what some
//! schedulers go by.

use dray_replay::scenario::Dump;

pub(super) fn normalised(kind: Dump, text: &str) -> Vec<String> {
    let lines: Vec<String> = text
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect();
    match kind {
        Dump::Conns => connections(lines, 2),
        Dump::ProcConns => connections(lines, 1),
        Dump::ListNosort | Dump::Proc => services(lines, 3),
        // Then come rates, which depend on the clock.
        Dump::ProcStats => lines.into_iter().take(3).collect(),
        _ => lines,
    }
}

fn connections(mut lines: Vec<String>, head: usize) -> Vec<String> {
    let head = head.min(lines.len());
    lines[head..].sort();
    lines
}

fn services(mut lines: Vec<String>, head: usize) -> Vec<String> {
    let body = lines.split_off(head.min(lines.len()));
    let mut blocks: Vec<Vec<String>> = Vec::new();
    for line in body {
        match blocks.last_mut() {
            Some(block) if line.starts_with("  ->") => block.push(line),
            _ => blocks.push(vec![line]),
        }
    }
    blocks.sort();
    lines.extend(blocks.into_iter().flatten());
    lines
}

#[cfg(test)]
mod tests {
    use dray_replay::scenario::Dump;

    use super::normalised;

    #[test]
    fn services_are_sorted_and_their_real_servers_stay_in_order() {
        let text = "1\n2\n3\nUDP b\n  -> z \n  -> a\nTCP a\n  -> y\n";
        assert_eq!(
            normalised(Dump::ListNosort, text),
            [
                "1", "2", "3", "TCP a", "  -> y", "UDP b", "  -> z", "  -> a"
            ]
        );
    }

    #[test]
    fn connections_are_sorted_below_their_heading() {
        assert_eq!(
            normalised(Dump::Conns, "head\nhead 2\nb\na\n"),
            ["head", "head 2", "a", "b"]
        );
        assert_eq!(
            normalised(Dump::Conns, "ip_vs is not there\n"),
            ["ip_vs is not there"]
        );
    }
}
