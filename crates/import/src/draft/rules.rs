//! Rules for marks that nobody gives yet.

use super::{Draft, MarkDraft, comment};
use crate::report::Ledger;

/// What stands above a rule that is to be completed.
const TO_DO: [&str; 2] = [
    "TO DO: firewall rules give this mark, and XDP comes before them. Write here what they match:",
    "destination, protocol, ports. As it stands, no packet has the mark.",
];

impl Draft {
    /// Adds a rule for each mark that has a service and no rule. Firewall rules give these marks, which nobody but their author
    /// knows; so the rule is for addresses that nobody has (RFC 5737, RFC 3849) until somebody completes it.
    pub(crate) fn complete_marks(&mut self, ledger: &mut Ledger) {
        let mut rules = Vec::new();
        for service in &self.services {
            let (Some(mark), family) = (service.document.mark, &service.document.family) else {
                continue;
            };
            let is_it = |rule: &MarkDraft| {
                rule.document.mark == mark && has_family(rule, family.as_deref())
            };
            if self.marks.iter().any(is_it) {
                continue;
            }
            ledger.note(format!(
                "mark {mark}: write into its `[[mark]]` what your iptables or nftables rule matches; until then no packet \
                 has it"
            ));
            let nowhere = match family.as_deref() {
                Some("ipv6") => "2001:db8::/32",
                _ => "192.0.2.0/24",
            };
            let mut rule = MarkDraft {
                above: TO_DO.map(comment).to_vec(),
                origin: service.origin.clone(),
                ..MarkDraft::default()
            };
            rule.document.mark = mark;
            rule.document.destination = vec![nowhere.to_owned()];
            rules.push(rule);
        }
        self.marks.append(&mut rules);
    }
}

/// Whether a rule, which is known by its destinations, is for packets of a family.
fn has_family(rule: &MarkDraft, family: Option<&str>) -> bool {
    let is_ipv6 = rule
        .document
        .destination
        .iter()
        .any(|network| network.contains(':'));
    is_ipv6 == (family == Some("ipv6"))
}
