//! What is known of the followed addresses, and what is still to be found out or done. No I/O.
//!
//! ```text
//! follow, links, neighbours, see ─▶ stale, unrouted ─▶ unrouted() ─ask─▶ route()
//!                                                      upkeep()   ─do──▶ done()
//!                                                      settle()   ─────▶ resolutions
//! ```
//!
//! Facts only mark what they may change; the steps on the right then work through what is marked, so that one
//! neighbour's news costs as little among 10,000 as among ten.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
    net::IpAddr,
    sync::Arc,
};

use dray_model::Resolution;

use crate::{
    Link,
    event::Event,
    neighbour::{Keeper, Neighbour, Place},
    resolve::{Links, resolve, way},
    route::Route,
};

/// What is known of each followed address.
pub type Resolutions = Arc<BTreeMap<IpAddr, Resolution>>;

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
    links: Links,
    /// All neighbours of the host, whoever follows them.
    neighbours: BTreeMap<Place, Neighbour>,
    /// The entries that dray had marked.
    kept: BTreeSet<Place>,
    /// The entries that the kernel would not mark; left alone until the next full read.
    refused: BTreeSet<Place>,
    /// Addresses whose route must be asked for.
    unrouted: BTreeSet<IpAddr>,
    /// Addresses of which something changed.
    stale: BTreeSet<IpAddr>,
    resolutions: Resolutions,
}

impl Followed {
    /// Follows exactly these addresses from now on.
    pub(crate) fn follow(&mut self, addresses: &BTreeSet<IpAddr>) {
        let gone: Vec<_> = self
            .routes
            .keys()
            .filter(|address| !addresses.contains(address))
            .copied()
            .collect();
        for address in gone {
            self.routes.remove(&address);
            self.unrouted.remove(&address);
            self.stale.insert(address);
        }
        for address in addresses {
            if !self.routes.contains_key(address) {
                self.routes.insert(*address, None);
                self.unrouted.insert(*address);
                self.stale.insert(*address);
            }
        }
    }

    /// Takes in a full read of links and neighbours. Everything is looked at anew.
    pub(crate) fn read(&mut self, links: Vec<Link>, neighbours: Vec<(Place, Neighbour)>) {
        self.links = links.into_iter().map(|link| (link.index, link)).collect();
        self.refused.clear();
        self.unrouted.extend(self.routes.keys());
        self.stale.extend(self.routes.keys());
        self.neighbours(neighbours);
    }

    /// Takes in a full read of the neighbours.
    pub(crate) fn neighbours(&mut self, neighbours: Vec<(Place, Neighbour)>) {
        let before = mem::replace(&mut self.neighbours, neighbours.into_iter().collect());
        let changed = self
            .neighbours
            .iter()
            .filter(|(place, now)| before.get(place) != Some(*now));
        self.stale.extend(changed.map(|(place, _)| place.address));
        let gone = before
            .keys()
            .filter(|place| !self.neighbours.contains_key(place));
        self.stale.extend(gone.map(|place| place.address));
    }

