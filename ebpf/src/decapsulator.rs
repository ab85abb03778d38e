//! The real server's side of tunnels: a program of its own that makes tunnels' packets what is inside and gives them to the host.
//!
//! ```text
//! ethernet ─▶ a tunnel's? ─▶ for this host? ─▶ from a director? ─▶ checksum ─▶ take off ─▶ XDP_PASS
//! ```
//!
//! What is no tunnel's packet for this host goes on to it untouched. A tunnel's packet that no director sent is dropped: inside it
//! anybody could hide whatever source they like from the filters on the way.

use aya_ebpf::{
    bindings::{
        BPF_FIB_LKUP_RET_FWD_DISABLED, BPF_FIB_LKUP_RET_NOT_FWDED, bpf_fib_lookup, xdp_action,
    },
    helpers::{bpf_xdp_adjust_head, generated},
    macros::{map, xdp},
    maps::{LpmTrie, PerCpuArray, lpm_trie::Key},
    programs::XdpContext,
};
use dray_abi::{DecapReason, MAX_TUNNEL_SOURCES};
use dray_packet::{
    Frame, Refusal,
    decapsulate::{self, Checked, Tunnelled},
    ethernet,
    tunnel::Family,
};

use crate::{answer, constants, extension, frame};

/// The sources that tunnels may come from.
#[map]
static TUNNEL_SOURCES: LpmTrie<[u32; 4], u32> = LpmTrie::with_max_entries(MAX_TUNNEL_SOURCES, 0);
/// What became of packets.
#[map]
static DECAP_REASONS: PerCpuArray<u64> =
    PerCpuArray::with_max_entries(DecapReason::ALL.len() as u32, 0);

/// Takes packets out of tunnels.
#[xdp(frags)]
pub fn decapsulator(context: XdpContext) -> u32 {
    let reason = decapsulate(&context);
    if let Some(count) = DECAP_REASONS.get_ptr_mut(reason as u32) {
        // SAFETY: this processor's own, which nothing else writes while the program runs.
        unsafe { *count += 1 };
    }
    match reason {
        DecapReason::Spoofed | DecapReason::Damaged | DecapReason::NoRoom => xdp_action::XDP_DROP,
        DecapReason::Decapsulated | DecapReason::NotATunnel | DecapReason::OtherHost => {
            xdp_action::XDP_PASS
        }
    }
}

#[inline(always)]
fn decapsulate(context: &XdpContext) -> DecapReason {
    let frame = frame(context);
    let Ok(ethernet) = ethernet::parse(&frame) else {
        return DecapReason::NotATunnel;
    };
    if ethernet.destination != constants::own_address() {
        return DecapReason::OtherHost;
    }
    let link = ethernet.length();
    let port = (constants::gue_port() as u16).to_be_bytes();
    match ethernet.ether_type {
        ethernet::IPV4 => match decapsulate::parse4(&frame, link, port) {
            Ok(tunnelled) => open(context, link, Family::Ipv4, &tunnelled),
            Err(refusal) => refused(context, link, Family::Ipv4, refusal),
        },
        ethernet::IPV6 => {
            let drive = |walk| extension::drive(context, walk);
            match decapsulate::parse6_by(&frame, link, port, drive) {
                Ok(tunnelled) => open(context, link, Family::Ipv6, &tunnelled),
                Err(refusal) => refused(context, link, Family::Ipv6, refusal),
            }
        }
        _ => DecapReason::NotATunnel,
    }
}

/// What becomes of a packet that is none of a tunnel, or of which nothing can be made.
#[inline(always)]
fn refused(context: &XdpContext, link: usize, family: Family, refusal: Refusal) -> DecapReason {
    match refusal {
        Refusal::Truncated
            if is_tunnels(context, link, family) && is_own(context, link, family) =>
        {
            DecapReason::Damaged
        }
        // The host puts fragments together, and knows what to do with what is not understood here.
        Refusal::Truncated | Refusal::Fragment | Refusal::OtherProtocol => DecapReason::NotATunnel,
    }
}

/// Whether the outer header says that it carries a tunnel's packet, or UDP: what is cut short of other datagrams the host would
/// not take either.
#[inline(always)]
fn is_tunnels(context: &XdpContext, link: usize, family: Family) -> bool {
    const IPV4_PROTOCOL: usize = 9;
    const IPV6_NEXT_HEADER: usize = 6;
    const TUNNELS: [u8; 4] = [4, 17, 41, 47];
    let at = match family {
        Family::Ipv4 => IPV4_PROTOCOL,
        Family::Ipv6 => IPV6_NEXT_HEADER,
    };
    let protocol: Option<u8> = frame(context).read(link + at);
    protocol.is_some_and(|protocol| TUNNELS.contains(&protocol))
}

