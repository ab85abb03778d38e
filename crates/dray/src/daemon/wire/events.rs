//! The control room's events.

use dray_api::v1::{
    DefenceEvent, DestinationChange, DestinationEvent, Event, ServiceEvent, ServiceTurn, Table,
    TableEvent, VipEvent, VipTurn,
};
use dray_control::{AddedVip, Defences, Happening, Shortage};
use dray_model::{ServiceName, document::Endpoint};

/// What listeners of the API hear of it. That a configuration was replaced is the desk's to tell, who knows why.
pub(in crate::daemon) fn events(happening: Happening) -> Vec<Event> {
    use DestinationChange as To;
    vec![match happening {
        Happening::Replaced { .. } => return Vec::new(),
        Happening::ServiceAdded { service, .. } => turn(service, ServiceTurn::Added),
        Happening::ServiceChanged { service, .. } => turn(service, ServiceTurn::Changed),
        Happening::ServiceRemoved { service, .. } => turn(service, ServiceTurn::Removed),
        Happening::RealAdded { service, real, .. } => destination(service, real, To::Added, None),
        Happening::RealChanged { service, real, .. } => {
            destination(service, real, To::Changed, None)
        }
        Happening::RealRemoved { service, real, .. } => {
            destination(service, real, To::Removed, None)
        }
        Happening::Quiesced { service, real } => destination(service, real, To::Quiesced, None),
        Happening::Resumed { service, real } => destination(service, real, To::Resumed, None),
        Happening::Reachable { service, real } => destination(service, real, To::Reachable, None),
        Happening::Unreachable { service, real, why } => {
            destination(service, real, To::Unreachable, Some(why.to_string()))
        }
        Happening::Overloaded { service, real } => destination(service, real, To::Overloaded, None),
        Happening::Relieved { service, real } => destination(service, real, To::Relieved, None),
        Happening::VipAdded(vip) => vip_event(vip, VipTurn::Added),
        Happening::VipWithdrawn(vip) => vip_event(vip, VipTurn::Withdrawn),
        Happening::DefencesChanged { before, after } => return defences(before, after),
        Happening::ShortageBegan(shortage) => table(shortage, true),
        Happening::ShortageEnded(shortage) => table(shortage, false),
    }]
}

fn turn(service: ServiceName, what: ServiceTurn) -> Event {
    Event::Service(ServiceEvent {
        service: service.to_string(),
        what,
    })
}

fn destination(
    service: ServiceName,
    real: Endpoint,
    what: DestinationChange,
    why: Option<String>,
) -> Event {
    Event::Destination(DestinationEvent {
        service: service.to_string(),
        real: real.to_string(),
        what,
        why,
    })
}

fn vip_event(AddedVip { interface, vip }: AddedVip, what: VipTurn) -> Event {
    Event::Vip(VipEvent {
        vip,
        interface,
        what,
    })
}

fn defences(before: Defences, after: Defences) -> Vec<Event> {
    let is_on = |defences: Defences| {
        [
            ("drop_packet", defences.drop_rate.is_some()),
            ("drop_entry", defences.drop_entry),
            ("secure_tcp", defences.secure_tcp),
        ]
    };
    let changes = is_on(before).into_iter().zip(is_on(after));
    changes
        .filter(|(before, after)| before != after)
        .map(|(_, (defence, on))| {
            Event::Defence(DefenceEvent {
                defence: defence.to_owned(),
                on,
            })
        })
        .collect()
}

fn table(shortage: Shortage, full: bool) -> Event {
    let table = match shortage {
        Shortage::Connections => Table::Connections,
        Shortage::Translations => Table::Translations,
        Shortage::LocalPorts => Table::LocalPorts,
        Shortage::Templates => Table::Templates,
    };
    Event::Table(TableEvent { table, full })
}
