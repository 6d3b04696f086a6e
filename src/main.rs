//! Parses arguments, runs, and maps errors to exit codes.

use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(code) = orchestrator::claude::play_part(std::env::args_os()) {
        return code;
    }
    ExitCode::SUCCESS
}
