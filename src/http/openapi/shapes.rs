//! The schemas of what is read by hand, beside what reads it: [`super::super::body`].

use utoipa::openapi::schema::{AnyOfBuilder, KnownFormat, SchemaFormat, Type};
use utoipa::openapi::{Object, ObjectBuilder, OneOfBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::http::body::{Count, Loose, SentAt};

impl ToSchema for Loose {}

impl PartialSchema for Loose {
    fn schema() -> RefOr<Schema> {
        OneOfBuilder::new()
            .item(Object::with_type(Type::String))
            .item(Object::with_type(Type::Integer))
            .description(Some("A string or an integer"))
            .into()
    }
}

impl ToSchema for Count {}

impl PartialSchema for Count {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(Self::MOST)).into()
    }
}

impl ToSchema for SentAt {}

impl PartialSchema for SentAt {
    fn schema() -> RefOr<Schema> {
        let instant = ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)));
        let seconds = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(-377_705_023_201_i64))
            .maximum(Some(253_402_207_200_i64));
        let digits = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[+-]?[0-9]+$"));
        AnyOfBuilder::new()
            .item(instant)
            .item(seconds)
            .item(digits)
            .description(Some("RFC 3339, or seconds since 1970, as a number or a text"))
            .into()
    }
}
