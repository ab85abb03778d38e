//! What is known of the followed addresses, and what is still to be found out or done. No I/O.
//!
//! ```text
//! follow, read, see ─▶ lookups ─▶ lookups() ─ask─▶ route()
//!                      unkept ──▶ upkeep()  ─do──▶ done()
//!                      stale ───▶ settle()  ─────▶ resolutions
//! ```
//!
//! Facts only mark what they may change; the steps on the right then work through what is marked, so that one
//! neighbour's news costs as little among 100,000 as among ten.
//!
//! The *neighbour* of a followed address is itself, or the gateway that its route leads to. Many addresses may be behind one
//! gateway.

mod lookups;

use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    mem,
    net::IpAddr,
    ops::RangeInclusive,
};

use dray_model::{Resolution, Resolutions};

use crate::{
    Link,
    event::{Event, Prefix},
    neighbour::{Keeper, Neighbour, Place},
    resolve::{Links, is_way, resolve, trace},
    route::{Path, Route},
};

use lookups::Lookups;

/// Something to do to a neighbour entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Upkeep {
    /// Make it, kept resolved.
    Create(Place),
    /// Have it kept resolved.
    Keep(Place),
    /// Let it go.
    Release(Place),
}

/// The followed addresses and all facts about them.
#[derive(Default)]
pub(crate) struct Followed {
    /// The followed addresses and their routes, as far as known.
    routes: BTreeMap<IpAddr, Option<Route>>,
    /// The followed addresses by where their neighbours are. Follows from the routes.
    reached_by: BTreeMap<Place, BTreeSet<IpAddr>>,
    links: Links,
    /// All neighbours of the host, whoever follows them.
    neighbours: BTreeMap<Place, Neighbour>,
    /// Neighbours whose marked entries are this daemon's to let go: those it needs or needed, and those that
    /// an earlier daemon left. Entries of another daemon in the same namespace are not.
    ours: BTreeSet<IpAddr>,
    /// The entries that the kernel would not mark; left alone until the next full read.
    refused: BTreeSet<Place>,
    /// Whether links and neighbours were read. Before, nothing can be said of any address.
    is_read: bool,
    /// Addresses whose route must be asked for.
    lookups: Lookups,
    /// Neighbours whose entries must be looked after.
    unkept: BTreeSet<IpAddr>,
    /// Addresses of which something changed.
    stale: BTreeSet<IpAddr>,
    resolutions: Resolutions,
}

impl Followed {
    /// Follows these addresses too, from now on.
    pub(crate) fn follow(&mut self, addresses: impl IntoIterator<Item = IpAddr>) {
        for address in addresses {
            if let Entry::Vacant(new) = self.routes.entry(address) {
                new.insert(None);
                self.lookups.add(address);
                self.stale.insert(address);
            }
        }
    }

    /// Follows these addresses no more.
    pub(crate) fn unfollow(&mut self, addresses: impl IntoIterator<Item = IpAddr>) {
        for address in addresses {
            let Some(route) = self.routes.remove(&address) else {
                continue;
            };
            if let Some(route) = route {
                self.leave(address, route);
            }
            self.lookups.remove(address);
            self.stale.insert(address);
        }
    }

    /// Takes in a full read of links and neighbours. Everything is looked at anew. The first read also takes
    /// over the entries that an earlier daemon left marked: those that are not wanted any more are let go.
    pub(crate) fn read(&mut self, links: Vec<Link>, neighbours: Vec<(Place, Neighbour)>) {
        self.links = links.into_iter().map(|link| (link.index, link)).collect();
        self.refused.clear();
        self.doubt_routes();
        self.neighbours(neighbours);
        if !mem::replace(&mut self.is_read, true) {
            let is_marked = |(_, neighbour): &(_, &Neighbour)| neighbour.keeper == Keeper::Dray;
            let left = self
                .neighbours
                .iter()
                .filter(is_marked)
                .map(|(place, _)| place.address);
            let left: Vec<_> = left.collect();
            self.ours.extend(&left);
            self.unkept.extend(left);
        }
    }

