//! Comparing two plays of one scenario: what was recorded, and what came now.
//!
//! Answers are the same when they are equal, but for what is random in frames ([`mask`]), and for
//! a second in the expiry times of connections, and a little more where the recorded machine took time for steps. Of a scheduler that draws lots, the counts of repeated packets agree within
//! five standard deviations.

use std::fmt;

use crate::{
    frame::mask,
    scenario::{CommandAnswer, Dump, PacketAnswer, PacketStep, Scenario, Step},
};

/// A step that was answered in two ways.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The step's number, from 0.
    pub step: usize,
    /// The answer that was recorded.
    pub recorded: Answer,
    /// The answer that came now.
    pub now: Answer,
}

/// An answer, to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// There is none.
    Missing,
    /// What became of a packet.
    Packet(PacketAnswer),
    /// The frames that came out.
    Frames(Vec<Vec<u8>>),
    /// How a command ended.
    Command(CommandAnswer),
    /// A listing.
    Dump(Vec<String>),
}

/// Every step that two plays of one scenario answer in different ways, in order.
pub fn differences(recorded: &Scenario, now: &Scenario) -> Vec<Difference> {
    recorded
        .steps
        .iter()
        .zip(&now.steps)
        .enumerate()
        .filter_map(|(step, (old, new))| {
            let (recorded, now) = difference(old, new, recorded.random)?;
            Some(Difference {
                step,
                recorded,
                now,
            })
        })
        .collect()
}

/// The two answers of a step, if they differ. With `random` the scheduler draws lots.
pub fn difference(old: &Step, new: &Step, random: bool) -> Option<(Answer, Answer)> {
    match (old, new) {
        (Step::Packet(old), Step::Packet(new)) => packets(old, new, random),
        (Step::Dump { kind, expect: old }, Step::Dump { expect: new, .. }) => {
            let same = match (old, new) {
                (Some(old), Some(new)) => same_listing(*kind, old, new),
                _ => old == new,
            };
            (!same).then(|| (answer(old, Answer::Dump), answer(new, Answer::Dump)))
        }
        _ => {
            let (old, new) = (command(old), command(new));
            let same = match (&old, &new) {
                (Some(old), Some(new)) => same_command(old, new),
                _ => old == new,
            };
            (!same).then(|| (answer(&old, Answer::Command), answer(&new, Answer::Command)))
        }
    }
}

fn answer<T: Clone>(of: &Option<T>, kind: impl Fn(T) -> Answer) -> Answer {
    of.clone().map_or(Answer::Missing, kind)
}

fn command(step: &Step) -> Option<CommandAnswer> {
    match step {
        Step::Ipvsadm { expect, .. } | Step::Sysctl { expect, .. } | Step::Shell { expect, .. } => {
            expect.clone()
        }
        Step::Packet(_) | Step::Wait(_) | Step::Dump { .. } => None,
    }
}

fn packets(old: &PacketStep, new: &PacketStep, random: bool) -> Option<(Answer, Answer)> {
    let same = match (&old.expect, &new.expect) {
        (Some(PacketAnswer::Counts(old)), Some(PacketAnswer::Counts(new))) if random => {
            alike(old, new)
        }
        (Some(PacketAnswer::Counts(old)), Some(PacketAnswer::Counts(new))) => same_counts(old, new),
        (old, new) => old == new,
    };
    if !same {
        return Some((
            answer(&old.expect, Answer::Packet),
            answer(&new.expect, Answer::Packet),
        ));
    }
    let masked = |frames: &Option<Vec<Vec<u8>>>| -> Option<Vec<Vec<u8>>> {
        let frames = frames.as_ref()?.iter();
        Some(frames.map(|frame| mask(frame, old.from)).collect())
    };
    (masked(&old.received) != masked(&new.received)).then(|| {
        (
            answer(&old.received, Answer::Frames),
            answer(&new.received, Answer::Frames),
        )
    })
}

fn count(counts: &[(String, u64)], text: &str) -> u64 {
    let found = counts.iter().find(|(other, _)| other == text);
    found.map_or(0, |(_, count)| *count)
}

fn same_counts(old: &[(String, u64)], new: &[(String, u64)]) -> bool {
    old.len() == new.len() && old.iter().all(|(text, times)| count(new, text) == *times)
}

