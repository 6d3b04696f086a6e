//! Spending: each day's account, over all sessions, a row a day.

use jiff::civil::Date;
use sqlx::SqliteConnection;

use super::Error;
use crate::domain::limits::{Amount, DayAccount};
use crate::domain::usage::Usage;
use crate::domain::usd::Usd;

/// A day's account.
pub async fn of(conn: &mut SqliteConnection, day: Date) -> Result<DayAccount, Error> {
    let named = day.to_string();
    let row = sqlx::query!(
        r#"SELECT micro_usd, tokens, untold AS "untold: u32", micro_usd_up_to, tokens_up_to
             FROM spending WHERE day = ?"#,
        named
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map_or(DayAccount::new(day), |row| DayAccount {
        day,
        cost: Usd::from_micros(row.micro_usd),
        tokens: row.tokens.unsigned_abs(),
        untold: row.untold,
        cost_up_to: row.micro_usd_up_to.map(Usd::from_micros),
        tokens_up_to: row.tokens_up_to.map(i64::unsigned_abs),
    }))
}

/// Adds what a run used up.
pub async fn add(conn: &mut SqliteConnection, day: Date, usage: &Usage) -> Result<(), Error> {
    let (day, micro_usd) = (day.to_string(), usage.cost.micros());
    let tokens = i64::try_from(usage.tokens()).unwrap_or(i64::MAX);
    let untold = i64::from(usage.at_least) - i64::from(usage.includes);
    sqlx::query!(
        "INSERT INTO spending (day, micro_usd, tokens, untold) VALUES (?1, ?2, ?3, max(0, ?4))
         ON CONFLICT DO UPDATE SET micro_usd = micro_usd + excluded.micro_usd, tokens = tokens + excluded.tokens,
             untold = max(0, untold + ?4)",
        day,
        micro_usd,
        tokens,
        untold
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Puts what a person granted in the place of a limit, for this day; a day's limits are of money and of tokens.
pub async fn grant(conn: &mut SqliteConnection, day: Date, up_to: Amount) -> Result<(), Error> {
    let day = day.to_string();
    let (micro_usd, tokens) = match up_to {
        Amount::Usd(up_to) => (Some(up_to.micros()), None),
        Amount::Tokens(up_to) => (None, Some(i64::try_from(up_to).unwrap_or(i64::MAX))),
        Amount::Time(_) => (None, None),
    };
    sqlx::query!(
        "INSERT INTO spending (day, micro_usd, tokens, micro_usd_up_to, tokens_up_to) VALUES (?, 0, 0, ?, ?)
         ON CONFLICT DO UPDATE SET micro_usd_up_to = ifnull(excluded.micro_usd_up_to, micro_usd_up_to),
             tokens_up_to = ifnull(excluded.tokens_up_to, tokens_up_to)",
        day,
        micro_usd,
        tokens
    )
    .execute(conn)
    .await?;
    Ok(())
}
