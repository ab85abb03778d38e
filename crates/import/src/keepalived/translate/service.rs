//! `virtual_server`: one service, or one for each line of its group.

use std::net::{IpAddr, SocketAddr};

use dray_model::{
    Scheduler, ServiceName,
    document::{Netmask, Service as Document},
};

use super::{
    super::{
        keyword::{Fate, Service},
        tree::{Known, Statement},
    },
    Site, address,
    carry::{carry, carry_as, has_arguments},
    group::{self, What},
    method::{self, Method},
};
use crate::{
    draft::{MarkDraft, Origin, ServiceDraft, comment, title},
    report::{Ledger, Verdict},
};

/// How long keepalived remembers clients when it is not told: IPVS's default, in seconds.
const PERSISTENT: u32 = 360;

/// The longest that IPVS remembers clients: 31 days, in seconds.
const MAX_PERSISTENT: u32 = 2_678_400;

/// What a virtual server says of itself, in dray's words.
#[derive(Clone, Debug)]
pub(super) struct Server {
    pub(super) origin: Origin,
    protocol: Option<&'static str>,
    family: Option<&'static str>,
    flags: Vec<Statement>,
    one_packet: Option<Statement>,
    name: Option<String>,
    pub(super) method: Method,
    pub(super) weight: u16,
    /// All that does not depend on which service it is.
    document: Document,
    keys: Vec<(&'static str, Origin)>,
    above: Vec<String>,
    below: Vec<String>,
}

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
        if server.method == method::DEFAULT && server.document.forward.is_none() {
            server.above.push(comment(
                "keepalived's method is NAT where it is not told another.",
            ));
        }
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

impl Server {
    fn new(statement: &Statement) -> Self {
        Self {
            origin: Origin {
                place: statement.place,
                statement: statement.text.clone(),
            },
            protocol: None,
            family: None,
            flags: Vec::new(),
            one_packet: None,
            name: None,
            method: method::DEFAULT,
            weight: 1,
            document: Document::default(),
            keys: Vec::new(),
            above: Vec::new(),
            below: Vec::new(),
        }
    }

