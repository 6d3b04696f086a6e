//! The smallest write there is: that it is committed proves that anything could be.

use jiff::Timestamp;
use sqlx::SqliteConnection;

use super::Error;

/// Writes when the daemon was last known to be able to; one row, for ever.
pub async fn beat(writer: &mut SqliteConnection, now: Timestamp) -> Result<(), Error> {
    let now = now.to_string();
    sqlx::query!(
        "INSERT INTO meta (key, value) VALUES ('pulse', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        now
    )
    .execute(writer)
    .await?;
    Ok(())
}
