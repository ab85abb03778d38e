//! Reading a scenario: JSON, by strict types, and then what the types cannot say.

use serde::{Deserialize, Deserializer, Serialize, de};

use super::{
    About, CommandAnswer, Dump, Kernel, Kind, MarkRule, Observed, PacketAnswer, PacketStep,
    Payload, Prefix, RealServer, Reply, Scenario, Seconds, Segment, Service, ServiceName, Side,
    Step, Timeouts,
};
use crate::Endpoint;

/// The text is not a scenario.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is no JSON, or has what the format has not.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// A step contradicts what is around it.
    #[error("step {step}: {what}")]
    Step {
        /// The step's number, from 0.
        step: usize,
        /// What is wrong, and what to do.
        what: String,
    },
}

pub(super) fn read(text: &str) -> Result<Scenario, ReadError> {
    let scenario: Scenario = serde_json::from_str::<RawScenario>(text)?.into();
    for (step, played) in scenario.steps.iter().enumerate() {
        check(&scenario, step, played).map_err(|what| ReadError::Step { step, what })?;
    }
    Ok(scenario)
}

/// What a step says of others, or leaves to them.
fn check(scenario: &Scenario, number: usize, step: &Step) -> Result<(), String> {
    let Step::Packet(packet) = step else {
        return Ok(());
    };
    match &packet.payload {
        Payload::Segment(segment) if segment.destination.or(scenario.destination).is_none() => {
            Err("it has no `dst`, and the scenario has none either; give it one".to_owned())
        }
        Payload::Segment(segment)
            if segment
                .destination
                .or(scenario.destination)
                .is_some_and(|destination| {
                    destination.address.is_ipv4() != segment.source.address.is_ipv4()
                }) =>
        {
            Err("`src` and `dst` are of different address families".to_owned())
        }
        Payload::Reply(reply) => match scenario.steps.get(reply.to) {
            Some(Step::Packet(_)) if reply.to < number => Ok(()),
            _ => Err(format!(
                "`reply` names step {}, which is no packet before it",
                reply.to
            )),
        },
        Payload::Segment(_) | Payload::Raw(_) => Ok(()),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawScenario {
    scenario: String,
    kernel: Option<Kernel>,
    about: Option<String>,
    #[serde(default, deserialize_with = "settings")]
    sysctl: Vec<(String, String)>,
    timeout: Option<Timeouts>,
    #[serde(default)]
    setup: Vec<String>,
    #[serde(default)]
    random: bool,
    dst: Option<Endpoint>,
    services: Vec<RawService>,
    steps: Vec<Step>,
    #[serde(default)]
    local: Vec<Prefix>,
    #[serde(default)]
    marks: Vec<MarkRule>,
}

impl From<RawScenario> for Scenario {
    fn from(raw: RawScenario) -> Self {
        Self {
            name: raw.scenario,
            kernel: raw.kernel,
            about: raw.about,
            sysctls: raw.sysctl,
            timeouts: raw.timeout,
            setup: raw.setup,
            random: raw.random,
            destination: raw.dst,
            services: raw.services.into_iter().map(Service::from).collect(),
            steps: raw.steps,
            local: raw.local,
            marks: raw.marks,
        }
    }
}

/// A service as it lies in the file, in the order of its keys; the real servers are written apart.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawService {
    service: ServiceName,
    scheduler: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    flags: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    ops: bool,
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "text_or_number"
    )]
    netmask: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    persistent: Option<u32>,
    #[serde(skip_serializing)]
    reals: Vec<RealServer>,
}

impl From<RawService> for Service {
    fn from(raw: RawService) -> Self {
        Self {
            name: raw.service,
            scheduler: raw.scheduler,
            flags: raw.flags,
            one_packet: raw.ops,
            netmask: raw.netmask,
            persistent: raw.persistent,
            reals: raw.reals,
        }
    }
}

impl From<&Service> for RawService {
    fn from(service: &Service) -> Self {
        Self {
            service: service.name,
            scheduler: service.scheduler.clone(),
            flags: service.flags.clone(),
            ops: service.one_packet,
            netmask: service.netmask.clone(),
            persistent: service.persistent,
            reals: Vec::new(),
        }
    }
}

/// A step as it lies in the file. Which of the optional keys are there decides what it is.
#[derive(Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawStep {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pkt: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ip: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) src: Option<Endpoint>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) dst: Option<Endpoint>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rest: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) len: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tos: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ttl: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<u16>,
    #[serde(skip_serializing_if = "Flag::is_off")]
    pub(super) nodf: Flag,
    #[serde(skip_serializing_if = "Flag::is_off")]
    pub(super) hex: Flag,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) from: Option<Origin>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) about: Option<Box<RawStep>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) quote: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) repeat: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reply: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ipvsadm: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sysctl: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sh: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) wait: Option<serde_json::Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) dump: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expect: Option<RawAnswer>,
    #[serde(rename = "in", skip_serializing_if = "Option::is_none")]
    pub(super) sent: Option<String>,
    #[serde(rename = "out", skip_serializing_if = "Option::is_none")]
    pub(super) received: Option<Vec<String>>,
}

