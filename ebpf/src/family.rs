//! What differs between IPv4 and IPv6, so that everything after the parsers is written once.

use dray_abi::{ServiceKey, Slot4, Slot6};
use dray_packet::{
    TransportProtocol,
    hash::{self, Place},
    ipv4, ipv6, sctp, tcp,
};

use crate::{
    datagram::Datagram,
    open::{self, Outcome},
    reply,
    service::words,
    slot::{ConnectionSlot, Slot},
    translation,
};

/// A client's packet with a transport header, of either family.
pub(crate) trait Packet: Copy + Datagram + 'static {
    /// 4 or 6.
    const FAMILY: u8;
    /// A slot of the family's connection table.
    type Slot: ConnectionSlot + Slot<Key = Self::Key>;
    /// What connections are found by.
    type Key: Copy;

    fn key(&self) -> &Self::Key;
    /// The key of packets that go the other way.
    fn turned(key: &Self::Key) -> Self::Key;
    fn protocol(&self) -> TransportProtocol;
    /// TCP's flags, or SCTP's event.
    fn flags(&self) -> u8;
    /// Client port and service port, each as it lies in the packet.
    fn ports(&self) -> [[u8; 2]; 2];
    /// Whether more fragments of it follow.
    fn has_fragments(&self) -> bool;
    /// Gives the packet that waits in the scratch memory a destination.
    fn open() -> Outcome;
    /// The destination of its connection, 0 for none.
    fn find() -> u32;
    /// A slot for its connection: 1 + its place, 0 for none.
    fn claim() -> u32;
    /// Notes it if it is a reply: 1 if it is, else 0.
    fn note_reply() -> u32;
    /// [`translation::make`], in a function of its own.
    fn translate() -> Outcome;
    /// [`translation::prepare`].
    fn prepare() -> Outcome;
    /// [`translation::answer`].
    fn answer(translation: u32, drawn: u32) -> u32;
    /// [`translation::reap`].
    fn reap(translation: u32) -> u32;
    /// [`translation::is_alone`].
    fn is_alone(translation: u32, answers: u32) -> u32;
    /// [`translation::publish`].
    fn publish(translation: u32) -> u32;
    /// Its key as translations have it.
    fn words(&self) -> [u64; 5];
    /// A key of the family out of a translation.
    ///
    /// # Safety
    /// `words` points to a key in a slot of a translation.
    unsafe fn load(words: *const [u64; 5]) -> Self::Key;
    /// What its fragments are found by.
    fn fragment_key(&self) -> [u64; 5];
    fn vip(&self) -> [u8; 16];
    /// The client's address as it lies in memory (IPv4 as IPv4-mapped IPv6).
    fn client_words(&self) -> [u64; 2];
    /// What a scheduler hashes: the client's address as a number, IPv6's folded as IPVS folds it.
    fn client_number(&self) -> u32;
    /// The same of the VIP.
    fn vip_number(&self) -> u32;
    fn flow_hash(&self) -> u32;

    #[inline(always)]
    fn place(&self) -> Place {
        Self::Slot::place(self.key())
    }

    #[inline(always)]
    fn vip_words(&self) -> [u64; 2] {
        words(self.vip())
    }

    /// Whether it asks for a new connection.
    #[inline(always)]
    fn is_new(&self) -> bool {
        match self.protocol() {
            TransportProtocol::Tcp => tcp::is_new(self.flags()),
            TransportProtocol::Udp => false,
            TransportProtocol::Sctp => sctp::is_new(self.flags()),
        }
    }
}

