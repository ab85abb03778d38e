//! From what the kernel says of route, link and neighbour to where frames for an address go.

use std::collections::BTreeMap;

use dray_model::{Mac, NextHop, Resolution, Unresolved, Way};

use crate::{
    Link,
    neighbour::Answer,
    route::{Path, Route},
};

/// The interfaces of the host by the kernel's number.
pub(crate) type Links = BTreeMap<u32, Link>;

/// The way to an address, without the neighbour's Ethernet address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trace<'a> {
    /// The interface on which the neighbour is asked for.
    pub(crate) link: &'a Link,
    /// The route.
    pub(crate) path: Path,
    /// The interface that frames leave by: of a VLAN, its parent.
    interface: u32,
    /// The largest packet that fits, in bytes.
    mtu: u32,
}

/// The way to an address that the kernel routes like this, or why frames cannot take it.
pub(crate) fn trace(route: Route, links: &Links) -> Result<Trace<'_>, Unresolved> {
    let path = match route {
        Route::Out(path) => path,
        Route::Local => return Err(Unresolved::Local),
        Route::None => return Err(Unresolved::NoRoute),
    };
    let (link, interface) = way_out(path.interface, links)?;
    Ok(Trace {
        link,
        path,
        interface,
        // A route may ask for less than the interface can, but not for more.
        mtu: path.mtu.map_or(link.mtu, |mtu| mtu.min(link.mtu)),
    })
}

/// Whether frames can leave by this interface (the kernel's number), whatever address they are for.
pub(crate) fn is_way(interface: u32, links: &Links) -> bool {
    way_out(interface, links).is_ok()
}

/// The link that routes name, and the interface that frames leave by.
fn way_out(interface: u32, links: &Links) -> Result<(&Link, u32), Unresolved> {
    let link = links.get(&interface).ok_or_else(|| Unresolved::NoLink {
        interface: format!("number {interface}"),
    })?;
    let interface = if link.vlan.is_some() {
        parent_of(link, links)
    } else {
        Some(link.index)
    };
    interface
        .filter(|_| is_usable(link))
        .map(|interface| (link, interface))
        .ok_or_else(|| Unresolved::NoLink {
            interface: link.name.clone(),
        })
}

fn is_usable(link: &Link) -> bool {
    link.up && link.carrier && link.ethernet && link.mac != Mac::default()
}

/// The parent of a VLAN. None if it is itself a VLAN (a next hop has one VLAN tag) or in another namespace.
fn parent_of(link: &Link, links: &Links) -> Option<u32> {
    let parent = links.get(&link.parent?)?;
    (parent.vlan.is_none() && is_usable(parent)).then_some(parent.index)
}

impl Trace<'_> {
    fn way(&self, destination: Mac) -> Way {
        Way {
            next: NextHop {
                interface: self.interface,
                vlan: self.link.vlan,
                source: self.link.mac,
                destination,
                mtu: self.mtu,
            },
            gateway: self.path.gateway,
            source: self.path.source,
            shared: self.path.shared,
        }
    }

    /// Whether the neighbour that was on this way is the one that is there now. The rest may have changed: another MTU or
    /// source is news of the way, not of the neighbour.
    fn has_the_neighbour_of(&self, before: &Way) -> bool {
        let now = self.way(before.next.destination);
        let mtu = before.next.mtu;
        before.gateway == now.gateway && before.next == NextHop { mtu, ..now.next }
    }
}

