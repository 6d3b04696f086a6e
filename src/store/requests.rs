//! Requests: the first answer to each key, so that a repeated command is not a second one.

use jiff::{SignedDuration, Timestamp};
use sqlx::SqliteConnection;

use super::Error;

/// How long a key is remembered.
pub const REMEMBERED_FOR: SignedDuration = SignedDuration::from_hours(24);

/// What makes two requests the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// What the client chose.
    pub key: String,
    /// A digest of the endpoint and of what was asked for.
    pub fingerprint: String,
}

/// An answer as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: String,
}

/// What is known of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Nothing.
    Never,
    /// The same request was answered with this.
    Answered(Recorded),
    /// It was used for something else.
    Otherwise,
}

/// Looks a key up.
pub async fn seen(conn: &mut SqliteConnection, key: &Key, now: Timestamp) -> Result<Seen, Error> {
    let oldest = now.as_second() - REMEMBERED_FOR.as_secs();
    let row = sqlx::query!(
        r#"SELECT fingerprint, status AS "status: u16", answer FROM requests WHERE key = ? AND at > ?"#,
        key.key,
        oldest
    )
    .fetch_optional(conn)
    .await?;
    Ok(match row {
        None => Seen::Never,
        Some(row) if row.fingerprint == key.fingerprint => {
            Seen::Answered(Recorded { status: row.status, body: row.answer })
        }
        Some(_) => Seen::Otherwise,
    })
}

/// Records the answer to a key, and forgets those that are too old to be asked for.
pub async fn record(
    conn: &mut SqliteConnection,
    key: &Key,
    answer: &Recorded,
    now: Timestamp,
) -> Result<(), Error> {
    let at = now.as_second();
    let oldest = at - REMEMBERED_FOR.as_secs();
    sqlx::query!("DELETE FROM requests WHERE at <= ?", oldest).execute(&mut *conn).await?;
    sqlx::query!(
        "INSERT OR REPLACE INTO requests (key, fingerprint, status, answer, at) VALUES (?, ?, ?, ?, ?)",
        key.key,
        key.fingerprint,
        answer.status,
        answer.body,
        at
    )
    .execute(conn)
    .await?;
    Ok(())
}
