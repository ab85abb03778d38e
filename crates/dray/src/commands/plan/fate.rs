//! What becomes of connections and templates, in words.

use dray_api::v1::{Affected, Fate};

use crate::number::counted;

/// As `13 connections go on until they end; 2 templates give no more connections to it`; none when all go on as they are.
pub(super) fn told(affected: &Affected) -> Option<String> {
    let Affected {
        active,
        inactive,
        templates,
        connections_fate,
        templates_fate,
    } = *affected;
    let connections = u64::from(active) + u64::from(inactive);
    let parts = [
        part(connections, "connection", connections_fate),
        part(templates.into(), "template", templates_fate),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

fn part(number: u64, one: &str, fate: Fate) -> Option<String> {
    if number == 0 {
        return None;
    }
    let is_one = number == 1;
    let (of_one, of_several) = match fate {
        Fate::Kept => return None,
        Fate::Finish => ("goes on until it ends", "go on until they end"),
        Fate::Dropped => ("has its packets dropped", "have their packets dropped"),
        Fate::Ended => ("ends within seconds", "end within seconds"),
        Fate::EndedByMethod => ("ends with its next packet", "end with their next packets"),
        Fate::Void => (
            "gives no more connections to it",
            "give no more connections to it",
        ),
    };
    let fate = if is_one { of_one } else { of_several };
    Some(format!("{} {fate}", counted(number, one)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_on_as_it_is_is_not_told() {
        let affected = Affected {
            active: 1,
            inactive: 0,
            templates: 2,
            connections_fate: Fate::EndedByMethod,
            templates_fate: Fate::Void,
        };
        assert_eq!(
            told(&affected).as_deref(),
            Some(
                "1 connection ends with its next packet; 2 templates give no more connections to it"
            )
        );
        let kept = Affected {
            connections_fate: Fate::Kept,
            templates_fate: Fate::Kept,
            ..affected
        };
        assert_eq!(told(&kept), None);
        let none = Affected {
            active: 0,
            templates: 0,
            ..affected
        };
        assert_eq!(told(&none), None);
    }
}
