//! What operations may refuse, as their descriptions say it.

use std::collections::BTreeMap;

use utoipa::{
    IntoResponses, ToSchema,
    openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder, schema::Schema},
};

use crate::v1::Problem;

/// What any operation may refuse.
pub(crate) struct Refusals;

/// What an operation may refuse that takes a body.
pub(crate) struct BodyRefusals;

const ANY: [(u16, &str); 5] = [
    (400, "The request makes no sense"),
    (401, "The caller is not known"),
    (403, "The caller may not do that"),
    (500, "The daemon could not do it"),
    (503, "The daemon is about to end"),
];

const BODY: [(u16, &str); 4] = [
    (408, "The body took too long to come"),
    (413, "The body is too large"),
    (415, "The body is of a kind that is not taken here"),
    (422, "The body has errors; nothing was changed"),
];

impl IntoResponses for Refusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&ANY)
    }
}

impl IntoResponses for BodyRefusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let mut all = problems(&ANY);
        all.append(&mut problems(&BODY));
        all
    }
}

fn problems(refusals: &[(u16, &str)]) -> BTreeMap<String, RefOr<Response>> {
    let schema: RefOr<Schema> = Ref::from_schema_name(Problem::name()).into();
    let content = ContentBuilder::new().schema(Some(schema)).build();
    let responses = refusals.iter().map(|(status, description)| {
        let response = ResponseBuilder::new()
            .description(*description)
            .content("application/problem+json", content.clone());
        (status.to_string(), response.build().into())
    });
    responses.collect()
}
