//! What the store promises of SQLite: that it is asked by index, that it keeps its constraints, that it is durable, and
//! that what nobody of ours wrote is an error with a name.

use std::fs;
use std::path::Path;

use jiff::Timestamp;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, Row as _, SqliteConnection};
use tempfile::TempDir;
use uuid::Uuid;

use super::requests::{self, Key, Recorded, Seen};
use super::{Error, Store, events, gates, prune, restored, runs, sessions};
use crate::domain::id::{GateId, RunId, SessionId, TaskNumber};

const SESSION: &str = "20251120-093015";

/// A store in a folder of its own.
async fn store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("test.db")).await.unwrap();
    (folder, store)
}

async fn run_sql(connection: &mut SqliteConnection, statement: &str) -> Result<(), sqlx::Error> {
    connection.execute(AssertSqlSafe(statement)).await.map(drop)
}

async fn with_a_session(store: &Store) {
    let statement = format!(
        r#"INSERT INTO sessions (id, task_file, digest, policy, rehearsal, started_at, last_activity, state)
           VALUES ('{SESSION}', 'a.md', 'd', '{{}}', 0, '2025-11-20T09:30:15Z', '2025-11-20T09:30:15Z',
                   '{{"status":"completed","at":"2025-11-20T09:30:15Z"}}')"#
    );
    run_sql(&mut *store.writer().await, &statement).await.unwrap();
}

fn run(id: i64) -> runs::Run {
    runs::Run {
        id: RunId(id),
        session: SessionId::new(SESSION),
        task: TaskNumber(1),
        number: 1,
        marker: Uuid::new_v4(),
        boot_id: String::new(),
        pid_namespace: String::new(),
        folder: "/tmp".into(),
        conversation: Uuid::new_v4(),
        resumed: false,
        claimed_at: Timestamp::UNIX_EPOCH,
    }
}

fn is_corrupt<T: std::fmt::Debug>(result: Result<T, Error>, in_table: &str) -> bool {
    match result {
        Err(Error::Corrupt { table, .. }) => table == in_table,
        other => panic!("{other:?}"),
    }
}

/// Every query of the program is in the folder of the prepared ones.
#[tokio::test]
async fn every_query_finds_its_rows_by_an_index() {
    let (_folder, store) = store().await;
    let prepared = Path::new(env!("CARGO_MANIFEST_DIR")).join(".sqlx");
    let mut asked = 0;
    for file in fs::read_dir(prepared).unwrap() {
        let file = fs::read_to_string(file.unwrap().path()).unwrap();
        let file: serde_json::Value = serde_json::from_str(&file).unwrap();
        for query in file["query"].as_str().unwrap().split(';') {
            let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {query}"));
            let plan = sqlx::query(explain).fetch_all(&mut *store.writer().await).await.unwrap();
            for step in plan {
                let step: String = step.get("detail");
                assert!(!step.contains("TEMP B-TREE"), "{step}: {query}");
                assert!(!step.starts_with("SCAN") || may_scan(&step, query), "{step}: {query}");
            }
            asked += 1;
        }
    }
    assert!(asked > 20, "{asked} queries");
}

/// The newest few in the order in which they were written, what is open or waits by a partial index, and the tables and
/// arguments that have few rows whatever the history.
fn may_scan(step: &str, query: &str) -> bool {
    let newest =
        query.contains("ORDER BY ordinal DESC LIMIT") && ["SCAN sessions", "SCAN gates"].contains(&step);
    let only = [
        "one_active_run",
        "open_holds",
        "unovercome_holds",
        "pending_notifications",
        "undelivered_notifications",
    ]
    .iter()
    .any(|index| step.ends_with(index));
    let few = ["SCAN meta", "SCAN tallies", "SCAN durations", "SCAN json_each"];
    let few = few.iter().any(|scan| step.starts_with(scan));
    newest || only || few || step == "SCAN CONSTANT ROW"
}

#[tokio::test]
async fn what_is_committed_is_synced_and_only_the_writer_writes() {
    let (_folder, store) = store().await;
    let mut writer = store.writer().await;
    for (pragma, value) in [("synchronous", "2"), ("foreign_keys", "1"), ("busy_timeout", "5000")] {
        let set: i64 = sqlx::query_scalar(AssertSqlSafe(format!("PRAGMA {pragma}")))
            .fetch_one(&mut *writer)
            .await
            .unwrap();
        assert_eq!(set.to_string(), value, "{pragma}");
    }
    let mode: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut *writer).await.unwrap();
    assert_eq!(mode, "wal");
    let orphan =
        "INSERT INTO events (session_id, kind, at, message, event) VALUES ('nobody', '', '', '', '{}')";
    let refused = run_sql(&mut writer, orphan).await.unwrap_err().to_string();
    assert!(refused.contains("FOREIGN KEY"), "{refused}");
    let refused = store.readers().execute("DELETE FROM meta").await.unwrap_err().to_string();
    assert!(refused.contains("readonly"), "{refused}");
}

