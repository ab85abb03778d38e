//! `mark`: rules, with what differs in one thing only as the items of a list.

use std::mem;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Family, MarkRule, config::spelling};

/// Gives a mark to packets. What is left out fits all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MarkDocument)]
pub struct Mark {
    /// The mark (1 to 4,294,967,295).
    pub mark: u32,
    /// Addresses and networks that packets go to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!(["10.77.0.100"]))]
    pub destination: Vec<String>,
    /// Addresses and networks that packets come from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!(["192.0.2.0/24"]))]
    pub source: Vec<String>,
    /// `tcp`, `udp` or `sctp`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "tcp")]
    pub protocol: Option<String>,
    /// Ports, and ranges of ports, that packets go to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!(["80", "8000-8010"]))]
    pub ports: Vec<String>,
    /// Ports, and ranges of ports, that packets come from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!(["1024-65535"]))]
    pub source_ports: Vec<String>,
    /// The interface that packets come in by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "eth0")]
    pub interface: Option<String>,
    /// `ipv4` or `ipv6`, where no address says it; `ipv4` unless it is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "ipv6")]
    pub family: Option<String>,
}

/// The rules, in as few tables as their order allows.
pub(crate) fn from_rules(rules: &[MarkRule]) -> Vec<Mark> {
    let mut marks: Vec<(Family, Mark)> =
        rules.iter().map(|rule| (rule.family, mark(rule))).collect();
    // Lists are multiplied out with the last of these changing fastest, so they are put together from the last one on.
    let lists: [fn(&mut Mark) -> &mut Vec<String>; 4] = [
        |mark| &mut mark.source_ports,
        |mark| &mut mark.ports,
        |mark| &mut mark.source,
        |mark| &mut mark.destination,
    ];
    for list in lists {
        marks = marks.into_iter().fold(Vec::new(), |mut marks, mut next| {
            match marks.last_mut() {
                Some(last) if differ_in(list, last, &next) => {
                    list(&mut last.1).append(list(&mut next.1));
                }
                _ => marks.push(next),
            }
            marks
        });
    }
    marks.into_iter().map(|(_, mark)| mark).collect()
}

fn mark(rule: &MarkRule) -> Mark {
    let is_said = rule.destination.is_some() || rule.source.is_some();
    let family =
        (rule.family == Family::Ipv6 && !is_said).then(|| spelling::family(rule.family).to_owned());
    Mark {
        mark: rule.mark.get(),
        destination: rule
            .destination
            .map(spelling::network)
            .into_iter()
            .collect(),
        source: rule.source.map(spelling::network).into_iter().collect(),
        protocol: rule.protocol.map(|protocol| protocol.name().to_owned()),
        ports: rule
            .ports
            .as_ref()
            .map(spelling::ports)
            .into_iter()
            .collect(),
        source_ports: rule
            .source_ports
            .as_ref()
            .map(spelling::ports)
            .into_iter()
            .collect(),
        interface: rule.interface.clone(),
        family,
    }
}

/// Whether two tables with that list in both are otherwise the same. A table is for one family.
fn differ_in(
    list: fn(&mut Mark) -> &mut Vec<String>,
    one: &(Family, Mark),
    other: &(Family, Mark),
) -> bool {
    let (mut one, mut other) = (one.clone(), other.clone());
    let (first, second) = (mem::take(list(&mut one.1)), mem::take(list(&mut other.1)));
    !first.is_empty() && !second.is_empty() && one == other
}
