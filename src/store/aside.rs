//! A database that can't be read is put aside, with all that belongs to it: nothing is deleted.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use sqlx::SqliteConnection;

use super::{Error, Note};
use crate::files::{beside, free};

/// Whether a file that can't be read was a database of ours, as far as anyone can tell: it was used as one, says that it is
/// one, or has the name of one. Somebody's configuration or notes under `paths.database` are a mistake, not damage.
pub fn was_ours(path: &Path, note: &Note) -> bool {
    let mut header = [0; 15];
    let says_so = File::open(path).and_then(|file| file.read_exact_at(&mut header, 0)).is_ok()
        && header == *b"SQLite format 3";
    let ending = path.extension().and_then(|ending| ending.to_str());
    let is_named_so = ending.is_some_and(|ending| ["db", "sqlite", "sqlite3"].contains(&ending));
    note.epoch.is_some() || says_so || is_named_so
}

/// Where a database can be put aside: `<database>.<ending>`, or the next name that is free.
pub fn place(path: &Path, ending: &str) -> PathBuf {
    free(path, &format!(".{ending}"))
}

/// Puts a database, which nobody has open, aside. Its logs keep their endings behind the new name, so that whoever looks
/// into it later has them where `SQLite` looks for them.
pub fn set_aside(path: &Path, place: &Path) -> Result<(), Error> {
    // The database last: for as long as it is there, it is found again.
    for ending in ["-wal", "-shm", "-journal", ""] {
        let file = beside(path, ending);
        if file.symlink_metadata().is_ok() {
            std::fs::rename(&file, beside(place, ending))
                .map_err(|source| Error::Aside { path: file.clone(), source })?;
        }
    }
    Ok(())
}

/// Keeps a sentence about what was put aside before this database, for whoever asks how things stand.
pub async fn keep_notice(conn: &mut SqliteConnection, notice: &str) -> Result<(), Error> {
    sqlx::query!("INSERT OR REPLACE INTO meta (key, value) VALUES ('set_aside', ?)", notice)
        .execute(conn)
        .await?;
    Ok(())
}

/// That sentence, if something was put aside.
pub async fn notice(conn: &mut SqliteConnection) -> Result<Option<String>, Error> {
    Ok(sqlx::query_scalar!("SELECT value FROM meta WHERE key = 'set_aside'").fetch_optional(conn).await?)
}
