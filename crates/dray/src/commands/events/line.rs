//! An event as a line.

use dray_api::v1::{
    ConfigurationTurn, DestinationChange, DrainTurn, Event, ServiceTurn, Table, VipTurn,
};

use crate::{thing::thing, when};

/// As `2026-11-22 23:10:43 UTC  service web, real server 10.77.0.11: unreachable: no route to it`. Events have no time of their own: it
/// is the one at which it came.
pub(super) fn line(event: &Event, unix_seconds: u64) -> String {
    format!("{}  {}\n", when::utc(unix_seconds), words(event))
}

fn words(event: &Event) -> String {
    match event {
        Event::Destination(event) => {
            let why = event.why.as_ref().map(|why| format!(": {why}"));
            let what = destination(event.what);
            let thing = thing(Some(&event.service), Some(&event.real));
            format!("{thing}: {what}{}", why.unwrap_or_default())
        }
        Event::Service(event) => {
            let what = match event.what {
                ServiceTurn::Added => "added",
                ServiceTurn::Changed => "changed",
                ServiceTurn::Removed => "removed",
            };
            format!("service {}: {what}", event.service)
        }
        Event::Vip(event) => {
            let what = match event.what {
                VipTurn::Added => "put on",
                VipTurn::Withdrawn => "taken off",
            };
            format!("address {}: {what} {}", event.vip, event.interface)
        }
        Event::Configuration(event) => format!(
            "configuration {} (revision {}), by {}: {}",
            event.base,
            event.revision,
            event.who,
            configuration(event.what)
        ),
        Event::Drain(event) => {
            let what = match event.what {
                DrainTurn::Started => "started",
                DrainTurn::Empty => "no connection is left",
                DrainTurn::Overdue => "the deadline came while connections were left",
                DrainTurn::Cancelled => "called off",
                DrainTurn::Overtaken => {
                    "ended, because somebody changed the weight or removed the real server"
                }
            };
            format!("drain {} of real server {}: {what}", event.id, event.real)
        }
        Event::Table(event) => {
            let table = match event.table {
                Table::Connections => "the connection table",
                Table::Translations => "the table of translations",
                Table::LocalPorts => "FULLNAT's local addresses and ports",
                Table::Templates => "the table of templates",
            };
            let what = if event.full {
                "used up"
            } else {
                "with room again"
            };
            format!("{table}: {what}")
        }
        Event::Defence(event) => {
            let what = if event.on { "on" } else { "off" };
            format!("defence {}: {what}", event.defence)
        }
        Event::Missed(event) => format!(
            "{} events are lost, because this was too slow for them",
            event.count
        ),
    }
}

fn destination(change: DestinationChange) -> &'static str {
    match change {
        DestinationChange::Added => "added",
        DestinationChange::Changed => "changed",
        DestinationChange::Removed => "removed",
        DestinationChange::Quiesced => "quiesced",
        DestinationChange::Resumed => "no longer quiesced",
        DestinationChange::Reachable => "reachable",
        DestinationChange::Unreachable => "unreachable",
        DestinationChange::Overloaded => "overloaded",
        DestinationChange::Relieved => "no longer overloaded",
    }
}

fn configuration(turn: ConfigurationTurn) -> &'static str {
    match turn {
        ConfigurationTurn::Applied => "applied",
        ConfigurationTurn::Edited => "edited",
        ConfigurationTurn::Confirmed => "confirmed",
        ConfigurationTurn::NotConfirmed => {
            "in force again, because the one after it was not confirmed"
        }
        ConfigurationTurn::RolledBack => "in force again",
    }
}

#[cfg(test)]
mod tests {
    use dray_api::v1::{
        ConfigurationEvent, DefenceEvent, DestinationEvent, DrainEvent, MissedEvent, ServiceEvent,
        TableEvent, VipEvent,
    };

    use super::*;

    #[test]
    fn every_event_is_one_line() {
        let destination = |what, why: Option<&str>| {
            Event::Destination(DestinationEvent {
                service: "web".to_owned(),
                real: "10.77.0.11:8080".to_owned(),
                what,
                why: why.map(str::to_owned),
            })
        };
        let events = [
            destination(DestinationChange::Reachable, None),
            destination(DestinationChange::Unreachable, Some("no route to it")),
            Event::Service(ServiceEvent {
                service: "web".to_owned(),
                what: ServiceTurn::Changed,
            }),
            Event::Vip(VipEvent {
                vip: "10.77.0.100".parse().expect("an address"),
                interface: "eth0".to_owned(),
                what: VipTurn::Withdrawn,
            }),
            Event::Configuration(ConfigurationEvent {
                revision: 19,
                base: 7,
                what: ConfigurationTurn::NotConfirmed,
                who: "the daemon".to_owned(),
            }),
            Event::Drain(DrainEvent {
                id: 7,
                real: "10.77.0.11".to_owned(),
                what: DrainTurn::Overdue,
            }),
            Event::Table(TableEvent {
                table: Table::LocalPorts,
                full: true,
            }),
            Event::Defence(DefenceEvent {
                defence: "drop_entry".to_owned(),
                on: false,
            }),
            Event::Missed(MissedEvent { count: 3 }),
        ];
        let lines: String = events
            .iter()
            .map(|event| line(event, 1_795_389_043))
            .collect();
        insta::assert_snapshot!(lines);
    }
}
