//! What the integration tests share: the real daemon and the real Claude CLI with only the model behind it replaced, and
//! eyes for the process table that do not depend on what the daemon says of itself.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::missing_panics_doc,
    missing_docs,
    dead_code,
    unreachable_pub
)]

pub mod chat_message;
pub mod claude;
pub mod daemon;
pub mod database;
pub mod desk;
pub mod disk;
pub mod document;
pub mod eventually;
pub mod executable;
pub mod follower;
pub mod gateway;
pub mod http;
pub mod loopback;
pub mod model;
pub mod n8n;
pub mod n8n_prepared;
pub mod newcomer;
pub mod normal;
pub mod openapi;
pub mod processes;
pub mod python;
pub mod receiver;
pub mod rig;
pub mod service_manager;
pub mod shell;
pub mod stream;
pub mod taskfile;
pub mod telegram;
pub mod telegram_api;
pub mod telegram_content;
pub mod telegram_html;
pub mod telegram_phone;
pub mod telegram_server;
pub mod terminal;
pub mod users;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use tokio::net::TcpSocket;

/// How long anything may take that needs no model: generous, because the machine may be busy with other tests.
pub const SOON: Duration = Duration::from_secs(20);

/// A port of 127.0.0.1 on which nothing listens, below the range the kernel hands to outgoing connections: a daemon that
/// is killed and started again finds its port still free.
pub fn free_port() -> u16 {
    static OFFSET: AtomicU16 = AtomicU16::new(0);
    let process = u16::try_from(std::process::id() % 200).unwrap() * 50;
    loop {
        let port = 20_000 + process + OFFSET.fetch_add(1, Ordering::Relaxed) % 12_000;
        // A program that another test starts meanwhile has our sockets until it is executed: this one doesn't listen.
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        if socket.bind((Ipv4Addr::LOCALHOST, port).into()).is_ok() {
            return port;
        }
    }
}

/// Listens, as soon as nobody does who listened before: a program that another test starts may have that socket until it is
/// executed.
#[track_caller]
pub fn listen(address: SocketAddr) -> TcpListener {
    eventually::eventually(SOON, "a port to be free", || TcpListener::bind(address))
}
