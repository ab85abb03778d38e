//! What a virtual server says of itself, and the service that it is for one address or mark.

use std::net::SocketAddr;

use dray_model::{
    Scheduler, ServiceName,
    document::{Netmask, Service as Document},
};

use super::{
    super::{
        keyword::{Fate, Service},
        tree::{Known, Statement},
    },
    address,
    carry::{carry, carry_as, has_arguments},
    method::{self, Method},
    service::Which,
};
use crate::{
    draft::{Origin, ServiceDraft, comment},
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
    pub(super) name: Option<String>,
    pub(super) method: Method,
    pub(super) weight: u16,
    /// All that does not depend on which service it is.
    document: Document,
    keys: Vec<(&'static str, Origin)>,
    above: Vec<String>,
    below: Vec<String>,
}

impl Server {
    /// A virtual server of which nothing is known yet.
    pub(super) fn new(statement: &Statement) -> Self {
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
    pub(super) fn read<'s>(
        &mut self,
        statement: &'s Statement,
        ledger: &mut Ledger,
    ) -> Vec<&'s Statement> {
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
        if self.document.forward.is_none() {
            self.above.push(comment(
                "keepalived's method is NAT where it is not told another.",
            ));
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
    pub(super) fn draft(
        &self,
        which: Which,
        reals: &[&Statement],
        ledger: &mut Ledger,
    ) -> ServiceDraft {
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

/// A protocol as service addresses have it.
pub(super) fn protocol(word: &str) -> Option<&'static str> {
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