/// The way by this trace, given what the kernel knows of the neighbour (nothing, if it has no entry) and
/// what was said of the address before.
///
/// An answer stands until there is another. The kernel asks again every few seconds for a neighbour that does
/// not answer, and an operator may flush the table: neither is news, and telling it would take real servers
/// out, or in, for a moment. If nobody answers, the kernel says so within a few seconds.
pub(crate) fn resolve(
    trace: Trace<'_>,
    answer: Option<Answer>,
    before: Option<&Resolution>,
) -> Resolution {
    let interface = || trace.link.name.clone();
    match answer {
        Some(Answer::Known(mac)) => Resolution::Resolved(trace.way(mac)),
        Some(Answer::Missing) => Resolution::Unresolved(Unresolved::NoAnswer {
            interface: interface(),
        }),
        Some(Answer::Awaited) | None => match before {
            Some(Resolution::Resolved(last)) if trace.has_the_neighbour_of(last) => {
                Resolution::Resolved(trace.way(last.next.destination))
            }
            Some(Resolution::Unresolved(Unresolved::NoAnswer { interface: asked }))
                if *asked == trace.link.name =>
            {
                Resolution::Unresolved(Unresolved::NoAnswer {
                    interface: interface(),
                })
            }
            _ => Resolution::Unresolved(Unresolved::Pending {
                interface: interface(),
            }),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    const OWN: Mac = Mac([2, 0, 0, 0, 0, 1]);
    const VLAN_OWN: Mac = Mac([2, 0, 0, 0, 0, 2]);
    const REAL: Mac = Mac([2, 0, 0, 0, 0, 9]);

    fn eth0() -> Link {
        Link {
            index: 2,
            name: "eth0".into(),
            mac: OWN,
            ethernet: true,
            up: true,
            carrier: true,
            mtu: 1500,
            parent: None,
            vlan: None,
            master: None,
        }
    }

    fn vlan7() -> Link {
        Link {
            index: 5,
            name: "eth0.7".into(),
            mac: VLAN_OWN,
            parent: Some(2),
            vlan: Some(7),
            ..eth0()
        }
    }

    const PATH: Path = Path {
        interface: 2,
        gateway: None,
        source: Some(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1))),
        shared: Some(24),
        mtu: None,
    };

    fn direct(interface: u32) -> Route {
        Route::Out(Path { interface, ..PATH })
    }

    fn links(links: impl IntoIterator<Item = Link>) -> Links {
        links.into_iter().map(|link| (link.index, link)).collect()
    }

    fn on_eth0(answer: Option<Answer>, before: Option<&Resolution>) -> Resolution {
        let links = links([eth0()]);
        resolve(trace(direct(2), &links).expect("a way"), answer, before)
    }

    fn way(destination: Mac) -> Way {
        Way {
            next: NextHop {
                interface: 2,
                vlan: None,
                source: OWN,
                destination,
                mtu: 1500,
            },
            gateway: None,
            source: PATH.source,
            shared: Some(24),
        }
    }

    fn resolved(destination: Mac) -> Resolution {
        Resolution::Resolved(way(destination))
    }

    fn pending() -> Resolution {
        Resolution::Unresolved(Unresolved::Pending {
            interface: "eth0".into(),
        })
    }

    fn no_answer() -> Resolution {
        Resolution::Unresolved(Unresolved::NoAnswer {
            interface: "eth0".into(),
        })
    }

    fn no_link(name: &str) -> Unresolved {
        Unresolved::NoLink {
            interface: name.into(),
        }
    }

    #[test]
    fn a_known_neighbour_is_the_destination_of_frames_from_the_interface() {
        assert_eq!(on_eth0(Some(Answer::Known(REAL)), None), resolved(REAL));
    }

    #[test]
    fn a_vlan_interface_sends_by_its_parent_with_its_tag_and_its_own_address() {
        let links = links([eth0(), vlan7()]);
        let trace = trace(direct(5), &links).expect("a way");
        let tagged = Way {
            next: NextHop {
                vlan: Some(7),
                source: VLAN_OWN,
                ..way(REAL).next
            },
            ..way(REAL)
        };
        assert_eq!(
            resolve(trace, Some(Answer::Known(REAL)), None),
            Resolution::Resolved(tagged)
        );
    }

    #[test]
    fn the_mtu_is_the_routes_if_it_has_one_and_never_above_the_interfaces() {
        let tagged = Link {
            mtu: 1496,
            ..vlan7()
        };
        let links = links([eth0(), tagged]);
        let mtu = |interface, mtu| {
            let route = Route::Out(Path {
                interface,
                mtu,
                ..PATH
            });
            let trace = trace(route, &links).expect("a way");
            match resolve(trace, Some(Answer::Known(REAL)), None) {
                Resolution::Resolved(way) => way.next.mtu,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(mtu(2, None), 1500);
        assert_eq!(mtu(5, None), 1496);
        assert_eq!(mtu(2, Some(1400)), 1400);
        assert_eq!(mtu(2, Some(9000)), 1500);
    }

    #[test]
    fn another_mtu_source_or_network_does_not_make_a_neighbour_unknown() {
        let links = links([Link {
            mtu: 9000,
            ..eth0()
        }]);
        let path = Path {
            source: Some([10, 0, 0, 7].into()),
            shared: Some(16),
            ..PATH
        };
        let trace = trace(Route::Out(path), &links).expect("a way");
        let now = Way {
            next: NextHop {
                mtu: 9000,
                ..way(REAL).next
            },
            source: path.source,
            shared: path.shared,
            ..way(REAL)
        };
        for answer in [None, Some(Answer::Awaited)] {
            assert_eq!(
                resolve(trace, answer, Some(&resolved(REAL))),
                Resolution::Resolved(now)
            );
        }
    }

    #[test]
    fn the_way_to_an_address_behind_a_gateway_is_the_gateways() {
        let links = links([eth0()]);
        let gateway = Some([10, 0, 0, 254].into());
        let path = Path {
            gateway,
            shared: None,
            ..PATH
        };
        let trace = trace(Route::Out(path), &links).expect("a way");
        let behind = Way {
            gateway,
            shared: None,
            ..way(REAL)
        };
        let resolved_behind = Resolution::Resolved(behind);
        assert_eq!(
            resolve(trace, Some(Answer::Known(REAL)), None),
            resolved_behind
        );
        assert_eq!(
            resolve(trace, None, Some(&resolved_behind)),
            resolved_behind
        );
        assert_eq!(
            resolve(trace, None, Some(&resolved(REAL))),
            pending(),
            "it was a neighbour itself before"
        );
    }

    #[test]
    fn a_vlan_whose_parent_is_off_a_vlan_or_not_there_is_no_way() {
        let off = Link {
            up: false,
            ..eth0()
        };
        let stacked = Link {
            vlan: Some(100),
            parent: Some(9),
            ..eth0()
        };
        for others in [vec![off], vec![stacked], vec![]] {
            let links = links(others.into_iter().chain([vlan7()]));
            assert_eq!(trace(direct(5), &links), Err(no_link("eth0.7")));
        }
    }

    #[test]
    fn an_interface_that_cannot_send_ethernet_frames_is_no_way() {
        let cases = [
            Link {
                up: false,
                ..eth0()
            },
            Link {
                carrier: false,
                ..eth0()
            },
            Link {
                ethernet: false,
                ..eth0()
            },
            Link {
                mac: Mac::default(),
                ..eth0()
            },
        ];
        for link in cases {
            assert_eq!(trace(direct(2), &links([link])), Err(no_link("eth0")));
        }
        assert_eq!(trace(direct(2), &links([])), Err(no_link("number 2")));
    }

    #[test]
    fn an_address_of_the_host_or_without_a_route_is_no_way() {
        let links = links([eth0()]);
        assert_eq!(trace(Route::Local, &links), Err(Unresolved::Local));
        assert_eq!(trace(Route::None, &links), Err(Unresolved::NoRoute));
    }

    #[test]
    fn a_neighbour_that_was_never_heard_of_is_pending_until_it_answers_or_fails() {
        assert_eq!(on_eth0(None, None), pending());
        assert_eq!(on_eth0(Some(Answer::Awaited), Some(&pending())), pending());
        assert_eq!(
            on_eth0(Some(Answer::Missing), Some(&pending())),
            no_answer()
        );
        assert_eq!(
            on_eth0(Some(Answer::Known(REAL)), Some(&pending())),
            resolved(REAL)
        );
    }

    #[test]
    fn asking_again_is_not_news() {
        for answer in [None, Some(Answer::Awaited)] {
            assert_eq!(on_eth0(answer, Some(&resolved(REAL))), resolved(REAL));
            assert_eq!(on_eth0(answer, Some(&no_answer())), no_answer());
        }
    }

    #[test]
    fn what_was_known_by_another_way_is_forgotten() {
        let by = |interface, source| {
            let next = NextHop {
                interface,
                source,
                ..way(REAL).next
            };
            Resolution::Resolved(Way { next, ..way(REAL) })
        };
        for elsewhere in [by(3, OWN), by(2, VLAN_OWN)] {
            assert_eq!(on_eth0(None, Some(&elsewhere)), pending());
        }
        let silent_elsewhere = Unresolved::NoAnswer {
            interface: "eth1".into(),
        };
        assert_eq!(
            on_eth0(None, Some(&Resolution::Unresolved(silent_elsewhere))),
            pending()
        );
        let was_off = Resolution::Unresolved(no_link("eth0"));
        assert_eq!(on_eth0(None, Some(&was_off)), pending());
    }
}
