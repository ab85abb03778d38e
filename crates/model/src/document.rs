//! The configuration as data: the keys of the file, for JSON and TOML alike.
//!
//! ```text
//!              From ─▶ Document ─ to_toml ─▶ text of a file ─▶ config::parse ──────▶ Desired
//!  Desired ────────────┘    ╰──── serde ───▶ JSON ──────────▶ config::parse_json ──▶ Desired
//! ```
//!
//! A document is what somebody wrote or would write; nothing of it is checked until it is parsed. Of a [`Desired`] it has only
//! what is not the default, and every value in one spelling, so that equal states have equal documents. Start with
//! [`Document`].

mod director;
mod ipvs;
mod mark;
mod method;
mod real;
mod service;
mod toml;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{Desired, config::FieldError};

/// The rules that give marks, as the tables of a configuration.
pub(crate) use mark::from_rules as marks;

pub use director::{Api, ApiTcp, Director, FullNat, Timeouts, Tunnel};
pub use ipvs::Ipvs;
pub use mark::Mark;
pub use method::Checksum;
pub use real::{Endpoint, NotAnEndpoint, Real};
pub use service::{Netmask, Service};

/// A whole configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ConfigurationDocument)]
pub struct Document {
    /// What concerns the director as a whole.
    pub director: Director,
    /// The virtual services, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub service: Vec<Service>,
    /// The rules that give marks to packets, in order; the first that fits counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mark: Vec<Mark>,
}

impl From<&Desired> for Document {
    fn from(desired: &Desired) -> Self {
        Self {
            director: Director::from(&desired.director),
            service: desired
                .services
                .iter()
                .map(|service| Service::from(&**service))
                .collect(),
            mark: mark::from_rules(&desired.director.marks),
        }
    }
}

impl Document {
    /// The text of a configuration file, as a person would write it.
    pub fn to_toml(&self) -> String {
        toml::write(self)
    }
}

/// The document that JSON is in which nothing was found wrong.
fn from_checked<T: DeserializeOwned>(value: &Value) -> Result<T, Vec<FieldError>> {
    // The parser takes nothing that the types do not; should it come to, this says so.
    T::deserialize(value).map_err(|error| {
        let cure = "write it as the configuration's reference shows it";
        vec![FieldError::new("", error.to_string(), cure)]
    })
}

/// A document as JSON.
pub(crate) fn json(document: &impl Serialize) -> Value {
    // All keys are text, and no number is one that JSON does not have.
    serde_json::to_value(document).expect("documents are JSON")
}
