//! Writing a record's words, and reading them back.

use alloc::vec::Vec;

use super::{
    CURSOR, Code, FALLBACK, HEAD_WORDS, LOW_48, Listed, MAX_DESTINATION, PER_WORD, PORT, SEQUENCE,
    START, TABLE, TOTAL, WALK, record_len,
};
use crate::build::MAX_LIST;
use crate::kind::{Kind, Overhead};
use crate::turns::Turns;
use crate::walk::Cursor;

/// What a record says of its service.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decoded {
    /// The scheduler.
    pub kind: Kind,
    /// How it counts connections.
    pub overhead: Overhead,
    /// Its destinations, newest first.
    pub list: Vec<DecodedEntry>,
}

/// What a record says of a destination.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DecodedEntry {
    /// Its number.
    pub destination: u32,
    /// Its weight.
    pub weight: u32,
    /// Whether packets can be sent to it.
    pub eligible: bool,
    /// Whether it has an upper threshold.
    pub limited: bool,
}

/// Reads the words of one whole record.
///
/// # Errors
/// The words are not a record. What a builder of this version would never write is refused; the sequence and the table, which
/// follow from the list, are not looked at.
pub fn decode(words: &[u64]) -> Result<Decoded, DecodeError> {
    let Past {
        kind,
        overhead,
        list,
        ..
    } = Past::decode(words, 0)?;
    let entry = |entry: Listed| DecodedEntry {
        destination: entry.destination(),
        weight: entry.weight(),
        eligible: entry.eligible(),
        limited: entry.limited(),
    };
    Ok(Decoded {
        kind,
        overhead,
        list: list.into_iter().map(entry).collect(),
    })
}

/// The table of a record by slots: the number of the destination that each names, none where it is empty. Of the words of a whole
/// record; others have no slots.
pub fn slots(words: &[u64]) -> Vec<Option<u32>> {
    let (Some(&table), Some(&header)) = (words.get(TABLE as usize), words.first()) else {
        return Vec::new();
    };
    let (table_len, list_len) = (table as u32, (header >> 16) as u16);
    let Some(start) = words
        .len()
        .checked_sub(table_len.div_ceil(PER_WORD) as usize)
    else {
        return Vec::new();
    };
    let destination = |slot: u32| {
        let word = words.get(start + (slot / PER_WORD) as usize)?;
        let position = (word >> (slot % PER_WORD * 16)) as u16;
        let entry = words.get(HEAD_WORDS as usize + usize::from(position))?;
        (position < list_len).then(|| Listed(*entry).destination())
    };
    (0..table_len).map(destination).collect()
}

/// Why words are not a record.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DecodeError {
    /// Fewer words than any record has.
    #[error("a record has at least {HEAD_WORDS} words, and these are {0}")]
    Short(usize),
    /// The header gives another length.
    #[error("the record's header says {says} words, and these are {has}")]
    Length {
        /// Words according to the header.
        says: u32,
        /// Words given.
        has: usize,
    },
    /// No scheduler has this number.
    #[error("no scheduler has the number {0}; a newer dray may have written this record")]
    Scheduler(u8),
    /// A flag that the scheduler does not have.
    #[error("the scheduler with the number {code} has no flags {flags:#04x}")]
    Flags {
        /// Number of the scheduler.
        code: u8,
        /// The record's flags.
        flags: u8,
    },
    /// The list is longer than it may be, or than the record.
    #[error("a list of {0} destinations is more than a record of this length can hold")]
    List(usize),
    /// An entry of the list that stands for no destination.
    #[error("entry {position} of the list, {word:#018x}, is not a destination")]
    Entry {
        /// Its place in the list, from 0.
        position: usize,
        /// Its word.
        word: u64,
    },
    /// The destination that `rr` picked last is not in the list.
    #[error("the mark is at entry {mark} of a list of {len}")]
    Mark {
        /// Its place in the list, from 1.
        mark: usize,
        /// Length of the list.
        len: usize,
    },
}

