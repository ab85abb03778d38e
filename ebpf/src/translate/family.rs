//! What differs between the families' packets when they are translated, and the functions with a symbol, of each family its own.

use core::num::NonZeroU32;

use aya_ebpf::{bindings::xdp_md, helpers::generated::bpf_check_mtu, programs::XdpContext};
use dray_abi::Reason;
use dray_packet::{
    Frame, Obstacle, Refusal, ipv4, ipv6,
    translate::{self, Changes, Mended},
};

use super::{Outcome, cross, finish, forward_packet, number, reply_packet, stray, wait};
use crate::{
    answer, extension, family::Packet, frame, icmp::Message, link::Link, maps, send::Stop,
};

/// A family's packets that can get other addresses.
pub(crate) trait Translated: Message {
    /// The packets of the other family.
    type Other: Translated;
    /// Bytes that a packet grows by when it becomes one of that family.
    fn growth(family: u8) -> i32;

    /// What [`Translated::recall`] has to be told of the packet.
    fn gist(&self) -> u32;
    /// The packet at `offset`, which was parsed before.
    fn recall(context: &XdpContext, offset: usize, gist: u32) -> Result<Self, Refusal>;

    /// [`forward_packet`], in a function of its own.
    fn forward(
        context: *mut xdp_md,
        link: u32,
        destination: u32,
        translation: u32,
        gist: u32,
    ) -> u64;
    /// [`reply_packet`].
    fn reply(context: *mut xdp_md, link: u32, tick: u32, translation: u32, gist: u32) -> u64;
    /// [`finish::finish`].
    fn finish(context: *mut xdp_md, link: u32, destination: u32, outcome: u64) -> u64;
    /// [`stray::pass_on`].
    fn stray(context: *mut xdp_md, link: u32, destination: u32, is_error: u32) -> u64;
    /// Makes the packet that waits one of the other family: 0, or 1 + the number of a reason.
    fn cross(context: *mut xdp_md) -> u32;
    /// Writes the checksum of the datagram at `upper`, which has `length` bytes: likewise.
    fn complete(context: *mut xdp_md, upper: u32, length: u32) -> u32;

