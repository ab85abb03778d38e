//! Which service a `[[service]]` is: its address, or a mark.

use std::{num::NonZeroU32, ops::Range};

use crate::{Family, Mark, ServiceIdentity};

use super::{
    address,
    fault::{Fault, Faults},
    keys::{self, service::PERSISTENT},
    table::Entries,
    value::Value,
};

/// The words of `family`.
pub(super) const FAMILIES: [(&str, Family); 2] = [("ipv4", Family::Ipv4), ("ipv6", Family::Ipv6)];

/// A service's identity and its place in the file.
#[derive(Clone, Debug)]
pub(super) struct Identified {
    pub(super) identity: ServiceIdentity,
    pub(super) place: Range<usize>,
}

/// Which service it is; `None` only with a fault.
pub(super) fn read(entries: &Entries<'_, '_>, faults: &mut Faults<'_>) -> Option<Identified> {
    let address = entries.value(&keys::service::ADDRESS, faults);
    let mark = entries.value(&keys::service::MARK, faults);
    let family = entries.value(&keys::service::FAMILY, faults);
    match (address, mark) {
        (Some(address), Some(mark)) => {
            let cause = "a service has an `address` or a `mark`, not both";
            let cure = "remove one of the two, or make two services";
            faults.push(
                Fault::new(mark.key_span(), cause, "a mark too", cure)
                    .related(address.key_span(), "the address"),
            );
            None
        }
        (Some(address), None) => {
            if let Some(family) = family {
                let cause = "`family` has no use here";
                let cure = "remove it; it is for services of a `mark`";
                faults.push(
                    Fault::new(family.key_span(), cause, "the address says it", cure)
                        .related(address.span(), "the address"),
                );
            }
            of_address(&address, entries.has(&PERSISTENT), faults)
        }
        (None, Some(mark)) => {
            let number = number(&mark, faults);
            let family = family.map_or(Some(Family::Ipv4), |value| value.choice(&FAMILIES, faults));
            let mark_place = mark.span();
            Some(Identified {
                identity: Mark {
                    number: number?,
                    family: family?,
                }
                .into(),
                place: mark_place,
            })
        }
        (None, None) => None,
    }
}

/// The number of a mark.
pub(super) fn number(value: &Value<'_, '_>, faults: &mut Faults<'_>) -> Option<NonZeroU32> {
    NonZeroU32::new(value.integer(1..=u32::MAX, "", faults)?)
}

fn of_address(
    value: &Value<'_, '_>,
    is_persistent: bool,
    faults: &mut Faults<'_>,
) -> Option<Identified> {
    let text = value.string(faults)?;
    let address = match address::service(text) {
        Ok(address) => address,
        Err(wrong) => {
            for wrong in wrong {
                faults.push(value.fault(wrong));
            }
            return None;
        }
    };
    if address.port == 0 && !is_persistent {
        let port = text.rfind(':').map_or(0, |colon| colon + 1);
        let cure = "write a port from 1 to 65535, or `persistent = \"6m\"` too: a client's ports then go to one \
                    real server";
        faults.push(Fault::new(
            value.part(port..text.len()),
            "a service of every port must be persistent",
            "0 means every port",
            cure,
        ));
    }
    Some(Identified {
        identity: address.into(),
        place: value.span(),
    })
}
