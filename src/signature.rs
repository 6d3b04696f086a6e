//! Standard Webhooks, <https://www.standardwebhooks.com>: how a message proves that its sender knows a secret.
//!
//! What is signed is `id.timestamp.body`. The key is the base64-decoded rest of a secret that starts with `whsec_`, and the
//! UTF-8 bytes of any other.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// How far a signature's time may be from ours, in seconds.
pub const TOLERANCE: u64 = 5 * 60;

/// The header that names the message.
pub const ID: &str = "webhook-id";
/// The header that says when it was sent, in seconds.
pub const TIMESTAMP: &str = "webhook-timestamp";
/// The header with the signatures, separated by spaces.
pub const SIGNATURE: &str = "webhook-signature";

/// A signature of a body; a secret that is no key has none.
pub fn sign(secret: &SecretString, id: &str, at: Timestamp, body: &[u8]) -> Option<String> {
    let mac = mac(secret, id, &at.as_second().to_string(), body)?;
    Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

/// A signed message, as it came.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// Its name.
    pub id: &'a str,
    /// When its sender says it was sent.
    pub timestamp: &'a str,
    /// The signatures, of which one must be right.
    pub signatures: &'a str,
    /// What is signed.
    pub body: &'a [u8],
}

impl Signed<'_> {
    /// Whether one of the signatures was made with one of the secrets, and lately. Compared in constant time.
    pub fn is_by_one_who_knows(&self, secrets: &[SecretString], now: Timestamp) -> bool {
        let Ok(seconds) = self.timestamp.parse::<i64>() else { return false };
        if now.as_second().abs_diff(seconds) > TOLERANCE {
            return false;
        }
        let offered: Vec<Vec<u8>> = self
            .signatures
            .split_whitespace()
            .filter_map(|signature| STANDARD.decode(signature.strip_prefix("v1,")?).ok())
            .collect();
        secrets.iter().any(|secret| {
            let Some(mac) = mac(secret, self.id, self.timestamp, self.body) else { return false };
            offered.iter().any(|offered| mac.clone().verify_slice(offered).is_ok())
        })
    }
}

fn mac(secret: &SecretString, id: &str, timestamp: &str, body: &[u8]) -> Option<Hmac<Sha256>> {
    let secret = secret.expose_secret();
    let key = match secret.strip_prefix("whsec_") {
        Some(encoded) => STANDARD.decode(encoded).ok()?,
        None => secret.as_bytes().to_vec(),
    };
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    Some(mac)
}
