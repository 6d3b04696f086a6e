//! One request as it is sent, and sent again: the same bytes and the same key, whichever way it goes.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Value, json};
use uuid::Uuid;

use super::asking::Ask;
use crate::config::Server;
use crate::signature;

/// The one who sits at the terminal, as the story names them.
const OPERATOR: &str = "the terminal";

/// A request to a command endpoint.
#[derive(Debug)]
pub(super) struct Letter {
    pub(super) path: String,
    pub(super) body: String,
    key: String,
}

impl Letter {
    /// A request with a key of its own.
    pub(super) fn new(ask: Ask) -> Self {
        let mut fields = ask.fields;
        fields.insert("user".to_owned(), json!(OPERATOR));
        Self {
            path: format!("/{}", ask.endpoint),
            body: Value::Object(fields).to_string(),
            key: Uuid::new_v4().to_string(),
        }
    }

    /// A request to hear of what happens.
    pub(super) fn to_listen() -> Self {
        Self { path: "/events".to_owned(), body: String::new(), key: Uuid::new_v4().to_string() }
    }

    /// What goes before the body. It is signed, which is accepted under every configuration.
    pub(super) fn head(&self, server: &Server, secret: Option<&SecretString>, now: Timestamp) -> HeaderMap {
        let signature =
            secret.and_then(|secret| signature::sign(secret, &self.key, now, self.body.as_bytes()));
        let lines = [
            (header::CONTENT_TYPE, Some("application/json".to_owned())),
            (header::HOST, Some(host(server))),
            (HeaderName::from_static("idempotency-key"), Some(self.key.clone())),
            (HeaderName::from_static("webhook-id"), Some(self.key.clone())),
            (HeaderName::from_static("webhook-timestamp"), Some(now.as_second().to_string())),
            (HeaderName::from_static("webhook-signature"), signature),
        ];
        lines
            .into_iter()
            .filter_map(|(name, value)| Some((name, HeaderValue::try_from(value?).ok()?)))
            .collect()
    }
}

/// Where a daemon with this configuration is reached from here.
pub(in crate::cli) fn address(server: &Server) -> String {
    let host = match server.host.as_str() {
        "0.0.0.0" => "127.0.0.1",
        "::" | "[::]" => "[::1]",
        host => host,
    };
    let is_bare_ipv6 = host.contains(':') && !host.starts_with('[');
    let host = if is_bare_ipv6 { format!("[{host}]") } else { host.to_owned() };
    format!("{host}:{}", server.port)
}

/// A name under which it may be called.
fn host(server: &Server) -> String {
    server.allowed_hosts.first().cloned().unwrap_or_else(|| address(server))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(host: &str, allowed: &[&str]) -> Server {
        let allowed_hosts = allowed.iter().map(ToString::to_string).collect();
        Server { host: host.to_owned(), port: 5000, allowed_hosts }
    }

    #[test]
    fn a_daemon_that_listens_everywhere_is_called_at_home() {
        for (host, called) in [
            ("127.0.0.1", "127.0.0.1:5000"),
            ("0.0.0.0", "127.0.0.1:5000"),
            ("::", "[::1]:5000"),
            ("fd00::7", "[fd00::7]:5000"),
            ("[::1]", "[::1]:5000"),
            ("localhost", "localhost:5000"),
        ] {
            assert_eq!(address(&server(host, &[])), called, "{host}");
        }
    }

    #[test]
    fn it_is_called_by_a_name_that_it_allows() {
        assert_eq!(host(&server("0.0.0.0", &["bot.example.org", "localhost"])), "bot.example.org");
        assert_eq!(host(&server("0.0.0.0", &[])), "127.0.0.1:5000");
    }
}
