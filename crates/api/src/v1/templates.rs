//! `GET /v1/templates`: persistence templates, which say what real server a client's next connection gets.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Limit, ServiceIdentity};

/// How many templates to list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TemplatesQuery {
    /// At most so many.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100_000)]
    pub limit: Limit,
}

/// Persistence templates, in no order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Templates {
    /// The templates.
    pub templates: Vec<Template>,
    /// Whether there are more than the limit let through.
    pub more: bool,
}

/// One persistence template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Template {
    /// The client's network: its address under the service's mask.
    #[schema(value_type = String, example = "10.77.0.11")]
    pub client: IpAddr,
    /// What the client's connections are to: port 0 when the template is for every port.
    #[serde(flatten)]
    pub to: ServiceIdentity,
    /// Name of the service; none when it is no longer in the configuration.
    pub service: Option<String>,
    /// The real server; none when the data plane no longer says.
    #[schema(value_type = Option<String>, example = "10.77.0.11")]
    pub real: Option<IpAddr>,
    /// IPVS's name of its state: `NONE`, or `ASSURED` once one of its connections was established.
    pub state: String,
    /// Time until it ends if the client opens no connection, in seconds.
    pub expires_seconds: u64,
    /// Its connections now.
    pub connections: u32,
}
