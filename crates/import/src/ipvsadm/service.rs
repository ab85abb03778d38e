//! One service of the table as dray has it.

use dray_ipvsadm::{Method, Netmask, SchedulerFlags, ServiceSettings};
use dray_model::{
    Family, ServiceIdentity, Tunnel,
    document::{self, Service as Document},
};

use super::table::{Real, Service};
use crate::{
    draft::{Names, Origin, RealDraft, ServiceDraft, comment, seat},
    report::{Ledger, Verdict},
};

/// Turns a service with its real servers into dray's.
pub(super) fn draft(service: &Service, names: &mut Names, ledger: &mut Ledger) -> ServiceDraft {
    let mut document = document(&service.identity, &service.settings);
    document.name = names.give(None, &document);
    let forward = service
        .reals
        .first()
        .map(|real| Way::of(real.settings.method));
    if let Some(way) = &forward {
        document.forward = Some(way.forward.to_owned());
        document.tunnel = way.tunnel.map(str::to_owned);
        document.tunnel_port = way.port;
        document.tunnel_checksum = way.checksum.map(Into::into);
    }
    let mut draft = ServiceDraft {
        above: vec![from(&service.origin, ledger)],
        origin: Some(service.origin.clone()),
        ..ServiceDraft::default()
    };
    said(&service.origin, (Verdict::Translated, "a service"), ledger);
    if service.settings.flags.third {
        let why = "no scheduler has a third flag";
        said(&service.origin, (Verdict::Approximated, why), ledger);
    }
    let own = match service.identity {
        ServiceIdentity::Address(address) => address.port,
        ServiceIdentity::Mark(_) => 0,
    };
    let reals = service
        .reals
        .iter()
        .map(|real| self::real(real, own, forward.as_ref(), &document, ledger));
    draft.reals = reals.collect();
    draft.document = document;
    draft
}

fn document(identity: &ServiceIdentity, settings: &ServiceSettings) -> Document {
    let mut document = Document::default();
    match identity {
        ServiceIdentity::Address(address) => document.address = Some(address.to_string()),
        ServiceIdentity::Mark(mark) => {
            document.mark = Some(mark.number.get());
            document.family = (mark.family == Family::Ipv6).then(|| "ipv6".to_owned());
        }
    }
    let ServiceSettings {
        scheduler,
        flags,
        persistent,
        netmask,
        engine,
        one_packet,
    } = settings;
    document.scheduler = Some(scheduler.clone());
    document.flags = flags_of(scheduler, *flags);
    document.persistent = persistent.map(|seconds| format!("{seconds}s"));
    document.netmask = match netmask {
        &(Netmask::ALL4 | Netmask::ALL6) => None,
        Netmask::Ipv4(mask) => Some(document::Netmask::Mask(mask.to_string())),
        Netmask::Ipv6(length) => Some(document::Netmask::Length(*length)),
    };
    document.persistence_engine.clone_from(engine);
    document.one_packet = one_packet.then_some(true);
    document
}

/// A scheduler's flags by its own names; others have none, and IPVS keeps theirs without looking at them.
fn flags_of(scheduler: &str, flags: SchedulerFlags) -> Vec<String> {
    let named = match scheduler {
        "sh" | "mh" => [(flags.first, "fallback"), (flags.second, "port")],
        _ => return Vec::new(),
    };
    let set = named.into_iter().filter(|(is_set, _)| *is_set);
    set.map(|(_, name)| format!("{scheduler}-{name}")).collect()
}

fn real(
    real: &Real,
    own: u16,
    of_service: Option<&Way>,
    service: &Document,
    ledger: &mut Ledger,
) -> RealDraft {
    let settings = &real.settings;
    let way = Way::of(settings.method);
    let (address, why) = seat(settings.address, settings.port, own, way.forward, service);
    let mut draft = RealDraft {
        above: vec![from(&real.origin, ledger)],
        origin: Some(real.origin.clone()),
        ..RealDraft::default()
    };
    let mut verdict = (Verdict::Translated, "a real server".to_owned());
    if let Some(why) = why {
        verdict = (Verdict::Approximated, why.to_owned());
    }
    let weight = u16::try_from(settings.weight).unwrap_or(u16::MAX);
    if u32::from(weight) != settings.weight {
        verdict = (
            Verdict::Approximated,
            format!("the weight is {weight}, the largest that there is"),
        );
    }
    if verdict.0 == Verdict::Approximated {
        draft
            .above
            .push(comment(&format!("approximated: {}", verdict.1)));
    }
    let unlike = |number: u32| (number != 0).then_some(number);
    draft.document = document::Real {
        address,
        weight: (weight != 1).then_some(weight),
        upper_threshold: unlike(settings.upper),
        lower_threshold: unlike(settings.lower),
        ..document::Real::default()
    };
    if of_service != Some(&way) {
        draft.document.forward = Some(way.forward.to_owned());
        draft.document.tunnel = way.tunnel.map(str::to_owned);
        draft.document.tunnel_port = way.port;
        draft.document.tunnel_checksum = way.checksum.map(Into::into);
    }
    said(&real.origin, (verdict.0, &verdict.1), ledger);
    draft
}

/// A forwarding method in the words of dray's configuration.
#[derive(Debug, PartialEq, Eq)]
struct Way {
    forward: &'static str,
    tunnel: Option<&'static str>,
    port: Option<u16>,
    checksum: Option<bool>,
}

impl Way {
    fn of(method: Method) -> Self {
        let plain = |forward| Self {
            forward,
            tunnel: None,
            port: None,
            checksum: None,
        };
        match method {
            Method::DirectRouting => plain("dr"),
            Method::Nat => plain("nat"),
            Method::Tunnel(tunnel) => Self {
                tunnel: (tunnel != Tunnel::IpIp).then(|| tunnel.name()),
                port: match tunnel {
                    Tunnel::Gue { port, .. } => Some(port.get()),
                    Tunnel::IpIp | Tunnel::Gre { .. } => None,
                },
                checksum: tunnel.has_checksum().then_some(true),
                ..plain("tun")
            },
        }
    }
}

/// Where something comes from.
fn from(origin: &Origin, ledger: &Ledger) -> String {
    comment(&format!(
        "{}: {}",
        ledger.name(origin.place),
        origin.statement
    ))
}

fn said(origin: &Origin, (verdict, words): (Verdict, &str), ledger: &mut Ledger) {
    ledger.say(origin.place, &origin.statement, verdict, words);
}
