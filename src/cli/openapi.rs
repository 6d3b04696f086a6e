//! `orchestrator openapi [--postman]`

use clap::Args;

use super::{Exit, say};
use crate::http::openapi::{self, postman};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Print a Postman collection (v2.1) made from it instead
    #[arg(long)]
    postman: bool,
}

pub(super) fn openapi(arguments: &Arguments) -> Exit {
    if arguments.postman {
        say::out(format_args!("{:#}", postman::collection(&openapi::document())));
    } else {
        say::out(openapi::text());
    }
    Exit::Ok
}
