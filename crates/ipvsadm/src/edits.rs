//! Commands as edits of a dray director's desired state, and its refusals as IPVS's.
//!
//! ```text
//! Change ─ step ─▶ Step: an Edit, or counters to be zeroed ─▶ whoever has the desired state
//!           │                                                    │
//!           ╰──▶ Refusal ◀──────────── refusal ◀──────────── EditError
//! ```
//!
//! What IPVS checks is checked in its order, so that a command that it refuses is refused in its words. What it does and dray
//! does not is refused in words of our own.

use std::{
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
};

use dray_model::{
    ClientAddress, Desired, Family, Forward, Granularity, HashFlags, Persistence,
    PersistenceEngine, RealServer, Scheduler, Service, ServiceIdentity, ServiceName,
    ServiceOptions, Thresholds, Weight, document,
    document::Endpoint,
    edit::{Edit, EditError},
};
use serde_json::{Map, Value, json};

use crate::{
    Change, DestinationSettings, Method, Netmask, Refusal, SchedulerFlags, ServiceSettings,
    SetTimeouts,
};

/// What a command does to a dray director.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// It changes the desired state.
    Edit(Box<Edit>),
    /// It zeroes the counters of a service, or of all.
    Zero(Option<ServiceName>),
}

/// What a command does where this is desired.
///
/// # Errors
/// When IPVS would refuse it, or dray does not have what it asks for.
pub fn step(change: &Change, desired: &Desired) -> Result<Step, Refusal> {
    Ok(Step::Edit(Box::new(match change {
        Change::AddService(identity, settings) => add_service(identity, settings, desired)?,
        Change::EditService(identity, settings) => {
            edit_service(find(identity, desired)?, settings)?
        }
        Change::DeleteService(identity) => Edit::RemoveService {
            name: find(identity, desired)?.name.clone(),
        },
        Change::Clear => Edit::Clear,
        Change::AddServer(identity, settings) => {
            let service = find(identity, desired)?;
            let real = real(settings, service)?;
            if service.reals.iter().any(|it| place(it) == place(&real)) {
                return Err(Refusal::Exists);
            }
            if !can_be_real(real.address) {
                return Err(Refusal::Invalid);
            }
            Edit::AddReal {
                service: service.name.clone(),
                real: document::Real::of(&real, service),
            }
        }
        Change::EditServer(identity, settings) => {
            let service = find(identity, desired)?;
            let real = real(settings, service)?;
            let before = find_real(service, (settings.address, settings.port))?;
            let endpoint = Endpoint::of(before, identity);
            if before.forward == Forward::FullNat {
                return Err(Refusal::Words(format!(
                    "{endpoint} is reached by fullnat, for which ipvsadm has no option and which it would end; use `dray real edit`"
                )));
            }
            Edit::PutReal {
                service: service.name.clone(),
                real: endpoint,
                document: document::Real::of(&real, service),
            }
        }
        Change::DeleteServer(identity, place) => {
            let service = find(identity, desired)?;
            Edit::RemoveReal {
                service: service.name.clone(),
                real: Endpoint::of(find_real(service, *place)?, identity),
            }
        }
        Change::Zero(None) => return Ok(Step::Zero(None)),
        Change::Zero(Some(identity)) => {
            return Ok(Step::Zero(Some(find(identity, desired)?.name.clone())));
        }
        Change::SetTimeouts(timeouts) => set_timeouts(timeouts),
        // dray synchronises no connections with another director.
        Change::StartDaemon(_) => return Err(Refusal::NoProtocol),
        Change::StopDaemon(_) => return Err(Refusal::NoProcess),
    })))
}

