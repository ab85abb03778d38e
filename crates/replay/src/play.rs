//! Playing a scenario from its first step to its last.

use std::num::NonZeroU32;

use dray_dataplane::{LoadError, Private};
use dray_ipvsadm::{Answer, SetTimeouts};

use crate::{
    compare::{self, Difference},
    console::ConsoleError,
    director::{self, Director, DirectorError},
    frame::{self, BuildError, Exit, describe},
    host::Sent,
    scenario::{
        CommandAnswer, Kernel, Kind, Observed, PacketAnswer, PacketStep, Payload, Reply, Scenario,
        Side, Step,
    },
};

/// A scenario could not be played.
#[derive(Debug, thiserror::Error)]
pub enum PlayError {
    /// The private data plane could not be made.
    #[error("failed to make a private data plane (root is needed)")]
    Load(#[from] LoadError),
    /// The private data plane could not be emptied.
    #[error("failed to empty the private data plane")]
    Reset(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Something before the first step.
    #[error("the set-up")]
    Setup(#[source] DirectorError),
    /// A command of the set-up failed.
    #[error("the set-up's `ipvsadm {line}` fails: {output}")]
    SetupCommand {
        /// The command line.
        line: String,
        /// What it prints.
        output: String,
    },
    /// A step.
    #[error("step {step}")]
    Step {
        /// Its number, from 0.
        step: usize,
        /// Why.
        #[source]
        source: DirectorError,
    },
    /// A step's packet cannot be built.
    #[error("step {step}")]
    Packet {
        /// Its number, from 0.
        step: usize,
        /// Why.
        #[source]
        source: BuildError,
    },
}

/// A scenario that was played.
#[derive(Clone, Debug, PartialEq)]
pub struct Played {
    /// The scenario with dray's answers, as far as it was played.
    pub scenario: Scenario,
    /// What ended it before its end.
    pub stopped: Option<Stop>,
}

/// What ended a play before its end: dray does not do what a step asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// The step's number, from 0; `None` for the set-up.
    pub step: Option<usize>,
    /// What dray does not do.
    pub why: String,
}

/// How a recorded scenario compares with dray.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every answer is the same.
    Same,
    /// Answers differ.
    Different(Vec<Difference>),
    /// A step asks for what dray does not do; all before it are the same.
    Skipped(Stop),
}

/// Plays scenarios, one after the other, on one private data plane: loading the program takes longer than most scenarios.
pub struct Player {
    private: Private,
}

impl Player {
    /// Makes the data plane.
    ///
    /// # Errors
    /// When the kernel does not take the program; root is needed.
    pub fn new() -> Result<Self, PlayError> {
        Ok(Self {
            private: director::data_plane()?,
        })
    }

