//! Writing a record's words, and reading them back.

use alloc::vec::Vec;

use super::{
    CURSOR, Code, FALLBACK, HEAD_WORDS, LOW_48, Listed, MAX_DESTINATION, PER_WORD, PORT, SEQUENCE,
    START, TABLE, record_len,
};
use crate::build::{Kind, MAX_LIST};
use crate::sequence::Walk;

/// What a record says of its service.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decoded {
    /// The scheduler.
    pub kind: Kind,
    /// (destination, weight, eligible), newest first.
    pub list: Vec<(u32, u32, bool)>,
}

/// Reads the words of one whole record.
///
/// # Errors
/// The words are not a record. What a builder of this version would never write is refused; the sequence and the table, which
/// follow from the list, are not looked at.
pub fn decode(words: &[u64]) -> Result<Decoded, DecodeError> {
    let Past { kind, list, .. } = Past::decode(words, 0)?;
    let list = list
        .into_iter()
        .map(|entry| (entry.destination(), entry.weight(), entry.eligible()))
        .collect();
    Ok(Decoded { kind, list })
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
    pub(crate) list: Vec<Listed>,
    pub(crate) walk: Walk,
    pub(crate) table: Vec<u16>,
}

impl Draft {
    pub(crate) fn encode(&self) -> Vec<u64> {
        let Walk {
            sequence,
            start,
            mark,
        } = &self.walk;
        let mut words = Vec::from([0; HEAD_WORDS as usize]);
        words.extend(self.list.iter().map(|entry| entry.0));
        for run in &sequence.runs {
            words.push(run.start);
            words.push(u64::from(run.lap) << 32 | u64::from(run.first));
        }
        pack(&mut words, &sequence.order);
        pack(&mut words, &self.table);

        let (code, flags) = number(self.kind);
        words[0] = (words.len() as u64) << 32
            | (self.list.len() as u64) << 16
            | u64::from(flags) << 8
            | u64::from(code);
        words[TABLE as usize] = self.table.len() as u64;
        words[CURSOR as usize] = *start;
        words[START as usize] = (mark.map_or(0, |mark| mark + 1) as u64) << 48 | start;
        words[SEQUENCE as usize] = (sequence.runs.len() as u64) << 48 | sequence.period;
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
    pub(crate) list: Vec<Listed>,
    /// The turn of the latest pick; `None` if there was none from this record.
    pub(crate) last_turn: Option<u64>,
    /// The turn of its first pick.
    pub(crate) start: u64,
    /// Position of the entry that `rr` had picked last when the record was built.
    pub(crate) mark: Option<usize>,
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
        let kind = kind(header as u8, (header >> 8) as u8)?;
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
        let mark = (head[START as usize] >> 48) as usize;
        if mark > len {
            return Err(DecodeError::Mark { mark, len });
        }
        let start = head[START as usize] & LOW_48;
        Ok(Self {
            kind,
            list,
            last_turn: (cursor > start).then(|| cursor - 1),
            start,
            mark: mark.checked_sub(1),
        })
    }
}

fn listed(position: usize, word: u64) -> Result<Listed, DecodeError> {
    const USED: u64 =
        MAX_DESTINATION as u64 | Listed::ELIGIBLE | Listed::QUIESCED | 0xffff_ffff << 32;
    let entry = Listed(word);
    // The weight of what is not quiesced is its last weight, which is not 0.
    let weightless = word & Listed::QUIESCED == 0 && entry.last_weight() == 0;
    if word & !USED != 0 || entry.destination() == 0 || weightless {
        return Err(DecodeError::Entry { position, word });
    }
    Ok(entry)
}

fn number(kind: Kind) -> (u8, u8) {
    let flags = |fallback: bool, port: bool| {
        let fallback = if fallback { FALLBACK } else { 0 };
        let port = if port { PORT } else { 0 };
        ((fallback | port) >> 8) as u8
    };
    match kind {
        Kind::RoundRobin => (Code::RR, 0),
        Kind::WeightedRoundRobin => (Code::WRR, 0),
        Kind::WeightedLeastConnection => (Code::WLC, 0),
        Kind::SourceHash { fallback, port } => (Code::SH, flags(fallback, port)),
        Kind::MaglevHash { fallback, port } => (Code::MH, flags(fallback, port)),
    }
}

fn kind(code: u8, flags: u8) -> Result<Kind, DecodeError> {
    let fallback = u64::from(flags) << 8 & FALLBACK != 0;
    let port = u64::from(flags) << 8 & PORT != 0;
    let kind = match code {
        Code::RR => Kind::RoundRobin,
        Code::WRR => Kind::WeightedRoundRobin,
        Code::WLC => Kind::WeightedLeastConnection,
        Code::SH => Kind::SourceHash { fallback, port },
        Code::MH => Kind::MaglevHash { fallback, port },
        code => return Err(DecodeError::Scheduler(code)),
    };
    if number(kind).1 != flags {
        return Err(DecodeError::Flags { code, flags });
    }
    Ok(kind)
}
