//! What a change would do.

use dray_api::v1::{Change, Plan, ServiceChange};
use dray_model::{Desired, Service, ServiceName};

/// Services by name; what changes in them is not told.
pub(super) fn plan(revision: u64, before: &Desired, after: &Desired) -> Plan {
    let change = |service: &Service, change| ServiceChange {
        service: service.name.to_string(),
        identity: service.identity.into(),
        change,
        fields: Vec::new(),
        reals: Vec::new(),
        reordered: false,
        hash_slots: None,
    };
    let find = |desired: &Desired, name: &ServiceName| {
        let mut services = desired.services.iter();
        services.find(|service| service.name == *name).cloned()
    };
    let gone = before.services.iter().filter_map(|service| {
        let is_gone = find(after, &service.name).is_none();
        is_gone.then(|| change(service, Change::Removed))
    });
    let new = after
        .services
        .iter()
        .filter_map(|service| match find(before, &service.name) {
            None => Some(change(service, Change::Added)),
            Some(same) if same == *service => None,
            Some(_) => Some(change(service, Change::Changed)),
        });
    Plan {
        revision,
        services: gone.chain(new).collect(),
        ..Plan::default()
    }
}
