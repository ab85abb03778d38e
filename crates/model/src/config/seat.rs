//! Addresses that must not be of two kinds at once: VIPs, real servers, and FULLNAT's own.

use std::{collections::HashMap, net::IpAddr, ops::Range};

use crate::{Family, Forward};

use super::{
    fault::{Fault, Faults},
    locals::Locals,
};

/// VIPs, each with the place that names it first.
pub(super) type Vips = HashMap<IpAddr, Range<usize>>;

/// A real server's address and its place, for checks across the file.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) address: IpAddr,
    pub(super) place: Range<usize>,
    /// How packets reach it, if that is known.
    pub(super) forward: Option<Forward>,
}

/// A VIP is an address of the director: packets sent there would come back to it.
pub(super) fn check_against_vips(seats: &[Seat], vips: &Vips, faults: &mut Faults<'_>) {
    for seat in seats {
        if let Some(vip) = vips.get(&seat.address) {
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
            faults.push(
                Fault::new(seat.place.clone(), cause, "packets would come back", cure)
                    .related(vip.clone(), "the VIP"),
            );
        }
    }
}

/// FULLNAT has local addresses of each family of its real servers, and nothing else has them.
pub(super) fn check_against_locals(
    seats: &[Seat],
    vips: &Vips,
    locals: &Locals,
    faults: &mut Faults<'_>,
) {
    for family in [Family::Ipv4, Family::Ipv6] {
        let needs = |seat: &&Seat| {
            seat.forward == Some(Forward::FullNat) && Family::of(seat.address) == family
        };
        // The first one speaks for all.
        if let Some(seat) = seats.iter().find(needs).filter(|_| !locals.has(family)) {
            faults.push(without_local(seat, family));
        }
    }
    let mut reals = HashMap::new();
    for seat in seats {
        reals.entry(seat.address).or_insert(&seat.place);
    }
    for (place, addresses) in &locals.items {
        let taken = addresses.iter().find_map(|address| {
            let vip = vips.get(address).map(|vip| (vip, "a VIP"));
            let real = || reals.get(address).map(|real| (*real, "a real server"));
            vip.or_else(real)
                .map(|(other, what)| (address, other, what))
        });
        if let Some((address, other, what)) = taken {
            let cause = format!("the local address `{address}` is {what} too");
            let cure = "write an address of the director's that nothing else has";
            faults
                .push(Fault::new(place.clone(), cause, "taken", cure).related(other.clone(), what));
        }
    }
}

fn without_local(seat: &Seat, family: Family) -> Fault {
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