    /// Takes in a full read of the neighbours.
    fn neighbours(&mut self, neighbours: Vec<(Place, Neighbour)>) {
        let before = mem::replace(&mut self.neighbours, neighbours.into_iter().collect());
        let changed = self
            .neighbours
            .iter()
            .filter(|(place, now)| before.get(place) != Some(*now));
        let gone = before
            .keys()
            .filter(|place| !self.neighbours.contains_key(place));
        let news: Vec<Place> = changed
            .map(|(place, _)| place)
            .chain(gone)
            .copied()
            .collect();
        for place in news {
            self.doubt(place);
        }
    }

    /// Takes in one change. [`Event::Lost`] is the caller's to mend, by a full read.
    pub(crate) fn see(&mut self, event: Event) {
        match event {
            Event::Link(link) => {
                let index = link.index;
                let before = self.links.insert(index, link);
                if before.is_none_or(|before| !is_same_way(&before, &self.links[&index])) {
                    self.doubt_routes();
                }
            }
            Event::LinkGone(index) => {
                self.links.remove(&index);
                self.neighbours.retain(|place, _| place.interface != index);
                self.doubt_routes();
            }
            Event::Neighbour(place, neighbour) => {
                if self.neighbours.insert(place, neighbour) != Some(neighbour) {
                    self.doubt(place);
                }
            }
            Event::NeighbourGone(place) => {
                self.neighbours.remove(&place);
                self.doubt(place);
            }
            Event::Routes(prefix) => self.doubt_routes_to(prefix.range()),
            Event::Addresses(prefix) if self.may_have_asked(prefix.range()) => {
                self.lookups.suspect(prefix.range());
            }
            Event::Addresses(_) => {}
            Event::Lost => {}
        }
    }

    /// The route to an address may have another MTU, of which the kernel says nothing.
    pub(crate) fn doubt_route(&mut self, address: IpAddr) {
        self.doubt_routes_to(address..=address);
    }

    fn doubt_routes_to(&mut self, addresses: RangeInclusive<IpAddr>) {
        if self.may_have_asked(addresses.clone()) {
            self.lookups.doubt(addresses);
        }
    }

    /// Whether the route of any of these addresses may have been asked for: none is before the first read.
    fn may_have_asked(&self, addresses: RangeInclusive<IpAddr>) -> bool {
        self.is_read && self.routes.range(addresses).next().is_some()
    }

    /// A link that goes takes routes with it of which the kernel says nothing (`fib_sync_down_dev`).
    fn doubt_routes(&mut self) {
        for all in Prefix::ALL {
            self.doubt_routes_to(all.range());
        }
        self.stale.extend(self.routes.keys());
        self.unkept
            .extend(self.reached_by.keys().map(|place| place.address));
    }

    /// There is news of a neighbour, which concerns all addresses that it leads to.
    fn doubt(&mut self, place: Place) {
        self.stale
            .extend(self.reached_by.get(&place).into_iter().flatten());
        self.unkept.insert(place.address);
    }

    /// Whether there is a route to ask for.
    pub(crate) fn is_unsettled(&self) -> bool {
        self.is_read && !self.lookups.is_empty()
    }

    /// Whether routes may have changed that need not be asked for at once.
    pub(crate) fn has_suspects(&self) -> bool {
        self.lookups.has_suspects()
    }

    /// Asks for those routes too.
    pub(crate) fn look_into_suspects(&mut self) {
        self.lookups.look_into_suspects();
    }

    /// The addresses to ask the route of next. All of them must be asked for.
    pub(crate) fn lookups(&mut self) -> Vec<IpAddr> {
        if !self.is_read {
            return Vec::new();
        }
        self.lookups.take(&self.routes)
    }

    /// Takes in the route of an address; None if the kernel could not be asked. It is asked again at the next
    /// full read.
    pub(crate) fn route(&mut self, address: IpAddr, route: Option<Route>) {
        let (Some(known), Some(route)) = (self.routes.get_mut(&address), route) else {
            return;
        };
        if *known == Some(route) {
            return;
        }
        if let Some(before) = known.replace(route) {
            self.leave(address, before);
        }
        if let Route::Out(path) = route {
            let place = place(address, path);
            self.reached_by.entry(place).or_default().insert(address);
            self.ours.insert(place.address);
            self.unkept.insert(place.address);
        }
        self.stale.insert(address);
    }

    /// The address has this route no more.
    fn leave(&mut self, address: IpAddr, route: Route) {
        let Route::Out(path) = route else {
            return;
        };
        let place = place(address, path);
        if let Some(reached) = self.reached_by.get_mut(&place) {
            reached.remove(&address);
            if reached.is_empty() {
                self.reached_by.remove(&place);
            }
        }
        self.unkept.insert(place.address);
    }

