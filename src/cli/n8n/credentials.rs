//! The five credentials, by the names that the workflows ask for them.

use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::api::Credential;
use super::request::{KEY_HEADER, Request};
use super::shown;
use super::trouble::Trouble;

/// A credential of ours: its name and n8n's type for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub(super) name: &'static str,
    pub(super) kind: &'static str,
}

const BOT: Wanted = Wanted { name: "Orchestrator Telegram bot", kind: "telegramApi" };
/// The Bot API's address with the token in it, for requests that n8n's own Telegram node can't make.
const ADDRESS: Wanted = Wanted { name: "Orchestrator Telegram address", kind: "httpBasicAuth" };
const SECRET: Wanted = Wanted { name: "Orchestrator secret", kind: "httpHeaderAuth" };
const NOTIFY_HEADER: Wanted = Wanted { name: "Orchestrator notify header", kind: "httpHeaderAuth" };
const SIGNATURE: Wanted = Wanted { name: "Orchestrator signature", kind: "crypto" };

pub(super) const WANTED: [Wanted; 5] = [BOT, ADDRESS, SECRET, NOTIFY_HEADER, SIGNATURE];

/// What n8n is to keep, whole: it replaces what was there.
pub(super) fn content(wanted: Wanted, request: &Request<'_>) -> Value {
    let (telegram, token) = (shown(&request.options.telegram_url), request.token.expose_secret());
    let data = match wanted.name {
        name if name == BOT.name => json!({
            "accessToken": token,
            "baseUrl": telegram,
        }),
        name if name == ADDRESS.name => {
            json!({ "user": format!("{telegram}/bot{token}"), "password": "unused" })
        }
        name if name == SECRET.name => json!({
            "name": "Authorization",
            "value": format!("Bearer {}", request.secret.expose_secret()),
        }),
        name if name == NOTIFY_HEADER.name => json!({
            "name": KEY_HEADER,
            "value": request.notify_key.expose_secret(),
        }),
        _ => json!({ "hmacSecret": request.signing_key.expose_secret() }),
    };
    json!({ "name": wanted.name, "type": wanted.kind, "data": data })
}

/// The one that n8n has already.
pub(super) fn find(wanted: Wanted, all: &[Credential]) -> Result<Option<&Credential>, Trouble> {
    let named: Vec<&Credential> = all.iter().filter(|credential| credential.name == wanted.name).collect();
    match named.as_slice() {
        [] => Ok(None),
        [one] if one.kind == wanted.kind => Ok(Some(one)),
        [other] => {
            let is = other.kind.clone();
            Err(Trouble::OtherType { name: wanted.name, is, wanted: wanted.kind })
        }
        several => {
            let ids: Vec<&str> = several.iter().map(|credential| credential.id.as_str()).collect();
            let (number, ids) = (several.len(), ids.join(", "));
            Err(Trouble::Ambiguous { kind: "credentials", number, name: wanted.name, ids })
        }
    }
}
