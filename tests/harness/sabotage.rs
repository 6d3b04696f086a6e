//! The judge on trial: daemons that are broken on purpose, one promise each, and whose crime must be found out.
//!
//! A copy of the tree is patched and built; nothing of this is in what is shipped. Which promise the copy breaks is told it
//! by a variable, so that it is built once.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::arena::Setting;
use crate::{NoFaults, trial};

/// What a daemon may be told to do wrong, what the judge may call it, and how many kills mostly are enough to see it.
const CRIMES: [(&str, &[&str], u64); 10] = [
    ("acknowledge_before_commit", &["lost:"], 400),
    ("forget_keys", &["lost:", "doubled:"], 100),
    ("start_unapproved", &["unapproved:"], 150),
    ("pass_checkpoints", &["unapproved:"], 60),
    ("run_adopted_again", &["overlap:", "leftover:", "unapproved:"], 400),
    ("lose_results", &["verdict:", "cost:"], 100),
    ("leave_processes", &["leftover:", "overlap:"], 200),
    ("refuse_answers", &["unanswerable:"], 100),
    ("miss_events", &["events:"], 200),
    ("charge_twice", &["cost:"], 150),
];

/// So often it may get away with it. It is by chance that a kill meets the moment of a crime: a fifth of the rounds miss some.
const ROUNDS: u64 = 8;

/// Which line becomes which.
const PATCHES: [(&str, &str, &str); 13] = [
    (
        "src/engine/mod.rs",
        "        tokio::spawn(async move { engine.watched(engine.execute_once(request, render)).await })\n            .await\n",
        "        let (sender, early) = tokio::sync::oneshot::channel();\n\
         \x20       let work = async move { engine.watched(engine.execute_once(request, render)).await };\n\
         \x20       let work = tokio::spawn(EARLY.scope(std::cell::Cell::new(Some(sender)), work));\n\
         \x20       if let Ok(reply) = early.await { return Ok(reply); }\n        work.await\n",
    ),
    (
        "src/engine/mod.rs",
        "            write.record(key, &recorded).await?;\n        }\n",
        "            write.record(key, &recorded).await?;\n        }\n\
         \x20       if crate::breaks(\"acknowledge_before_commit\") {\n\
         \x20           let reply = Reply { recorded: recorded.clone(), replayed: false };\n\
         \x20           EARLY.with(|early| early.take().map(|early| early.send(reply).is_ok()));\n\
         \x20           tokio::time::sleep(Duration::from_millis(1)).await;\n        }\n",
    ),
    (
        "src/engine/mod.rs",
        "/// What the engine needs to know of the configuration.\n",
        "tokio::task_local! { static EARLY: std::cell::Cell<Option<tokio::sync::oneshot::Sender<Reply>>>; }\n\n\
         /// What the engine needs to know of the configuration.\n",
    ),
    (
        "src/store/requests.rs",
        "    let oldest = now.as_second() - REMEMBERED_FOR.as_secs();\n",
        "    if crate::breaks(\"forget_keys\") { return Ok(Seen::Never); }\n\
         \x20   let oldest = now.as_second() - REMEMBERED_FOR.as_secs();\n",
    ),
    (
        "src/domain/settle.rs",
        "        if reasons.is_empty() {\n            self.make_ready",
        "        if reasons.is_empty() || (crate::breaks(\"start_unapproved\") && task.number().0 == 2) {\n\
         \x20           self.make_ready",
    ),
    (
        "src/domain/settle.rs",
        "        reasons.extend(own_reasons(&self.session, task));\n",
        "        if crate::breaks(\"pass_checkpoints\") { reasons.clear(); }\n\
         \x20       reasons.extend(own_reasons(&self.session, task));\n",
    ),
    (
        "src/worker/job.rs",
        "                Found::Adopted(process) => {\n",
        "                Found::Adopted(_) if crate::breaks(\"run_adopted_again\") => {\n\
         \x20                   return Ok(outcome(Verdict::NeverRan));\n                }\n\
         \x20               Found::Adopted(process) => {\n",
    ),
    (
        "src/worker/job.rs",
        "                Found::Gone(process) => process,\n",
        "                Found::Gone(_) if crate::breaks(\"lose_results\") => return Ok(outcome(Verdict::Lost)),\n\
         \x20               Found::Gone(process) => process,\n",
    ),
    (
        "src/claude/sweep.rs",
        "        let begun = Instant::now();\n",
        "        if crate::breaks(\"leave_processes\") { return Ok(0); }\n        let begun = Instant::now();\n",
    ),
    (
        "src/claude/launch.rs",
        "    let leftovers = end_leftovers(group.as_ref());\n",
        "    let leftovers =\n\
         \x20       if crate::breaks(\"leave_processes\") { Some(0) } else { end_leftovers(group.as_ref()) };\n",
    ),
    (
        "src/domain/attempt.rs",
        "        progress.cost += usage.cost;\n",
        "        progress.cost += usage.cost;\n\
         \x20       if crate::breaks(\"charge_twice\") && progress.runs > 1 { progress.cost += usage.cost; }\n",
    ),
    (
        "src/domain/refused.rs",
        "pub(super) fn check_gate(session: &Session, order: &Order) -> Result<(), Refused> {\n",
        "pub(super) fn check_gate(session: &Session, order: &Order) -> Result<(), Refused> {\n\
         \x20   if crate::breaks(\"refuse_answers\") && matches!(order.command, Command::Skip { .. }) {\n\
         \x20       return Err(Refused::NotNow(\"not today\".to_owned()));\n    }\n",
    ),
    (
        "src/http/events.rs",
        "            self.after = stored.id;\n",
        "            self.after = stored.id;\n\
         \x20           if crate::breaks(\"miss_events\") && stored.id % 50 == 0 { continue; }\n",
    ),
];