/// Whether two draws may be of one distribution: each pair of counts differs by no more than five times the root of their
/// sum.
fn alike(old: &[(String, u64)], new: &[(String, u64)]) -> bool {
    old.iter().chain(new).all(|(text, _)| {
        let (old, new) = (count(old, text), count(new, text));
        old.abs_diff(new) as f64 <= 5.0 * ((old + new) as f64).sqrt()
    })
}

/// Whether two commands ended alike. One that lists connections is as a dump of them.
fn same_command(old: &CommandAnswer, new: &CommandAnswer) -> bool {
    let lists = |answer: &CommandAnswer| {
        let first = answer.out.first();
        first.is_some_and(|line| line == "IPVS connection entries")
    };
    old == new
        || lists(old)
            && (old.rc, &old.err) == (new.rc, &new.err)
            && same_listing(Dump::Conns, &old.out, &new.out)
}

/// Whether two listings say the same. Expiry times may differ by a second, and lines are sorted by them.
fn same_listing(kind: Dump, old: &[String], new: &[String]) -> bool {
    if old == new {
        return true;
    }
    let timed = |lines: &[String]| -> Option<Vec<(String, u64)>> {
        let mut lines: Vec<_> = lines
            .iter()
            .map(|line| timed(kind, line))
            .collect::<Option<_>>()?;
        lines.sort();
        Some(lines)
    };
    match (
        old.split_at_checked(heading(kind)),
        new.split_at_checked(heading(kind)),
    ) {
        (Some((old_head, old)), Some((new_head, new)))
            if old_head == new_head && old.len() == new.len() =>
        {
            let (Some(old), Some(new)) = (timed(old), timed(new)) else {
                return false;
            };
            old.iter()
                .zip(&new)
                .all(|((old, left), (new, still))| old == new && same_time(*left, *still))
        }
        _ => false,
    }
}

/// The lines of a listing for which the other one has none that says the same.
pub fn unlike<'a>(kind: Dump, lines: &'a [String], other: &[String]) -> Vec<&'a str> {
    let same = |line: &str, other: &str| {
        line == other
            || match (timed(kind, line), timed(kind, other)) {
                (Some((line, left)), Some((other, still))) => {
                    line == other && left.abs_diff(still) <= LOST
                }
                _ => false,
            }
    };
    lines
        .iter()
        .filter(|line| !other.iter().any(|other| same(line, other)))
        .map(String::as_str)
        .collect()
}

/// Seconds that a recorded machine may have lost between two waits: its steps take time, and those of a replay none.
const LOST: u64 = 3;

/// Whether a connection may be the same that had `recorded` seconds left and has `now`.
fn same_time(recorded: u64, now: u64) -> bool {
    (recorded.saturating_sub(1)..=recorded + LOST).contains(&now)
}

/// Lines before those of the connections.
const fn heading(kind: Dump) -> usize {
    match kind {
        Dump::Conns => 2,
        _ => 1,
    }
}

