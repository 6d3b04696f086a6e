//! Spending: each day's account, over all sessions, a row a day.

use jiff::civil::Date;
use sqlx::SqliteConnection;

use super::Error;
use crate::domain::limits::{Amount, DayAccount};
use crate::domain::usd::Usd;

struct Row {
    micro_usd: i64,
    tokens: i64,
    untold: u32,
    micro_usd_up_to: Option<i64>,
    tokens_up_to: Option<i64>,
}

impl Row {
    fn on(self, day: Date) -> DayAccount {
        DayAccount {
            day,
            cost: Usd::from_micros(self.micro_usd),
            tokens: self.tokens.unsigned_abs(),
            untold: self.untold,
            cost_up_to: self.micro_usd_up_to.map(Usd::from_micros),
            tokens_up_to: self.tokens_up_to.map(i64::unsigned_abs),
        }
    }
}

/// A day's account.
pub async fn of(conn: &mut SqliteConnection, day: Date) -> Result<DayAccount, Error> {
    let named = day.to_string();
    let row = sqlx::query_as!(
        Row,
        r#"SELECT micro_usd, tokens, untold AS "untold: u32", micro_usd_up_to, tokens_up_to
             FROM spending WHERE day = ?"#,
        named
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map_or(DayAccount::new(day), |row| row.on(day)))
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
