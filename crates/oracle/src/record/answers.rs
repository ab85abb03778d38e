//! What the guest reported, in the words of a scenario's answers.

use std::{slice, time::Duration};

use anyhow::{Context, Result, bail};
use dray_guest::{Event, Side};
use dray_replay::{
    Endpoint, Scenario,
    frame::{self, Exit, Packet, Transport},
    scenario::{self, CommandAnswer, Observed, PacketAnswer, PacketStep, Payload, Step},
    site::RealServers,
};

use super::{Complaint, Recording, listing::normalised};

/// How much longer than it should a wait may take.
const LATE: Duration = Duration::from_millis(250);
/// How long steps between two waits may take, in the guest's time: scenarios know no other time than that of their waits.
const BUSY: Duration = Duration::from_millis(700);

/// What a shell returns when a command was killed: 128 and a signal's number. ipvsadm's own failures are 2 and 255.
const KILLED: std::ops::Range<i32> = 129..160;

/// The scenario with the answers that `events` are.
pub(super) fn fill_in(scenario: &Scenario, events: &[Event]) -> Result<Recording> {
    let mut reading = Reading {
        events: events.iter(),
        reals: RealServers::of(scenario),
        apart: scenario.apart,
        complaints: Vec::new(),
        step: 0,
    };
    reading.set_up()?;
    let mut answered = scenario.clone().without_answers();
    let mut clock = Clock::default();
    for (number, step) in answered.steps.iter_mut().enumerate() {
        reading.step = number;
        let at = reading.answer(step)?;
        if let Some(late) = clock.advance(at, step) {
            reading
                .complaints
                .push(Complaint::Slow { step: number, late });
        }
    }
    Ok(Recording {
        scenario: answered,
        complaints: reading.complaints,
    })
}

/// How the guest's time goes beside the scenario's.
#[derive(Default)]
struct Clock {
    now: Duration,
    /// Time taken by steps since the last wait.
    busy: Duration,
}

impl Clock {
    /// A step was over at `at`; how much too late that was, if it was.
    fn advance(&mut self, at: Duration, step: &Step) -> Option<Duration> {
        let taken = at.saturating_sub(self.now);
        self.now = at;
        match step {
            Step::Wait(time) => {
                let late = taken.saturating_sub(time.duration());
                let busy = std::mem::take(&mut self.busy);
                (late > LATE)
                    .then_some(late)
                    .or((busy > BUSY).then_some(busy))
            }
            _ => {
                self.busy += taken;
                None
            }
        }
    }
}

/// One packet.
struct Sent {
    /// When it went in.
    at: Duration,
    /// The frame that went in.
    frame: Vec<u8>,
    /// Those that came out.
    out: Vec<(Exit, Vec<u8>)>,
}

/// The events, as far as they are read.
struct Reading<'a> {
    events: slice::Iter<'a, Event>,
    reals: RealServers,
    apart: bool,
    complaints: Vec<Complaint>,
    step: usize,
}

impl<'a> Reading<'a> {
    fn set_up(&mut self) -> Result<()> {
        let answer = self.command(None, false)?.1;
        if !KILLED.contains(&answer.rc) && answer != CommandAnswer::silent() {
            self.complaints.push(Complaint::Wrong(format!(
                "the set-up failed ({}): {}",
                answer.rc,
                answer.out.join("; ")
            )));
        }
        Ok(())
    }

    /// Writes the answer into `step`, and returns when it was over.
    fn answer(&mut self, step: &mut Step) -> Result<Duration> {
        match step {
            Step::Packet(packet) => self.packet(packet),
            Step::Ipvsadm { expect, .. } => {
                let (at, answer) = self.command(Some(self.step), self.apart)?;
                *expect = Some(answer);
                Ok(at)
            }
            Step::Sysctl { expect, .. } | Step::Shell { expect, .. } => {
                let (at, answer) = self.command(Some(self.step), false)?;
                *expect = Some(answer);
                Ok(at)
            }
            Step::Dump { kind, expect } => {
                let (at, answer) = self.command(Some(self.step), false)?;
                *expect = Some(normalised(*kind, &answer.out.join("\n")));
                Ok(at)
            }
            Step::Wait(_) => match self.next()? {
                Event::Waited { at } => Ok(*at),
                other => bail!("instead of a wait the guest reported {other}"),
            },
        }
    }