/// The line of a connection without its expiry time, and that, in seconds.
fn timed(kind: Dump, line: &str) -> Option<(String, u64)> {
    match kind {
        Dump::Conns => {
            let time = line.split_whitespace().nth(1)?;
            let (minutes, seconds) = time.split_once(':')?;
            let seconds = minutes.parse::<u64>().ok()? * 60 + seconds.parse::<u64>().ok()?;
            Some((line.replacen(time, "", 1), seconds))
        }
        Dump::ProcConns => {
            let words: Vec<&str> = line.split_whitespace().collect();
            let time = words.get(8)?;
            let rest: Vec<&str> = words
                .iter()
                .enumerate()
                .filter(|(at, _)| *at != 8)
                .map(|(_, word)| *word)
                .collect();
            Some((rest.join(" "), time.parse().ok()?))
        }
        _ => None,
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("(no answer)"),
            Self::Packet(PacketAnswer::One(text)) => f.write_str(text),
            Self::Packet(PacketAnswer::Several(texts)) => f.write_str(&texts.join(", ")),
            Self::Packet(PacketAnswer::Counts(counts)) => {
                let counts: Vec<String> = counts
                    .iter()
                    .map(|(text, count)| format!("{count} × {text}"))
                    .collect();
                f.write_str(&counts.join(", "))
            }
            Self::Frames(frames) => {
                let frames: Vec<String> = frames
                    .iter()
                    .map(|frame| frame.iter().map(|byte| format!("{byte:02x}")).collect())
                    .collect();
                f.write_str(&frames.join("\n"))
            }
            Self::Command(CommandAnswer { rc, out, err }) => {
                write!(f, "exit status {rc}")?;
                out.iter().try_for_each(|line| write!(f, "\n{line}"))?;
                let mut errors = err.iter().flatten();
                errors.try_for_each(|line| write!(f, "\nstandard error: {line}"))
            }
            Self::Dump(lines) => f.write_str(&lines.join("\n")),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        frame::{IpFields, ethernet, ip_packet},
        site::{CLIENT_PORT, ROUTER},
    };

    use super::*;

    fn lines(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn connections_may_expire_a_second_earlier_and_a_little_later() {
        let head = ["IPVS connection entries", "pro expire state"];
        let one = |time: &str| {
            lines(&[
                head[0],
                head[1],
                &format!("TCP {time}  SYN_RECV    1.2.3.4:5   6.7.8.9:10  a"),
            ])
        };
        assert!(same_listing(Dump::Conns, &one("00:59"), &one("01:00")));
        assert!(same_listing(Dump::Conns, &one("00:59"), &one("01:02")));
        assert!(!same_listing(Dump::Conns, &one("00:59"), &one("01:03")));
        assert!(!same_listing(Dump::Conns, &one("00:59"), &one("00:57")));
        let proc = |time: &str| {
            lines(&[
                "Pro FromIP",
                &format!("TCP A 1 B 2 C 3 NONE            {time}"),
            ])
        };
        assert!(same_listing(Dump::ProcConns, &proc("299"), &proc("300")));
        assert!(!same_listing(Dump::ProcConns, &proc("299"), &proc("297")));
    }

    #[test]
    fn a_command_that_lists_connections_is_compared_as_a_listing_of_them() {
        let command = |first: &str, time: &str| CommandAnswer {
            rc: 0,
            out: lines(&[first, "pro expire state", &format!("TCP {time} NONE 1 2 3")]),
            err: Some(Vec::new()),
        };
        let listing = |time| command("IPVS connection entries", time);
        assert!(same_command(&listing("00:59"), &listing("01:00")));
        assert!(!same_command(&listing("00:59"), &listing("00:40")));
        assert!(!same_command(&command("", "00:59"), &command("", "01:00")));
    }

    #[test]
    fn counts_of_connections_must_be_equal() {
        let dest = |count: u32| {
            lines(&[
                "a",
                "b",
                "c",
                &format!("  -> 10.1.1.7:80  Route   1      {count}          0"),
            ])
        };
        assert!(same_listing(Dump::List, &dest(1), &dest(1)));
        assert!(!same_listing(Dump::List, &dest(1), &dest(2)));
    }

    #[test]
    fn counts_of_a_draw_agree_within_five_deviations() {
        let counts = |a: u64, b: u64| vec![("a".to_owned(), a), ("b".to_owned(), b)];
        assert!(alike(&counts(500, 500), &counts(440, 560)));
        assert!(!alike(&counts(500, 500), &counts(300, 700)));
        assert!(!alike(&counts(100, 0), &counts(0, 100)));
    }

    #[test]
    fn random_bytes_of_a_frame_do_not_count() {
        let step = |identification: u16, ttl: u8| {
            let addresses = ["10.254.0.1", "10.1.1.7"].map(|it| it.parse().expect("an address"));
            let fields = IpFields {
                ttl,
                tos: 0,
                identification,
                fragment: 0,
            };
            let packet = ip_packet((addresses[0], addresses[1]), 4, &[], fields);
            let mut step = PacketStep::new(crate::scenario::Payload::Raw(vec![0x45]));
            step.received = Some(vec![ethernet(ROUTER, CLIENT_PORT, &packet)]);
            step
        };
        assert_eq!(packets(&step(1, 64), &step(2, 64), false), None);
        assert!(packets(&step(1, 64), &step(1, 63), false).is_some());
    }
}