    /// Plays a scenario: the same scenario with dray's answers.
    ///
    /// # Errors
    /// When the set-up fails, a packet cannot be built, or the data plane fails. What dray does not do is no error, but
    /// ends the play.
    pub fn play(&mut self, scenario: &Scenario) -> Result<Played, PlayError> {
        self.private
            .reset()
            .map_err(|source| PlayError::Reset(Box::new(source)))?;
        play_on(&mut self.private, scenario)
    }
}

/// Compares a play with what was recorded.
pub fn judge(recorded: &Scenario, played: &Played) -> Verdict {
    let mut differences = compare::differences(recorded, &played.scenario);
    let Some(stop) = &played.stopped else {
        return if differences.is_empty() {
            Verdict::Same
        } else {
            Verdict::Different(differences)
        };
    };
    differences.retain(|difference| stop.step.is_some_and(|step| difference.step < step));
    if differences.is_empty() {
        Verdict::Skipped(stop.clone())
    } else {
        Verdict::Different(differences)
    }
}

/// Plays one scenario on a data plane of its own.
///
/// # Errors
/// As [`Player::new`] and [`Player::play`].
pub fn play(scenario: &Scenario) -> Result<Played, PlayError> {
    Player::new()?.play(scenario)
}

fn play_on(private: &mut Private, scenario: &Scenario) -> Result<Played, PlayError> {
    let mut played = Played {
        scenario: scenario.clone().without_answers(),
        stopped: None,
    };
    let mut director = match set_up(private, scenario) {
        Ok(director) => director,
        Err(PlayError::Setup(DirectorError::Console(ConsoleError::NotPlayed(why)))) => {
            played.stopped = Some(Stop { step: None, why });
            return Ok(played);
        }
        Err(error) => return Err(error),
    };
    let mut forwarded = Vec::new();
    for (number, step) in scenario.steps.iter().enumerate() {
        let result = play_step(&mut director, scenario, step, &mut forwarded);
        match result {
            Ok(step) => played.scenario.steps[number] = step,
            Err(StepError::Director(DirectorError::Console(ConsoleError::NotPlayed(why)))) => {
                played.stopped = Some(Stop {
                    step: Some(number),
                    why,
                });
                break;
            }
            Err(StepError::Director(source)) => {
                return Err(PlayError::Step {
                    step: number,
                    source,
                });
            }
            Err(StepError::Build(source)) => {
                return Err(PlayError::Packet {
                    step: number,
                    source,
                });
            }
        }
    }
    played.scenario.kernel = Some(signature(scenario.kernel.as_ref()));
    Ok(played)
}

/// Who gave the answers, and by whose rules.
fn signature(kernel: Option<&Kernel>) -> Kernel {
    let version = env!("CARGO_PKG_VERSION");
    Kernel(match kernel.and_then(Kernel::version) {
        Some((major, minor, patch)) => {
            format!("Linux {major}.{minor}.{patch} by its rules: dray {version}")
        }
        None => format!("dray {version}"),
    })
}

fn set_up<'a>(private: &'a mut Private, scenario: &Scenario) -> Result<Director<'a>, PlayError> {
    let mut director = Director::new(private, scenario).map_err(PlayError::Setup)?;
    for (name, value) in &scenario.sysctls {
        director.sysctl(name, value).map_err(PlayError::Setup)?;
    }
    for line in &scenario.setup {
        director.shell(line).map_err(PlayError::Setup)?;
    }
    if let Some(timeouts) = &scenario.timeouts {
        director.set_timeouts(&SetTimeouts {
            tcp: NonZeroU32::new(timeouts.tcp),
            tcp_fin: NonZeroU32::new(timeouts.tcp_fin),
            udp: NonZeroU32::new(timeouts.udp),
        });
    }
    for line in scenario
        .services
        .iter()
        .flat_map(|service| service.commands())
    {
        let answer = director.ipvsadm(&line, "").map_err(PlayError::Setup)?;
        if answer != Answer::default() {
            return Err(PlayError::SetupCommand {
                line,
                output: answer.out + &answer.err,
            });
        }
    }
    Ok(director)
}

enum StepError {
    Director(DirectorError),
    Build(BuildError),
}

impl From<DirectorError> for StepError {
    fn from(error: DirectorError) -> Self {
        Self::Director(error)
    }
}

impl From<BuildError> for StepError {
    fn from(error: BuildError) -> Self {
        Self::Build(error)
    }
}

/// The step with its answer. `forwarded` has, for each step before, the first frame that a real server was sent.
fn play_step(
    director: &mut Director<'_>,
    scenario: &Scenario,
    step: &Step,
    forwarded: &mut Vec<Option<Vec<u8>>>,
) -> Result<Step, StepError> {
    let mut sent_on = None;
    let played = match step {
        Step::Packet(packet) => {
            let (played, to_real) = play_packets(director, scenario, packet, forwarded)?;
            sent_on = to_real;
            Step::Packet(played)
        }
        Step::Ipvsadm { line, input, .. } => {
            let answer = director.ipvsadm(line, input.as_deref().unwrap_or_default())?;
            let (out, err) = (&answer.out, &answer.err);
            Step::Ipvsadm {
                line: line.clone(),
                input: input.clone(),
                expect: Some(CommandAnswer::of(answer.status, out, err, scenario.apart)),
            }
        }
        Step::Sysctl { name, value, .. } => Step::Sysctl {
            name: name.clone(),
            value: value.clone(),
            expect: Some(director.sysctl(name, value)?),
        },
        Step::Shell { line, .. } => Step::Shell {
            line: line.clone(),
            expect: Some(director.shell(line)?),
        },
        Step::Wait(seconds) => {
            director.wait(seconds.duration())?;
            Step::Wait(*seconds)
        }
        Step::Dump { kind, .. } => Step::Dump {
            kind: *kind,
            expect: Some(director.dump(*kind)),
        },
    };
    forwarded.push(sent_on);
    Ok(played)
}

