//! The limits: programs that do only what can't be left out. This benchmark calls itself to be one of them.

use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use orchestrator::claude::{Conversation, Invocation, Launcher, Marker, RunFiles, Settings};
use serde_json::{Value, json};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, SqliteConnection, SqlitePool};
use uuid::Uuid;

use crate::daemon::binary;
use crate::watched::Watched;

/// What a loop came to, as it tells itself.
#[derive(Clone, Copy, Debug)]
pub struct Looped {
    pub seconds: f64,
    pub own: f64,
    pub children: f64,
}

/// A process a task and nothing else: `spawn`, wait, its output in a file.
pub fn plain_loop(folder: &Path, stand_in: &Path, tasks: usize) {
    told(|| {
        for task in 1..=tasks {
            let output = fs::File::create(folder.join(format!("plain-{task}"))).unwrap();
            let mut command = Command::new(stand_in);
            let status = command.stdin(Stdio::null()).stdout(output).status();
            assert!(status.is_ok_and(|status| status.success()));
        }
    });
}

/// What the daemon can't leave out either: a task's process through the daemon's own launcher, its output read, and one
/// durable transaction in the daemon's own schema that ends the run, says so, and begins the next.
pub fn durable_loop(folder: &Path, stand_in: &Path, tasks: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let options = SqliteConnectOptions::new()
            .filename(folder.join("orchestrator.db"))
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
        let session = insert_session(&mut connection, tasks).await;
        let before = Watched::own().cpu();
        let began = Instant::now();
        let launcher = Launcher::new(binary());
        for task in 1..=tasks {
            run(&launcher, folder, stand_in, task).await;
            commit(&mut connection, &session, task).await;
        }
        launcher.dismiss().await;
        tell(began, before);
        connection.close().await.unwrap();
    });
}

async fn run(launcher: &Launcher, folder: &Path, stand_in: &Path, task: usize) {
    let settings = Settings { command: vec![stand_in.display().to_string()], ..Settings::default() };
    let conversation = Conversation::New(Uuid::new_v4());
    let invocation =
        Invocation::of_claude(&settings, conversation, None, folder.to_owned(), std::env::vars_os());
    let files = RunFiles::new(folder.join("logs"), &format!("task-{task}-run-1"));
    let raw = files.raw();
    let marker = Marker::from(Uuid::new_v4());
    let process = orchestrator::claude::spawn(launcher, &invocation, "Do it.", files, marker);
    process.unwrap().wait().await.unwrap();
    let printed = fs::read_to_string(raw).unwrap();
    let result: Value = serde_json::from_str(printed.lines().last().unwrap()).unwrap();
    assert_eq!(result["is_error"], false);
}

async fn insert_session(connection: &mut SqliteConnection, tasks: usize) -> String {
    let session = "20000101-000000".to_owned();
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.unwrap();
    sqlx::query(
        "INSERT INTO sessions (id, task_file, digest, policy, rehearsal, started_at, last_activity, state)
         VALUES (?, 't.md', 'd', '{}', 0, 't', 't', '{\"status\":\"open\"}')",
    )
    .bind(&session)
    .execute(&mut *transaction)
    .await
    .unwrap();
    for task in 0..tasks {
        sqlx::query("INSERT INTO tasks (session_id, position, spec, progress) VALUES (?, ?, ?, '{\"state\":\"pending\"}')")
            .bind(&session)
            .bind(task.cast_signed() as i64)
            .bind(json!({"number": task + 1, "title": "Create part", "type": "backend"}).to_string())
            .execute(&mut *transaction)
            .await
            .unwrap();
    }
    transaction.commit().await.unwrap();
    insert_run(connection, &session, 1).await;
    session
}

