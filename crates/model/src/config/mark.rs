//! `[[mark]]`: the rules that give packets a mark.

use std::{
    collections::HashSet,
    net::IpAddr,
    ops::{Range, RangeInclusive},
};

use crate::{Family, MAX_MARK_RULES, Mark, MarkRule, Protocol};

use super::{
    across::Facts,
    director,
    fault::{Fault, Faults, quote},
    identity::{FAMILIES, number},
    keys::{self, Key},
    ports, prefix,
    table::Entries,
    value::Value,
};

/// The words of `protocol`.
const PROTOCOLS: [(&str, Protocol); 3] = [
    ("tcp", Protocol::Tcp),
    ("udp", Protocol::Udp),
    ("sctp", Protocol::Sctp),
];

/// Reads the file's rules, in order; `None` only with a fault. `interfaces` are the director's, if they are known. The marks that
/// the rules give, and their single destinations, which are VIPs too, are added to the facts.
pub(super) fn read(
    file: &Entries<'_, '_>,
    interfaces: Option<&[String]>,
    facts: &mut Facts<'_, Range<usize>>,
    faults: &mut Faults<'_>,
) -> Option<Vec<MarkRule>> {
    let before = faults.count();
    let tables = file
        .value(&keys::file::MARK, faults)
        .map_or_else(Vec::new, |value| value.tables(faults));
    let mut rules = Vec::new();
    let mut given = HashSet::new();
    let mut is_whole = faults.count() == before;
    let mut total = 0_usize;
    for (span, table) in tables {
        let entries = Entries::open(&keys::MARK, span.clone(), table, faults);
        let Some(rule) = rule(&entries, interfaces, faults) else {
            is_whole = false;
            continue;
        };
        given.insert(rule.mark);
        facts.marked_vips.extend(rule.vips());
        let fits = total <= MAX_MARK_RULES;
        total = total.saturating_add(rule.count());
        if total <= MAX_MARK_RULES {
            rules.extend(rule.multiplied());
        } else if fits {
            faults.push(too_many(span, total));
        }
    }
    facts.given = is_whole.then_some(given);
    (is_whole && total <= MAX_MARK_RULES).then_some(rules)
}

fn too_many(span: Range<usize>, total: usize) -> Fault {
    let cure = format!(
        "leave at most {MAX_MARK_RULES}: a list of m addresses and a list of n ports make m × n rules; write networks \
         and port ranges instead of lists"
    );
    Fault::new(
        span,
        format!("up to here, the marks make {total} rules"),
        "beyond the room for rules",
        cure,
    )
}

/// One table, its lists not yet multiplied out.
struct Rule {
    mark: Mark,
    destinations: Vec<Placed<Network>>,
    sources: Vec<Option<Network>>,
    protocol: Option<Protocol>,
    ports: Vec<Option<RangeInclusive<u16>>>,
    source_ports: Vec<Option<RangeInclusive<u16>>>,
    interface: Option<String>,
}

impl Rule {
    /// The destinations that are single addresses.
    fn vips(&self) -> impl Iterator<Item = Placed<IpAddr>> {
        let single = |(network, _): &&Placed<Network>| prefix::is_single(*network);
        let vips = self.destinations.iter().filter(single);
        vips.map(|((address, _), place)| (*address, place.clone()))
    }

    /// How many rules its lists make.
    fn count(&self) -> usize {
        let lists = [
            self.destinations.len().max(1),
            self.sources.len(),
            self.ports.len(),
            self.source_ports.len(),
        ];
        lists.into_iter().fold(1, usize::saturating_mul)
    }

    /// One rule for each choice of an item from every list.
    fn multiplied(&self) -> Vec<MarkRule> {
        let mut rules = Vec::with_capacity(self.count());
        for destination in choices(self.destinations.clone()) {
            for source in &self.sources {
                for ports in &self.ports {
                    for source_ports in &self.source_ports {
                        rules.push(MarkRule {
                            mark: self.mark.number,
                            family: self.mark.family,
                            destination,
                            source: *source,
                            protocol: self.protocol,
                            ports: ports.clone(),
                            source_ports: source_ports.clone(),
                            interface: self.interface.clone(),
                        });
                    }
                }
            }
        }
        rules
    }
}

