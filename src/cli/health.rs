//! `orchestrator health`: asks a daemon whether it is well, as a container's health check does many times an hour. No
//! runtime, no log files, and no secret on the wire.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs as _};
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::{Arguments as Global, Error, Exit, say};
use crate::config::Server;
use crate::domain::duration::human;
use crate::files::reason;

pub(super) const EXAMPLES: &str = "Example, in a Dockerfile:
  HEALTHCHECK CMD [\"orchestrator\", \"health\"]

Exit codes:
  0  the daemon is well
  1  it is not (its log says why), or something else answers
  4  nothing answers";

/// How long a daemon may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// More than `/health` ever says.
const LONGEST_ANSWER: u64 = 64 * 1024;

/// What answers where the daemon should.
#[derive(Debug)]
pub(super) enum Answer {
    /// Our daemon, and it is well.
    Well(Daemon),
    /// Our daemon, and it is not.
    Degraded(Daemon),
    /// Something else.
    Stranger,
    /// Nothing.
    Nobody(io::Error),
}

/// What a daemon says of itself.
#[derive(Debug, Deserialize)]
pub(super) struct Daemon {
    status: String,
    pub(super) version: String,
    uptime: u64,
}

impl Daemon {
    pub(super) fn uptime(&self) -> String {
        human(&Duration::from_secs(self.uptime))
    }
}

pub(super) fn health(global: &Global) -> Result<Exit, Error> {
    let server = global.load()?.server;
    let at = shown(&server);
    Ok(match ask(&server) {
        Answer::Well(daemon) => {
            say::out(format_args!("ok: orchestrator {} at {at}, up {}", daemon.version, daemon.uptime()));
            Exit::Ok
        }
        Answer::Degraded(daemon) => {
            say::out(format_args!("degraded: orchestrator {} at {at}; its log says why", daemon.version));
            Exit::Failed
        }
        Answer::Stranger => {
            say::error(format_args!("what answers at {at} is not an orchestrator: is server.port right?"));
            Exit::Failed
        }
        Answer::Nobody(error) => {
            let reason = reason(&error);
            say::error(format_args!(
                "no daemon answers at {at} ({reason}): start it with `orchestrator serve`"
            ));
            Exit::Unreachable
        }
    })
}

/// Where a daemon is, as a person reads it.
pub(super) fn shown(server: &Server) -> String {
    let host = bare(&server.host);
    if host.contains(':') {
        format!("http://[{host}]:{}", server.port)
    } else {
        format!("http://{host}:{}", server.port)
    }
}

/// Asks whatever listens on the daemon's address.
pub(super) fn ask(server: &Server) -> Answer {
    let deadline = Instant::now() + PATIENCE;
    let said = connect(server, deadline)
        .and_then(|(stream, address)| converse(stream, &name(server, address), deadline));
    match said {
        Ok(said) => understood(&said),
        Err(error) => Answer::Nobody(error),
    }
}

fn connect(server: &Server, deadline: Instant) -> io::Result<(TcpStream, SocketAddr)> {
    let mut failed = io::ErrorKind::AddrNotAvailable.into();
    for address in (bare(&server.host), server.port).to_socket_addrs()? {
        let address = SocketAddr::new(reachable(address.ip()), address.port());
        match TcpStream::connect_timeout(&address, left(deadline)?) {
            Ok(stream) => return Ok((stream, address)),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

/// HTTP/1.0, so that the answer ends with the connection and comes in one piece.
fn converse(mut stream: TcpStream, host: &str, deadline: Instant) -> io::Result<String> {
    stream.set_write_timeout(Some(left(deadline)?))?;
    write!(stream, "GET /health HTTP/1.0\r\nHost: {host}\r\nAccept: application/json\r\n\r\n")?;
    let mut said = Vec::new();
    let mut part = [0; 4096];
    while (said.len() as u64) < LONGEST_ANSWER {
        stream.set_read_timeout(Some(left(deadline)?))?;
        match stream.read(&mut part)? {
            0 => break,
            length => said.extend_from_slice(&part[..length]),
        }
    }
    Ok(String::from_utf8_lossy(&said).into_owned())
}

fn understood(said: &str) -> Answer {
    let body = said.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    let daemon = said.starts_with("HTTP/1.").then(|| serde_json::from_str::<Daemon>(body).ok()).flatten();
    match daemon {
        Some(daemon) if daemon.status == "ok" => Answer::Well(daemon),
        Some(daemon) if daemon.status == "degraded" => Answer::Degraded(daemon),
        Some(_) | None => Answer::Stranger,
    }
}

/// A name under which the daemon lets itself be called.
fn name(server: &Server, address: SocketAddr) -> String {
    server.allowed_hosts.first().cloned().unwrap_or_else(|| address.to_string())
}

/// Whoever listens everywhere is asked at home.
fn reachable(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(any) if any.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(any) if any.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        other => other,
    }
}

fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

#[cfg(test)]
mod tests {
    use super::{Answer, understood};

    #[test]
    fn only_a_daemon_of_ours_is_one() {
        let answer = |status: &str, body: &str| {
            understood(&format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\n\r\n{body}"))
        };
        let well = answer("200 OK", r#"{"status":"ok","version":"1","uptime":2}"#);
        assert!(matches!(well, Answer::Well(daemon) if daemon.uptime() == "2s"));
        let degraded = answer("503 X", r#"{"status":"degraded","version":"1","uptime":2}"#);
        assert!(matches!(degraded, Answer::Degraded(_)));
        for body in ["", "<html>", r#"{"status":"UP"}"#, r#"{"status":"?","version":"1","uptime":2}"#] {
            assert!(matches!(answer("200 OK", body), Answer::Stranger), "{body}");
        }
        assert!(matches!(understood("SSH-2.0-OpenSSH_9"), Answer::Stranger));
    }
}
