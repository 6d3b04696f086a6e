//! What all operations share, added to what their handlers say.

use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::request_body::RequestBody;
use utoipa::openapi::schema::{AllOf, Type};
use utoipa::openapi::{Components, Content, Object, Ref, RefOr, Required, Schema};

use super::{outcomes, proofs};
use crate::http::body::Sender;
use crate::http::call::KEY_LIMIT;
use crate::http::passage::REQUEST_ID_LIMIT;

const SCHEMA: &str = "#/components/schemas/";

/// Adds to a command what all commands have.
pub(super) fn command(mut item: PathItem, components: &mut Components) -> PathItem {
    for operation in operations(&mut item) {
        operation.tags = Some(vec!["commands".to_owned()]);
        operation.security = Some(proofs::any());
        let mut parameters = vec![webhook_id(), webhook_timestamp(), request_id()];
        if changes_something(operation) {
            parameters.insert(0, idempotency_key());
            for response in answers(operation) {
                response.headers.insert("Idempotent-Replayed".to_owned(), outcomes::replayed().into());
            }
        }
        operation.parameters = Some(parameters.into_iter().map(RefOr::T).collect());
        if let Some(RefOr::T(request)) = &mut operation.request_body {
            has_a_sender(request, components);
        }
        answered_with_examples(operation, components);
    }
    item
}

/// Adds to any other endpoint what all have.
pub(super) fn other(mut item: PathItem, components: &Components) -> PathItem {
    for operation in operations(&mut item) {
        operation.tags = Some(vec!["daemon".to_owned()]);
        operation.parameters.get_or_insert_default().push(request_id().into());
        if operation.responses.responses.contains_key("401") {
            operation.security = Some(proofs::any());
        }
        answered_with_examples(operation, components);
    }
    item
}

/// The same command under `/webhook`.
pub(super) fn second_name(mut item: PathItem) -> PathItem {
    for operation in operations(&mut item) {
        operation.tags = Some(vec!["webhook".to_owned()]);
        operation.operation_id = operation.operation_id.take().map(|id| format!("webhook_{id}"));
    }
    item
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [item.get.as_mut(), item.post.as_mut()].into_iter().flatten()
}

fn changes_something(operation: &Operation) -> bool {
    operation.responses.responses.contains_key("409")
}

/// The answers that are this operation's own; failures are shared, and complete where they are described.
fn answers(operation: &mut Operation) -> impl Iterator<Item = &mut utoipa::openapi::Response> {
    operation.responses.responses.values_mut().filter_map(|response| match response {
        RefOr::T(response) => Some(response),
        RefOr::Ref(_) => None,
    })
}

/// Whoever sends it is part of every request; one that needs nothing else may be empty.
fn has_a_sender(request: &mut RequestBody, components: &mut Components) {
    for content in request.content.values_mut() {
        let RefOr::T(content) = content else { continue };
        let Some(name) = named(content).map(str::to_owned) else { continue };
        let Some(RefOr::T(schema)) = components.schemas.get_mut(&name) else { continue };
        if let Schema::Object(fields) = schema {
            *schema = Schema::AllOf(beside_its_sender(std::mem::take(fields)));
        }
        let needs = |item: &RefOr<Schema>| matches!(item, RefOr::T(Schema::Object(fields)) if !fields.required.is_empty());
        if let Schema::AllOf(whole) = schema {
            request.required =
                Some(if whole.items.iter().any(needs) { Required::True } else { Required::False });
        }
        content.example = example(&name, components);
    }
}

fn beside_its_sender(mut fields: Object) -> AllOf {
    let mut whole = AllOf::new();
    whole.description = fields.description.take();
    whole.examples = std::mem::take(&mut fields.examples);
    whole.items = vec![Ref::from_schema_name(Sender::name()).into(), Schema::Object(fields).into()];
    whole
}

fn answered_with_examples(operation: &mut Operation, components: &Components) {
    for response in answers(operation) {
        response.headers.insert("x-request-id".to_owned(), outcomes::request_id().into());
        if response.description.is_empty() {
            "It was done, or told".clone_into(&mut response.description);
        }
        for content in response.content.values_mut() {
            if let RefOr::T(content) = content
                && content.example.is_none()
            {
                content.example = named(content).and_then(|name| example(name, components));
            }
        }
    }
}

fn named(content: &Content) -> Option<&str> {
    match content.schema.as_ref()? {
        RefOr::Ref(to) => to.ref_location.strip_prefix(SCHEMA),
        RefOr::T(_) => None,
    }
}

/// The first example of a schema, or of the first of those between which it leaves the choice.
fn example(name: &str, components: &Components) -> Option<Value> {
    match components.schemas.get(name)? {
        RefOr::T(Schema::Object(object)) => object.examples.first().cloned(),
        RefOr::T(Schema::AllOf(all)) => all.examples.first().cloned(),
        RefOr::T(Schema::AnyOf(any)) => any.items.iter().find_map(|item| match item {
            RefOr::Ref(to) => example(to.ref_location.strip_prefix(SCHEMA)?, components),
            RefOr::T(_) => None,
        }),
        RefOr::T(_) | RefOr::Ref(_) => None,
    }
}

fn idempotency_key() -> Parameter {
    let about = "Executes this request once: repeated with the same key, it gets the recorded first answer";
    header("Idempotency-Key", &format!("{about}; at most {KEY_LIMIT} bytes"))
}

fn webhook_id() -> Parameter {
    let about = "The id of a Standard Webhooks message; a key like `Idempotency-Key`";
    header("webhook-id", about)
}

fn webhook_timestamp() -> Parameter {
    let about = "When a Standard Webhooks message was sent, in seconds since 1970; only a signature needs it";
    header("webhook-timestamp", about)
}

fn request_id() -> Parameter {
    let about = "An id of your own for the access log; it comes back in the answer";
    header(
        "X-Request-Id",
        &format!("{about} if it is one printable word of at most {REQUEST_ID_LIMIT} bytes"),
    )
}

fn header(name: &str, about: &str) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(about))
        .schema(Some(Object::with_type(Type::String)))
        .build()
}
