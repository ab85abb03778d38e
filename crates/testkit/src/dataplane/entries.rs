//! Ending entries of the fake data plane's tables.

use dray_model::{Connection, DestinationId, Part, Template};
use dray_packet::state::{self, is_active};

use super::state::State;

/// The port of a template that nobody may find any more.
const RETIRED: u16 = u16::MAX;

impl State {
    /// As the port has it. A connection lies in the part of the table that its client's port says.
    pub(super) fn end_connections(
        &mut self,
        part: Part,
        which: &dyn Fn(&Connection) -> bool,
    ) -> u64 {
        self.endings.push(part);
        let lies_there = |connection: &Connection| {
            u32::from(connection.client.port()) % part.of.max(1) == part.number
        };
        let (ended, left): (Vec<_>, Vec<_>) = std::mem::take(&mut self.connections)
            .into_iter()
            .partition(|connection| lies_there(connection) && which(connection));
        self.connections = left;
        for connection in &ended {
            let live = self.live.entry(connection.destination).or_default();
            let count = if counts_as_active(connection) {
                &mut live.active
            } else {
                &mut live.inactive
            };
            *count = count.saturating_sub(1);
        }
        ended.len() as u64
    }

    /// As the port has it. A template lies in the part of the table that the last byte of its client's address says.
    pub(super) fn end_templates(&mut self, part: Part, which: &dyn Fn(&Template) -> bool) -> u64 {
        self.endings.push(part);
        let mut hidden = 0;
        let mut ended: Vec<DestinationId> = Vec::new();
        self.templates.retain_mut(|template| {
            let lies_there = last_byte(template) % part.of.max(1) == part.number;
            if !lies_there || !which(template) {
                return true;
            }
            hidden += u64::from(template.port != RETIRED);
            template.port = RETIRED;
            if template.children == 0 {
                ended.push(template.destination);
            }
            template.children > 0
        });
        for destination in ended {
            let live = self.live.entry(destination).or_default();
            live.persistent = live.persistent.saturating_sub(1);
        }
        hidden
    }
}

fn counts_as_active(connection: &Connection) -> bool {
    let mut states = state::State::ALL.iter();
    states.any(|state| state.name() == connection.state && is_active(*state as u8))
}

fn last_byte(template: &Template) -> u32 {
    let last = match template.client {
        std::net::IpAddr::V4(client) => client.octets()[3],
        std::net::IpAddr::V6(client) => client.octets()[15],
    };
    last.into()
}
