//! What only services of one protocol may have.

use crate::Protocol;

use super::{
    fault::{Fault, Faults},
    identity::Identified,
    value::Value,
};

/// Whether the service may have packets of the protocol; a mark may. If not, this value is a fault.
pub(super) fn only(
    protocol: Protocol,
    value: &Value<'_, '_>,
    service: Option<&Identified>,
    cause: &str,
    cure: &str,
    faults: &mut Faults<'_>,
) -> bool {
    let Some(service) = service else { return true };
    let address = service.identity.address();
    let other = address
        .map(|address| address.protocol)
        .filter(|other| *other != protocol);
    if let Some(other) = other {
        let other = format!("this is {}", other.name());
        faults.push(
            Fault::new(value.span(), cause, "not for this service", cure)
                .related(service.place.clone(), other),
        );
    }
    other.is_none()
}
