//! Who may call. A [`Call`](super::call::Call) can only be had by proving to know the secret.
//!
//! Compared in constant time. A wrong proof costs its address; a right one always gets in.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;

use axum::http::{HeaderMap, HeaderValue};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use subtle::ConstantTimeEq;

use super::body::Object;
use super::error::{ApiError, Code};
use crate::signature::{self, Signed};

/// The one scheme of `Authorization` that is understood.
const BEARER: &[u8] = b"bearer ";
/// How many wrong proofs a minute an address may give before it is told to stop.
const FAILURES: u32 = 10;
/// How many addresses are kept in mind; more in one minute are told to stop at once.
const ADDRESSES: usize = 10_000;

/// What callers have to know.
#[derive(Debug)]
pub(super) struct Gatekeeper {
    secrets: Vec<SecretString>,
    require_signature: bool,
    failures: Mutex<HashMap<IpAddr, Failures>>,
}

#[derive(Clone, Copy, Debug)]
struct Failures {
    minute: i64,
    count: u32,
}

/// What a request offers as proof.
pub(super) struct Proof<'a> {
    pub(super) headers: &'a HeaderMap,
    pub(super) bytes: &'a [u8],
    pub(super) body: Option<&'a Object>,
    pub(super) from: IpAddr,
}

impl Gatekeeper {
    pub(super) fn new(secrets: Vec<SecretString>, require_signature: bool) -> Self {
        Self { secrets, require_signature, failures: Mutex::default() }
    }

    /// Lets a request in or says why not; the caller logs it.
    pub(super) fn admit(&self, proof: &Proof<'_>, now: Timestamp) -> Result<(), ApiError> {
        if self.knows(proof, now) {
            return Ok(());
        }
        if self.fails_too_often(proof.from, now) {
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
        self.is_signed(proof, now) || (!self.require_signature && self.knows_secret(proof))
    }

    fn knows_secret(&self, proof: &Proof<'_>) -> bool {
        let header = |name: &str| proof.headers.get(name).map(HeaderValue::as_bytes);
        let bearer = header("authorization").and_then(|value| {
            let (scheme, token) = value.split_at_checked(BEARER.len())?;
            scheme.eq_ignore_ascii_case(BEARER).then_some(token.trim_ascii())
        });
        let field = proof.body.and_then(|body| body.0.get("secret")).and_then(Value::as_str);
        [bearer, header("x-webhook-secret"), field.map(str::as_bytes)].into_iter().flatten().any(|offered| {
            self.secrets.iter().any(|secret| bool::from(secret.expose_secret().as_bytes().ct_eq(offered)))
        })
    }

    fn is_signed(&self, proof: &Proof<'_>, now: Timestamp) -> bool {
        let text = |name: &str| proof.headers.get(name).and_then(|value| value.to_str().ok());
        let (Some(id), Some(timestamp), Some(signatures)) =
            (text(signature::ID), text(signature::TIMESTAMP), text(signature::SIGNATURE))
        else {
            return false;
        };
        let signed = Signed { id, timestamp, signatures, body: proof.bytes };
        signed.is_by_one_who_knows(&self.secrets, now)
    }

    fn fails_too_often(&self, from: IpAddr, now: Timestamp) -> bool {
        let minute = now.as_second().div_euclid(60);
        let mut failures = self.failures.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if failures.len() >= ADDRESSES {
            failures.retain(|_, failures| failures.minute == minute);
        }
        if failures.len() >= ADDRESSES && !failures.contains_key(&from) {
            return true;
        }
        let entry = failures.entry(from).or_insert(Failures { minute, count: 0 });
        if entry.minute != minute {
            *entry = Failures { minute, count: 0 };
        }
        entry.count = entry.count.saturating_add(1);
        entry.count > FAILURES
    }
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
        let proof = Proof { headers: &headers, bytes: BODY, body: None, from };
        keeper.admit(&proof, Timestamp::from_second(at).unwrap()).map_err(|error| error.code)
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
