//! The ways to prove that one knows the secret. The fourth, the field `secret`, is part of every body.

use std::collections::BTreeMap;

use utoipa::openapi::RefOr;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme,
};

const BEARER: &str = "bearer";
const HEADER: &str = "header";
const SIGNATURE: &str = "signature";

const SIGNED: &str = "\
Standard Webhooks (<https://www.standardwebhooks.com>): signatures, separated by spaces, each `v1,` and the base64 of the \
HMAC-SHA256 of `<webhook-id>.<webhook-timestamp>.<body>`; one that is right is enough. The key is the base64-decoded rest \
of a secret that starts with `whsec_`, and the bytes of any other. `webhook-timestamp` may be five minutes off.";

pub(super) fn schemes() -> BTreeMap<String, RefOr<SecurityScheme>> {
    let mut bearer = Http::new(HttpAuthScheme::Bearer);
    bearer.description = Some("The secret as `Authorization: Bearer <secret>`".to_owned());
    let header = ApiKeyValue::with_description("X-Webhook-Secret", "The secret in a header of its own");
    let signature = ApiKeyValue::with_description("webhook-signature", SIGNED);
    [
        (BEARER, SecurityScheme::Http(bearer)),
        (HEADER, SecurityScheme::ApiKey(ApiKey::Header(header))),
        (SIGNATURE, SecurityScheme::ApiKey(ApiKey::Header(signature))),
    ]
    .into_iter()
    .map(|(name, scheme)| (name.to_owned(), RefOr::T(scheme)))
    .collect()
}

/// Any one of them will do.
pub(super) fn any() -> Vec<SecurityRequirement> {
    [BEARER, HEADER, SIGNATURE]
        .into_iter()
        .map(|name| SecurityRequirement::new(name, [] as [&str; 0]))
        .collect()
}
