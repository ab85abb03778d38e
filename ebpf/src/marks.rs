//! Marks: what netfilter would have given a packet, had XDP not run before it.

use core::{ffi::c_void, ops::ControlFlow};

use aya_ebpf::helpers::bpf_loop;
use dray_abi::{MAX_RULES, Rule};

use crate::{guest::Guest, maps};

/// The mark of a packet that came in by `port`: that of the first rule that fits; 0 for none. `rules` is the settings' word.
#[inline(always)]
pub(crate) fn of(guest: &Guest, rules: u32, port: u32) -> u32 {
    let count = rules & 0xffff;
    if count == 0 {
        return 0;
    }
    let mut search = Search {
        guest,
        first: rules >> 16,
        port,
        mark: 0,
    };
    // SAFETY: `step` takes what is passed here, which lives until the helper returns.
    unsafe {
        bpf_loop(
            count.min(MAX_RULES),
            step as *mut c_void,
            (&raw mut search).cast(),
            0,
        )
    };
    search.mark as u32
}

/// Words, because the verifier takes none but whole ones on the stack.
struct Search<'a> {
    guest: &'a Guest,
    first: u32,
    port: u32,
    mark: u64,
}

extern "C" fn step(index: u64, search: *mut c_void) -> i64 {
    // SAFETY: the `search` of `of`, which nobody else uses meanwhile.
    let search = unsafe { &mut *search.cast::<Search<'_>>() };
    search.step(index as u32).is_break() as i64
}

impl Search<'_> {
    #[inline(always)]
    fn step(&mut self, index: u32) -> ControlFlow<()> {
        let Some(rule) = maps::RULES.get(self.first.wrapping_add(index)) else {
            return ControlFlow::Break(());
        };
        if !self.fits(rule) {
            return ControlFlow::Continue(());
        }
        self.mark = rule.mark as u64;
        ControlFlow::Break(())
    }

    #[inline(always)]
    fn fits(&self, rule: &Rule) -> bool {
        let guest = self.guest;
        rule.family == guest.family
            && (rule.protocol == 0 || rule.protocol == guest.protocol)
            && (rule.port == u32::MAX || rule.port == self.port)
            && lies_in(guest.service_port(), rule.ports)
            && lies_in(guest.flow.client_port, rule.source_ports)
            && under(
                guest.flow.vip_words,
                rule.destination_mask,
                rule.destination,
            )
            && under(guest.client, rule.source_mask, rule.source)
    }
}

#[inline(always)]
fn lies_in(port: u16, [lowest, highest]: [u16; 2]) -> bool {
    lowest <= port && port <= highest
}

#[inline(always)]
fn under(address: [u64; 2], mask: [u64; 2], wanted: [u64; 2]) -> bool {
    address[0] & mask[0] == wanted[0] && address[1] & mask[1] == wanted[1]
}
