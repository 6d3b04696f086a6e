//! HTTP to others: how a client is made, and what it comes down to when it fails.

use std::error::Error as _;
use std::io;
use std::iter::successors;
use std::time::Duration;

use reqwest::{Client, ClientBuilder};

/// How long anybody may take to accept a connection.
const ACCEPTED: Duration = Duration::from_secs(5);

/// A client that sends what it is told where it is told, and nowhere else: redirects and the environment's proxies are
/// not followed. TLS is set up only where an address asks for it.
pub fn client(url: &str) -> ClientBuilder {
    // The one provider there is; that it was installed before is no failure.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client =
        Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).connect_timeout(ACCEPTED);
    if url.starts_with("https:") { client } else { client.tls_certs_only([]) }
}

/// Whether nobody listens there.
pub fn is_refused(error: &reqwest::Error) -> bool {
    causes(error).any(|cause| {
        cause
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
    })
}

/// What it comes down to, without the layers above and without the address, which may be as good as a secret.
pub fn root(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "it took too long".to_owned();
    }
    causes(error).last().map_or_else(|| "the request can't be made".to_owned(), ToString::to_string)
}

fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    successors(error.source(), |cause: &&(dyn std::error::Error + 'static)| (*cause).source())
}
