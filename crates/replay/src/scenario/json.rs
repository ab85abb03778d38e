//! What lies in a file: the types that both reading and writing go through.

use serde::{Deserialize, Deserializer, Serialize, de};

use super::{CommandAnswer, RealServer, Service, ServiceName};
use crate::Endpoint;

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
    pub(super) stdin: Option<String>,
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

/// Settings: names and their values, which are texts or numbers.
pub(super) fn settings<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<(String, String)>, D::Error> {
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
