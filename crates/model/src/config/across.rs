//! Rules that no table can be checked by alone: what may be there once, and addresses that must not be of two kinds at once
//! (VIPs, real servers, and FULLNAT's own).
//!
//! They look at [`Facts`], whose places are of any kind: those of a text for a file, those of services for an edit.

use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
    net::IpAddr,
};

use crate::{Family, Forward, Mark, ServiceIdentity};

use super::fault::{Fault, quote};

/// What the rules look at, each with its place.
#[derive(Debug)]
pub(super) struct Facts<'t, P> {
    /// The names of services.
    pub(super) names: Vec<(&'t str, P)>,
    /// What services are for.
    pub(super) identities: Vec<(ServiceIdentity, P)>,
    /// The real servers.
    pub(super) seats: Vec<Seat<P>>,
    /// The single addresses that rules give a mark to packets for: VIPs too.
    pub(super) marked_vips: Vec<(IpAddr, P)>,
    /// The marks that rules give, if all of these are known.
    pub(super) given: Option<HashSet<Mark>>,
    /// FULLNAT's local addresses by the items of their list, if all of these are known.
    pub(super) locals: Option<Vec<(Vec<IpAddr>, P)>>,
}

/// A real server's address.
#[derive(Debug)]
pub(super) struct Seat<P> {
    pub(super) address: IpAddr,
    pub(super) place: P,
    /// How packets reach it, if that is known.
    pub(super) forward: Option<Forward>,
}

impl<P> Default for Facts<'_, P> {
    fn default() -> Self {
        Self {
            names: Vec::new(),
            identities: Vec::new(),
            seats: Vec::new(),
            marked_vips: Vec::new(),
            given: None,
            locals: None,
        }
    }
}

/// What of the facts is against the rules.
pub(super) fn check<P: Clone>(facts: &Facts<'_, P>) -> Vec<Fault<P>> {
    let mut faults = Vec::new();
    let vips = facts.vips();
    faults.extend(again(&facts.names).map(|(name, place, first)| {
        let cause = format!("two services have the name {}", quote(name));
        let cure = "give each service a name of its own";
        used_again(place, cause, cure, first)
    }));
    faults.extend(again(&facts.identities).map(|(identity, place, first)| {
        let (what, which) = match identity {
            ServiceIdentity::Address(address) => (format!("the address `{address}`"), "address"),
            ServiceIdentity::Mark(mark) => (format!("`{mark}`"), "mark"),
        };
        let cause = format!("two services have {what}");
        let cure = format!("put the real servers of both into one service, or change the {which}");
        used_again(place, cause, cure, first)
    }));
    faults.extend(facts.without_rule());
    let among_vips = |seat: &Seat<P>| Some(is_vip(seat, vips.get(&seat.address)?));
    faults.extend(facts.seats.iter().filter_map(among_vips));
    if let Some(locals) = &facts.locals {
        faults.extend(facts.without_locals(locals));
        faults.extend(facts.taken_locals(locals, &vips));
    }
    faults
}

/// VIPs, each with the place that names it first.
type Vips<'f, P> = HashMap<IpAddr, &'f P>;

