//! Who may call. A [`Call`](super::call::Call) can only be had by proving to know the secret.
//!
//! Compared in constant time. A wrong proof costs its address; a right one always gets in.

use std::net::IpAddr;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use tokio::time::sleep;

use super::body::Object;
use super::error::{ApiError, Code};
use super::failures::Failures;
use super::replay::Uses;
use crate::signature::{self, Signed};

/// The one scheme of `Authorization` that is understood.
const BEARER: &[u8] = b"bearer ";

/// How long a wrong proof that is one too many waits for its answer, so that those who guess leave the processor to others.
const PENALTY: Duration = Duration::from_millis(50);

/// What callers have to know.
#[derive(Debug)]
pub(super) struct Gatekeeper {
    secrets: Vec<SecretString>,
    require_signature: bool,
    failures: Failures,
    uses: Uses,
}

/// What a request offers as proof.
pub(super) struct Proof<'a> {
    pub(super) headers: &'a HeaderMap,
    pub(super) bytes: &'a [u8],
    pub(super) body: Option<&'a Object>,
    pub(super) from: IpAddr,
    /// What it asks for, under the first of its names.
    pub(super) endpoint: &'a str,
}

/// What an offered proof is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Worth {
    Right,
    /// A right signature, of another request.
    Used,
    Wrong,
}

impl Gatekeeper {
    pub(super) fn new(secrets: Vec<SecretString>, require_signature: bool) -> Self {
        Self { secrets, require_signature, failures: Failures::default(), uses: Uses::default() }
    }

    /// Lets a request in or says why not; the caller logs it.
    pub(super) async fn admit(&self, proof: &Proof<'_>, now: Timestamp) -> Result<(), ApiError> {
        let judged = self.judge(proof, now);
        if judged.as_ref().is_err_and(|refusal| refusal.code == Code::TooManyAttempts) {
            sleep(PENALTY).await;
        }
        judged
    }

    fn judge(&self, proof: &Proof<'_>, now: Timestamp) -> Result<(), ApiError> {
        let worth = self.worth(proof, now);
        if worth == Worth::Right {
            return Ok(());
        }
        if worth == Worth::Used {
            let message =
                "this signature was used for another request: sign each with a webhook-id of its own";
            return Err(ApiError::new(Code::KeyReused, message));
        }
        if self.failures.are_too_many(proof.from, now) {
            return Err(ApiError::new(Code::TooManyAttempts, "too many wrong secrets: wait a minute"));
        }
        let message = if self.require_signature {
            "this needs a valid signature (webhook-id, webhook-timestamp, webhook-signature)"
        } else {
            "this needs the secret: Authorization: Bearer …, X-Webhook-Secret, a field \"secret\", or a signature"
        };
        Err(ApiError::new(Code::Unauthorized, message))
    }

    /// Whether the proof is a right one; a wrong one costs nothing here.
    pub(super) fn knows(&self, proof: &Proof<'_>, now: Timestamp) -> bool {
        self.worth(proof, now) == Worth::Right
    }

    fn worth(&self, proof: &Proof<'_>, now: Timestamp) -> Worth {
        if !self.require_signature && self.knows_secret(proof) {
            return Worth::Right;
        }
        let Some(signed) = signed(proof) else { return Worth::Wrong };
        let key = proof.headers.get("idempotency-key").map(HeaderValue::as_bytes);
        if !signed.is_by_one_who_knows(&self.secrets, now) {
            Worth::Wrong
        } else if self.uses.allow(&signed, proof.endpoint, key, now) {
            Worth::Right
        } else {
            Worth::Used
        }
    }

    fn knows_secret(&self, proof: &Proof<'_>) -> bool {
        let header = |name: &str| proof.headers.get(name).map(HeaderValue::as_bytes);
        let bearer = header("authorization").and_then(|value| {
            let (scheme, token) = value.split_at_checked(BEARER.len())?;
            scheme.eq_ignore_ascii_case(BEARER).then_some(token.trim_ascii())
        });
        let field = proof.body.and_then(|body| body.0.get("secret")).and_then(Value::as_str);
        let offered = [bearer, header("x-webhook-secret"), field.map(str::as_bytes)];
        offered.into_iter().flatten().any(|offered| self.secrets.iter().any(|secret| is(secret, offered)))
    }
}

/// Compares hashes, whose length is always the same: the time tells nothing, not even how long the secret is.
fn is(secret: &SecretString, offered: &[u8]) -> bool {
    let [secret, offered] = [secret.expose_secret().as_bytes(), offered].map(Sha256::digest);
    secret.as_slice().ct_eq(offered.as_slice()).into()
}

fn signed<'a>(proof: &Proof<'a>) -> Option<Signed<'a>> {
    let text = |name: &str| proof.headers.get(name)?.to_str().ok();
    Some(Signed {
        id: text(signature::ID)?,
        timestamp: text(signature::TIMESTAMP)?,
        signatures: text(signature::SIGNATURE)?,
        body: proof.bytes,
    })
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const BODY: &[u8] = br#"{"command":"status"}"#;

    fn admitted(headers: &[(&str, &str)], at: i64) -> Result<(), Code> {
        let keeper = Gatekeeper::new(vec!["test-secret-0123456789abcdef".into()], true);
        let headers =
            headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        let from = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let proof = Proof { headers: &headers, bytes: BODY, body: None, from, endpoint: "/command" };
        keeper.judge(&proof, Timestamp::from_second(at).unwrap()).map_err(|error| error.code)
    }

    #[test]
    fn the_contracts_test_vector_is_let_in_for_five_minutes() {
        let signed = [
            ("webhook-id", "msg_1"),
            ("webhook-timestamp", "1700000000"),
            ("webhook-signature", "v1,AAAA v1,JiERw1kjIumI23J7zMvJdOZtct3uwf8hVGAp8udqTIc="),
        ];
        assert_eq!(admitted(&signed, 1_700_000_000), Ok(()));
        assert_eq!(admitted(&signed, 1_700_000_300), Ok(()));
        assert_eq!(admitted(&signed, 1_700_000_301), Err(Code::Unauthorized));
        assert_eq!(admitted(&signed[..2], 1_700_000_000), Err(Code::Unauthorized));
    }

    #[test]
    fn a_bare_secret_is_not_enough_where_a_signature_is_required() {
        let bare = [("authorization", "Bearer test-secret-0123456789abcdef")];
        assert_eq!(admitted(&bare, 1_700_000_000), Err(Code::Unauthorized));
    }
}