/// An answer as it lies in the file.
#[derive(Deserialize, Serialize)]
#[serde(untagged)]
pub(super) enum RawAnswer {
    Text(String),
    Lines(Vec<String>),
    Command(CommandAnswer),
    Counts(Counts),
}

/// Where a packet comes from, if not from a client.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Origin {
    Real,
}

/// A key whose presence says it: `1` or `true`.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Flag(pub(super) bool);

impl Flag {
    const fn is_off(&self) -> bool {
        !self.0
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Truth(bool),
            Number(u8),
        }
        match Either::deserialize(deserializer)? {
            Either::Truth(flag) => Ok(Self(flag)),
            Either::Number(number) => Ok(Self(number != 0)),
        }
    }
}

impl Serialize for Flag {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.0.into())
    }
}

/// How often each answer came, in the order of the file.
pub(super) struct Counts(pub(super) Vec<(String, u64)>);

impl Serialize for Counts {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(text, count)| (text, count)))
    }
}

impl<'de> Deserialize<'de> for Counts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        pairs(deserializer).map(Self)
    }
}

fn settings<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(String, String)>, D::Error> {
    let settings: Vec<(String, Setting)> = pairs(deserializer)?;
    Ok(settings
        .into_iter()
        .map(|(name, value)| (name, value.0))
        .collect())
}

struct Setting(String);

impl<'de> Deserialize<'de> for Setting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = text_or_number(deserializer)?;
        text.map(Self)
            .ok_or_else(|| de::Error::custom("a setting needs a value"))
    }
}

fn text_or_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Text(String),
        Number(i64),
    }
    Ok(match Option::<Either>::deserialize(deserializer)? {
        Some(Either::Text(text)) => Some(text),
        Some(Either::Number(number)) => Some(number.to_string()),
        None => None,
    })
}

/// The pairs of a JSON object, in its order, each key once.
fn pairs<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<(String, T)>, D::Error> {
    struct Pairs<T>(std::marker::PhantomData<T>);

    impl<'de, T: Deserialize<'de>> de::Visitor<'de> for Pairs<T> {
        type Value = Vec<(String, T)>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut pairs: Self::Value = Vec::new();
            while let Some((key, value)) = map.next_entry::<String, T>()? {
                if pairs.iter().any(|(other, _)| *other == key) {
                    return Err(de::Error::custom(format!("`{key}` is there twice")));
                }
                pairs.push((key, value));
            }
            Ok(pairs)
        }
    }

    deserializer.deserialize_map(Pairs(std::marker::PhantomData))
}

impl<'de> Deserialize<'de> for Step {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        RawStep::deserialize(deserializer)?
            .step()
            .map_err(de::Error::custom)
    }
}

impl RawStep {
    /// The step that these keys are.
    fn step(mut self) -> Result<Step, String> {
        let kinds = [
            ("pkt", self.pkt.is_some()),
            ("ip", self.ip.is_some()),
            ("ipvsadm", self.ipvsadm.is_some()),
            ("sysctl", self.sysctl.is_some()),
            ("sh", self.sh.is_some()),
            ("wait", self.wait.is_some()),
            ("dump", self.dump.is_some()),
        ];
        let named: Vec<&str> = kinds
            .iter()
            .filter(|(_, is)| *is)
            .map(|(name, _)| *name)
            .collect();
        let [kind] = named[..] else {
            let all: Vec<&str> = kinds.iter().map(|(name, _)| *name).collect();
            return Err(format!(
                "a step has exactly one of the keys {}",
                all.join(", ")
            ));
        };
        let step = match kind {
            "pkt" | "ip" => Step::Packet(self.packet_step()?),
            "ipvsadm" => Step::Ipvsadm {
                line: self.ipvsadm.take().unwrap_or_default(),
                expect: self.command_answer()?,
            },
            "sysctl" => {
                let text = self.sysctl.take().unwrap_or_default();
                let (name, value) = text
                    .split_once('=')
                    .ok_or_else(|| format!("`{text}` is not `NAME=VALUE`"))?;
                Step::Sysctl {
                    name: name.to_owned(),
                    value: value.to_owned(),
                    expect: self.command_answer()?,
                }
            }
            "sh" => Step::Shell {
                line: self.sh.take().unwrap_or_default(),
                expect: self.command_answer()?,
            },
            "wait" => {
                let seconds = self.wait.take().and_then(|number| number.as_f64());
                let wait = seconds.and_then(Seconds::new);
                Step::Wait(wait.ok_or("a wait is a number of seconds, 0 to 31,536,000")?)
            }
            _ => {
                let name = self.dump.take().unwrap_or_default();
                let kind = Dump::from_name(&name).ok_or_else(|| {
                    let names: Vec<&str> = Dump::ALL.iter().map(|dump| dump.name()).collect();
                    format!("there is no dump `{name}`, but {}", names.join(", "))
                })?;
                Step::Dump {
                    kind,
                    expect: self.lines()?,
                }
            }
        };
        self.nothing_left(kind)?;
        Ok(step)
    }

