//! What a scenario holds of a listing.

use crate::scenario::Dump;

/// The lines of a listing without trailing blanks, sorted where the kernel's order means nothing: connections, and services that
/// were not sorted by the tool. The real servers of a service stay in their order, which is what schedulers go by.
pub fn normalise(kind: Dump, text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect();
    match kind {
        Dump::Conns => sort_from(&mut lines, 2),
        Dump::ProcConns => sort_from(&mut lines, 1),
        Dump::ListNosort | Dump::Proc => lines = sort_services(lines, 3),
        // Rates follow, which depend on the clock.
        Dump::ProcStats => lines.truncate(3),
        _ => {}
    }
    lines
}

fn sort_from(lines: &mut [String], head: usize) {
    if let Some(lines) = lines.get_mut(head..) {
        lines.sort();
    }
}

fn sort_services(mut lines: Vec<String>, head: usize) -> Vec<String> {
    let rest = lines.split_off(head.min(lines.len()));
    let mut blocks: Vec<Vec<String>> = Vec::new();
    for line in rest {
        match blocks.last_mut() {
            Some(block) if line.starts_with("  ->") => block.push(line),
            _ => blocks.push(vec![line]),
        }
    }
    blocks.sort();
    lines.extend(blocks.into_iter().flatten());
    lines
}
