//! Names of the model as the state's files have them: as text, checked when it is read.

use std::{fmt::Display, str::FromStr};

use dray_model::ServiceName;
use serde::{Deserialize, Deserializer, Serializer, de::Error};

pub(crate) fn serialize<T: Display, S: Serializer>(value: &T, out: S) -> Result<S::Ok, S::Error> {
    out.collect_str(value)
}

pub(crate) fn deserialize<'de, T, D>(input: D) -> Result<T, D::Error>
where
    T: FromStr<Err: Display>,
    D: Deserializer<'de>,
{
    String::deserialize(input)?
        .parse()
        .map_err(D::Error::custom)
}

/// For a service's name.
pub(crate) mod service {
    use super::*;

    pub(crate) use super::serialize;

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        input: D,
    ) -> Result<ServiceName, D::Error> {
        ServiceName::new(&String::deserialize(input)?).map_err(D::Error::custom)
    }
}

/// For a service's name that may be missing.
pub(crate) mod optional_service {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(
        name: &Option<ServiceName>,
        out: S,
    ) -> Result<S::Ok, S::Error> {
        match name {
            Some(name) => out.collect_str(name),
            None => out.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        input: D,
    ) -> Result<Option<ServiceName>, D::Error> {
        let text = Option::<String>::deserialize(input)?;
        text.map(|text| ServiceName::new(&text).map_err(D::Error::custom))
            .transpose()
    }
}