#[tokio::test]
async fn a_second_open_run_is_refused() {
    let (_folder, store) = store().await;
    with_a_session(&store).await;
    let mut writer = store.writer().await;
    runs::insert(&mut writer, &run(1)).await.unwrap();
    let second = runs::insert(&mut writer, &run(2)).await;
    assert!(matches!(second, Err(Error::Statement(_))), "{second:?}");
    run_sql(&mut writer, "UPDATE runs SET ended_at = '2025-11-20T09:30:15Z'").await.unwrap();
    runs::insert(&mut writer, &run(2)).await.unwrap();
    assert_eq!(runs::last(&mut writer).await.unwrap(), RunId(2));
}

/// As the daemon and a person's shell would: each reads, then writes what it read.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_writers_take_turns() {
    const EACH: i64 = 100;
    let (folder, store) = store().await;
    run_sql(&mut *store.writer().await, "INSERT INTO meta VALUES ('count', '0')").await.unwrap();
    let other = Store::open(&folder.path().join("test.db")).await.unwrap();
    let count = async |store: &Store| {
        for _ in 0..EACH {
            let mut writer = store.writer().await;
            let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await.unwrap();
            let value: String = sqlx::query_scalar("SELECT value FROM meta WHERE key = 'count'")
                .fetch_one(&mut *transaction)
                .await
                .unwrap();
            let next = value.parse::<i64>().unwrap() + 1;
            let statement = format!("UPDATE meta SET value = '{next}' WHERE key = 'count'");
            run_sql(&mut transaction, &statement).await.unwrap();
            transaction.commit().await.unwrap();
        }
    };
    tokio::join!(count(&store), count(&other));
    let total: String = sqlx::query_scalar("SELECT value FROM meta WHERE key = 'count'")
        .fetch_one(store.readers())
        .await
        .unwrap();
    assert_eq!(total, (2 * EACH).to_string());
}

