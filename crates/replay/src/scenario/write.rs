//! Writing a scenario: JSON with a line for each service, real server and step, so that differences read well.

use std::fmt;

use serde::Serialize;

use super::{
    CommandAnswer, PacketAnswer, PacketStep, Payload, Scenario, Segment, Service, Side, Step,
    json::{Counts, Flag, Origin, RawAnswer, RawService, RawStep},
};

pub(super) fn write(scenario: &Scenario) -> String {
    let mut parts = vec![part("scenario", &scenario.name)];
    if let Some(kernel) = &scenario.kernel {
        parts.push(part("kernel", kernel));
    }
    if let Some(about) = &scenario.about {
        parts.push(part("about", about));
    }
    if !scenario.sysctls.is_empty() {
        let settings: Vec<String> = scenario
            .sysctls
            .iter()
            .map(|(name, value)| match value.parse::<i64>() {
                Ok(number) => part(name, &number),
                Err(_) => part(name, value),
            })
            .collect();
        parts.push(format!("\"sysctl\":{{{}}}", settings.join(",")));
    }
    if let Some(timeouts) = &scenario.timeouts {
        parts.push(part("timeout", timeouts));
    }
    if !scenario.setup.is_empty() {
        parts.push(part("setup", &scenario.setup));
    }
    if scenario.apart {
        parts.push(part("apart", &true));
    }
    if scenario.random {
        parts.push(part("random", &true));
    }
    if let Some(destination) = &scenario.destination {
        parts.push(part("dst", destination));
    }
    parts.push(rows("services", scenario.services.iter().map(service)));
    parts.push(rows(
        "steps",
        scenario.steps.iter().map(|it| json(&StepText(it))),
    ));
    if !scenario.local.is_empty() {
        parts.push(part("local", &scenario.local));
    }
    if !scenario.marks.is_empty() {
        parts.push(part("marks", &scenario.marks));
    }
    format!("{{{}}}\n", parts.join(",\n"))
}

fn part(key: &str, value: &(impl Serialize + ?Sized)) -> String {
    format!("{}:{}", json(key), json(value))
}

fn rows(key: &str, rows: impl Iterator<Item = String>) -> String {
    let rows: Vec<String> = rows.collect();
    format!("\"{key}\":[\n {}\n]", rows.join(",\n "))
}

fn service(service: &Service) -> String {
    let head = json(&RawService::from(service));
    let head = head.strip_suffix('}').unwrap_or(&head);
    let reals: Vec<String> = service.reals.iter().map(json).collect();
    format!("{head},\"reals\":[\n  {}]}}", reals.join(",\n  "))
}

fn json(value: &(impl Serialize + ?Sized)) -> String {
    serde_json::to_string(value)
        .unwrap_or_else(|error| unreachable!("these types can be written: {error}"))
}

/// The step's line in a file, without its answer.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut step = self.clone();
        step.forget_answer();
        f.write_str(&json(&StepText(&step)))
    }
}

struct StepText<'a>(&'a Step);

impl Serialize for StepText<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Step::Packet(packet) => packet_step(packet, serializer),
            Step::Ipvsadm {
                line,
                input,
                expect,
            } => RawStep {
                ipvsadm: Some(line.clone()),
                stdin: input.clone(),
                expect: command(expect),
                ..RawStep::default()
            }
            .serialize(serializer),
            Step::Sysctl {
                name,
                value,
                expect,
            } => RawStep {
                sysctl: Some(format!("{name}={value}")),
                expect: command(expect),
                ..RawStep::default()
            }
            .serialize(serializer),
            Step::Shell { line, expect } => RawStep {
                sh: Some(line.clone()),
                expect: command(expect),
                ..RawStep::default()
            }
            .serialize(serializer),
            Step::Wait(seconds) => RawStep {
                wait: number(seconds.value()),
                ..RawStep::default()
            }
            .serialize(serializer),
            Step::Dump { kind, expect } => RawStep {
                dump: Some(kind.name().to_owned()),
                expect: expect.clone().map(RawAnswer::Lines),
                ..RawStep::default()
            }
            .serialize(serializer),
        }
    }
}

fn command(answer: &Option<CommandAnswer>) -> Option<RawAnswer> {
    answer.clone().map(RawAnswer::Command)
}

fn number(value: f64) -> Option<serde_json::Number> {
    if value.fract() == 0.0 {
        Some((value as u64).into())
    } else {
        serde_json::Number::from_f64(value)
    }
}

/// A reply says first what it answers, and then what was sent; other packets say first what they are.
fn packet_step<S: serde::Serializer>(
    packet: &PacketStep,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct RawReply {
        pkt: String,
        reply: usize,
        #[serde(flatten)]
        rest: RawStep,
    }
    #[derive(Serialize)]
    struct Seen {
        #[serde(flatten)]
        reply: RawReply,
        #[serde(flatten)]
        answer: RawStep,
    }
    let answer = RawStep {
        expect: packet.expect.clone().map(|answer| match answer {
            PacketAnswer::One(text) => RawAnswer::Text(text),
            PacketAnswer::Several(texts) => RawAnswer::Lines(texts),
            PacketAnswer::Counts(counts) => RawAnswer::Counts(Counts(counts)),
        }),
        sent: packet.sent.as_deref().map(hex),
        received: packet
            .received
            .as_ref()
            .map(|frames| frames.iter().map(|frame| hex(frame)).collect()),
        ..RawStep::default()
    };
    let Payload::Reply(reply) = &packet.payload else {
        return RawStep {
            hex: Flag(packet.frames),
            from: (packet.from == Side::Real).then_some(Origin::Real),
            repeat: packet.repeat,
            ..described(&packet.payload)
        }
        .with_answer(answer)
        .serialize(serializer);
    };
    let head = RawReply {
        pkt: reply.kind.to_string(),
        reply: reply.to,
        rest: RawStep {
            hex: Flag(packet.frames),
            from: reply.observed.map(|_| Origin::Real),
            ..RawStep::default()
        },
    };
    Seen {
        reply: head,
        answer: RawStep {
            src: reply.observed.map(|seen| seen.source),
            dst: reply.observed.map(|seen| seen.destination),
            ttl: reply.observed.map(|seen| seen.ttl),
            ..answer
        },
    }
    .serialize(serializer)
}

/// The keys that say what a packet is.
fn described(payload: &Payload) -> RawStep {
    match payload {
        Payload::Segment(segment) => segment_keys(segment),
        Payload::Raw(packet) => RawStep {
            ip: Some(hex(packet)),
            ..RawStep::default()
        },
        Payload::Reply(reply) => RawStep {
            pkt: Some(reply.kind.to_string()),
            reply: Some(reply.to),
            ..RawStep::default()
        },
    }
}

fn segment_keys(segment: &Segment) -> RawStep {
    let about = segment.about.as_ref();
    RawStep {
        pkt: Some(segment.kind.to_string()),
        src: Some(segment.source),
        dst: segment.destination,
        rest: segment.rest,
        len: segment.length,
        tos: segment.tos,
        ttl: segment.ttl,
        id: segment.identification,
        nodf: Flag(segment.may_fragment),
        about: about.map(|about| Box::new(described(&about.payload))),
        quote: about.and_then(|about| about.quote),
        ..RawStep::default()
    }
}

impl RawStep {
    fn with_answer(self, answer: Self) -> Self {
        Self {
            expect: answer.expect,
            sent: answer.sent,
            received: answer.received,
            ..self
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
