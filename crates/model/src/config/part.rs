//! A part of a configuration alone: a service or the director, for the desired state that it is to stand in.
//!
//! The part is read as in a file. The rules between tables then look at it together with what of the state it could be against,
//! and not at the whole state, which has passed them before.

use std::{collections::HashSet, net::IpAddr, num::NonZeroU32, ops::Range};

use serde_json::{Map, Value};

use crate::{Desired, Director, Family, Mark, Service, ServiceIdentity, document};

use super::{
    FieldError,
    across::{self, Facts, Seat},
    address, director,
    fault::{Fault, Faults},
    identity::FAMILIES,
    json, keys, prefix, real, service,
    table::Entries,
};

/// Reads a service for its place in a state: that of the service with this number, or the end.
pub(crate) fn service(
    desired: &Desired,
    number: Option<usize>,
    document: &Value,
) -> Result<Service, Vec<FieldError>> {
    json::read(document, |table, faults| {
        let entries = Entries::open(&keys::SERVICE, 0..0, table, faults);
        let mut own = Facts::default();
        let service = service::service(&entries, &mut own, faults);
        let before = number.map(|number| &*desired.services[number]);
        let news = News::of(&own, before);
        let mut facts = of_director(&desired.director);
        if !news.is_empty() {
            for (other, service) in desired.services.iter().enumerate() {
                if Some(other) != number && news.concern(service) {
                    add_service(&mut facts, other, service);
                }
            }
        }
        add_own(&mut facts, own);
        tell(across::check(&facts), desired, faults);
        service
    })
}

/// Reads the director's settings for a state. The rules that give marks are those that it has.
pub(crate) fn director(desired: &Desired, document: &Value) -> Result<Director, Vec<FieldError>> {
    let marks = document::marks(&desired.director.marks);
    let file = [
        (DIRECTOR.to_owned(), document.clone()),
        ("mark".to_owned(), document::json(&marks)),
    ];
    let file = Value::Object(Map::from_iter(file));
    let read = json::read(&file, |table, faults| {
        let file = Entries::open(&keys::FILE, 0..0, table, faults);
        let mut own = Facts::default();
        let director = director::whole(&file, &mut own, faults);
        let mut facts = Facts::default();
        for (number, service) in desired.services.iter().enumerate() {
            add_service(&mut facts, number, service);
        }
        add_own(&mut facts, own);
        tell(across::check(&facts), desired, faults);
        director
    });
    read.map_err(|errors| errors.into_iter().map(of_settings).collect())
}

/// The key of the director's settings.
const DIRECTOR: &str = "director";

/// An error of the file as one of the director's settings.
fn of_settings(error: FieldError) -> FieldError {
    let inner = error.path.strip_prefix('/');
    match inner.and_then(|path| path.strip_prefix(DIRECTOR)) {
        Some(path) => FieldError {
            path: path.to_owned(),
            ..error
        },
        None => {
            let cause = format!("in the rules that give marks: {}", error.cause);
            FieldError::new("", cause, error.cure)
        }
    }
}

/// What a service is for, if its document says so in a way that can be read.
pub(crate) fn identity(document: &document::Service) -> Option<ServiceIdentity> {
    if let Some(address) = &document.address {
        return Some(address::service(address).ok()?.into());
    }
    let family = document.family.as_deref();
    let mut families = FAMILIES.iter();
    let family = family.map_or(Some(Family::Ipv4), |word| {
        let (_, family) = families.find(|(family, _)| *family == word)?;
        Some(*family)
    });
    let number = NonZeroU32::new(document.mark?)?;
    let family = family?;
    Some(Mark { number, family }.into())
}

/// Whether a service's document can be read, whatever state it is for.
pub(crate) fn check_service(document: &Value) -> Result<(), Vec<FieldError>> {
    json::read(document, |table, faults| {
        let entries = Entries::open(&keys::SERVICE, 0..0, table, faults);
        service::service(&entries, &mut Facts::default(), faults).map(drop)
    })
}

/// Whether a real server's document can be read, whatever service it is for.
pub(crate) fn check_real(document: &Value) -> Result<(), Vec<FieldError>> {
    json::read(document, |table, faults| {
        let entries = Entries::open(&keys::REAL, 0..0, table, faults);
        real::alone(&entries, faults)
    })
}

/// A place of what the rules look at.
#[derive(Clone, Debug)]
enum Place {
    /// In the text of what is read.
    Here(Range<usize>),
    /// In the service with that number.
    Service(usize),
    /// In the director's settings.
    Director,
}