/// What the two families' packets have under the same names.
macro_rules! common {
    (
        $slot:ty, $key:ty, $family:literal,
        $open:ident, $find:ident, $claim:ident, $note:ident,
        $translate:ident, $prepare:ident, $answer:ident, $reap:ident, $alone:ident, $publish:ident
    ) => {
        const FAMILY: u8 = $family;
        type Slot = $slot;
        type Key = $key;

        #[inline(always)]
        fn key(&self) -> &$key {
            &self.key
        }

        #[inline(always)]
        fn protocol(&self) -> TransportProtocol {
            Self::protocol(self)
        }

        #[inline(always)]
        fn flags(&self) -> u8 {
            self.flags
        }

        #[inline(always)]
        fn ports(&self) -> [[u8; 2]; 2] {
            Self::ports(self)
        }

        #[inline(always)]
        fn has_fragments(&self) -> bool {
            Self::more_fragments(self)
        }

        #[inline(always)]
        fn fragment_key(&self) -> [u64; 5] {
            Self::fragment_key(self)
        }

        #[inline(always)]
        fn open() -> Outcome {
            Outcome($open())
        }

        #[inline(always)]
        fn find() -> u32 {
            $find()
        }

        #[inline(always)]
        fn claim() -> u32 {
            $claim()
        }

        #[inline(always)]
        fn note_reply() -> u32 {
            $note()
        }

        #[inline(always)]
        fn translate() -> Outcome {
            Outcome($translate())
        }

        #[inline(always)]
        fn prepare() -> Outcome {
            Outcome($prepare())
        }

        #[inline(always)]
        fn answer(translation: u32, drawn: u32) -> u32 {
            $answer(translation, drawn)
        }

        #[inline(always)]
        fn reap(translation: u32) -> u32 {
            $reap(translation)
        }

        #[inline(always)]
        fn is_alone(translation: u32, answers: u32) -> u32 {
            $alone(translation, answers)
        }

        #[inline(always)]
        fn publish(translation: u32) -> u32 {
            $publish(translation)
        }

        #[inline(always)]
        fn flow_hash(&self) -> u32 {
            hash::of_flow(&self.key)
        }
    };
}

impl Packet for ipv4::Packet {
    common!(
        Slot4,
        [u64; 2],
        4,
        dray_open4,
        dray_find4,
        dray_claim4,
        dray_note_reply4,
        dray_translate4,
        dray_prepare4,
        dray_answer4,
        dray_reap4,
        dray_is_alone4,
        dray_publish4
    );

    #[inline(always)]
    fn words(&self) -> [u64; 5] {
        [self.key[0], self.key[1], 0, 0, 0]
    }

    #[inline(always)]
    unsafe fn load(words: *const [u64; 5]) -> [u64; 2] {
        // SAFETY: the caller's; volatile, as another processor may be writing it.
        unsafe {
            [
                (&raw const (*words)[0]).read_volatile(),
                (&raw const (*words)[1]).read_volatile(),
            ]
        }
    }

    #[inline(always)]
    fn turned(key: &[u64; 2]) -> [u64; 2] {
        let [addresses, tail] = *key;
        [addresses.rotate_left(32), turned_tail(tail)]
    }

    #[inline(always)]
    fn vip(&self) -> [u8; 16] {
        ServiceKey::mapped(Self::vip(self))
    }

    #[inline(always)]
    fn client_words(&self) -> [u64; 2] {
        words(ServiceKey::mapped(self.client()))
    }

    #[inline(always)]
    fn client_number(&self) -> u32 {
        u32::from_be_bytes(self.client())
    }

    #[inline(always)]
    fn vip_number(&self) -> u32 {
        u32::from_be_bytes(Self::vip(self))
    }
}

impl Packet for ipv6::Packet {
    common!(
        Slot6,
        [u64; 5],
        6,
        dray_open6,
        dray_find6,
        dray_claim6,
        dray_note_reply6,
        dray_translate6,
        dray_prepare6,
        dray_answer6,
        dray_reap6,
        dray_is_alone6,
        dray_publish6
    );

    #[inline(always)]
    fn words(&self) -> [u64; 5] {
        self.key
    }

    #[inline(always)]
    unsafe fn load(words: *const [u64; 5]) -> [u64; 5] {
        // SAFETY: the caller's; volatile, as another processor may be writing it.
        unsafe {
            [
                (&raw const (*words)[0]).read_volatile(),
                (&raw const (*words)[1]).read_volatile(),
                (&raw const (*words)[2]).read_volatile(),
                (&raw const (*words)[3]).read_volatile(),
                (&raw const (*words)[4]).read_volatile(),
            ]
        }
    }

