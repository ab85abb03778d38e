//! Ending connections and templates because somebody wants them to end, as the [sweep](crate::sweep) ends what is over.
//!
//! A packet may change an entry between the look at it and its end. Then it is looked at again: a busy connection ends as
//! surely as an idle one.

use std::ops::Range;

use dray_model::{Connection, Part, Template};

use crate::{
    KernelDataPlane,
    connections::{connection_at, template_at},
    ending::Why,
    mapped::Mapped,
    maps::Maps,
    slots::{self, ConnectionBucket, ConnectionSlot, TemplateSlot},
    sweep::stretch,
};

/// Ends the connections that `which` accepts; says how many.
pub(crate) fn end_connections(
    plane: &mut KernelDataPlane,
    part: Part,
    which: &dyn Fn(&Connection) -> bool,
) -> u64 {
    let round = Round {
        maps: &plane.maps,
        tick: plane.tick(),
    };
    let Maps {
        connections4,
        connections6,
        ..
    } = round.maps;
    round.connections(connections4, of(connections4.len(), part), which)
        + round.connections(connections6, of(connections6.len(), part), which)
}

/// Ends or retires the templates that `which` accepts; says how many could be found before.
pub(crate) fn end_templates(
    plane: &mut KernelDataPlane,
    part: Part,
    which: &dyn Fn(&Template) -> bool,
) -> u64 {
    let round = Round {
        maps: &plane.maps,
        tick: plane.tick(),
    };
    let templates = &round.maps.templates;
    slots::templates(templates, of(templates.len(), part))
        .filter(|slot| round.end_template(slot, which))
        .count() as u64
}

/// The buckets of that part.
fn of(buckets: u32, Part { number, of }: Part) -> Range<u32> {
    if number < of {
        stretch(buckets, number, of)
    } else {
        0..0
    }
}

struct Round<'a> {
    maps: &'a Maps,
    tick: u32,
}

impl Round<'_> {
    fn connections<B: ConnectionBucket>(
        &self,
        table: &Mapped<B>,
        buckets: Range<u32>,
        which: &dyn Fn(&Connection) -> bool,
    ) -> u64 {
        slots::connections(table, buckets)
            .filter(|slot| self.end_connection(slot, which))
            .count() as u64
    }

    fn end_connection(
        &self,
        slot: &ConnectionSlot<'_>,
        which: &dyn Fn(&Connection) -> bool,
    ) -> bool {
        loop {
            let seen = slot.meta();
            let found = connection_at(self.maps, slot.place, seen, self.tick);
            if !found.is_some_and(|connection| which(&connection)) {
                return false;
            }
            if self.maps.end_connection(slot, seen, Why::Asked) {
                return true;
            }
        }
    }

    /// Says whether it could be found before.
    fn end_template(&self, slot: &TemplateSlot<'_>, which: &dyn Fn(&Template) -> bool) -> bool {
        loop {
            let seen = slot.meta();
            let found = template_at(self.maps, slot.reference, seen, self.tick);
            if !found.is_some_and(|template| which(&template)) {
                return false;
            }
            let was_hidden = slots::is_retired(seen);
            // A packet that makes a connection of it says so first, and so keeps its place.
            let done = match slot.children() {
                0 => self.maps.end_template(slot, seen),
                _ => was_hidden || slot.retire(seen),
            };
            if done {
                return !was_hidden;
            }
        }
    }
}