    fn packet_step(&mut self) -> Result<PacketStep, String> {
        let payload = self.payload()?;
        let real = self.from.take().is_some();
        let repeat = self.repeat.take();
        if repeat.is_some() && !matches!(payload, Payload::Segment(_)) {
            return Err("only a `pkt` with a `src` can be repeated".to_owned());
        }
        Ok(PacketStep {
            from: if real || matches!(payload, Payload::Reply(_)) {
                Side::Real
            } else {
                Side::Client
            },
            payload,
            repeat,
            frames: std::mem::take(&mut self.hex).0,
            expect: match self.expect.take() {
                None => None,
                Some(RawAnswer::Text(text)) => Some(PacketAnswer::One(text)),
                Some(RawAnswer::Lines(lines)) => Some(PacketAnswer::Several(lines)),
                Some(RawAnswer::Counts(Counts(counts))) if repeat.is_some() => {
                    Some(PacketAnswer::Counts(counts))
                }
                Some(_) => return Err(
                    "the `expect` of a packet is a text, or several, or counts if it is repeated"
                        .to_owned(),
                ),
            },
            sent: self
                .sent
                .take()
                .map(|text| bytes("in", &text))
                .transpose()?,
            received: match self.received.take() {
                Some(frames) => Some(
                    frames
                        .iter()
                        .map(|text| bytes("out", text))
                        .collect::<Result<_, _>>()?,
                ),
                None => None,
            },
        })
    }

    fn payload(&mut self) -> Result<Payload, String> {
        if let Some(text) = self.ip.take() {
            return bytes("ip", &text).and_then(|packet| match packet.first() {
                Some(first) if matches!(first >> 4, 4 | 6) => Ok(Payload::Raw(packet)),
                _ => Err("`ip` is neither an IPv4 nor an IPv6 packet".to_owned()),
            });
        }
        let kind: Kind = self
            .pkt
            .take()
            .ok_or("it is no packet: neither `pkt` nor `ip` is there")?
            .parse()
            .map_err(|error: super::packet::NotAPacket| error.to_string())?;
        if let Some(to) = self.reply.take() {
            let observed = match (self.src.take(), self.dst.take(), self.ttl.take()) {
                (Some(source), Some(destination), Some(ttl)) => Some(Observed {
                    source,
                    destination,
                    ttl,
                }),
                _ => None,
            };
            return Ok(Payload::Reply(Reply { to, kind, observed }));
        }
        let about = match self.about.take() {
            Some(mut about) => {
                let payload = about.payload()?;
                about.nothing_left("about")?;
                if !matches!(kind, Kind::Icmp(_)) || matches!(payload, Payload::Reply(_)) {
                    return Err("only ICMP is `about` a packet, and not about a reply".to_owned());
                }
                Some(Box::new(About {
                    payload,
                    quote: self.quote.take(),
                }))
            }
            None => None,
        };
        Ok(Payload::Segment(Segment {
            kind,
            source: self.src.take().ok_or("it has no `src`")?,
            destination: self.dst.take(),
            length: self.len.take(),
            rest: self.rest.take(),
            about,
            ttl: self.ttl.take(),
            tos: self.tos.take(),
            identification: self.id.take(),
            may_fragment: std::mem::take(&mut self.nodf).0,
        }))
    }

    fn command_answer(&mut self) -> Result<Option<CommandAnswer>, String> {
        match self.expect.take() {
            None => Ok(None),
            Some(RawAnswer::Command(answer)) => Ok(Some(answer)),
            Some(_) => Err("the `expect` of a command is `{\"rc\":…,\"out\":[…]}`".to_owned()),
        }
    }

    fn lines(&mut self) -> Result<Option<Vec<String>>, String> {
        match self.expect.take() {
            None => Ok(None),
            Some(RawAnswer::Lines(lines)) => Ok(Some(lines)),
            Some(_) => Err("the `expect` of a dump is a list of lines".to_owned()),
        }
    }

    /// Every key was for this kind of step.
    fn nothing_left(&self, kind: &str) -> Result<(), String> {
        let left = serde_json::to_value(self).map_err(|error| error.to_string())?;
        let keys: Vec<&String> = left
            .as_object()
            .into_iter()
            .flatten()
            .map(|(key, _)| key)
            .collect();
        match keys.first() {
            None => Ok(()),
            Some(key) => Err(format!("`{key}` means nothing beside `{kind}`")),
        }
    }
}

fn bytes(key: &str, text: &str) -> Result<Vec<u8>, String> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|c| c.to_digit(16).map(|digit| digit as u8))
        .collect();
    match digits {
        Some(digits) if digits.len() % 2 == 0 => Ok(digits
            .chunks(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect()),
        _ => Err(format!("`{key}` is not a row of hexadecimal bytes")),
    }
}