    #[inline(always)]
    fn turned(key: &[u64; 5]) -> [u64; 5] {
        let [a, b, c, d, tail] = *key;
        [c, d, a, b, turned_tail(tail)]
    }

    #[inline(always)]
    fn vip(&self) -> [u8; 16] {
        let [[a, b, c, d, e, f, g, h], [i, j, k, l, m, n, o, p]] = Self::vip(self);
        [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]
    }

    #[inline(always)]
    fn client_words(&self) -> [u64; 2] {
        [self.key[0], self.key[1]]
    }

    #[inline(always)]
    fn client_number(&self) -> u32 {
        fold(self.client())
    }

    #[inline(always)]
    fn vip_number(&self) -> u32 {
        fold(Self::vip(self))
    }
}

// Functions with a symbol are verified once, whoever calls them; others are verified anew for each caller. So what is long and
// rare has one, for each family, and finds its arguments in the scratch memory.
macro_rules! rare {
    (
        $packet:ty,
        $open:ident, $find:ident, $claim:ident, $note:ident,
        $translate:ident, $prepare:ident, $answer:ident, $reap:ident, $alone:ident, $publish:ident
    ) => {
        #[unsafe(no_mangle)]
        #[inline(never)]
        extern "C" fn $open() -> u64 {
            open::seat::<$packet>().0
        }

        #[unsafe(no_mangle)]
        #[inline(never)]
        extern "C" fn $find() -> u32 {
            open::find::<$packet>()
        }

        #[unsafe(no_mangle)]
        #[inline(never)]
        extern "C" fn $claim() -> u32 {
            open::claim_new::<$packet>()
        }

        #[unsafe(no_mangle)]
        #[inline(never)]
        extern "C" fn $note() -> u32 {
            reply::note::<$packet>() as u32
        }

        #[unsafe(no_mangle)]
        #[inline(never)]
        extern "C" fn $translate() -> u64 {
            Outcome::encode(translation::make::<$packet>()).0
        }

        #[unsafe(no_mangle)]
        #[inline(never)]
        extern "C" fn $prepare() -> u64 {
            Outcome::encode(translation::prepare::<$packet>()).0
        }

        #[unsafe(no_mangle)]
        #[inline(never)]
        extern "C" fn $answer(translation: u32, drawn: u32) -> u32 {
            translation::answer::<$packet>(translation, drawn != 0)
        }

        #[unsafe(no_mangle)]
        #[inline(never)]
        extern "C" fn $reap(translation: u32) -> u32 {
            translation::reap::<$packet>(translation) as u32
        }

        #[unsafe(no_mangle)]
        #[inline(never)]
        extern "C" fn $alone(translation: u32, answers: u32) -> u32 {
            translation::is_alone::<$packet>(translation, answers) as u32
        }

        #[unsafe(no_mangle)]
        #[inline(never)]
        extern "C" fn $publish(translation: u32) -> u32 {
            translation::publish::<$packet>(translation) as u32
        }
    };
}

rare!(
    ipv4::Packet,
    dray_open4,
    dray_find4,
    dray_claim4,
    dray_note_reply4,
    dray_translate4,
    dray_prepare4,
    dray_answer4,
    dray_reap4,
    dray_is_alone4,
    dray_publish4
);
rare!(
    ipv6::Packet,
    dray_open6,
    dray_find6,
    dray_claim6,
    dray_note_reply6,
    dray_translate6,
    dray_prepare6,
    dray_answer6,
    dray_reap6,
    dray_is_alone6,
    dray_publish6
);

/// A key's last word with the two ports in each other's place.
#[inline(always)]
const fn turned_tail(tail: u64) -> u64 {
    tail >> 32 << 32 | (tail as u32).rotate_left(16) as u64
}

/// An IPv6 address as IPVS folds it.
#[inline(always)]
fn fold(address: [[u8; 8]; 2]) -> u32 {
    let [high, low] = address.map(u64::from_be_bytes);
    let folded = high ^ low;
    (folded >> 32) as u32 ^ folded as u32
}