/// What is new of a service, by which it could be against others: with what it had before, it was not.
struct News<'f> {
    name: Option<&'f str>,
    identity: Option<ServiceIdentity>,
    vip: Option<IpAddr>,
    reals: HashSet<IpAddr>,
}

impl<'f> News<'f> {
    fn of<P>(own: &Facts<'f, P>, before: Option<&Service>) -> Self {
        let vip = |identity: ServiceIdentity| identity.address().map(|address| address.vip);
        let name = own.names.first().map(|(name, _)| *name);
        let identity = own.identities.first().map(|(identity, _)| *identity);
        let mut news = Self {
            name,
            identity,
            vip: identity.and_then(vip),
            reals: own.seats.iter().map(|seat| seat.address).collect(),
        };
        if let Some(before) = before {
            news.name = news.name.filter(|name| *name != before.name.as_str());
            news.identity = news
                .identity
                .filter(|identity| *identity != before.identity);
            news.vip = news.vip.filter(|new| Some(*new) != vip(before.identity));
            for real in &before.reals {
                news.reals.remove(&real.address);
            }
        }
        news
    }

    fn is_empty(&self) -> bool {
        self.name.is_none()
            && self.identity.is_none()
            && self.vip.is_none()
            && self.reals.is_empty()
    }

    /// Whether they could be against this other service.
    fn concern(&self, other: &Service) -> bool {
        let vip = || other.identity.address().map(|address| address.vip);
        let has = |vip| other.reals.iter().any(|real| real.address == vip);
        self.name == Some(other.name.as_str())
            || self.identity == Some(other.identity)
            || !self.reals.is_empty() && vip().is_some_and(|vip| self.reals.contains(&vip))
            || self.vip.is_some_and(has)
    }
}

fn of_director<'d>(director: &Director) -> Facts<'d, Place> {
    let marks = director.marks.iter();
    let vips = marks.clone().filter_map(|rule| {
        let destination = rule.destination?;
        prefix::is_single(destination).then_some((destination.0, Place::Director))
    });
    let given = marks.clone().map(|rule| Mark {
        number: rule.mark,
        family: rule.family,
    });
    let locals = director.fullnat.addresses.iter();
    Facts {
        marked_vips: vips.collect(),
        given: Some(given.collect()),
        locals: Some(
            locals
                .map(|address| (vec![*address], Place::Director))
                .collect(),
        ),
        ..Facts::default()
    }
}

fn add_service<'d>(facts: &mut Facts<'d, Place>, number: usize, service: &'d Service) {
    let place = Place::Service(number);
    facts.names.push((service.name.as_str(), place.clone()));
    facts.identities.push((service.identity, place.clone()));
    facts.seats.extend(service.reals.iter().map(|real| Seat {
        address: real.address,
        place: place.clone(),
        forward: Some(real.forward),
    }));
}

/// Adds what was read, after all else, so that it is what came second.
fn add_own<'f>(facts: &mut Facts<'f, Place>, own: Facts<'f, Range<usize>>) {
    fn here<T>((fact, place): (T, Range<usize>)) -> (T, Place) {
        (fact, Place::Here(place))
    }
    let Facts {
        names,
        identities,
        seats,
        marked_vips,
        given,
        locals,
    } = own;
    facts.names.extend(names.into_iter().map(here));
    facts.identities.extend(identities.into_iter().map(here));
    facts.seats.extend(seats.into_iter().map(|seat| Seat {
        address: seat.address,
        place: Place::Here(seat.place),
        forward: seat.forward,
    }));
    facts.marked_vips.extend(marked_vips.into_iter().map(here));
    if given.is_some() {
        facts.given = given;
    }
    if let Some(locals) = locals {
        facts.locals = Some(locals.into_iter().map(here).collect());
    }
}

/// Tells the faults where they are in what was read, and what elsewhere they have to do with.
fn tell(found: Vec<Fault<Place>>, desired: &Desired, faults: &mut Faults<'_>) {
    for fault in found {
        let others = [&fault.span].into_iter();
        let others = others.chain(fault.related.iter().map(|(place, _)| place));
        let mut here = None;
        let mut elsewhere = None;
        for place in others {
            match place {
                Place::Here(span) => here = here.or(Some(span.clone())),
                Place::Service(number) => {
                    elsewhere = Some(format!("the service `{}`", desired.services[*number].name));
                }
                Place::Director => elsewhere = Some("the director's settings".to_owned()),
            }
        }
        let cause = match elsewhere {
            Some(elsewhere) => format!("{} (see {elsewhere})", fault.cause),
            None => fault.cause,
        };
        let span = here.unwrap_or(0..0);
        faults.push(Fault::new(span, cause, fault.label, fault.cure));
    }
}
