//! Ending connections and templates: what packets do in passing, done from outside.

use std::{mem::offset_of, sync::atomic::Ordering};

use dray_abi::{Live, Meta, Template};
use dray_packet::state;

use crate::{
    maps::Maps,
    slots::{self, ConnectionSlot, TemplateSlot},
};

/// Why a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// Its time is over.
    Over,
    /// It is to make room. Its template goes with it, if it was the last and none of them was ever established.
    Forced,
    /// It has no real server any more. Its template goes with it, if it was the last.
    Removed,
    /// Somebody wants it to end. Its template goes with it, if it was the last and nobody may find the template.
    Asked,
}

impl Maps {
    /// Ends the connection that was seen in this slot; false when it is not there any more.
    pub(crate) fn end_connection(&self, slot: &ConnectionSlot<'_>, seen: Meta, why: Why) -> bool {
        let translation = self.translation_of(slot, seen);
        let template = match &translation {
            Some(translation) => translation.entry.template,
            None => slot.names(),
        };
        if !slot.free(seen) {
            return false;
        }
        if let Some(translation) = translation {
            self.end_translation(&translation);
        }
        let destination = seen.destination();
        let unit = Live::one(state::is_active(seen.state()));
        let count = offset_of!(Live, active_inactive);
        if let Some(count) = self.live.word(destination, count) {
            let before = count.fetch_sub(unit, Ordering::Relaxed);
            self.relieve(destination, before.wrapping_sub(unit));
        }
        // Whoever had freed the slot before would have ended the translation, too: what it says is true.
        let controlled = seen.flags() & Meta::CONTROLLED != 0;
        if let Some(template) = slots::template(&self.templates, template).filter(|_| controlled) {
            let left = template.leave();
            let meta = template.meta();
            let goes_too = match why {
                Why::Over => false,
                Why::Forced => meta.state() & Template::ASSURED == 0,
                Why::Removed => true,
                Why::Asked => slots::is_retired(meta),
            };
            if goes_too && left == 0 && meta.is_live() {
                self.end_template(&template, meta);
            }
        }
        true
    }

    /// Ends the template that was seen in this slot; false when it is not there any more.
    pub(crate) fn end_template(&self, slot: &TemplateSlot<'_>, seen: Meta) -> bool {
        if !slot.free(seen) {
            return false;
        }
        let destination = seen.destination();
        if let Some(persistent) = self.live.half(destination, offset_of!(Live, persistent)) {
            persistent.fetch_sub(1, Ordering::Relaxed);
        }
        let live = self.live.read(destination).unwrap_or_default();
        self.relieve(destination, live.active_inactive);
        true
    }

    /// Lets an overloaded destination have new connections again, if it has few enough now.
    fn relieve(&self, destination: u32, active_inactive: u64) {
        let Some(overloaded) = self.live.half(destination, offset_of!(Live, overloaded)) else {
            return;
        };
        if overloaded.load(Ordering::Relaxed) == 0 {
            return;
        }
        let Live { upper, lower, .. } = self.live.read(destination).unwrap_or_default();
        let total = Live::total(active_inactive);
        if !Live::overloaded_after_unbind(total, upper, lower, true) {
            overloaded.store(0, Ordering::Release);
        }
    }
}