    /// Reads the block of a virtual server; its real servers are left to be read for each service.
    fn read<'s>(&mut self, statement: &'s Statement, ledger: &mut Ledger) -> Vec<&'s Statement> {
        let mut reals = Vec::new();
        for (at, inner) in statement.inside().iter().enumerate() {
            let what = match inner.known {
                Known::Keyword(keyword) => keyword.fate,
                Known::Value | Known::Unknown(_) => {
                    carry(inner, ledger, &mut self.below);
                    continue;
                }
            };
            let Fate::Service(what) = what else {
                carry(inner, ledger, &mut self.below);
                continue;
            };
            if !has_arguments(inner, ledger, &mut self.below) {
                continue;
            }
            let is_again = |later: &Statement| is_same(what, later) && is_single(what);
            if statement.inside()[at + 1..].iter().any(is_again) {
                ledger.say(
                    inner.place,
                    &inner.text,
                    Verdict::Ignored,
                    "it is said again further down",
                );
                continue;
            }
            if let Service::RealServer = what {
                reals.push(inner);
            } else if let Err(why) = self.set(what, inner, ledger) {
                carry_as(inner, Verdict::Refused, &why, ledger, &mut self.below);
            }
        }
        reals
    }

    /// Takes one statement to heart; why it cannot, otherwise.
    fn set(
        &mut self,
        what: Service,
        statement: &Statement,
        ledger: &mut Ledger,
    ) -> Result<(), String> {
        let word = statement.argument(0).unwrap_or_default();
        let mut said = (Verdict::Translated, String::new());
        let mut key = |name: &'static str, document: &mut Vec<(&'static str, Origin)>| {
            document.push((name, origin(statement)));
            said.1 = format!("`{name}`");
        };
        match what {
            Service::Scheduler => {
                let scheduler = Scheduler::from_name(word);
                scheduler.ok_or_else(|| {
                    format!("keepalived knows no scheduler `{word}`, and takes wlc")
                })?;
                self.document.scheduler = Some(word.to_owned());
                key("scheduler", &mut self.keys);
            }
            Service::SchedulerFlag => {
                self.flags.push(statement.clone());
                return Ok(());
            }
            Service::OnePacket => {
                self.one_packet = Some(statement.clone());
                return Ok(());
            }
            Service::Method => {
                self.method = method::method(statement.arguments())?;
                self.document.forward = Some(self.method.forward.to_owned());
                key("forward", &mut self.keys);
                if self.method.is_near {
                    said = (Verdict::Approximated, method::NEAR.to_owned());
                    self.above.push(near(statement, method::NEAR, ledger));
                }
            }
            Service::PersistenceEngine => {
                self.document.persistence_engine = Some(word.to_owned());
                key("persistence_engine", &mut self.keys);
            }
            Service::PersistenceTimeout => {
                let seconds = match statement.argument(0) {
                    None => Some(PERSISTENT),
                    Some(word) => word.parse().ok(),
                };
                let seconds = seconds.filter(|seconds| (1..=MAX_PERSISTENT).contains(seconds));
                let seconds = seconds.ok_or_else(|| {
                    format!("`{word}` is not a time: 1 to {MAX_PERSISTENT} seconds")
                })?;
                self.document.persistent = Some(seconds_of(seconds));
                key("persistent", &mut self.keys);
            }
            Service::PersistenceGranularity => {
                self.document.netmask = Some(match word.parse() {
                    Ok(length) => Netmask::Length(length),
                    Err(_) => Netmask::Mask(word.to_owned()),
                });
                self.document
                    .persistent
                    .get_or_insert_with(|| seconds_of(PERSISTENT));
                key("netmask", &mut self.keys);
            }
            Service::Protocol => {
                let protocol = protocol(word);
                self.protocol =
                    Some(protocol.ok_or_else(|| format!("keepalived knows no protocol `{word}`"))?);
                key("address", &mut self.keys);
            }
            Service::Family => {
                self.family = match word {
                    "inet" => Some("ipv4"),
                    "inet6" => Some("ipv6"),
                    _ => {
                        return Err(format!(
                            "keepalived knows no family `{word}`: inet or inet6"
                        ));
                    }
                };
                key("family", &mut self.keys);
            }
            Service::Name => {
                ServiceName::new(word).map_err(|_| {
                    format!("`{word}` is no name for a service: 1 to 63 characters out of a-z A-Z 0-9 . _ -")
                })?;
                self.name = Some(word.to_owned());
                key("name", &mut self.keys);
            }
            Service::DefaultWeight => {
                self.weight = super::real::weight(word)?;
                said.1 = "the weight of real servers that have none of their own".to_owned();
            }
            Service::RealServer => {}
        }
        ledger.say(statement.place, &statement.text, said.0, said.1);
        Ok(())
    }

    /// The service of one address or mark.
    fn draft(&self, which: Which, reals: &[&Statement], ledger: &mut Ledger) -> ServiceDraft {
        let mut document = self.document.clone();
        let mut above = self.above.clone();
        let mut below = self.below.clone();
        let name = ledger.name(self.origin.place);
        above.insert(0, comment(&format!("{name}: {}", self.origin.statement)));
        let mut note = |text: &str| above.push(comment(text));
        document.forward = Some(self.method.forward.to_owned());
        document.tunnel = self.method.tunnel.map(str::to_owned);
        document.tunnel_port = self.method.port;
        document.tunnel_checksum = self.method.checksum.map(Into::into);
        let mut protocol = self.protocol;
        match which {
            Which::Address(address, port) => {
                if protocol.is_none() {
                    note("keepalived takes UDP where no protocol is said.");
                }
                let protocol = protocol.get_or_insert("udp");
                document.address = Some(format!("{protocol}://{}", SocketAddr::new(address, port)));
                if port == 0 && document.persistent.is_none() {
                    note("keepalived makes a service of every port persistent.");
                    document.persistent = Some(seconds_of(PERSISTENT));
                }
            }
            Which::Mark(mark, family) => {
                protocol = None;
                let family = family
                    .or(self.family)
                    .or_else(|| family_of(&document, reals));
                document.mark = Some(mark);
                document.family = family.filter(|family| *family == "ipv6").map(str::to_owned);
                if let Some((_, origin)) = self.keys.iter().find(|(key, _)| *key == "address") {
                    let words = "it is for a mark, whose packets may be of any protocol";
                    ledger.say(origin.place, &origin.statement, Verdict::Ignored, words);
                }
            }
        }
        self.flags(&mut document, ledger);
        if let Some(statement) = &self.one_packet {
            let is_for = !matches!(protocol, Some("tcp" | "sctp"));
            document.one_packet = is_for.then_some(true);
            let (verdict, words) = if is_for {
                (Verdict::Translated, "`one_packet`")
            } else {
                (
                    Verdict::Ignored,
                    "keepalived takes it for UDP and marks alone",
                )
            };
            ledger.say(statement.place, &statement.text, verdict, words);
        }
        let mut keys = self.keys.clone();
        keys.extend(
            self.one_packet
                .iter()
                .map(|statement| ("one_packet", origin(statement))),
        );
        keys.extend(
            self.flags
                .iter()
                .map(|statement| ("flags", origin(statement))),
        );
        let reals = reals
            .iter()
            .filter_map(|real| self.real(real, (which, &document), ledger, &mut below));
        let reals = reals.collect();
        ServiceDraft {
            above,
            document,
            origin: Some(self.origin.clone()),
            keys,
            below,
            reals,
            ..ServiceDraft::default()
        }
    }

    /// The scheduler's flags, by the names that it has for them.
    fn flags(&self, document: &mut Document, ledger: &mut Ledger) {
        let scheduler = document.scheduler.as_deref().unwrap_or("wlc");
        for statement in &self.flags {
            let word = statement.words.first().map_or("", String::as_str);
            let flag = match (scheduler, word) {
                ("sh", "flag-1" | "sh-fallback") => "sh-fallback",
                ("sh", "flag-2" | "sh-port") => "sh-port",
                ("mh", "flag-1" | "mh-fallback") => "mh-fallback",
                ("mh", "flag-2" | "mh-port") => "mh-port",
                _ => {
                    let words = format!("`{scheduler}` has no such flag");
                    ledger.say(statement.place, &statement.text, Verdict::Ignored, words);
                    continue;
                }
            };
            if !document.flags.iter().any(|known| known == flag) {
                document.flags.push(flag.to_owned());
            }
            ledger.say(
                statement.place,
                &statement.text,
                Verdict::Translated,
                "`flags`",
            );
        }
    }
}