/// A refused edit as IPVS would refuse the command.
pub fn refusal(error: &EditError) -> Refusal {
    match error {
        EditError::NoSuchService { .. } => Refusal::NoProcess,
        EditError::NoSuchReal { .. } => Refusal::NoEntry,
        EditError::Exists(_) => Refusal::Exists,
        EditError::Invalid(errors) => {
            let texts = errors
                .iter()
                .map(|error| format!("{}; {}", error.cause, error.cure));
            Refusal::Words(texts.collect::<Vec<_>>().join("\n"))
        }
    }
}

/// The name of a service that a command makes: `tcp-10.0.0.1-80`, `udp-2001-db8--1-53`, `mark-5`, `mark-5-ipv6`; with a number
/// behind it if another service has that name.
pub fn name(identity: &ServiceIdentity, desired: &Desired) -> ServiceName {
    let text = match identity {
        ServiceIdentity::Address(address) => format!(
            "{}-{}-{}",
            address.protocol.name(),
            address.vip.to_string().replace(':', "-"),
            address.port
        ),
        ServiceIdentity::Mark(mark) => match mark.family {
            Family::Ipv4 => format!("mark-{}", mark.number),
            Family::Ipv6 => format!("mark-{}-ipv6", mark.number),
        },
    };
    let taken = |name: &ServiceName| {
        let mut services = desired.services.iter();
        services.any(|service| service.name == *name)
    };
    let numbered = (2_u32..).map(|number| format!("{text}-{number}"));
    std::iter::once(text.clone())
        .chain(numbered)
        .filter_map(|text| ServiceName::new(&text).ok())
        .find(|name| !taken(name))
        // A protocol, an address and a port have 50 characters at most, and there are fewer services than numbers.
        .expect("some name is free")
}

fn find<'a>(identity: &ServiceIdentity, desired: &'a Desired) -> Result<&'a Service, Refusal> {
    let mut services = desired.services.iter();
    let found = services.find(|service| service.identity == *identity);
    found.map(|service| &**service).ok_or(Refusal::NoProcess)
}

/// The real server that a command names by address and port. Of a mark's, those that keep the packet's port have none, and answer
/// to any.
fn find_real(service: &Service, named: (IpAddr, u16)) -> Result<&RealServer, Refusal> {
    let by_place = service.reals.iter().find(|real| place(real) == named);
    let by_address = || {
        let mut reals = service.reals.iter();
        reals.find(|real| {
            service.identity.address().is_none()
                && real.address == named.0
                && matches!(real.forward, Forward::DirectRouting | Forward::Tunnel(_))
        })
    };
    by_place.or_else(by_address).ok_or(Refusal::NoEntry)
}

fn place(real: &RealServer) -> (IpAddr, u16) {
    (real.address, real.port)
}

fn add_service(
    identity: &ServiceIdentity,
    settings: &ServiceSettings,
    desired: &Desired,
) -> Result<Edit, Refusal> {
    if find(identity, desired).is_ok() {
        return Err(Refusal::Exists);
    }
    let service = Service {
        name: name(identity, desired),
        identity: *identity,
        scheduler: scheduler(settings)?,
        options: options(settings)?,
        forward: Forward::DirectRouting,
        client_address: ClientAddress::Hidden,
        mss: None,
        reals: Vec::new(),
    };
    Ok(Edit::AddService(document::Service::from(&service)))
}

/// What of a service's document `-E` sets; all else stays.
const SET_BY_EDIT: [&str; 6] = [
    "scheduler",
    "flags",
    "persistent",
    "netmask",
    "persistence_engine",
    "one_packet",
];

fn edit_service(service: &Service, settings: &ServiceSettings) -> Result<Edit, Refusal> {
    let wanted = Service {
        scheduler: scheduler(settings)?,
        options: options(settings)?,
        reals: Vec::new(),
        ..service.clone()
    };
    let wanted = serde_json::to_value(document::Service::from(&wanted))
        .map_err(|error| Refusal::Words(error.to_string()))?;
    let patch: Map<String, Value> = SET_BY_EDIT
        .into_iter()
        .map(|key| {
            (
                key.to_owned(),
                wanted.get(key).cloned().unwrap_or(Value::Null),
            )
        })
        .collect();
    Ok(Edit::PatchService {
        name: service.name.clone(),
        patch: patch.into(),
    })
}

