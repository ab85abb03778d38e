//! `virtual_server_group`: many addresses and marks for one virtual server.

use std::net::IpAddr;

use super::{super::tree::Statement, Site, address, carry};
use crate::{
    draft::Origin,
    report::{Ledger, Verdict},
};

/// What a group consists of, in its order.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) members: Vec<Member>,
    origin: Origin,
    is_used: bool,
}

/// A line of a group.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) what: What,
    pub(super) origin: Origin,
}

/// What a line of a group says.
#[derive(Clone, Copy, Debug)]
pub(super) enum What {
    /// Addresses from the first to the last, and a port, 0 for every port.
    Addresses((IpAddr, IpAddr), u16),
    /// A mark, and its family if it is said.
    Mark(u32, Option<&'static str>),
}

impl Site {
    /// Takes a group to heart.
    pub(super) fn group(&mut self, statement: &Statement, ledger: &mut Ledger) {
        let name = statement.argument(0).unwrap_or_default().to_owned();
        let mut members = Vec::new();
        for line in statement.inside() {
            match member(line) {
                Ok(what) => members.push(Member {
                    what,
                    origin: Origin {
                        place: line.place,
                        statement: line.text.clone(),
                    },
                }),
                Err(why) => {
                    carry::carry_as(
                        line,
                        Verdict::Refused,
                        &why,
                        ledger,
                        &mut self.draft.below_director,
                    );
                }
            }
        }
        let group = Group {
            members,
            origin: Origin {
                place: statement.place,
                statement: statement.text.clone(),
            },
            is_used: false,
        };
        self.groups.insert(name, group);
    }

    /// The members of a group.
    pub(super) fn use_group(&mut self, name: &str, ledger: &mut Ledger) -> Option<Vec<Member>> {
        let group = self.groups.get_mut(name)?;
        group.is_used = true;
        let Origin { place, statement } = &group.origin;
        ledger.say(
            *place,
            statement,
            Verdict::Translated,
            "each virtual server that names it has its lines",
        );
        Some(group.members.clone())
    }

    /// Tells of groups that no virtual server names.
    pub(super) fn unused_groups(&self, ledger: &mut Ledger) {
        for group in self.groups.values().filter(|group| !group.is_used) {
            let members = group.members.iter().map(|member| &member.origin);
            for origin in members.chain([&group.origin]) {
                let words = "no virtual server names the group";
                ledger.say(origin.place, &origin.statement, Verdict::Ignored, words);
            }
        }
    }
}

/// Reads `10.0.0.1-5 80` or `fwmark 1 inet`.
fn member(line: &Statement) -> Result<What, String> {
    let first = line.words.first().map_or("", String::as_str);
    if first != "fwmark" {
        return Ok(What::Addresses(
            address::range(first)?,
            address::port(line.argument(0))?,
        ));
    }
    let mark = mark(line.argument(0).unwrap_or_default())?;
    let family = match line.argument(1) {
        None => None,
        Some("inet") => Some("ipv4"),
        Some("inet6") => Some("ipv6"),
        Some(family) => {
            return Err(format!(
                "keepalived knows no family `{family}`: inet or inet6"
            ));
        }
    };
    Ok(What::Mark(mark, family))
}

/// A mark's number.
pub(super) fn mark(word: &str) -> Result<u32, String> {
    let mark = word.parse().ok().filter(|mark| *mark != 0);
    mark.ok_or_else(|| format!("`{word}` is not a mark: a number from 1 to 4294967295"))
}
