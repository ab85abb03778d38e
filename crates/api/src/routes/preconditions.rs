//! The headers that say what a caller has seen, as descriptions have them (RFC 9110 §13.1).

use utoipa::{
    IntoParams,
    openapi::{
        ObjectBuilder, RefOr, Required, Schema,
        path::{Parameter, ParameterBuilder, ParameterIn},
        schema::{AnyOfBuilder, Type},
    },
};

/// Of a change: of nothing but what was seen.
pub(crate) struct IfMatch;

/// Of what is put: only if there is none yet.
pub(crate) struct IfNone;

/// Of what is read: only if that was not seen yet.
pub(crate) struct IfNoneMatch;

impl IntoParams for IfMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description =
            "Only if what is changed still has one of these tags; `*`: only if it is there";
        let header = header("If-Match", description, any_or_tags());
        vec![header.example(Some("*".into())).build()]
    }
}

impl IntoParams for IfNone {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description = "`*`: only if there is none yet";
        vec![header("If-None-Match", description, any()).build()]
    }
}

impl IntoParams for IfNoneMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description = "Only if it has none of these tags; `*`: only if it is not there";
        let header = header("If-None-Match", description, any_or_tags());
        vec![header.example(Some("\"412\"".into())).build()]
    }
}

fn header(name: &str, description: &str, values: impl Into<RefOr<Schema>>) -> ParameterBuilder {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(values))
}

/// `*`, or a list of entity tags (RFC 9110 §8.8.3).
fn any_or_tags() -> AnyOfBuilder {
    const TAGS: &str = r#"^(W/)?"[!#-~]*"( *, *(W/)?"[!#-~]*")*$"#;
    let tags = ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(TAGS));
    AnyOfBuilder::new().item(any()).item(tags)
}

fn any() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(["*"]))
}
