//! The rules that give packets a mark.
//!
//! There is room for two sets of them. A change writes the set that packets do not look at, and then says that they do,
//! with one store.

use dray_abi::{MAX_RULES, Rule};
use dray_model::{DataPlaneError, MAX_MARK_RULES, MarkRule, Protocol};

use crate::{KernelDataPlane, apply::wait_for_packets, wire};

const _: () = assert!(MAX_MARK_RULES == MAX_RULES as usize);

/// Makes these the rules.
pub(crate) fn set(plane: &mut KernelDataPlane, rules: &[MarkRule]) -> Result<(), DataPlaneError> {
    let too_many = || DataPlaneError::Full {
        what: "more rules for marks",
        room: u64::from(MAX_RULES),
        cure: "say the same with fewer, of larger prefixes and ranges",
    };
    let count = u16::try_from(rules.len())
        .ok()
        .filter(|count| u32::from(*count) <= MAX_RULES)
        .ok_or_else(too_many)?;
    let rules: Vec<Rule> = rules
        .iter()
        .map(|rule| Ok(translate(rule, port(plane, rule)?)))
        .collect::<Result<_, _>>()?;
    if present(plane) == rules {
        return Ok(());
    }
    let (used, _) = in_use(plane);
    let first = if used == 0 { MAX_RULES as u16 } else { 0 };
    // Packets may still be reading that set, if it was given up a moment ago.
    wait_for_packets(plane);
    for (rule, index) in rules.iter().zip(u32::from(first)..) {
        plane.maps.rules.write(index, *rule);
    }
    plane.maps.store_rules(first, count);
    Ok(())
}

/// The rules that packets look at.
fn present(plane: &KernelDataPlane) -> Vec<Rule> {
    let (first, count) = in_use(plane);
    (first..first + count)
        .filter_map(|index| plane.maps.rules.read(index))
        .collect()
}

/// Index of the first rule that packets look at, and how many they are.
fn in_use(plane: &KernelDataPlane) -> (u32, u32) {
    let word = plane.maps.settings().rules;
    (word >> 16, word & 0xffff)
}

/// The port that packets must come in by, `u32::MAX` for any.
fn port(plane: &KernelDataPlane, rule: &MarkRule) -> Result<u32, DataPlaneError> {
    let Some(name) = &rule.interface else {
        return Ok(u32::MAX);
    };
    plane.ports.port_named(name).ok_or_else(|| {
        let interfaces = plane.ports.status().into_iter();
        let names: Vec<String> = interfaces.map(|interface| interface.name).collect();
        DataPlaneError::System {
            what: format!("give packets the mark {} by their interface", rule.mark),
            source: format!(
                "`{name}` is not one of the director's interfaces ({})",
                names.join(", ")
            )
            .into(),
        }
    })
}

fn translate(rule: &MarkRule, port: u32) -> Rule {
    let (source, source_mask) = rule.source.map_or_else(Default::default, prefix);
    let (destination, destination_mask) = rule.destination.map_or_else(Default::default, prefix);
    let range = |ports: &Option<std::ops::RangeInclusive<u16>>| {
        let all = [0, u16::MAX];
        ports
            .as_ref()
            .map_or(all, |ports| [*ports.start(), *ports.end()])
    };
    Rule {
        source,
        source_mask,
        destination,
        destination_mask,
        source_ports: range(&rule.source_ports),
        ports: range(&rule.ports),
        mark: rule.mark.get(),
        port,
        protocol: rule.protocol.map_or(0, Protocol::number),
        family: wire::family_number(rule.family),
        reserved: [0; 6],
    }
}

/// A prefix as address and mask; IPv4 as IPv4-mapped IPv6, all of whose 96 bits before count.
fn prefix((address, length): (std::net::IpAddr, u8)) -> ([u64; 2], [u64; 2]) {
    let before = if address.is_ipv4() { 96 } else { 0 };
    let length = (u32::from(length) + before).min(128);
    let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
    let address = u128::from_be_bytes(wire::address_bytes(address)) & mask;
    (words(address), words(mask))
}

/// As they lie in memory, in network order.
fn words(address: u128) -> [u64; 2] {
    zerocopy::transmute!(address.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_covers_as_many_bits_as_it_says() {
        let bits = |(address, mask): ([u64; 2], [u64; 2])| {
            let number = |words: [u64; 2]| u128::from_be_bytes(zerocopy::transmute!(words));
            (number(address), number(mask))
        };
        let v4 = bits(prefix(([10, 1, 2, 3].into(), 16)));
        assert_eq!(v4, (0xffff_0a01_0000, u128::MAX << 16));
        let whole = bits(prefix(([10, 1, 2, 3].into(), 32)));
        assert_eq!(whole, (0xffff_0a01_0203, u128::MAX));
        let v6 = bits(prefix(("fd00::1".parse().unwrap(), 8)));
        assert_eq!(v6, (0xfd << 120, 0xff << 120));
        assert_eq!(bits(prefix(("::".parse().unwrap(), 0))), (0, 0));
    }
}
