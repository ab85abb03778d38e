//! What the guest did, and what came of it: one line for each instruction but `start`.
//!
//! ```text
//! ran MS STATUS OUTPUT<tabulator>ERRORS
//! sent MS FRAME late [SIDE:FRAME …] out [SIDE:FRAME …]
//! waited MS
//! ```
//!
//! MS are milliseconds since the plan's `start`, FRAME is hexadecimal (`-` where there was nothing to answer).

use std::{fmt, time::Duration};

use crate::{
    BadLine, Side,
    line::{escape, from_hex, to_hex, unescape},
};

/// An Ethernet frame that came out of the guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// On which side.
    pub side: Side,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// What came of one instruction. The times are since the plan's start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A command ended.
    Ran {
        /// When.
        at: Duration,
        /// Its exit status; 128 + the signal's number when it was killed.
        status: i32,
        /// What it wrote to its standard output.
        output: String,
        /// What it wrote to its standard error.
        errors: String,
    },
    /// A frame went in.
    Sent {
        /// When.
        at: Duration,
        /// The frame; empty when there was nothing to answer.
        frame: Vec<u8>,
        /// What came out before it went in: belated, and unexpected.
        late: Vec<Frame>,
        /// What came out because of it.
        out: Vec<Frame>,
    },
    /// Time passed.
    Waited {
        /// When it was over.
        at: Duration,
    },
}

impl Event {
    /// When it was over, since the plan's start.
    #[must_use]
    pub fn at(&self) -> Duration {
        match self {
            Self::Ran { at, .. } | Self::Sent { at, .. } | Self::Waited { at } => *at,
        }
    }
}

/// Reads a report.
///
/// # Errors
/// The first line that is no event.
pub fn events(report: &str) -> Result<Vec<Event>, BadLine> {
    report
        .lines()
        .enumerate()
        .map(|(at, line)| {
            parse_line(line).ok_or_else(|| BadLine {
                number: at + 1,
                line: line.to_owned(),
            })
        })
        .collect()
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at().as_millis();
        match self {
            Self::Ran {
                status,
                output,
                errors,
                ..
            } => write!(
                f,
                "ran {at} {status} {}\t{}",
                escape(output),
                escape(errors)
            ),
            Self::Sent {
                frame, late, out, ..
            } => {
                let frame = if frame.is_empty() {
                    "-".to_owned()
                } else {
                    to_hex(frame)
                };
                write!(f, "sent {at} {frame} late")?;
                late.iter().try_for_each(|frame| write!(f, " {frame}"))?;
                write!(f, " out")?;
                out.iter().try_for_each(|frame| write!(f, " {frame}"))
            }
            Self::Waited { .. } => write!(f, "waited {at}"),
        }
    }
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.side.name(), to_hex(&self.bytes))
    }
}

fn parse_line(line: &str) -> Option<Event> {
    let (verb, rest) = line.split_once(' ')?;
    let (at, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let at = Duration::from_millis(at.parse().ok()?);
    Some(match verb {
        "ran" => {
            let (status, texts) = rest.split_once(' ')?;
            let (output, errors) = texts.split_once('\t')?;
            Event::Ran {
                at,
                status: status.parse().ok()?,
                output: unescape(output),
                errors: unescape(errors),
            }
        }
        "sent" => {
            let mut words = rest.split(' ');
            let frame = match words.next()? {
                "-" => Vec::new(),
                frame => from_hex(frame)?,
            };
            (words.next()? == "late").then_some(())?;
            let words: Vec<&str> = words.collect();
            let out = words.iter().position(|word| *word == "out")?;
            Event::Sent {
                at,
                frame,
                late: frames(&words[..out])?,
                out: frames(&words[out + 1..])?,
            }
        }
        "waited" => Event::Waited { at },
        _ => return None,
    })
}

fn frames(words: &[&str]) -> Option<Vec<Frame>> {
    words
        .iter()
        .map(|word| {
            let (side, bytes) = word.split_once(':')?;
            Some(Frame {
                side: Side::parse(side)?,
                bytes: from_hex(bytes)?,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Event, Frame, events};
    use crate::Side;

    #[test]
    fn a_report_is_read_as_it_was_written() {
        let frame = |side, bytes: &[u8]| Frame {
            side,
            bytes: bytes.to_vec(),
        };
        let reported = vec![
            Event::Ran {
                at: Duration::from_millis(7),
                status: 255,
                output: "a\tline\n".to_owned(),
                errors: "No such destination\n".to_owned(),
            },
            Event::Sent {
                at: Duration::from_millis(8),
                frame: vec![1, 2],
                late: vec![],
                out: vec![frame(Side::Server, &[3]), frame(Side::Client, &[4, 5])],
            },
            Event::Sent {
                at: Duration::from_millis(9),
                frame: vec![],
                late: vec![frame(Side::Client, &[6])],
                out: vec![],
            },
            Event::Waited {
                at: Duration::from_millis(1009),
            },
        ];
        let text: String = reported.iter().map(|event| format!("{event}\n")).collect();
        assert_eq!(events(&text), Ok(reported));
    }

    #[test]
    fn a_report_cut_short_is_no_report() {
        for line in [
            "ran 5",
            "ran 5 0 text",
            "sent 5 00 late",
            "sent 5 0",
            "waited",
            "went 5",
        ] {
            assert!(events(line).is_err(), "{line}");
        }
    }
}