/// Makes the frame that of the packet inside.
#[inline(always)]
fn open<A: Copy>(
    context: &XdpContext,
    link: usize,
    outer: Family,
    tunnelled: &Tunnelled<A>,
) -> DecapReason {
    /// More than all headers that are walked over; all ones.
    const LONGEST: usize = 0xfff;
    if !is_own(context, link, outer) {
        return DecapReason::NotATunnel;
    }
    if !is_directors(context, link, outer) {
        return DecapReason::Spoofed;
    }
    if tunnelled
        .checked
        .is_some_and(|checked| !is_right(context, checked))
    {
        return DecapReason::Damaged;
    }
    // The verifier knows where the packet starts, not how far that is from the link layer.
    let tunnelled = &Tunnelled {
        overhead: tunnelled.overhead & LONGEST,
        ..*tunnelled
    };
    if decapsulate::take_off(&frame(context), link, tunnelled).is_err() {
        return DecapReason::Damaged;
    }
    // SAFETY: the helper gets the context that the kernel gave; no frame is used after it.
    match unsafe { bpf_xdp_adjust_head(context.ctx, tunnelled.overhead as i32) } {
        0 => DecapReason::Decapsulated,
        _ => DecapReason::NoRoom,
    }
}

#[inline(always)]
fn is_right(context: &XdpContext, checked: Checked) -> bool {
    answer::sum(context, checked.offset, checked.length).is_some_and(|sum| checked.is_right(sum))
}

/// Whether a director may have sent the packet.
#[inline(always)]
fn is_directors(context: &XdpContext, link: usize, outer: Family) -> bool {
    const BITS: u32 = 128;
    let Some([source, _]) = addresses(&frame(context), link, outer) else {
        return false;
    };
    // Nobody sends IPv6 packets from an IPv4 address (RFC 4291 section 2.5.5.2), and here it would pass for IPv4.
    let is_disguised = outer == Family::Ipv6 && matches!(source, [0, 0, MAPPED, _]);
    !is_disguised && TUNNEL_SOURCES.get(Key::new(BITS, source)).is_some()
}

/// Whether the packet is for this host, and not one that it routes: the kernel's own routes say so.
#[inline(never)]
fn is_own(context: &XdpContext, link: usize, outer: Family) -> bool {
    const AF_INET: u8 = 2;
    const AF_INET6: u8 = 10;
    let Some([source, destination]) = addresses(&frame(context), link, outer) else {
        return false;
    };
    let [_, _, _, source4] = source;
    let [_, _, _, destination4] = destination;
    // SAFETY: numbers, for which all zeros are a value.
    let mut lookup: bpf_fib_lookup = unsafe { core::mem::zeroed() };
    // SAFETY: the context that the kernel gave.
    lookup.ifindex = unsafe { (*context.ctx).ingress_ifindex };
    match outer {
        Family::Ipv4 => {
            lookup.family = AF_INET;
            lookup.__bindgen_anon_3.ipv4_src = source4;
            lookup.__bindgen_anon_4.ipv4_dst = destination4;
        }
        Family::Ipv6 => {
            lookup.family = AF_INET6;
            lookup.__bindgen_anon_3.ipv6_src = source;
            lookup.__bindgen_anon_4.ipv6_dst = destination;
        }
    }
    let size = size_of::<bpf_fib_lookup>() as i32;
    // SAFETY: the helper gets the context that the kernel gave, and so many bytes of its own.
    let found = unsafe { generated::bpf_fib_lookup(context.ctx.cast(), &raw mut lookup, size, 0) };
    // A host that does not route has no packets but its own; it is not asked for more, then.
    matches!(
        found as u32,
        BPF_FIB_LKUP_RET_NOT_FWDED | BPF_FIB_LKUP_RET_FWD_DISABLED
    )
}

/// The third word of an IPv4-mapped IPv6 address, after two zeros.
const MAPPED: u32 = u32::from_le_bytes([0, 0, 0xff, 0xff]);

/// Source and destination of the packet at `link`, as words in memory (IPv4 as IPv4-mapped IPv6).
#[inline(always)]
fn addresses(frame: &Frame<'_>, link: usize, outer: Family) -> Option<[[u32; 4]; 2]> {
    const IPV4_ADDRESSES: usize = 12;
    const IPV6_ADDRESSES: usize = 8;
    let addresses = match outer {
        Family::Ipv4 => {
            let [source, destination]: [[u8; 4]; 2] = frame.read(link + IPV4_ADDRESSES)?;
            [source, destination].map(|address| [0, 0, MAPPED, u32::from_le_bytes(address)])
        }
        Family::Ipv6 => {
            let addresses: [[[u8; 4]; 4]; 2] = frame.read(link + IPV6_ADDRESSES)?;
            addresses.map(|address| address.map(u32::from_le_bytes))
        }
    };
    Some(addresses)
}
