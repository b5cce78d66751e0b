//! Small values that must outlive the process: how far something was read or sent. Keys are their users' own.

use rusqlite::{OptionalExtension as _, params};

use super::{JournalResult, Tx};

/// Values by context and key.
pub(super) const TABLES: &str = "
CREATE TABLE state (
    context TEXT NOT NULL,
    key     TEXT NOT NULL,
    value   TEXT NOT NULL,
    PRIMARY KEY (context, key)
) STRICT, WITHOUT ROWID;
";

/// The context of what belongs to none.
pub const EVERYWHERE: &str = "";

/// The value of a key, where it was put.
pub fn get(tx: &Tx<'_>, context: &str, key: &str) -> JournalResult<Option<String>> {
    Ok(tx
        .prepare_cached("SELECT value FROM state WHERE context = ?1 AND key = ?2")?
        .query_row([context, key], |row| row.get(0))
        .optional()?)
}

/// Keeps a value in the place of the one before.
pub fn put(tx: &Tx<'_>, context: &str, key: &str, value: &str) -> JournalResult<()> {
    tx.prepare_cached(
        "INSERT INTO state VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET value = excluded.value",
    )?
    .execute(params![context, key, value])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{Journal, Opening};
    use super::*;

    #[tokio::test]
    async fn a_value_is_its_contexts_own() {
        let home = tempfile::tempdir().unwrap();
        let journal = Journal::open(&Opening::private(home.path().join("midwatch.db"))).unwrap();
        let found = journal
            .write(|tx| {
                put(tx, "prod", "cursor", "1")?;
                put(tx, "prod", "cursor", "2")?;
                Ok((get(tx, "prod", "cursor")?, get(tx, EVERYWHERE, "cursor")?))
            })
            .await
            .unwrap();
        assert_eq!(found, (Some("2".to_owned()), None));
    }
}