/// Reads one `[[mark]]`; `None` only with a fault.
fn rule(
    entries: &Entries<'_, '_>,
    interfaces: Option<&[String]>,
    faults: &mut Faults<'_>,
) -> Option<Rule> {
    let number = entries
        .value(&keys::mark::MARK, faults)
        .and_then(|value| number(&value, faults));
    let destinations = list(entries, &keys::mark::DESTINATION, network, faults);
    let sources = list(entries, &keys::mark::SOURCE, network, faults);
    let family = family(
        entries,
        [destinations.as_deref(), sources.as_deref()],
        faults,
    );
    let protocol = entries
        .value(&keys::mark::PROTOCOL, faults)
        .map_or(Some(None), |value| {
            value.choice(&PROTOCOLS, faults).map(Some)
        });
    let ports = list(entries, &keys::mark::PORTS, ports::read, faults);
    let source_ports = list(entries, &keys::mark::SOURCE_PORTS, ports::read, faults);
    let interface = entries
        .value(&keys::mark::INTERFACE, faults)
        .map_or(Some(None), |value| {
            director::interface(&value, interfaces, faults).map(Some)
        });
    Some(Rule {
        mark: Mark {
            number: number?,
            family: family?,
        },
        destinations: destinations?,
        sources: choices(sources?),
        protocol: protocol?,
        ports: choices(ports?),
        source_ports: choices(source_ports?),
        interface: interface?,
    })
}

/// An item of a list with its place.
type Placed<T> = (T, Range<usize>);

/// An address and how many of its bits count.
type Network = (IpAddr, u8);

/// The items of a key that is a list, none if it is left out; `None` only with a fault.
fn list<'t, 'i, 'f, T>(
    entries: &Entries<'t, 'i>,
    key: &'static Key,
    read: fn(&Value<'t, 'i>, &mut Faults<'f>) -> Option<T>,
    faults: &mut Faults<'f>,
) -> Option<Vec<Placed<T>>> {
    let Some(value) = entries.value(key, faults) else {
        return Some(Vec::new());
    };
    let items = value.items(faults)?;
    let read = |item: &Value<'t, 'i>| Some((read(item, faults)?, item.span()));
    // Every item is read, so that all faults are told.
    let found: Vec<_> = items.iter().map(read).collect();
    found.into_iter().collect()
}

/// What a rule chooses from: a list that is left out fits everything.
fn choices<T>(list: Vec<Placed<T>>) -> Vec<Option<T>> {
    if list.is_empty() {
        return vec![None];
    }
    list.into_iter().map(|(item, _)| Some(item)).collect()
}

fn network(value: &Value<'_, '_>, faults: &mut Faults<'_>) -> Option<Network> {
    prefix::parse(value.string(faults)?)
        .map_err(|wrong| faults.push(value.fault(wrong)))
        .ok()
}

/// The family of a rule: what it says, or that of its addresses. A rule is for one.
fn family(
    entries: &Entries<'_, '_>,
    lists: [Option<&[Placed<Network>]>; 2],
    faults: &mut Faults<'_>,
) -> Option<Family> {
    let said = match entries.value(&keys::mark::FAMILY, faults) {
        Some(value) => Some((value.choice(&FAMILIES, faults)?, value.span())),
        None => None,
    };
    let addresses = lists.into_iter().flatten().flatten();
    let mut known = said;
    for ((address, _), place) in addresses {
        let family = Family::of(*address);
        match &known {
            None => known = Some((family, place.clone())),
            Some((first, _)) if *first == family => {}
            Some((_, because)) => {
                let cause = format!("{} is of the other family", quote(&address.to_string()));
                let cure = "write a `[[mark]]` for each family; services of a mark are for one too";
                faults.push(
                    Fault::new(place.clone(), cause, "of another family", cure)
                        .related(because.clone(), "the rule's family"),
                );
                return None;
            }
        }
    }
    Some(known.map_or(Family::Ipv4, |(family, _)| family))
}
