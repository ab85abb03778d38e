//! `vrrp_instance`: which addresses it holds, and on which interfaces.

use std::{collections::BTreeSet, net::IpAddr};

use super::{
    super::{
        keyword::{Fate, Instance},
        keywords::VRRP,
        tree::{Known, Statement},
    },
    Site, address,
    carry::{carry_as, has_arguments},
    director::is_interface,
};
use crate::report::{Ledger, Verdict};

/// What the VRRP instances say.
#[derive(Clone, Debug, Default)]
pub(super) struct Instances {
    /// Interfaces of addresses that services have.
    pub(super) of_vips: Vec<String>,
    /// Interfaces of instances.
    pub(super) all: Vec<String>,
    /// Addresses of services.
    pub(super) vips: BTreeSet<IpAddr>,
    /// Those of them that instances hold.
    pub(super) held: BTreeSet<IpAddr>,
}

impl Site {
    /// Reads what a VRRP instance says of VIPs, and carries the whole along.
    pub(super) fn vrrp_instance(&mut self, statement: &Statement, ledger: &mut Ledger) {
        if !has_arguments(statement, ledger, &mut self.draft.below_director) {
            return;
        }
        let interface = statement
            .inside()
            .iter()
            .rev()
            .find_map(|inner| match fate(inner) {
                Some(Instance::Interface) => inner
                    .argument(0)
                    .filter(|name| is_interface(name))
                    .map(str::to_owned),
                _ => None,
            });
        for inner in statement.inside() {
            match fate(inner) {
                Some(Instance::Interface) => interface_of(inner, ledger),
                Some(Instance::Addresses) => {
                    ledger.say(inner.place, &inner.text, Verdict::NotYet, VRRP);
                    for line in inner.inside() {
                        self.held(line, interface.as_deref(), ledger);
                    }
                }
                None => {}
            }
        }
        if let Some(interface) = interface {
            remember(&mut self.instances.all, &interface);
        }
        carry_as(
            statement,
            Verdict::NotYet,
            VRRP,
            ledger,
            &mut self.draft.below_director,
        );
    }

    /// An address that an instance holds.
    fn held(&mut self, line: &Statement, interface: Option<&str>, ledger: &mut Ledger) {
        let word = line.words.first().map_or("", String::as_str);
        let Ok(address) = address::address(word) else {
            let why = format!("`{word}` is not an IP address");
            return ledger.say(line.place, &line.text, Verdict::Refused, why);
        };
        if !self.instances.vips.contains(&address) {
            return ledger.say(line.place, &line.text, Verdict::NotYet, VRRP);
        }
        let device = line.words.iter().position(|word| word == "dev");
        let device = device.and_then(|at| line.words.get(at + 1));
        let device = device.map(String::as_str).filter(|name| is_interface(name));
        if let Some(interface) = device.or(interface) {
            remember(&mut self.instances.of_vips, interface);
        }
        self.instances.held.insert(address);
        let words =
            "the VIP of a service; keepalived goes on to hold it, started with `keepalived --vrrp`";
        ledger.say(line.place, &line.text, Verdict::Approximated, words);
    }

    /// Remembers the VIPs of the services, which must be there.
    pub(super) fn remember_vips(&mut self) {
        let services = self.draft.services.iter();
        let addresses = services.filter_map(|service| service.document.address.as_deref());
        let of_services = addresses.filter_map(|address| {
            let (_, address) = address.split_once("://")?;
            let (address, _) = address.rsplit_once(':')?;
            address.trim_matches(['[', ']']).parse().ok()
        });
        let rules = self
            .draft
            .marks
            .iter()
            .flat_map(|rule| &rule.document.destination);
        let of_rules = rules.filter_map(|address| address.parse().ok());
        self.instances.vips = of_services.chain(of_rules).collect();
    }

    /// Whether services have addresses that no instance holds.
    pub(super) fn has_other_vips(&self) -> bool {
        !self.instances.vips.is_subset(&self.instances.held)
    }
}

/// Says what becomes of an instance's interface.
fn interface_of(statement: &Statement, ledger: &mut Ledger) {
    let Some(name) = statement.argument(0) else {
        return;
    };
    let (verdict, words) = if is_interface(name) {
        (
            Verdict::Translated,
            "one of `interfaces`, if services have an address on it",
        )
    } else {
        (Verdict::Refused, "no interface can have this name")
    };
    ledger.say(statement.place, &statement.text, verdict, words);
}

fn fate(statement: &Statement) -> Option<Instance> {
    match statement.known {
        Known::Keyword(keyword) => match keyword.fate {
            Fate::Instance(what) => Some(what),
            _ => None,
        },
        Known::Value | Known::Unknown(_) => None,
    }
}

fn remember(list: &mut Vec<String>, name: &str) {
    if !list.iter().any(|known| known == name) {
        list.push(name.to_owned());
    }
}
