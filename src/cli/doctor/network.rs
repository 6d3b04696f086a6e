//! The port to listen on, and the way to n8n.

use std::net::TcpListener;
use std::time::Duration;

use axum::http::Uri;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::report::Finding;
use super::round_trip;
use crate::cli::health::{self, Answer};
use crate::config::Config;
use crate::files::reason;

/// How long n8n may take to accept a connection.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) async fn look(config: &Config, is_round_trip: bool) -> Vec<Finding> {
    let mut findings = vec![port(config)];
    if is_round_trip {
        findings.extend(round_trip::look(config).await);
    } else {
        findings.push(n8n(config.webhooks.n8n_notify_url.as_deref()).await);
    }
    findings
}

fn port(config: &Config) -> Finding {
    let server = &config.server;
    let at = health::shown(server);
    match health::ask(server) {
        Answer::Well(daemon) => {
            let up = daemon.uptime();
            Finding::ok("port", format!("the daemon (version {}) answers at {at}, up {up}", daemon.version))
        }
        Answer::Degraded(_) => {
            Finding::fail("port", format!("the daemon at {at} is not well"), "its log says why")
        }
        Answer::Stranger => Finding::fail(
            "port",
            format!("something else answers at {at}"),
            "end it, or choose another server.port",
        ),
        Answer::Nobody(_) => match TcpListener::bind((server.host.as_str(), server.port)) {
            Ok(_) => Finding::ok("port", format!("{at} is free")),
            Err(error) => Finding::fail(
                "port",
                format!("nothing can listen at {at}: {}", reason(&error)),
                "end what uses it, or correct server.host and server.port",
            ),
        },
    }
}

async fn n8n(url: Option<&str>) -> Finding {
    let Some(url) = url else {
        return Finding::ok("n8n", "no notifications are sent: webhooks.n8n_notify_url is not set");
    };
    let remedy = "is webhooks.n8n_notify_url right, and does n8n run?";
    let Some((host, port)) = destination(url) else {
        return Finding::fail("n8n", "webhooks.n8n_notify_url names no host", remedy);
    };
    match timeout(PATIENCE, TcpStream::connect((host.as_str(), port))).await {
        Ok(Ok(_)) => Finding::ok("n8n", format!("{host}:{port} accepts connections")),
        Ok(Err(error)) => {
            Finding::fail("n8n", format!("{host}:{port} can't be reached: {}", reason(&error)), remedy)
        }
        Err(_) => {
            let message = format!("{host}:{port} didn't answer within {} s", PATIENCE.as_secs());
            Finding::fail("n8n", message, remedy)
        }
    }
}

/// The host and the port; the rest of the address may be as good as a secret.
fn destination(url: &str) -> Option<(String, u16)> {
    let url: Uri = url.parse().ok()?;
    let standard = if url.scheme_str()? == "https" { 443 } else { 80 };
    let host = url.host()?.trim_matches(['[', ']']).to_owned();
    Some((host, url.port_u16().unwrap_or(standard)))
}

#[cfg(test)]
mod tests {
    use super::destination;

    #[test]
    fn an_address_leads_to_a_host_and_a_port() {
        let to = |url| destination(url).map(|(host, port)| format!("{host} {port}"));
        assert_eq!(to("https://n8n.example.com/webhook/x").as_deref(), Some("n8n.example.com 443"));
        assert_eq!(to("http://127.0.0.1:5678/webhook/x").as_deref(), Some("127.0.0.1 5678"));
        assert_eq!(to("http://[::1]/x").as_deref(), Some("::1 80"));
        assert_eq!(to("n8n"), None);
    }
}
