//! Parses arguments, runs, and maps errors to exit codes.

use std::process::ExitCode;

fn main() -> ExitCode {
    match orchestrator::claude::play_part(std::env::args_os()) {
        Some(played) => played,
        None => orchestrator::cli::main(),
    }
}
