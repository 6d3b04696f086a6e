//! HTTP to others: how a client is made, and what it comes down to when it fails.
//!
//! Certificates are judged by the system's roots; `SSL_CERT_FILE` names others.

use std::error::Error as _;
use std::io;
use std::iter::successors;
use std::net::IpAddr;
use std::time::Duration;

use reqwest::{Client, ClientBuilder, Url};

use crate::files::reason;

/// How long anybody may take to accept a connection.
const ACCEPTED: Duration = Duration::from_secs(5);

/// A client that sends what it is told where it is told, and nowhere else: redirects and the environment's proxies are
/// not followed. TLS is set up only where an address asks for it.
#[expect(clippy::disallowed_methods, reason = "this is the one place that makes clients")]
pub fn client(url: &str) -> ClientBuilder {
    // The one provider there is; that it was installed before is no failure.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client =
        Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).connect_timeout(ACCEPTED);
    if url.starts_with("https:") { client } else { client.tls_certs_only([]) }
}

/// Whether an address is this machine's own, as far as its name tells.
pub fn is_here(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    address.map_or(host == "localhost" || host.ends_with(".localhost"), |address| address.is_loopback())
}

/// What may be shown of an address: the host, and a port that isn't the usual one. The rest may be as good as a secret.
pub fn place(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Whether nobody listens there.
pub fn is_refused(error: &reqwest::Error) -> bool {
    causes(error).any(|cause| {
        cause
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
    })
}

/// Whether the other side's certificate, or the lack of roots to judge it by, is in the way.
pub fn is_untrusted(error: &reqwest::Error) -> bool {
    causes(error).any(|cause| {
        use rustls::Error::{General, InvalidCertificate};
        matches!(cause.downcast_ref(), Some(InvalidCertificate(_) | General(_)))
    })
}

/// What it comes down to, without the layers above and without the address, which may be as good as a secret.
pub fn root(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "it took too long".to_owned();
    }
    let Some(root) = causes(error).last() else { return "the request can't be made".to_owned() };
    let is_no_name = |error: &io::Error| error.to_string().starts_with("failed to lookup address");
    match (root.downcast_ref::<io::Error>(), root.downcast_ref::<rustls::Error>()) {
        (Some(system), _) if is_no_name(system) => "no such name is known".to_owned(),
        (Some(system), _) => reason(system),
        (_, Some(rustls::Error::InvalidMessage(_))) => "what answers there speaks no TLS".to_owned(),
        _ => root.to_string(),
    }
}

fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    successors(error.source(), |cause: &&(dyn std::error::Error + 'static)| inner(*cause))
}

/// The cause of a cause; `std::io::Error` doesn't name what it wraps, but hands it out.
fn inner<'a>(cause: &'a (dyn std::error::Error + 'static)) -> Option<&'a (dyn std::error::Error + 'static)> {
    let wrapped = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    wrapped.map(|wrapped| wrapped as &(dyn std::error::Error + 'static)).or_else(|| cause.source())
}

#[cfg(test)]
mod tests {
    use super::{is_here, place};

    #[test]
    fn what_is_shown_of_an_address_leads_there_and_is_no_secret() {
        let shown = |url: &str| place(&url.parse().unwrap());
        assert_eq!(shown("https://n8n.example.com/webhook/hush-hush?key=hush"), "n8n.example.com");
        assert_eq!(shown("http://ann:hush@[::1]:5678/"), "[::1]:5678");
    }

    #[test]
    fn this_machine_is_known_by_its_names() {
        let here = |url: &str| is_here(&url.parse().unwrap());
        for url in [
            "http://127.0.0.1:5000",
            "http://127.8.9.1",
            "http://[::1]:5000",
            "http://localhost",
            "http://n8n.localhost",
        ] {
            assert!(here(url), "{url}");
        }
        for url in
            ["http://0.0.0.0", "http://localhost.example.com", "https://n8n.example.com", "http://172.17.0.1"]
        {
            assert!(!here(url), "{url}");
        }
    }
}