/// A record to be written.
pub(crate) struct Draft {
    pub(crate) kind: Kind,
    pub(crate) overhead: Overhead,
    pub(crate) list: Vec<Listed>,
    pub(crate) turns: Turns,
    pub(crate) table: Vec<u16>,
}

impl Draft {
    pub(crate) fn encode(&self) -> Vec<u64> {
        let mut words = Vec::from([0; HEAD_WORDS as usize]);
        words.extend(self.list.iter().map(|entry| entry.0));
        let mut flags = 0;
        match &self.turns {
            Turns::None => {}
            Turns::Sequence {
                sequence,
                start,
                mark,
            } => {
                for run in &sequence.runs {
                    words.push(run.start);
                    words.push(u64::from(run.lap) << 32 | u64::from(run.first));
                }
                pack(&mut words, &sequence.order);
                words[CURSOR as usize] = *start;
                words[START as usize] = (mark.map_or(0, |mark| mark + 1) as u64) << 48 | start;
                words[SEQUENCE as usize] = (sequence.runs.len() as u64) << 48 | sequence.period;
            }
            Turns::Walk { cursor, step, top } => {
                flags |= WALK;
                words[CURSOR as usize] = cursor.word();
                words[SEQUENCE as usize] = u64::from(*step) << 32 | u64::from(*top);
            }
        }
        pack(&mut words, &self.table);
        words[TABLE as usize] = self.table.len() as u64;

        flags |= match self.overhead {
            Overhead::Inactive => 0,
            Overhead::Total => TOTAL,
        };
        let (code, kind_flags) = number(self.kind);
        words[0] = (words.len() as u64) << 32
            | (self.list.len() as u64) << 16
            | flags
            | kind_flags
            | u64::from(code);
        words
    }
}

fn pack(words: &mut Vec<u64>, values: &[u16]) {
    for chunk in values.chunks(PER_WORD as usize) {
        let word = chunk
            .iter()
            .rev()
            .fold(0, |word, value| word << 16 | u64::from(*value));
        words.push(word);
    }
}

/// What the record before says to the one that follows it.
pub(crate) struct Past {
    pub(crate) kind: Kind,
    pub(crate) overhead: Overhead,
    pub(crate) list: Vec<Listed>,
    pub(crate) turns: PastTurns,
}

/// How far `rr` or `wrr` has come.
pub(crate) enum PastTurns {
    Sequence {
        /// The turn of the latest pick; `None` if there was none from this record.
        last_turn: Option<u64>,
        /// The turn of its first pick.
        start: u64,
        /// Position of the entry that `rr` had picked last when the record was built.
        mark: Option<usize>,
    },
    Walk {
        /// Position of the entry that was picked last; `None` at the head of the list.
        last: Option<usize>,
        /// The current weight of `wrr`.
        current: u32,
    },
}

impl Past {
    /// `cursor` is where the record's cursor is now.
    pub(crate) fn decode(words: &[u64], cursor: u64) -> Result<Self, DecodeError> {
        let Some((head, rest)) = words.split_first_chunk::<{ HEAD_WORDS as usize }>() else {
            return Err(DecodeError::Short(words.len()));
        };
        let header = head[0];
        if record_len(header) as usize != words.len() {
            return Err(DecodeError::Length {
                says: record_len(header),
                has: words.len(),
            });
        }
        let kind = kind(header)?;
        let overhead = match header & TOTAL {
            0 => Overhead::Inactive,
            _ => Overhead::Total,
        };
        let len = usize::from((header >> 16) as u16);
        let list = match rest.get(..len) {
            Some(list) if len <= MAX_LIST => list,
            _ => return Err(DecodeError::List(len)),
        };
        let list = list
            .iter()
            .enumerate()
            .map(|(position, word)| listed(position, *word))
            .collect::<Result<_, _>>()?;
        let turns = match header & WALK {
            0 => past_sequence(head, len, cursor)?,
            _ => past_walk(len, cursor),
        };
        Ok(Self {
            kind,
            overhead,
            list,
            turns,
        })
    }
}

