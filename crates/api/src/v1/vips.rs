//! `GET /v1/vips`: the addresses that clients ask, and FULLNAT's own.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use dray_model::{Desired, Mark, MarkRule};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Status;

/// The director's addresses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Vips {
    /// In the order of their numbers, IPv4 first.
    pub vips: Vec<Vip>,
}

/// An address of the director's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Vip {
    /// The address.
    #[schema(value_type = String, example = "10.77.0.100")]
    pub vip: IpAddr,
    /// What it is for.
    pub role: VipRole,
    /// The names of the services at this address, and of those of marks that packets to it get.
    pub services: Vec<String>,
    /// The interface that the director has put it on; none when it has not, because somebody else does, or had before.
    pub interface: Option<String>,
}

/// What an address is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum VipRole {
    /// Clients ask it.
    Vip,
    /// FULLNAT's packets come from it.
    Local,
}

impl Vips {
    /// The addresses of a configuration, and of those the ones that are on an interface.
    pub(crate) fn of(desired: &Desired, status: &Status) -> Self {
        let mut services: BTreeMap<IpAddr, BTreeSet<String>> = BTreeMap::new();
        for service in &desired.services {
            let name = service.name.to_string();
            let of_address = service.identity.address().map(|address| address.vip);
            let rules = desired.director.marks.iter().filter(|rule| {
                let mark = Mark {
                    number: rule.mark,
                    family: rule.family,
                };
                service.identity == mark.into()
            });
            for vip in of_address.into_iter().chain(rules.filter_map(single)) {
                services.entry(vip).or_default().insert(name.clone());
            }
        }
        // A rule whose mark no service has makes its address the director's all the same.
        for vip in desired.director.marks.iter().filter_map(single) {
            services.entry(vip).or_default();
        }
        let interface = |address| {
            let added = status
                .director
                .vips
                .iter()
                .find(|added| added.vip == address);
            added.map(|added| added.interface.clone())
        };
        let vips = services.into_iter().map(|(vip, services)| Vip {
            vip,
            role: VipRole::Vip,
            services: services.into_iter().collect(),
            interface: interface(vip),
        });
        let locals = desired.director.fullnat.addresses.iter().map(|local| Vip {
            vip: *local,
            role: VipRole::Local,
            services: Vec::new(),
            interface: interface(*local),
        });
        let mut all: Vec<_> = vips.chain(locals).collect();
        all.sort_by_key(|vip| vip.vip);
        Self { vips: all }
    }
}

/// The address of a mark's packets, when they are for a single one.
fn single(rule: &MarkRule) -> Option<IpAddr> {
    let (address, length) = rule.destination?;
    let whole = if address.is_ipv4() { 32 } else { 128 };
    (length == whole).then_some(address)
}
