//! What is run as `claude`: programs that print the lines of a recorded success and cost next to nothing themselves.
//!
//! All contenders run the same ones. They are shell scripts of nothing but built-in commands: one process, which starts in
//! half a millisecond.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::printer::Kind;

const INIT: &str = r#"{"type":"system","subtype":"init","cwd":"/home/op/project","session_id":"dc5138c3-650b-4115-a00e-63f4b2b52306","tools":["Bash","Edit","Read","Write"],"mcp_servers":[],"model":"claude-opus-5-5","permissionMode":"default","apiKeySource":"none","uuid":"0b4a8e0c-6a0e-4a3e-8d4e-0d8e4f6e5b1a"}"#;
const SAID: &str = r#"{"type":"assistant","message":{"id":"msg_btavZhhpGpm8pOCY","type":"message","role":"assistant","content":[{"type":"text","text":"All done: the task is complete."}],"model":"claude-opus-5-5","stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":1200,"output_tokens":310}},"parent_tool_use_id":null,"session_id":"dc5138c3-650b-4115-a00e-63f4b2b52306","uuid":"69b3d31e-e981-4d05-a3d3-c8d4e376c318"}"#;
const RESULT: &str = r#"{"type":"result","subtype":"success","is_error":false,"terminal_reason":"completed","stop_reason":"end_turn","session_id":"dc5138c3-650b-4115-a00e-63f4b2b52306","total_cost_usd":0.02,"usage":{"input_tokens":1200,"output_tokens":310},"modelUsage":{},"permission_denials":[],"num_turns":1,"duration_ms":55,"result":"All done: the task is complete.","uuid":"2b7d4d7e-2d6d-4f87-9d5f-0f5c9f0f6d55"}"#;

/// Answers at once; to its stdout, or to the file that its first argument names by an absolute path.
pub fn at_once(folder: &Path) -> PathBuf {
    let script = format!(
        "#!/bin/sh\ncase ${{1:-}} in /*) exec >\"$1\" ;; esac\nprintf '%s\\n' '{INIT}' '{SAID}' '{RESULT}'\n"
    );
    executable(folder.join("at-once"), &script)
}

/// Says its process id into the pipe `ready`, waits for a line from the pipe `go`, and answers then.
pub fn held(folder: &Path) -> PathBuf {
    for pipe in ["ready", "go"] {
        assert!(Command::new("mkfifo").arg(folder.join(pipe)).status().is_ok_and(|status| status.success()));
    }
    let folder_name = folder.display();
    let script = format!(
        "#!/bin/sh\necho $$ >'{folder_name}/ready'\nread -r line <'{folder_name}/go'\n\
         printf '%s\\n' '{INIT}' '{SAID}' '{RESULT}'\n"
    );
    executable(folder.join("held"), &script)
}

/// Prints so many bytes of all kinds, at a pace if there is one.
pub fn printer(folder: &Path, bytes: u64, pace: Option<u64>) -> PathBuf {
    printer_of(Kind::Mixed, folder, bytes, pace)
}

/// Prints so many bytes of one kind: a call of this very program.
pub fn printer_of(kind: Kind, folder: &Path, bytes: u64, pace: Option<u64>) -> PathBuf {
    let (program, kind) = (std::env::current_exe().unwrap(), kind.name());
    let script =
        format!("#!/bin/sh\nexec '{}' print {kind} {bytes} {}\n", program.display(), pace.unwrap_or(0));
    executable(folder.join(format!("print-{kind}-{bytes}")), &script)
}

fn executable(path: PathBuf, script: &str) -> PathBuf {
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// A task file of so many tasks.
pub fn task_file(tasks: usize) -> String {
    let task = |number: usize| {
        format!(
            "\n## Task {number}: Create part {number} of the module\n**Type:** backend\n**Priority:** high\n\n\
             **Claude Instruction:**\nCreate part {number} of the module. Follow the pattern of the one that is there.\n"
        )
    };
    (1..=tasks).fold("# Tasks\n".to_owned(), |file, number| file + &task(number))
}
