//! Merge patches (RFC 7396) as descriptions have them: what is patched, of which nothing need be there, and `null` for what may
//! be left out.

use std::{borrow::Cow, mem};

use dray_model::document;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Ref, RefOr, Schema,
        schema::{SchemaType, Type},
    },
};

/// A patch of a service.
pub(crate) struct ServicePatch;

/// A patch of a real server.
pub(crate) struct RealPatch;

/// A patch of the director's settings.
pub(crate) struct DirectorPatch;

/// A patch of FULLNAT's settings among them.
struct FullNatPatch;

/// A patch of the API's settings among them.
struct ApiPatch;

/// A patch of what the API is over TCP.
struct ApiTcpPatch;

macro_rules! describe {
    ($($patch:ident of $document:ty, with [$($inner:ty),*];)*) => {$(
        impl PartialSchema for $patch {
            fn schema() -> RefOr<Schema> {
                as_patch(<$document>::schema())
            }
        }

        impl ToSchema for $patch {
            fn name() -> Cow<'static, str> {
                stringify!($patch).into()
            }

            fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
                <$document>::schemas(schemas);
                $(schemas.push((<$inner>::name().into(), <$inner>::schema()));)*
            }
        }
    )*};
}

describe! {
    ServicePatch of document::Service, with [];
    RealPatch of document::Real, with [];
    DirectorPatch of document::Director, with [FullNatPatch, ApiPatch, ApiTcpPatch];
    FullNatPatch of document::FullNat, with [];
    ApiPatch of document::Api, with [];
    ApiTcpPatch of document::ApiTcp, with [];
}

fn as_patch(schema: RefOr<Schema>) -> RefOr<Schema> {
    let RefOr::T(Schema::Object(mut object)) = schema else {
        return schema;
    };
    let required = mem::take(&mut object.required);
    for (name, property) in &mut object.properties {
        match property {
            // All else that may be left out has its `null` from being an option.
            RefOr::T(Schema::Array(list)) if !required.contains(name) => {
                list.schema_type = SchemaType::from_iter([Type::Array, Type::Null]);
            }
            RefOr::T(Schema::OneOf(choice)) => choice.items.iter_mut().for_each(patch_within),
            _ => {}
        }
    }
    Schema::Object(object).into()
}

/// A table that must have some keys is merged too, and then need not have them in the patch.
fn patch_within(table: &mut RefOr<Schema>) {
    let RefOr::Ref(table) = table else { return };
    let patches = [
        (document::FullNat::name(), FullNatPatch::name()),
        (document::Api::name(), ApiPatch::name()),
        (document::ApiTcp::name(), ApiTcpPatch::name()),
    ];
    let found = patches
        .into_iter()
        .find(|(name, _)| Ref::from_schema_name(&**name).ref_location == table.ref_location);
    if let Some((_, patch)) = found {
        table.ref_location = Ref::from_schema_name(patch).ref_location;
    }
}
