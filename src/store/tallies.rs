//! Tallies: how much there was of everything that is counted for ever.
//!
//! Triggers of the schema keep them inside the transaction that makes them true; here they are only read, a few rows
//! however long the history.

use super::{Error, Readers};

/// How often something happened, or how many of it there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// What is counted: `events`, `runs`, `sessions`, `notifications`, `micro_usd`, `untold`.
    pub what: String,
    /// Of which kind.
    pub kind: String,
    /// How many.
    pub count: i64,
}

/// How many things took longer than the next shorter bucket and at most `up_to`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// What took its time: `runs`, `gates`.
    pub what: String,
    /// In milliseconds; `i64::MAX` has no end.
    pub up_to: i64,
    /// How many.
    pub count: i64,
    /// How long those took together.
    pub milliseconds: i64,
}

/// Everything that is counted.
pub async fn all(readers: &Readers) -> Result<Vec<Tally>, Error> {
    Ok(sqlx::query_as!(Tally, "SELECT what, kind, count FROM tallies ORDER BY what, kind")
        .fetch_all(readers)
        .await?)
}

/// Everything whose duration is counted, the shorter ones first.
pub async fn durations(readers: &Readers) -> Result<Vec<Bucket>, Error> {
    Ok(sqlx::query_as!(Bucket, "SELECT what, up_to, count, milliseconds FROM durations ORDER BY what, up_to")
        .fetch_all(readers)
        .await?)
}