    /// Takes over the entries that an earlier daemon left marked: those that are not wanted any more are let go.
    pub(crate) fn adopt(&mut self) {
        let marked = self
            .neighbours
            .iter()
            .filter(|(_, neighbour)| neighbour.keeper == Keeper::Dray);
        self.kept.extend(marked.map(|(place, _)| *place));
        self.stale
            .extend(self.kept.iter().map(|place| place.address));
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
                self.kept.retain(|place| place.interface != index);
                self.doubt_routes();
            }
            Event::Neighbour(place, neighbour) => {
                if self.neighbours.insert(place, neighbour) != Some(neighbour) {
                    self.stale.insert(place.address);
                }
            }
            Event::NeighbourGone(place) => {
                self.neighbours.remove(&place);
                self.stale.insert(place.address);
            }
            Event::Routes(prefix) => {
                self.unrouted.extend(
                    self.routes
                        .range(prefix.range())
                        .map(|(address, _)| address),
                );
            }
            Event::Lost => {}
        }
    }

    /// A link that goes takes routes with it of which the kernel says nothing (`fib_sync_down_dev`).
    fn doubt_routes(&mut self) {
        self.unrouted.extend(self.routes.keys());
        self.stale.extend(self.routes.keys());
    }

    /// The addresses whose route must be asked for.
    pub(crate) fn unrouted(&self) -> Vec<IpAddr> {
        self.unrouted.iter().copied().collect()
    }

    /// Takes in the route of an address.
    pub(crate) fn route(&mut self, address: IpAddr, route: Route) {
        self.unrouted.remove(&address);
        if let Some(known) = self.routes.get_mut(&address)
            && known.replace(route) != Some(route)
        {
            self.stale.insert(address);
        }
    }

    /// What is to be done to neighbour entries. Only entries that dray marked are ever let go.
    pub(crate) fn upkeep(&mut self) -> Vec<Upkeep> {
        let mut upkeep = Vec::new();
        for &address in &self.stale {
            let wanted = self.wanted(address);
            let everywhere = Place {
                address,
                interface: 0,
            }..=Place {
                address,
                interface: u32::MAX,
            };
            let unwanted = self
                .kept
                .range(everywhere)
                .filter(|place| Some(**place) != wanted);
            upkeep.extend(unwanted.map(|place| Upkeep::Release(*place)));
            if let Some(place) = wanted.filter(|place| !self.refused.contains(place)) {
                upkeep.extend(
                    match self
                        .neighbours
                        .get(&place)
                        .map(|neighbour| neighbour.keeper)
                    {
                        None => Some(Upkeep::Create(place)),
                        Some(Keeper::Nobody) => Some(Upkeep::Keep(place)),
                        Some(Keeper::Dray | Keeper::Other) => None,
                    },
                );
            }
        }
        // An entry that went, or that an operator took over meanwhile, is no longer ours to let go.
        let neighbours = &self.neighbours;
        let is_ours = |place: &Place| {
            neighbours
                .get(place)
                .is_some_and(|neighbour| neighbour.keeper == Keeper::Dray)
        };
        let kept = &mut self.kept;
        upkeep.retain(|item| match item {
            Upkeep::Release(place) if !is_ours(place) => {
                kept.remove(place);
                false
            }
            _ => true,
        });
        upkeep
    }

    /// The neighbour entry that a followed address needs.
    fn wanted(&self, address: IpAddr) -> Option<Place> {
        let route = self.routes.get(&address).copied().flatten()?;
        let way = way(route, &self.links).ok()?;
        Some(Place {
            address,
            interface: way.link.index,
        })
    }

    /// Takes in that something was done, or that the kernel refused it.
    pub(crate) fn done(&mut self, upkeep: Upkeep, accepted: bool) {
        match upkeep {
            Upkeep::Create(place) | Upkeep::Keep(place) if accepted => {
                self.kept.insert(place);
            }
            Upkeep::Create(place) | Upkeep::Keep(place) => {
                self.refused.insert(place);
            }
            Upkeep::Release(place) => {
                self.kept.remove(&place);
            }
        }
    }

    /// Works out anew what changed. Gives all resolutions if that changed any.
    pub(crate) fn settle(&mut self) -> Option<Resolutions> {
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
        let resolutions = Arc::make_mut(&mut self.resolutions);
        for (address, now) in news {
            match now {
                Some(now) => resolutions.insert(address, now),
                None => resolutions.remove(&address),
            };
        }
        Some(Arc::clone(&self.resolutions))
    }

    /// None if the address is not followed. Of one whose route could not be read, what was known stands.
    fn resolution(&self, address: IpAddr, before: Option<&Resolution>) -> Option<Resolution> {
        let Some(route) = *self.routes.get(&address)? else {
            return before.cloned();
        };
        let way = match way(route, &self.links) {
            Ok(way) => way,
            Err(why) => return Some(Resolution::Unresolved(why)),
        };
        let place = Place {
            address,
            interface: way.link.index,
        };
        let answer = self
            .neighbours
            .get(&place)
            .map(|neighbour| neighbour.answer);
        // Nobody asks for a refused entry, so what was known of it must not stand for ever.
        let before = before.filter(|_| !self.refused.contains(&place));
        Some(resolve(way, answer, before))
    }
}

/// Whether a changed link leads where it led before.
fn is_same_way(before: &Link, now: &Link) -> bool {
    let way = |link: &Link| Link {
        mtu: 0,
        master: None,
        ..link.clone()
    };
    way(before) == way(now)
}

#[cfg(test)]
mod tests;