/// A packet step with its answer, and the first frame that a real server was sent.
fn play_packets(
    director: &mut Director<'_>,
    scenario: &Scenario,
    step: &PacketStep,
    forwarded: &[Option<Vec<u8>>],
) -> Result<(PacketStep, Option<Vec<u8>>), StepError> {
    let mut played = step.clone();
    played.expect = None;
    played.sent = None;
    played.received = None;
    let frames = match &step.payload {
        Payload::Reply(reply) => {
            let frame = answer(reply, forwarded);
            played.payload = Payload::Reply(Reply {
                observed: frame.as_deref().and_then(observed),
                ..reply.clone()
            });
            frame.into_iter().collect()
        }
        Payload::Segment(_) | Payload::Raw(_) => frame::frames(scenario, step)?,
    };
    let mut answers = Vec::new();
    let mut to_real = None;
    let mut out = Vec::new();
    for (index, frame) in frames.iter().enumerate() {
        let sent = director.receive(step.from, frame)?;
        if index == 0 {
            let first = sent.iter().find(|(exit, _)| *exit == Exit::Server);
            to_real = first.map(|(_, frame)| frame.clone());
        }
        answers.push(PacketAnswer::of(
            sent.iter()
                .map(|sent| meaning(director, sent, step.from))
                .collect(),
        ));
        out.extend(sent.into_iter().map(|(_, frame)| frame));
    }
    if step.frames && step.repeat.is_none() {
        played.sent = frames.first().cloned();
        played.received = Some(out);
    }
    played.expect = Some(if step.repeat.is_some() {
        counts(answers)
    } else {
        answers
            .pop()
            .unwrap_or_else(|| PacketAnswer::of(Vec::new()))
    });
    Ok((played, to_real))
}

/// The real server's answer to what an earlier step had forwarded.
fn answer(reply: &Reply, forwarded: &[Option<Vec<u8>>]) -> Option<Vec<u8>> {
    let flags = match &reply.kind {
        Kind::Tcp(flags) => flags.bits(),
        Kind::Udp | Kind::Sctp(_) | Kind::Icmp(_) => 0,
    };
    frame::answer(forwarded.get(reply.to)?.as_deref()?, flags)
}

fn observed(frame: &[u8]) -> Option<Observed> {
    let packet = frame::Packet::parse(frame.get(14..)?).ok()?;
    let (source, destination) = match packet.transport {
        frame::Transport::Ports {
            source,
            destination,
            ..
        } => (source, destination),
        frame::Transport::Icmp(_) | frame::Transport::Other => (0, 0),
    };
    Some(Observed {
        source: crate::Endpoint::new(packet.source, source),
        destination: crate::Endpoint::new(packet.destination, destination),
        ttl: packet.ttl,
    })
}

/// What a frame that came out means; a wrong checksum is part of it, so that it is noticed.
fn meaning(director: &Director<'_>, (exit, frame): &Sent, from: Side) -> String {
    match describe(*exit, frame, director.host().reals(), from) {
        Ok(described) if described.bad.is_empty() => described.text,
        Ok(described) => format!("{} with a bad {}", described.text, described.bad.join(", ")),
        Err(malformed) => format!("unknown: {malformed}"),
    }
}

/// How often each answer came, in the order of their first time.
fn counts(answers: Vec<PacketAnswer>) -> PacketAnswer {
    let mut counts: Vec<(String, u64)> = Vec::new();
    for answer in answers {
        let text = match answer {
            PacketAnswer::One(text) => text,
            PacketAnswer::Several(texts) => {
                let quoted: Vec<String> = texts.iter().map(|text| format!("'{text}'")).collect();
                format!("[{}]", quoted.join(", "))
            }
            PacketAnswer::Counts(_) => unreachable!("one packet has one answer"),
        };
        match counts.iter_mut().find(|(other, _)| *other == text) {
            Some((_, count)) => *count += 1,
            None => counts.push((text, 1)),
        }
    }
    PacketAnswer::Counts(counts)
}
