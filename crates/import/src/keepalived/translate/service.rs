//! `virtual_server`: one service, or one for each line of its group.

use std::net::IpAddr;

use super::{
    super::tree::Statement,
    Site, address,
    carry::{carry_as, has_arguments},
    group::{self, What},
    server::{Server, protocol},
};
use crate::{
    draft::{MarkDraft, Origin, comment, title},
    report::{Ledger, Verdict},
};

/// Which service is meant.
#[derive(Clone, Copy, Debug)]
pub(super) enum Which {
    /// The one of an address and a port, 0 for every port.
    Address(IpAddr, u16),
    /// The one of a mark.
    Mark(u32, Option<&'static str>),
}

impl Site {
    /// Makes services of a virtual server.
    pub(super) fn virtual_server(&mut self, statement: &Statement, ledger: &mut Ledger) {
        let mut comments = Vec::new();
        if !has_arguments(statement, ledger, &mut comments) {
            self.draft.below_director.append(&mut comments);
            return;
        }
        let services = match self.services(statement, ledger) {
            Ok(services) => services,
            Err(why) => {
                let comments = &mut self.draft.below_director;
                carry_as(statement, Verdict::Refused, &why, ledger, comments);
                return;
            }
        };
        let mut server = Server::new(statement);
        let reals = server.read(statement, ledger);
        ledger.say(
            statement.place,
            &statement.text,
            Verdict::Translated,
            "a service",
        );
        let is_many = services.len() > 1;
        for (at, (which, origin)) in services.into_iter().enumerate() {
            let mut draft = server.draft(which, &reals, ledger);
            if is_many {
                draft.title = title(&draft.document);
            }
            draft.document.name = self.names.give(server.name.as_deref(), &draft.document);
            if let Some(origin) = origin {
                let name = ledger.name(origin.place);
                draft
                    .above
                    .push(comment(&format!("{name}: {}", origin.statement)));
                draft.keys.push(("address", origin));
            }
            // What is true of all of them stands at the first alone.
            if at > 0 {
                draft.below.clear();
                draft.reals.iter_mut().for_each(|real| real.below.clear());
            }
            self.draft.services.push(draft);
        }
    }

    /// The services that a virtual server is, each with the line of its group.
    fn services(
        &mut self,
        statement: &Statement,
        ledger: &mut Ledger,
    ) -> Result<Vec<(Which, Option<Origin>)>, String> {
        let first = statement.argument(0).unwrap_or_default();
        match first {
            "group" => {
                let name = statement.argument(1).unwrap_or_default();
                let members = self.use_group(name, ledger);
                let members =
                    members.ok_or_else(|| format!("there is no virtual_server_group `{name}`"))?;
                let mut services = Vec::new();
                let mut marked = Vec::new();
                for member in members {
                    let Origin {
                        place,
                        statement: text,
                    } = &member.origin;
                    let origin = Some(member.origin.clone());
                    match member.what {
                        What::Mark(mark, family) => {
                            services.push((Which::Mark(mark, family), origin))
                        }
                        What::Addresses(range, port) if self.next_mark.is_some() => {
                            marked.push((range, port, member.origin.clone()));
                            let words = "a rule for the group's mark";
                            ledger.say(*place, text, Verdict::Translated, words);
                            continue;
                        }
                        What::Addresses(range, port) => match address::each(range) {
                            Ok(all) => {
                                let all = all.into_iter();
                                services.extend(all.map(|address| {
                                    (Which::Address(address, port), origin.clone())
                                }));
                            }
                            Err(why) => {
                                let comments = &mut self.draft.below_director;
                                let line = comment(&format!(
                                    "{}: refused ({why}): {text}",
                                    ledger.name(*place)
                                ));
                                comments.push(line);
                                ledger.say(*place, text, Verdict::Refused, why);
                                continue;
                            }
                        },
                    }
                    ledger.say(
                        *place,
                        text,
                        Verdict::Translated,
                        "a service for each address",
                    );
                }
                self.marked(&marked, statement, &mut services, ledger);
                if services.is_empty() {
                    return Err(format!(
                        "no line of the virtual_server_group `{name}` makes a service"
                    ));
                }
                Ok(services)
            }
            "fwmark" => {
                let mark = group::mark(statement.argument(1).unwrap_or_default())?;
                Ok(vec![(Which::Mark(mark, None), None)])
            }
            _ => {
                let which = Which::Address(
                    address::address(first)?,
                    address::port(statement.argument(1))?,
                );
                Ok(vec![(which, None)])
            }
        }
    }

    /// The services of a group whose packets get a mark (`nftables_ipvs`), and the rules that give it.
    fn marked(
        &mut self,
        lines: &[((IpAddr, IpAddr), u16, Origin)],
        statement: &Statement,
        services: &mut Vec<(Which, Option<Origin>)>,
        ledger: &mut Ledger,
    ) {
        let protocol = last(statement, "protocol").and_then(|word| protocol(&word));
        for (family, is_ipv4) in [("ipv4", true), ("ipv6", false)] {
            let of_family = |line: &&((IpAddr, IpAddr), u16, Origin)| line.0.0.is_ipv4() == is_ipv4;
            let lines: Vec<_> = lines.iter().filter(of_family).collect();
            let (Some(mark), false) = (self.next_mark, lines.is_empty()) else {
                continue;
            };
            self.next_mark = mark.checked_add(1);
            services.push((Which::Mark(mark, Some(family)), None));
            for (range, port, origin) in lines {
                let mut rule = MarkDraft {
                    above: vec![comment(&format!(
                        "{}: {}",
                        ledger.name(origin.place),
                        origin.statement
                    ))],
                    origin: Some(origin.clone()),
                    ..MarkDraft::default()
                };
                rule.document.mark = mark;
                rule.document.destination = address::networks(*range);
                rule.document.protocol = Some(protocol.unwrap_or("udp").to_owned());
                rule.document.ports = if *port == 0 {
                    Vec::new()
                } else {
                    vec![port.to_string()]
                };
                self.draft.marks.push(rule);
            }
        }
    }
}

/// The word behind the last statement of this keyword.
fn last(statement: &Statement, keyword: &str) -> Option<String> {
    let mut inside = statement.inside().iter().rev();
    let last = inside.find(|inner| inner.words.first().is_some_and(|word| word == keyword))?;
    last.argument(0).map(str::to_owned)
}
