//! Marks: what netfilter would have given a packet, had XDP not run before it.

use core::{ffi::c_void, ops::ControlFlow};

use aya_ebpf::helpers::bpf_loop;
use dray_abi::{MAX_RULES, Rule};

use crate::{family::Packet, maps};

/// The mark of a packet that came in by `port`: that of the first rule that fits; 0 for none. `rules` is the settings' word.
#[inline(always)]
pub(crate) fn of<P: Packet>(packet: &P, rules: u32, port: u32) -> u32 {
    let count = rules & 0xffff;
    if count == 0 {
        return 0;
    }
    let [client_port, service_port] = packet.ports().map(u16::from_be_bytes);
    let mut search = Search {
        source: packet.client_words(),
        destination: packet.vip_words(),
        first: rules >> 16,
        port,
        mark: 0,
        source_port: client_port,
        destination_port: service_port,
        protocol: packet.protocol().number(),
        family: P::FAMILY,
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
    search.mark
}

#[repr(C)]
struct Search {
    source: [u64; 2],
    destination: [u64; 2],
    first: u32,
    port: u32,
    mark: u32,
    source_port: u16,
    destination_port: u16,
    protocol: u8,
    family: u8,
}

extern "C" fn step(index: u64, search: *mut c_void) -> i64 {
    // SAFETY: the `search` of `of`, which nobody else uses meanwhile.
    let search = unsafe { &mut *search.cast::<Search>() };
    search.step(index as u32).is_break() as i64
}

impl Search {
    #[inline(always)]
    fn step(&mut self, index: u32) -> ControlFlow<()> {
        let Some(rule) = maps::RULES.get(self.first.wrapping_add(index)) else {
            return ControlFlow::Break(());
        };
        if !self.fits(rule) {
            return ControlFlow::Continue(());
        }
        self.mark = rule.mark;
        ControlFlow::Break(())
    }

    #[inline(always)]
    fn fits(&self, rule: &Rule) -> bool {
        rule.family == self.family
            && (rule.protocol == 0 || rule.protocol == self.protocol)
            && (rule.port == u32::MAX || rule.port == self.port)
            && lies_in(self.destination_port, rule.ports)
            && lies_in(self.source_port, rule.source_ports)
            && under(self.destination, rule.destination_mask, rule.destination)
            && under(self.source, rule.source_mask, rule.source)
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
