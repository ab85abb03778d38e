//! Merge patches (RFC 7396) as descriptions have them: what is patched, of which nothing need be there.

use std::borrow::Cow;

use dray_model::document;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};

/// A patch of a service.
pub(crate) struct ServicePatch;

/// A patch of a real server.
pub(crate) struct RealPatch;

/// A patch of the director's settings.
pub(crate) struct DirectorPatch;

macro_rules! describe {
    ($($patch:ident of $document:ty),*) => {$(
        impl PartialSchema for $patch {
            fn schema() -> RefOr<Schema> {
                without_required(<$document>::schema())
            }
        }

        impl ToSchema for $patch {
            fn name() -> Cow<'static, str> {
                stringify!($patch).into()
            }

            fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
                <$document>::schemas(schemas);
            }
        }
    )*};
}

describe! {
    ServicePatch of document::Service,
    RealPatch of document::Real,
    DirectorPatch of document::Director
}

fn without_required(schema: RefOr<Schema>) -> RefOr<Schema> {
    match schema {
        RefOr::T(Schema::Object(mut object)) => {
            object.required.clear();
            Schema::Object(object).into()
        }
        other => other,
    }
}