/// As many rows, of the same length, in as many statements as the daemon's: session, two tasks, two runs, two events, the
/// day's account.
async fn commit(connection: &mut SqliteConnection, session: &str, task: usize) {
    let number = i64::try_from(task).unwrap();
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let state =
        json!({"status": "open", "work": {"kind": "running", "run": number}, "gate": null, "owed": []});
    sqlx::query("UPDATE sessions SET state = ?, last_activity = ? WHERE id = ?")
        .bind(state.to_string())
        .bind("2026-11-20T10:55:39.363Z")
        .bind(session)
        .execute(&mut *transaction)
        .await
        .unwrap();
    for (position, state) in [(number - 1, "completed"), (number, "running")] {
        let progress = json!({"state": state, "runs": 1, "attempts": 1, "summary": "All done: the task is complete.",
            "cost": 0.02, "duration": 0.064, "started_at": "2026-11-20T10:55:39.299Z"});
        sqlx::query("UPDATE tasks SET progress = ? WHERE session_id = ? AND position = ?")
            .bind(progress.to_string())
            .bind(session)
            .bind(position)
            .execute(&mut *transaction)
            .await
            .unwrap();
        let subject = json!({"kind": format!("task_{state}"), "subject": {"task": number, "of_total": "1/50",
            "title": "Create part 1 of the module", "rehearsal": false}, "run": number, "took": 0.064, "cost": 0.02,
            "summary": "All done: the task is complete.", "denials": []});
        sqlx::query("INSERT INTO events (session_id, kind, task, at, message, event) VALUES (?, ?, ?, ?, ?, ?)")
            .bind(session)
            .bind(format!("task_{state}"))
            .bind(number)
            .bind("2026-11-20T10:55:39.363Z")
            .bind("Task 1/50, Create part 1 of the module: completed in 0.1s, $0.02. All done: the task is complete.")
            .bind(subject.to_string())
            .execute(&mut *transaction)
            .await
            .unwrap();
    }
    let outcome = json!({"verdict": {"kind": "completed", "summary": "All done: the task is complete."},
        "usage": {"cost": 0.02, "input_tokens": 1200, "output_tokens": 310, "model": "claude-opus-5-5",
        "conversation": "dc5138c3-650b-4115-a00e-63f4b2b52306"}, "last_activity": "All done: the task is complete."});
    sqlx::query("UPDATE runs SET ended_at = ?, outcome = ? WHERE id = ?")
        .bind("2026-11-20T10:55:39.363Z")
        .bind(outcome.to_string())
        .bind(number)
        .execute(&mut *transaction)
        .await
        .unwrap();
    sqlx::query(
        "INSERT INTO spending (day, micro_usd, tokens) VALUES ('2026-11-20', 20000, 1510)
         ON CONFLICT DO UPDATE SET micro_usd = micro_usd + 20000, tokens = tokens + 1510",
    )
    .execute(&mut *transaction)
    .await
    .unwrap();
    insert_run(&mut transaction, session, number + 1).await;
    transaction.commit().await.unwrap();
}

async fn insert_run(connection: &mut SqliteConnection, session: &str, number: i64) {
    sqlx::query(
        "INSERT INTO runs
           (id, session_id, task, number, marker, boot_id, pid_namespace, folder, conversation, resumed, claimed_at)
         VALUES (?, ?, ?, 1, ?, '880cdb0f-1f6c-428e-b286-e4c5984f7904', 'pid:[4026531836]', ?, ?, 0, ?)",
    )
    .bind(number)
    .bind(session)
    .bind(number)
    .bind(Uuid::new_v4().to_string())
    .bind("/home/op/project/orchestrator_logs/20261120-105539")
    .bind(Uuid::new_v4().to_string())
    .bind("2026-11-20T10:55:39.299Z")
    .execute(connection)
    .await
    .unwrap();
}

/// An HTTP server that answers everything with what one read of `SQLite` gives.
pub fn bare_axum(database: &Path, port: u16) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let options = SqliteConnectOptions::new().filename(database).read_only(true);
        let pool = SqlitePoolOptions::new().max_connections(2).connect_lazy_with(options);
        let router = Router::new()
            .route("/status", post(read))
            .route("/health", get(async || r#"{"status":"ok"}"#))
            .with_state(Arc::new(pool));
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.unwrap();
        axum::serve(listener, router).await.unwrap();
    });
}

async fn read(State(pool): State<Arc<SqlitePool>>) -> impl IntoResponse {
    let body: String =
        sqlx::query_scalar("SELECT body FROM answer WHERE id = 1").fetch_one(&*pool).await.unwrap();
    ([(CONTENT_TYPE, "application/json")], body)
}

/// Makes the database that the server reads.
pub fn prepare_axum(database: &Path, body: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let options = SqliteConnectOptions::new()
            .filename(database)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal);
        let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
        sqlx::query("CREATE TABLE answer (id INTEGER PRIMARY KEY, body TEXT NOT NULL)")
            .execute(&mut connection)
            .await
            .unwrap();
        sqlx::query("INSERT INTO answer VALUES (1, ?)").bind(body).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    });
}

/// Calls this program to be one of the loops.
pub fn looped(part: &str, folder: &Path, stand_in: &Path, tasks: usize) -> Looped {
    let program = std::env::current_exe().unwrap();
    let output =
        Command::new(program).arg(part).arg(folder).arg(stand_in).arg(tasks.to_string()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{part}: {said}{}", String::from_utf8_lossy(&output.stderr));
    let told: Value = serde_json::from_str(&said).unwrap();
    let number = |name: &str| told[name].as_f64().unwrap();
    Looped { seconds: number("seconds"), own: number("own"), children: number("children") }
}

fn told(work: impl FnOnce()) {
    let before = Watched::own().cpu();
    let began = Instant::now();
    work();
    tell(began, before);
}

fn tell(began: Instant, before: crate::watched::Cpu) {
    let seconds = began.elapsed().as_secs_f64();
    let cpu = Watched::own().cpu().since(before);
    println!(
        "{}",
        json!({"seconds": seconds, "own": cpu.own.as_secs_f64(), "children": cpu.children.as_secs_f64()})
    );
}
