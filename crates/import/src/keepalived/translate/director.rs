//! `[director]`: interfaces, who adds the VIPs, timeouts.

use dray_model::document::Timeouts;

use super::{super::tree::Statement, PLACEHOLDER, Site, carry::carry_as, group};
use crate::{
    draft::comment,
    report::{Ledger, Verdict},
};

/// The longest timeout: 31 days, in seconds.
const MAX_TIMEOUT: u32 = 2_678_400;

impl Site {
    /// `lvs_timeouts [tcp SECS] [tcpfin SECS] [udp SECS]`
    pub(super) fn timeouts(&mut self, statement: &Statement, ledger: &mut Ledger) {
        match timeouts(statement.arguments()) {
            Ok(timeouts) => {
                self.draft.director.timeouts = Some(timeouts);
                ledger.say(
                    statement.place,
                    &statement.text,
                    Verdict::Translated,
                    "`[director.timeouts]`",
                );
            }
            Err(why) => {
                carry_as(
                    statement,
                    Verdict::Refused,
                    &why,
                    ledger,
                    &mut self.draft.below_director,
                );
            }
        }
    }

    /// `nftables_ipvs_start_fwmark NUMBER`
    pub(super) fn first_mark(&mut self, statement: &Statement, ledger: &mut Ledger) {
        match group::mark(statement.argument(0).unwrap_or_default()) {
            Ok(mark) => {
                self.first_mark = Some(mark);
                ledger.say(
                    statement.place,
                    &statement.text,
                    Verdict::Translated,
                    "the first group's `mark`",
                );
            }
            Err(why) => {
                carry_as(
                    statement,
                    Verdict::Refused,
                    &why,
                    ledger,
                    &mut self.draft.below_director,
                );
            }
        }
    }

    /// What the director is told, now that the services are there.
    pub(super) fn director(&mut self, ledger: &mut Ledger) {
        let interfaces = if self.instances.of_vips.is_empty() {
            self.instances.all.clone()
        } else {
            self.instances.of_vips.clone()
        };
        let mut comments = Vec::new();
        if interfaces.is_empty() {
            ledger.note(format!(
                "interfaces: write the interfaces that carry traffic of clients or of real servers in the place of \
                 {PLACEHOLDER}; no VRRP instance names one"
            ));
            comments.push(comment(&format!(
                "TO DO: interfaces: in the place of {PLACEHOLDER}, write those that carry traffic of clients or of real servers."
            )));
            self.draft.director.interfaces = vec![PLACEHOLDER.to_owned()];
        } else {
            ledger.note(format!(
                "interfaces: those of the VIPs are there ({}); add those by which real servers are reached",
                interfaces.join(", ")
            ));
            comments.push(comment(
                "interfaces: those of the VIPs; add those by which real servers are reached.",
            ));
            self.draft.director.interfaces = interfaces;
        }
        if !self.draft.services.is_empty() {
            self.draft.director.manage_vips = Some(false);
            comments.extend(self.who_adds_vips(ledger).iter().map(|line| comment(line)));
        }
        self.draft.above_director = comments;
    }

    /// Who adds the VIPs, in words.
    fn who_adds_vips(&self, ledger: &mut Ledger) -> Vec<&'static str> {
        let mut lines = Vec::new();
        if !self.instances.held.is_empty() {
            lines.push("manage_vips: keepalived goes on to hold the VIPs of its VRRP instances: start it with `keepalived --vrrp`.");
            ledger.note(
                "manage_vips: keepalived goes on to hold the VIPs of its VRRP instances: start it with `keepalived --vrrp`, \
                 which leaves LVS to dray",
            );
        }
        if self.has_other_vips() || self.instances.held.is_empty() {
            lines.push("manage_vips: no VRRP instance holds these VIPs: who brings them to this machine now goes on to do so.");
            ledger.note(
                "manage_vips: VIPs that no VRRP instance holds are added by something else today, which goes on to do so; \
                 with `manage_vips = true` dray adds them all",
            );
        }
        lines
    }
}

/// Reads pairs of a name and seconds; 0 leaves a timeout as it is.
fn timeouts(words: &[String]) -> Result<Timeouts, String> {
    let mut timeouts = Timeouts::default();
    for pair in words.chunks(2) {
        let [name, seconds] = pair else {
            return Err(format!("the seconds of `{}` are missing", pair.concat()));
        };
        let slot = match name.as_str() {
            "tcp" => &mut timeouts.tcp,
            "tcpfin" => &mut timeouts.tcp_fin,
            "udp" => &mut timeouts.udp,
            _ => {
                return Err(format!(
                    "keepalived knows no timeout `{name}`: tcp, tcpfin or udp"
                ));
            }
        };
        let number: Option<u32> = seconds
            .parse()
            .ok()
            .filter(|seconds| *seconds <= MAX_TIMEOUT);
        let number = number
            .ok_or_else(|| format!("`{seconds}` is not a time: 0 to {MAX_TIMEOUT} seconds"))?;
        *slot = (number != 0).then(|| format!("{number}s"));
    }
    Ok(timeouts)
}

/// Whether the kernel takes it for an interface's name (`dev_valid_name` in net/core/dev.c).
pub(super) fn is_interface(name: &str) -> bool {
    let is_odd =
        |char: char| char.is_whitespace() || char.is_control() || matches!(char, '/' | ':');
    !name.is_empty() && name.len() <= 15 && !matches!(name, "." | "..") && !name.contains(is_odd)
}