/// Whether a later statement says something of the same.
fn is_same(what: Service, later: &Statement) -> bool {
    let Known::Keyword(keyword) = later.known else {
        return false;
    };
    let Fate::Service(other) = keyword.fate else {
        return false;
    };
    std::mem::discriminant(&what) == std::mem::discriminant(&other)
}

/// Whether what is said last counts alone.
fn is_single(what: Service) -> bool {
    !matches!(what, Service::RealServer | Service::SchedulerFlag)
}

/// The word behind the last statement of this keyword.
fn last(statement: &Statement, keyword: &str) -> Option<String> {
    let mut inside = statement.inside().iter().rev();
    let last = inside.find(|inner| inner.words.first().is_some_and(|word| word == keyword))?;
    last.argument(0).map(str::to_owned)
}

fn protocol(word: &str) -> Option<&'static str> {
    match word.to_ascii_uppercase().as_str() {
        "TCP" => Some("tcp"),
        "UDP" => Some("udp"),
        "SCTP" => Some("sctp"),
        _ => None,
    }
}

/// The family of a mark's service that says nothing of it: that of its netmask, or of its real servers where they agree.
fn family_of(document: &Document, reals: &[&Statement]) -> Option<&'static str> {
    match document.netmask {
        Some(Netmask::Mask(_)) => return Some("ipv4"),
        Some(Netmask::Length(_)) => return Some("ipv6"),
        None => {}
    }
    let mut addresses = reals
        .iter()
        .filter_map(|real| address::address(real.argument(0)?).ok());
    addresses.all(|address| address.is_ipv6()).then_some("ipv6")
}

/// What is written where something is only near to what was asked for.
pub(super) fn near(statement: &Statement, how: &str, ledger: &Ledger) -> String {
    comment(&format!(
        "{}: approximated ({how}): {}",
        ledger.name(statement.place),
        statement.text
    ))
}

pub(super) fn origin(statement: &Statement) -> Origin {
    Origin {
        place: statement.place,
        statement: statement.text.clone(),
    }
}

/// Seconds as keepalived has them too, so that the two files can be compared.
fn seconds_of(seconds: u32) -> String {
    format!("{seconds}s")
}