fn scheduler(settings: &ServiceSettings) -> Result<Scheduler, Refusal> {
    let scheduler = Scheduler::from_name(&settings.scheduler).ok_or(Refusal::NoEntry)?;
    let SchedulerFlags {
        first: fallback,
        second: port,
        third,
    } = settings.flags;
    let flags = HashFlags { fallback, port };
    match scheduler {
        Scheduler::SourceHash(_) if !third => Ok(Scheduler::SourceHash(flags)),
        Scheduler::MaglevHash(_) if !third => Ok(Scheduler::MaglevHash(flags)),
        scheduler if !settings.flags.any() => Ok(scheduler),
        scheduler => Err(Refusal::Words(format!(
            "the scheduler {} does nothing with such a flag, and dray keeps none; leave it out",
            scheduler.name()
        ))),
    }
}

fn options(settings: &ServiceSettings) -> Result<ServiceOptions, Refusal> {
    let engine = match settings.engine.as_deref() {
        None => None,
        Some("sip") => Some(PersistenceEngine::Sip),
        Some(_) => return Err(Refusal::NoEntry),
    };
    if engine.is_some() && settings.persistent.is_none() {
        return Err(Refusal::Words(
            "a persistence engine does nothing for a service that is not persistent; add -p"
                .to_owned(),
        ));
    }
    Ok(ServiceOptions {
        persistence: settings.persistent.map(|timeout| Persistence {
            timeout,
            granularity: match settings.netmask {
                Netmask::Ipv4(mask) => Granularity::Ipv4(mask),
                Netmask::Ipv6(length) => Granularity::Ipv6(length),
            },
            engine,
        }),
        one_packet: settings.one_packet,
    })
}

/// The real server that a command describes.
fn real(settings: &DestinationSettings, service: &Service) -> Result<RealServer, Refusal> {
    let DestinationSettings {
        address,
        port,
        method,
        weight,
        upper,
        lower,
    } = *settings;
    if lower > upper {
        return Err(Refusal::Range);
    }
    let port = match service.identity.address() {
        // The method leaves the packet's port as it is, and IPVS takes no notice of the one that is named.
        None if method.keeps_port() => 0,
        None => port,
        Some(service) if port == 0 && service.port != 0 => {
            return Err(Refusal::Words(format!(
                "the port 0 is none that a server has; name {address}'s, or name the service before it"
            )));
        }
        Some(_) => port,
    };
    let weight = u16::try_from(weight)
        .map_err(|_| Refusal::Words(format!("dray's weights end at {}", u16::MAX)))?;
    Ok(RealServer {
        address,
        port,
        forward: Method::into(method),
        weight: Weight::new(weight),
        thresholds: Thresholds { upper, lower },
    })
}

/// Whether IPVS takes the address for a new real server's.
fn can_be_real(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            !(address.is_multicast() || address.is_broadcast() || address.octets()[0] == 0)
        }
        IpAddr::V6(address) => {
            !(address.is_multicast()
                || address == Ipv6Addr::UNSPECIFIED
                || address.to_ipv4_mapped().is_some()
                || address.is_unicast_link_local())
        }
    }
}

fn set_timeouts(timeouts: &SetTimeouts) -> Edit {
    let named = [
        ("tcp", timeouts.tcp),
        ("tcp_fin", timeouts.tcp_fin),
        ("udp", timeouts.udp),
    ];
    let set: Map<String, Value> = named
        .into_iter()
        .filter_map(|(key, seconds)| Some((key.to_owned(), duration(seconds?))))
        .collect();
    Edit::PatchDirector {
        patch: json!({ "timeouts": set }),
    }
}

fn duration(seconds: NonZeroU32) -> Value {
    format!("{seconds}s").into()
}
