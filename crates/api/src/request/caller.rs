//! Who calls. The server has put that into the request, or why the caller was not let in.

use axum::{extract::FromRequestParts, http::request::Parts};

use crate::{Access, Caller, v1::Problem};

/// A caller who may read.
#[derive(Debug)]
pub(crate) struct Reader;

/// A caller who may change things.
#[derive(Debug)]
pub(crate) struct Writer(pub(crate) Caller);

impl<S: Sync> FromRequestParts<S> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        caller(parts).map(|_| Self)
    }
}

impl<S: Sync> FromRequestParts<S> for Writer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let caller = caller(parts)?;
        match caller.access() {
            Access::Write => Ok(Self(caller)),
            Access::Read => Err(Problem::forbidden(format!("{caller} may only read"))),
        }
    }
}

fn caller(parts: &Parts) -> Result<Caller, Problem> {
    let admission = parts.extensions.get::<Result<Caller, Problem>>();
    // A request that came by no door was let in by nobody.
    let nobody = || Err(Problem::forbidden("nobody knows who you are"));
    admission.cloned().unwrap_or_else(nobody)
}
