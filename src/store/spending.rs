//! Spending: what all runs of a day used up, a row a day.

use jiff::civil::Date;
use sqlx::SqliteConnection;

use super::Error;
use crate::domain::limits::Spent;
use crate::domain::run::Usage;
use crate::domain::usd::Usd;

/// What a day's runs have used up.
pub async fn of(conn: &mut SqliteConnection, day: Date) -> Result<Spent, Error> {
    let named = day.to_string();
    let row = sqlx::query!("SELECT micro_usd, tokens FROM spending WHERE day = ?", named)
        .fetch_optional(conn)
        .await?;
    Ok(row.map_or(Spent::nothing(day), |row| Spent {
        day,
        cost: Usd::from_micros(row.micro_usd),
        tokens: row.tokens.unsigned_abs(),
    }))
}

/// Adds what a run used up.
pub async fn add(conn: &mut SqliteConnection, day: Date, usage: &Usage) -> Result<(), Error> {
    let (day, micro_usd) = (day.to_string(), usage.cost.micros());
    let tokens = i64::try_from(usage.tokens()).unwrap_or(i64::MAX);
    sqlx::query!(
        "INSERT INTO spending (day, micro_usd, tokens) VALUES (?, ?, ?)
         ON CONFLICT DO UPDATE SET micro_usd = micro_usd + excluded.micro_usd, tokens = tokens + excluded.tokens",
        day,
        micro_usd,
        tokens
    )
    .execute(conn)
    .await?;
    Ok(())
}
