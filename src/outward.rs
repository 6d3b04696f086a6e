//! How this program calls others over HTTP: one way to make a client, and one to say why a call failed.
//!
//! No redirect is followed, because requests carry secrets that are meant for one place. Certificates are judged by the
//! system's roots (`SSL_CERT_FILE` names others). No sentence holds a URL, because some hold a secret.

use std::error::Error as _;
use std::io;
use std::iter::successors;
use std::net::IpAddr;

use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Url};
use rustls::crypto::ring;

use crate::files;

/// A client for one place; what proxies the environment names are asked, unless that place is on this machine.
pub fn client(to: &Url) -> ClientBuilder {
    let client = if is_here(to) { bare().no_proxy() } else { bare() };
    // The system's roots take a while to be read, and a container may lack them.
    if to.scheme() == "https" { client } else { client.tls_certs_only([]) }
}

/// A client for what listens on this machine, without TLS.
pub fn neighbour() -> ClientBuilder {
    bare().no_proxy().tls_certs_only([])
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that makes clients")]
fn bare() -> ClientBuilder {
    // The first one stays, whoever comes second.
    let _ = ring::default_provider().install_default();
    Client::builder().redirect(Policy::none())
}

/// Whether an address is this machine's own, as far as its name tells.
pub fn is_here(to: &Url) -> bool {
    let Some(host) = to.host_str() else { return false };
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

/// What it comes down to, without the layers above.
pub fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "it took too long".to_owned();
    }
    let Some(root) = causes(error).last() else { return "the request could not be made".to_owned() };
    match (root.downcast_ref::<io::Error>(), root.downcast_ref::<rustls::Error>()) {
        (Some(system), _) => files::reason(system),
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