fn past_sequence(
    head: &[u64; HEAD_WORDS as usize],
    len: usize,
    cursor: u64,
) -> Result<PastTurns, DecodeError> {
    let mark = (head[START as usize] >> 48) as usize;
    if mark > len {
        return Err(DecodeError::Mark { mark, len });
    }
    let start = head[START as usize] & LOW_48;
    Ok(PastTurns::Sequence {
        last_turn: (cursor > start).then(|| cursor - 1),
        start,
        mark: mark.checked_sub(1),
    })
}

/// A cursor that is nowhere in the list is at its head.
fn past_walk(len: usize, cursor: u64) -> PastTurns {
    let Cursor { place, current } = Cursor::from_word(cursor);
    let last = (place as usize).checked_sub(1);
    PastTurns::Walk {
        last: last.filter(|last| *last < len),
        current,
    }
}

fn listed(position: usize, word: u64) -> Result<Listed, DecodeError> {
    const USED: u64 = MAX_DESTINATION as u64
        | Listed::ELIGIBLE
        | Listed::QUIESCED
        | Listed::LIMITED
        | 0xffff_ffff << 32;
    let entry = Listed(word);
    // The weight of what is not quiesced is its last weight, which is not 0.
    let weightless = word & Listed::QUIESCED == 0 && entry.last_weight() == 0;
    if word & !USED != 0 || entry.destination() == 0 || weightless {
        return Err(DecodeError::Entry { position, word });
    }
    Ok(entry)
}

/// The scheduler's code, and its flags in place.
fn number(kind: Kind) -> (u8, u64) {
    let flags = |fallback: bool, port: bool| {
        let fallback = if fallback { FALLBACK } else { 0 };
        let port = if port { PORT } else { 0 };
        fallback | port
    };
    match kind {
        Kind::RoundRobin => (Code::RR, 0),
        Kind::WeightedRoundRobin => (Code::WRR, 0),
        Kind::LeastConnection => (Code::LC, 0),
        Kind::WeightedLeastConnection => (Code::WLC, 0),
        Kind::ShortestExpectedDelay => (Code::SED, 0),
        Kind::NeverQueue => (Code::NQ, 0),
        Kind::LocalityBased => (Code::LBLC, 0),
        Kind::LocalityBasedReplicated => (Code::LBLCR, 0),
        Kind::DestinationHash => (Code::DH, 0),
        Kind::SourceHash { fallback, port } => (Code::SH, flags(fallback, port)),
        Kind::MaglevHash { fallback, port } => (Code::MH, flags(fallback, port)),
        Kind::Failover => (Code::FO, 0),
        Kind::Overflow => (Code::OVF, 0),
        Kind::PowerOfTwo => (Code::TWOS, 0),
    }
}

fn kind(header: u64) -> Result<Kind, DecodeError> {
    let fallback = header & FALLBACK != 0;
    let port = header & PORT != 0;
    let kind = match header as u8 {
        Code::RR => Kind::RoundRobin,
        Code::WRR => Kind::WeightedRoundRobin,
        Code::LC => Kind::LeastConnection,
        Code::WLC => Kind::WeightedLeastConnection,
        Code::SED => Kind::ShortestExpectedDelay,
        Code::NQ => Kind::NeverQueue,
        Code::LBLC => Kind::LocalityBased,
        Code::LBLCR => Kind::LocalityBasedReplicated,
        Code::DH => Kind::DestinationHash,
        Code::SH => Kind::SourceHash { fallback, port },
        Code::MH => Kind::MaglevHash { fallback, port },
        Code::FO => Kind::Failover,
        Code::OVF => Kind::Overflow,
        Code::TWOS => Kind::PowerOfTwo,
        code => return Err(DecodeError::Scheduler(code)),
    };
    let walk = match kind {
        Kind::RoundRobin | Kind::WeightedRoundRobin => WALK,
        _ => 0,
    };
    let (code, flags) = number(kind);
    if header & FLAGS & !(TOTAL | walk) != flags {
        return Err(DecodeError::Flags {
            code,
            flags: (header >> 8) as u8,
        });
    }
    Ok(kind)
}

/// Every flag that a header has room for.
const FLAGS: u64 = 0xff << 8;
