//! What handlers take from a request. Whatever is wrong with it is a [`Problem`](crate::v1::Problem) that says so.

mod body;
mod caller;
mod closing;
mod conditions;
mod path;
mod query;

pub(crate) use body::{ConfigurationBody, Json, Patch};
pub(crate) use caller::{Reader, Writer};
pub(crate) use closing::Closing;
pub(crate) use conditions::{Accept, Condition, IfNoneMatch, Media};
pub(crate) use path::Path;
pub(crate) use query::Query;