    /// Whether the packet's key is the one there.
    ///
    /// # Safety
    /// `words` points to a key in a slot of a translation.
    unsafe fn is_at(&self, words: *const [u64; 5]) -> bool;
    /// Whether the packet's addresses and protocol are those of that key.
    ///
    /// # Safety
    /// As for `is_at`.
    unsafe fn is_between(&self, words: *const [u64; 5]) -> bool;
    /// Where in the frame what it carries starts; its IP header starts at `offset`.
    fn upper(&self, offset: usize) -> usize;
    /// What its checksums change by when it gets this key.
    fn changes(&self, key: &Self::Key) -> Changes;
    /// Gives the packet at `offset` this key.
    fn rewrite(
        &self,
        frame: &Frame<'_>,
        offset: usize,
        key: &Self::Key,
        changes: Changes,
    ) -> Result<Mended, Obstacle>;
    /// Gives the fragment at `offset` the addresses of this key.
    fn rewrite_fragment(frame: &Frame<'_>, offset: usize, key: &Self::Key) -> Result<(), Obstacle>;
    /// Makes the ICMP error at `offset` one about a connection whose packets that go the same way have this key.
    fn rewrite_error(context: &XdpContext, offset: usize, key: &Self::Key) -> Result<(), Obstacle>;
    /// Keeps a key in the scratch memory.
    fn keep(key: &Self::Key) -> Result<(), Reason>;
    /// The key that was kept there.
    fn kept() -> Result<Self::Key, Reason>;
}

/// The largest packet that leaves by a port.
#[inline(always)]
pub(super) fn room(context: &XdpContext, port: u32) -> u32 {
    dray_room(context.ctx, port)
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn dray_room(context: *mut xdp_md, port: u32) -> u32 {
    let unknown = u16::MAX as u32;
    let Some(port) = maps::PORTS.get(port) else {
        return unknown;
    };
    // The shortest packet, so that it fits anyway; what is asked for is what the helper writes here.
    let mut mtu = 1_u32;
    // SAFETY: the helper gets the context that the kernel gave, and writes `mtu`.
    let result = unsafe { bpf_check_mtu(context.cast(), port.interface, &raw mut mtu, 0, 0) };
    if result == 0 { mtu } else { unknown }
}

/// What both families have alike, as they call functions of their own.
macro_rules! translated {
    (
        $packet:ty, $other:ty, $growth:literal,
        $forward:ident, $reply:ident, $finish:ident, $stray:ident, $complete:ident,
        $cross:ident: $crossed:path, $rewrite:path, $fragment:path, $whole:path
    ) => {
        type Other = $other;

        #[inline(always)]
        fn growth(family: u8) -> i32 {
            if family == Self::FAMILY { 0 } else { $growth }
        }

        #[inline(always)]
        fn forward(
            context: *mut xdp_md,
            link: u32,
            destination: u32,
            translation: u32,
            gist: u32,
        ) -> u64 {
            #[unsafe(no_mangle)]
            #[inline(never)]
            extern "C" fn $forward(
                context: *mut xdp_md,
                link: u32,
                destination: u32,
                translation: u32,
                gist: u32,
            ) -> u64 {
                let (context, link) = (&XdpContext::new(context), &Link(link));
                let step = <$packet>::recall(context, link.offset(), gist)
                    .map_err(|refusal| crate::reason(refusal).into())
                    .and_then(|packet| {
                        forward_packet(context, link, &packet, destination, translation)
                    });
                Outcome::encode(step).0
            }
            $forward(context, link, destination, translation, gist)
        }

        #[inline(always)]
        fn reply(context: *mut xdp_md, link: u32, tick: u32, translation: u32, gist: u32) -> u64 {
            #[unsafe(no_mangle)]
            #[inline(never)]
            extern "C" fn $reply(
                context: *mut xdp_md,
                link: u32,
                tick: u32,
                translation: u32,
                gist: u32,
            ) -> u64 {
                let (context, link) = (&XdpContext::new(context), &Link(link));
                let step = <$packet>::recall(context, link.offset(), gist)
                    .map_err(|refusal| crate::reason(refusal).into())
                    .and_then(|packet| reply_packet(context, link, &packet, tick, translation));
                Outcome::encode(step).0
            }
            $reply(context, link, tick, translation, gist)
        }

        #[inline(always)]
        fn finish(context: *mut xdp_md, link: u32, destination: u32, outcome: u64) -> u64 {
            #[unsafe(no_mangle)]
            #[inline(never)]
            extern "C" fn $finish(
                context: *mut xdp_md,
                link: u32,
                destination: u32,
                outcome: u64,
            ) -> u64 {
                match wait(Link(link), destination) {
                    Ok(()) => finish::finish::<$packet>(context, Outcome(outcome)).0,
                    Err(reason) => Outcome::encode(Err(reason.into())).0,
                }
            }
            $finish(context, link, destination, outcome)
        }

        #[inline(always)]
        fn stray(context: *mut xdp_md, link: u32, destination: u32, is_error: u32) -> u64 {
            #[unsafe(no_mangle)]
            #[inline(never)]
            extern "C" fn $stray(
                context: *mut xdp_md,
                link: u32,
                destination: u32,
                is_error: u32,
            ) -> u64 {
                let context = XdpContext::new(context);
                let passed = wait(Link(link), destination)
                    .map_err(Stop::from)
                    .and_then(|()| stray::pass_on::<$packet>(&context, is_error != 0));
                Outcome::encode(passed).0
            }
            $stray(context, link, destination, is_error)
        }

        #[inline(always)]
        fn cross(context: *mut xdp_md) -> u32 {
            #[unsafe(no_mangle)]
            #[inline(never)]
            extern "C" fn $cross(context: *mut xdp_md) -> u32 {
                number($crossed(&XdpContext::new(context)))
            }
            $cross(context)
        }

        #[inline(always)]
        fn complete(context: *mut xdp_md, upper: u32, length: u32) -> u32 {
            #[unsafe(no_mangle)]
            #[inline(never)]
            extern "C" fn $complete(context: *mut xdp_md, upper: u32, length: u32) -> u32 {
                /// Further behind the start of the frame no transport header lies.
                const LONGEST: u32 = 0xfff;
                let context = XdpContext::new(context);
                let (upper, length) = ((upper & LONGEST) as usize, length as u16);
                let written = answer::sum(&context, upper, length as usize).and_then(|sum| {
                    let key = <$packet as Translated>::kept().ok()?;
                    $whole(&frame(&context), upper, &key, length, sum)
                });
                number(written.ok_or(Reason::TunnelChecksum))
            }
            $complete(context, upper, length)
        }

        #[inline(always)]
        fn upper(&self, offset: usize) -> usize {
            Self::upper(self, offset)
        }

        #[inline(always)]
        fn changes(&self, key: &Self::Key) -> Changes {
            Changes::between(self.key(), key)
        }

        #[inline(always)]
        fn rewrite(
            &self,
            frame: &Frame<'_>,
            offset: usize,
            key: &Self::Key,
            changes: Changes,
        ) -> Result<Mended, Obstacle> {
            $rewrite(frame, offset, self, key, changes)
        }

        #[inline(always)]
        fn rewrite_fragment(
            frame: &Frame<'_>,
            offset: usize,
            key: &Self::Key,
        ) -> Result<(), Obstacle> {
            $fragment(frame, offset, key)
        }

        #[inline(always)]
        fn keep(key: &Self::Key) -> Result<(), Reason> {
            let scratch = maps::scratch()?;
            // SAFETY: the processor's own memory, and it has one packet in hand at a time; large enough.
            unsafe { (&raw mut (*scratch).key).cast::<Self::Key>().write(*key) };
            Ok(())
        }

        #[inline(always)]
        fn kept() -> Result<Self::Key, Reason> {
            let scratch = maps::scratch()?;
            // SAFETY: as above.
            Ok(unsafe { (&raw const (*scratch).key).cast::<Self::Key>().read() })
        }
    };
}

impl Translated for ipv4::Packet {
    translated!(
        ipv4::Packet,
        ipv6::Packet,
        20,
        dray_forward4,
        dray_reply4,
        dray_finish4,
        dray_stray4,
        dray_complete4,
        dray_to_ipv6: cross::to_ipv6,
        translate::packet4,
        translate::fragment4,
        translate::complete4
    );

    #[inline(always)]
    fn gist(&self) -> u32 {
        Self::gist(self)
    }

    #[inline(always)]
    fn recall(context: &XdpContext, offset: usize, gist: u32) -> Result<Self, Refusal> {
        ipv4::recall(&frame(context), offset, gist)
    }

    #[inline(always)]
    unsafe fn is_at(&self, words: *const [u64; 5]) -> bool {
        // SAFETY: the caller's; volatile, as another processor may be writing the key.
        unsafe {
            (&raw const (*words)[0]).read_volatile() == self.key[0]
                && (&raw const (*words)[1]).read_volatile() == self.key[1]
        }
    }

    #[inline(always)]
    unsafe fn is_between(&self, words: *const [u64; 5]) -> bool {
        // SAFETY: as above.
        unsafe {
            (&raw const (*words)[0]).read_volatile() == self.key[0]
                && (&raw const (*words)[1]).read_volatile() >> 32 == self.key[1] >> 32
        }
    }

    #[inline(always)]
    fn rewrite_error(context: &XdpContext, offset: usize, key: &[u64; 2]) -> Result<(), Obstacle> {
        translate::error4(&frame(context), offset, key)
    }
}

impl Translated for ipv6::Packet {
    translated!(
        ipv6::Packet,
        ipv4::Packet,
        -20,
        dray_forward6,
        dray_reply6,
        dray_finish6,
        dray_stray6,
        dray_complete6,
        dray_to_ipv4: cross::to_ipv4,
        translate::packet6,
        translate::fragment6,
        translate::complete6
    );

    #[inline(always)]
    fn gist(&self) -> u32 {
        Self::gist(self).map_or(0, NonZeroU32::get)
    }

    #[inline(always)]
    fn recall(context: &XdpContext, offset: usize, gist: u32) -> Result<Self, Refusal> {
        match NonZeroU32::new(gist) {
            Some(gist) => ipv6::recall(&frame(context), offset, gist),
            None => Self::parse(context, offset),
        }
    }

    #[inline(always)]
    unsafe fn is_at(&self, words: *const [u64; 5]) -> bool {
        // SAFETY: the caller's; volatile, as another processor may be writing the key.
        unsafe {
            (&raw const (*words)[0]).read_volatile() == self.key[0]
                && (&raw const (*words)[1]).read_volatile() == self.key[1]
                && (&raw const (*words)[2]).read_volatile() == self.key[2]
                && (&raw const (*words)[3]).read_volatile() == self.key[3]
                && (&raw const (*words)[4]).read_volatile() == self.key[4]
        }
    }

    /// A later fragment does not always say what it is one of, so the protocol is not looked at.
    #[inline(always)]
    unsafe fn is_between(&self, words: *const [u64; 5]) -> bool {
        // SAFETY: as above.
        unsafe {
            (&raw const (*words)[0]).read_volatile() == self.key[0]
                && (&raw const (*words)[1]).read_volatile() == self.key[1]
                && (&raw const (*words)[2]).read_volatile() == self.key[2]
                && (&raw const (*words)[3]).read_volatile() == self.key[3]
        }
    }

    #[inline(always)]
    fn rewrite_error(context: &XdpContext, offset: usize, key: &[u64; 5]) -> Result<(), Obstacle> {
        let drive = |walk| extension::drive(context, walk);
        translate::error6_by(&frame(context), offset, key, drive)
    }
}