const BREAKS: &str = "\n/// Whether this copy is to break that promise.\n\
    pub fn breaks(promise: &str) -> bool { std::env::var(\"SABOTAGE\").is_ok_and(|it| it == promise) }\n";

/// The trial takes minutes; that it can still be held is seen at once.
#[test]
fn every_promise_can_still_be_broken() {
    for (file, from, _) in PATCHES {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
        assert_eq!(text.matches(from).count(), 1, "{file} has changed: sabotage it anew: {from}");
    }
}

#[test]
#[ignore = "builds a sabotaged copy of the daemon: .ci/run asks for it"]
fn the_judge_finds_every_crime() {
    // One that was built before saves the time.
    let program = std::env::var_os("HARNESS_SABOTAGED").map_or_else(build, PathBuf::from);
    let seed = crate::seed();
    let next = AtomicUsize::new(0);
    let missed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..crate::ARENAS {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(crime) = CRIMES.get(number) else { break };
                    if let Some(complaints) = undetected(*crime, &program, seed.wrapping_add(number as u64)) {
                        missed.lock().unwrap().push((crime.0, complaints));
                    }
                }
            });
        }
    });
    let missed = missed.into_inner().unwrap();
    assert!(missed.is_empty(), "HARNESS_SEED={seed}: not found out: {missed:#?}");
    let honest = trial(Setting { program, ..Setting::usual() }, seed, 60, &NoFaults);
    assert!(honest.complaints.is_empty(), "the copy that breaks nothing: {:#?}", honest.complaints);
}

/// Commits one crime, and answers with what the judge said if that wasn't its name.
fn undetected(crime: (&str, &[&str], u64), program: &Path, seed: u64) -> Option<Vec<String>> {
    let (crime, called, kills) = crime;
    let setting = Setting {
        program: program.to_owned(),
        environment: vec![("SABOTAGE", crime.to_owned())],
        ..Setting::usual()
    };
    for round in 1..=ROUNDS {
        let outcome = trial(setting.clone(), seed.wrapping_mul(round), kills, &NoFaults);
        let found = outcome.complaints.first().cloned().unwrap_or_default();
        let found = found.chars().take(160).collect::<String>();
        eprintln!("{crime}: round {round}, after {} kills: {found}", outcome.kills);
        let is_it = |complaint: &String| called.iter().any(|called| complaint.starts_with(called));
        if outcome.complaints.iter().any(is_it) {
            return None;
        }
        // Called something else.
        if !outcome.complaints.is_empty() {
            return Some(outcome.complaints);
        }
    }
    Some(Vec::new())
}

/// Builds the copy, in a folder of its own beside what is built from the tree.
fn build() -> PathBuf {
    let tree = Path::new(env!("CARGO_MANIFEST_DIR"));
    let built = Path::new(env!("CARGO_BIN_EXE_orchestrator")).parent().unwrap();
    let place = built.join("sabotage");
    let (copy, target) = (place.join("tree"), place.join("target"));
    fs::create_dir_all(&copy).unwrap();
    shell(
        "cd \"$1\" && find . -maxdepth 1 -mindepth 1 ! -name target ! -name .git ! -name tests ! -name fuzz | while read -r part; do
           rm -rf \"$2/$part\"; cp -a \"$part\" \"$2/$part\"
         done
         # The manifest names it.
         mkdir -p \"$2/tests/e2e\" && : > \"$2/tests/e2e/main.rs\"",
        &[tree, &copy],
    );
    for (file, from, to) in PATCHES {
        let path = copy.join(file);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(path, text.replace(from, to)).unwrap();
    }
    let library = copy.join("src/lib.rs");
    let text = fs::read_to_string(&library).unwrap();
    fs::write(&library, text + BREAKS).unwrap();
    // What it depends on is built already; our own crate isn't to be written into by both.
    shell(
        "if [ ! -e \"$2/debug\" ]; then
           mkdir -p \"$2/debug\" && cd \"$1\" && cp -al deps build .fingerprint \"$2/debug/\" &&
             find \"$2/debug\" -maxdepth 2 -name '*orchestrator*' -exec rm -rf {} +
         fi",
        &[built, &target],
    );
    let status = Command::new(env!("CARGO"))
        .args(["build", "--offline", "--locked", "--bin", "orchestrator"])
        .current_dir(&copy)
        .env("CARGO_TARGET_DIR", &target)
        .env("SQLX_OFFLINE", "true")
        .status()
        .unwrap();
    assert!(status.success(), "the sabotaged copy doesn't build");
    target.join("debug/orchestrator")
}

fn shell(script: &str, arguments: &[&Path]) {
    let status = Command::new("sh").args(["-c", script, "sh"]).args(arguments).status().unwrap();
    assert!(status.success(), "{script}");
}