#[tokio::test]
async fn a_schema_of_the_future_is_refused() {
    let (folder, store) = store().await;
    let future = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                  VALUES (9999, 'from the future', 1, x'00', 1)";
    run_sql(&mut *store.writer().await, future).await.unwrap();
    let refused = Store::open(&folder.path().join("test.db")).await.unwrap_err();
    assert!(matches!(refused, Error::Newer { found: 9999, .. }), "{refused:?}");
    assert!(refused.to_string().contains("was written by a newer version of this program"), "{refused}");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.db");
    fs::write(&path, "This is not a database, but long enough to be looked at as one.").unwrap();
    let refused = Store::open(&path).await.unwrap_err().to_string();
    assert!(refused.contains("test.db") && refused.contains("not a database"), "{refused}");
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_an_error_with_its_table() {
    let (_folder, store) = store().await;
    with_a_session(&store).await;
    let id = SessionId::new(SESSION);
    let mut writer = store.writer().await;
    assert!(is_corrupt(sessions::load(&mut writer, &id).await, "sessions"), "the policy lacks everything");

    run_sql(&mut writer, &format!("INSERT INTO tasks (session_id, position, spec, progress) VALUES ('{SESSION}', 0, '[]', '{{\"state\":\"done\"}}')"))
        .await
        .unwrap();
    assert!(is_corrupt(sessions::load(&mut writer, &id).await, "tasks"));

    let gate = GateId::named("g7_aaaa");
    run_sql(&mut writer, &format!("INSERT INTO gates (id, session_id, gate, opened_at) VALUES ('{gate}', '{SESSION}', 'nonsense', '')"))
        .await
        .unwrap();
    assert!(is_corrupt(gates::find(&mut writer, &gate).await, "gates"));
    assert!(is_corrupt(gates::list(store.readers(), 10).await, "gates"));

    runs::insert(&mut writer, &run(1)).await.unwrap();
    run_sql(&mut writer, "UPDATE runs SET marker = 'nonsense'").await.unwrap();
    assert!(is_corrupt(runs::open(&mut writer).await, "runs"));

    run_sql(&mut writer, &format!("INSERT INTO events (session_id, kind, at, message, event) VALUES ('{SESSION}', '', 'noon', '', '{{}}')"))
        .await
        .unwrap();
    assert!(is_corrupt(events::story(store.readers(), &id, 10).await, "events"));
}

#[tokio::test]
async fn a_key_is_remembered_for_a_day() {
    const DAY: i64 = 24 * 60 * 60;
    let (_folder, store) = store().await;
    let mut writer = store.writer().await;
    let key = |name: &str| Key { key: name.to_owned(), fingerprint: "f".to_owned() };
    let at = |second| Timestamp::from_second(second).unwrap();
    let answer = Recorded { status: 409, body: "{}".to_owned() };
    requests::record(&mut writer, &key("first"), &answer, at(DAY)).await.unwrap();
    let otherwise = Key { fingerprint: "g".to_owned(), ..key("first") };
    for (asked, second, seen) in [
        (&key("first"), 2 * DAY - 1, Seen::Answered(answer.clone())),
        (&otherwise, 2 * DAY - 1, Seen::Otherwise),
        (&key("second"), DAY, Seen::Never),
        (&key("first"), 2 * DAY, Seen::Never),
        (&otherwise, 2 * DAY, Seen::Never),
    ] {
        assert_eq!(requests::seen(&mut writer, asked, at(second)).await.unwrap(), seen);
    }
    requests::record(&mut writer, &key("second"), &answer, at(2 * DAY)).await.unwrap();
    let kept: i64 =
        sqlx::query_scalar("SELECT count(*) FROM requests").fetch_one(&mut *writer).await.unwrap();
    assert_eq!(kept, 1, "the first is forgotten");
}

/// SQLite rolls back by itself when there is no space, and who counts transactions doesn't notice.
#[tokio::test]
async fn the_writer_writes_again_when_there_is_space_again() {
    let (_folder, store) = store().await;
    let mut writer = store.writer().await;
    run_sql(&mut writer, "PRAGMA max_page_count = 1").await.unwrap();
    let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let full =
        transaction.execute("INSERT INTO meta VALUES ('much', hex(zeroblob(500000)))").await.unwrap_err();
    assert!(matches!(Error::from(full), Error::Unavailable(_)));
    drop(transaction);

    store.mend(&mut writer).await.unwrap();
    let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await.unwrap();
    transaction.execute("INSERT INTO meta VALUES ('little', 'x')").await.unwrap();
    transaction.commit().await.unwrap();
    let kept: Vec<String> = sqlx::query_scalar("SELECT key FROM meta WHERE key IN ('much', 'little')")
        .fetch_all(&mut *writer)
        .await
        .unwrap();
    assert_eq!(kept, ["little"]);
}

#[tokio::test]
async fn a_file_that_is_moved_away_while_it_is_opened_is_missing_not_broken() {
    let (folder, store) = store().await;
    let (path, away) = (folder.path().join("test.db"), folder.path().join("away"));
    // It opens the file at once, and the log with the first thing it reads.
    let opening = SqliteConnectOptions::new().filename(&path).read_only(true);
    let mut opening = opening.connect().await.unwrap();
    fs::rename(&path, &away).unwrap();
    let missed = restored::newest_event(&mut opening).await.unwrap_err();
    assert!(matches!(&missed, Error::Statement(error) if error.to_string().contains("1802")), "{missed:?}");
    fs::rename(&away, &path).unwrap();
    restored::newest_event(&mut opening).await.unwrap();
    opening.close().await.unwrap();
    drop(store);
}

#[tokio::test]
async fn a_session_that_ended_in_the_second_of_the_limit_is_old_by_its_parts() {
    let (_folder, store) = store().await;
    with_a_session(&store).await;
    let newer = "INSERT INTO sessions (id, task_file, digest, policy, rehearsal, started_at, last_activity, state)
                 SELECT 'newer', task_file, digest, policy, rehearsal, started_at, last_activity, state FROM sessions";
    let mut writer = store.writer().await;
    run_sql(&mut writer, newer).await.unwrap();
    for (limit, old) in [("2025-11-20T09:30:15Z", 0), ("2025-11-20T09:30:15.2Z", 1)] {
        let ended = prune::ended(&mut writer, limit.parse().unwrap()).await.unwrap();
        assert_eq!(ended.len(), old, "{limit}");
    }
}
