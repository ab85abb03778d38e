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