impl<P: Clone> Facts<'_, P> {
    fn vips(&self) -> Vips<'_, P> {
        let own = self.identities.iter().filter_map(|(identity, place)| {
            let address = identity.address()?;
            Some((address.vip, place))
        });
        let marked = self.marked_vips.iter().map(|(vip, place)| (*vip, place));
        firsts(own.chain(marked))
    }

    /// A service that nothing is marked for is a slip. A rule that no service is for is none: it may be added later.
    fn without_rule(&self) -> impl Iterator<Item = Fault<P>> {
        let marks = self.identities.iter().filter_map(|(identity, place)| {
            let ServiceIdentity::Mark(mark) = identity else {
                return None;
            };
            let given = self.given.as_ref()?;
            (!given.contains(mark)).then_some((*mark, place))
        });
        firsts(marks).into_iter().map(|(mark, place)| {
            let family = match mark.family {
                Family::Ipv4 => "",
                Family::Ipv6 => " and `family = \"ipv6\"`",
            };
            let cure = format!(
                "write a `[[mark]]` with `mark = {}`{family}, or remove this one",
                mark.number
            );
            let cause = format!("no rule gives {mark} to packets");
            Fault::new(place.clone(), cause, "no packet has it", cure)
        })
    }

    /// FULLNAT has local addresses of each family of its real servers. The first one without speaks for all.
    fn without_locals(&self, locals: &[(Vec<IpAddr>, P)]) -> impl Iterator<Item = Fault<P>> {
        let has = |family| {
            let mut addresses = locals.iter().flat_map(|(addresses, _)| addresses);
            addresses.any(|address| Family::of(*address) == family)
        };
        let families = [Family::Ipv4, Family::Ipv6].into_iter();
        families
            .filter(move |family| !has(*family))
            .filter_map(|family| {
                let needs = |seat: &&Seat<P>| {
                    seat.forward == Some(Forward::FullNat) && Family::of(seat.address) == family
                };
                let seat = self.seats.iter().find(needs)?;
                Some(without_local(seat, family))
            })
    }

    /// Nothing else has FULLNAT's local addresses.
    fn taken_locals(
        &self,
        locals: &[(Vec<IpAddr>, P)],
        vips: &Vips<'_, P>,
    ) -> impl Iterator<Item = Fault<P>> {
        let reals = match locals {
            [] => HashMap::new(),
            _ => firsts(self.seats.iter().map(|seat| (seat.address, &seat.place))),
        };
        locals.iter().filter_map(move |(addresses, place)| {
            let (address, other, what) = addresses.iter().find_map(|address| {
                let vip = vips.get(address).map(|vip| (vip, "a VIP"));
                let real = || reals.get(address).map(|real| (real, "a real server"));
                vip.or_else(real)
                    .map(|(other, what)| (address, P::clone(other), what))
            })?;
            let cause = format!("the local address `{address}` is {what} too");
            let cure = "write an address of the director's that nothing else has";
            Some(Fault::new(place.clone(), cause, "taken", cure).related(other, what))
        })
    }
}

/// A VIP is an address of the director: packets sent there would come back to it.
fn is_vip<P: Clone>(seat: &Seat<P>, vip: &P) -> Fault<P> {
    let cause = format!(
        "the real server `{}` is a VIP of this director",
        seat.address
    );
    let cure = match seat.forward {
        Some(Forward::Nat | Forward::FullNat) => {
            "write the real server's own address; the VIP only the director has"
        }
        _ => "write the real server's own address; the VIP it has too, on `lo`",
    };
    Fault::new(seat.place.clone(), cause, "packets would come back", cure)
        .related(vip.clone(), "the VIP")
}

fn without_local<P: Clone>(seat: &Seat<P>, family: Family) -> Fault<P> {
    let (name, example) = match family {
        Family::Ipv4 => ("IPv4", "10.0.0.100"),
        Family::Ipv6 => ("IPv6", "2001:db8::100"),
    };
    Fault::new(
        seat.place.clone(),
        format!("FULLNAT has no {name} address that packets to this real server could come from"),
        format!("an {name} real server"),
        format!(
            "write `[director.fullnat]` with free {name} addresses of the director, as in `addresses = [\"{example}\"]`"
        ),
    )
}

fn used_again<P: Clone>(place: &P, cause: String, cure: impl Into<String>, first: &P) -> Fault<P> {
    Fault::new(place.clone(), cause, "used again here", cure)
        .related(first.clone(), "first used here")
}

/// What is there again, each with its place and the first one.
fn again<T: Copy + Eq + Hash, P>(all: &[(T, P)]) -> impl Iterator<Item = (T, &P, &P)> {
    let mut first = HashMap::with_capacity(all.len());
    all.iter().filter_map(move |(thing, place)| {
        let before = *first.entry(*thing).or_insert(place);
        (!std::ptr::eq(before, place)).then_some((*thing, place, before))
    })
}

/// Each thing with its first place.
fn firsts<'f, T: Eq + Hash, P>(all: impl Iterator<Item = (T, &'f P)>) -> HashMap<T, &'f P> {
    let mut firsts = HashMap::new();
    for (thing, place) in all {
        firsts.entry(thing).or_insert(place);
    }
    firsts
}