    fn packet(&mut self, packet: &mut PacketStep) -> Result<Duration> {
        let Some(count) = packet.repeat else {
            let sent = self.sent()?;
            packet.expect = Some(PacketAnswer::of(self.describe(&sent, packet.from)));
            let Sent { at, frame, out } = sent;
            if let Payload::Reply(reply) = &mut packet.payload {
                reply.observed = observed(&frame);
                if reply.observed.is_none() {
                    let step = self.step;
                    self.complaints.push(Complaint::NothingToReplyTo { step });
                }
            }
            if packet.frames {
                packet.sent = Some(frame);
                packet.received = Some(out.into_iter().map(|(_, frame)| frame).collect());
            }
            return Ok(at);
        };
        let mut counts: Vec<(String, u64)> = Vec::new();
        let mut at = Duration::ZERO;
        for _ in 0..count {
            let sent = self.sent()?;
            at = sent.at;
            let text = match PacketAnswer::of(self.describe(&sent, packet.from)) {
                PacketAnswer::One(text) => text,
                PacketAnswer::Several(texts) => texts.join(" + "),
                PacketAnswer::Counts(_) => unreachable!("one packet has no counts"),
            };
            match counts.iter_mut().find(|(other, _)| *other == text) {
                Some((_, times)) => *times += 1,
                None => counts.push((text, 1)),
            }
        }
        packet.expect = Some(PacketAnswer::Counts(counts));
        Ok(at)
    }

    fn sent(&mut self) -> Result<Sent> {
        let Event::Sent {
            at,
            frame,
            late,
            out,
        } = self.next()?
        else {
            bail!("the guest reported no packet");
        };
        for (_, frame) in caused(late) {
            self.wrong(&format!("a frame came late: {frame:02x?}"));
        }
        Ok(Sent {
            at: *at,
            frame: frame.clone(),
            out: caused(out).collect(),
        })
    }

    fn describe(&mut self, sent: &Sent, from: scenario::Side) -> Vec<String> {
        // One whose checksum was wrong before, such as one that is cut short, may be sent on as it was.
        let was_right = packet_in(&sent.frame).is_some_and(|packet| packet.bad.is_empty());
        sent.out
            .iter()
            .map(
                |(exit, frame)| match frame::describe(*exit, frame, &self.reals, from) {
                    Ok(described) => {
                        for bad in described.bad.iter().filter(|_| was_right) {
                            self.wrong(&format!("wrong {bad} in {frame:02x?}"));
                        }
                        described.text
                    }
                    Err(_) => format!("no IP packet {frame:02x?}"),
                },
            )
            .collect()
    }

    fn command(&mut self, step: Option<usize>, apart: bool) -> Result<(Duration, CommandAnswer)> {
        match self.next()? {
            Event::Ran {
                at,
                status,
                output,
                errors,
            } => {
                if KILLED.contains(status) {
                    self.complaints.push(Complaint::Killed { step });
                }
                let answer = CommandAnswer::of(*status, output, errors, apart);
                Ok((*at, answer))
            }
            other => bail!("instead of a command the guest reported {other}"),
        }
    }

    fn next(&mut self) -> Result<&'a Event> {
        self.events
            .next()
            .with_context(|| format!("the report ends before step {}", self.step))
    }

    fn wrong(&mut self, what: &str) {
        self.complaints
            .push(Complaint::Wrong(format!("step {}: {what}", self.step)));
    }
}

/// The frames less multicast ones: neighbour discovery's chatter, which no packet caused.
fn caused(frames: &[dray_guest::Frame]) -> impl Iterator<Item = (Exit, Vec<u8>)> {
    frames
        .iter()
        .filter(|frame| frame.bytes.first().is_some_and(|first| first & 1 == 0))
        .map(|frame| {
            let exit = match frame.side {
                Side::Client => Exit::Client,
                Side::Server => Exit::Server,
            };
            (exit, frame.bytes.clone())
        })
}

/// The packet in an Ethernet frame.
fn packet_in(frame: &[u8]) -> Option<Packet> {
    Packet::parse(frame.get(14..)?).ok()
}

/// What the headers of a real server's reply say; `None` when there was none.
fn observed(frame: &[u8]) -> Option<Observed> {
    let packet = packet_in(frame)?;
    let (source, destination) = match packet.transport {
        Transport::Ports {
            source,
            destination,
            ..
        } => (Some(source), Some(destination)),
        Transport::Icmp(_) | Transport::Other => (None, None),
    };
    let at = |address, port| Endpoint { address, port };
    Some(Observed {
        source: at(packet.source, source),
        destination: at(packet.destination, destination),
        ttl: packet.ttl,
    })
}