    /// What is to be done to neighbour entries. Only entries that dray marked are ever let go.
    pub(crate) fn upkeep(&mut self) -> Vec<Upkeep> {
        let mut upkeep = Vec::new();
        for neighbour in mem::take(&mut self.unkept) {
            if !self.ours.contains(&neighbour) {
                continue;
            }
            let places = Place::all_of(neighbour);
            let entries = self.neighbours.range(places.clone());
            let left = entries
                .filter(|(place, entry)| entry.keeper == Keeper::Dray && !self.is_wanted(**place));
            upkeep.extend(left.map(|(place, _)| Upkeep::Release(*place)));
            // One, or for a link-local gateway perhaps several.
            let reaching = self.reached_by.range(places.clone());
            let wanted = reaching.filter(|(place, _)| is_way(place.interface, &self.links));
            upkeep.extend(wanted.filter_map(|(place, _)| self.claim(*place)));
            if self.reached_by.range(places).next().is_none() {
                self.ours.remove(&neighbour);
            }
        }
        upkeep
    }

    /// Whether followed addresses need the entry.
    fn is_wanted(&self, place: Place) -> bool {
        self.reached_by.contains_key(&place) && is_way(place.interface, &self.links)
    }

    /// What a wanted entry needs to be kept resolved.
    fn claim(&self, place: Place) -> Option<Upkeep> {
        if self.refused.contains(&place) {
            return None;
        }
        match self
            .neighbours
            .get(&place)
            .map(|neighbour| neighbour.keeper)
        {
            None => Some(Upkeep::Create(place)),
            Some(Keeper::Nobody) => Some(Upkeep::Keep(place)),
            Some(Keeper::Dray | Keeper::Other) => None,
        }
    }

    /// Takes in that something was done, or that the kernel refused it.
    pub(crate) fn done(&mut self, upkeep: Upkeep, accepted: bool) {
        let (place, keeper) = match upkeep {
            Upkeep::Create(place) | Upkeep::Keep(place) => (place, Keeper::Dray),
            Upkeep::Release(place) => (place, Keeper::Nobody),
        };
        if !accepted {
            self.refused.insert(place);
            self.doubt(place);
        } else if let Some(neighbour) = self.neighbours.get_mut(&place) {
            neighbour.keeper = keeper;
        }
    }

    /// Works out anew what changed. Gives all resolutions if that changed any.
    pub(crate) fn settle(&mut self) -> Option<Resolutions> {
        if !self.is_read {
            return None;
        }
        let mut news = Vec::new();
        for address in mem::take(&mut self.stale) {
            let before = self.resolutions.get(&address);
            let now = self.resolution(address, before);
            if now.as_ref() != before {
                news.push((address, now));
            }
        }
        if news.is_empty() {
            return None;
        }
        for (address, now) in news {
            match now {
                Some(now) => self.resolutions.insert(address, now),
                None => self.resolutions.remove(&address),
            }
        }
        Some(self.resolutions.clone())
    }

    /// None if the address is not followed. Of one whose route could not be read, what was known stands.
    fn resolution(&self, address: IpAddr, before: Option<&Resolution>) -> Option<Resolution> {
        let Some(route) = *self.routes.get(&address)? else {
            return before.cloned();
        };
        let trace = match trace(route, &self.links) {
            Ok(trace) => trace,
            Err(why) => return Some(Resolution::Unresolved(why)),
        };
        let place = place(address, trace.path);
        let answer = self.neighbours.get(&place).map(|entry| entry.answer);
        // Nobody asks for a refused entry, so what was known of it must not stand for ever.
        let before = before.filter(|_| !self.refused.contains(&place));
        Some(resolve(trace, answer, before))
    }
}

/// Where the Ethernet address is asked for that packets for this address go to.
fn place(address: IpAddr, path: Path) -> Place {
    Place {
        address: path.gateway.unwrap_or(address),
        interface: path.interface,
    }
}

/// Whether a changed link leads where it led before.
fn is_same_way(before: &Link, now: &Link) -> bool {
    let way = |link: &Link| Link {
        master: None,
        ..link.clone()
    };
    way(before) == way(now)
}

#[cfg(test)]
mod tests;
