//! Reading a step: which of the optional keys are there decides what it is.

use serde::{Deserialize, Deserializer, de};

use crate::scenario::{
    About, CommandAnswer, Dump, Kind, Observed, PacketAnswer, PacketStep, Payload, Reply, Seconds,
    Segment, Side, Step,
    json::{Counts, RawAnswer, RawStep},
    packet::NotAPacket,
};

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
                input: self.stdin.take(),
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
            .map_err(|error: NotAPacket| error.to_string())?;
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
