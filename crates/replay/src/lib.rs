//! Recorded scenarios, played on a private data plane and compared.

pub mod compare;
mod endpoint;
pub mod frame;
pub mod ipvs;
pub mod scenario;
pub mod site;

pub use endpoint::{Endpoint, NotAnEndpoint};
pub use scenario::Scenario;
