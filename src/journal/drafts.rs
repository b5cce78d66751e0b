//! What somebody was writing and has not sent: it outlives a crash, and ends when it is sent or thrown away.
//!
//! A draft belongs to who writes it and to the console it is written in, also in a shared journal: two consoles
//! of one person have each their own. Whoever saves debounces: each save is an fsync.

use chrono::{DateTime, Utc};
use rusqlite::params;

use super::{JournalResult, Tx, moment};

/// One draft a person, context, kind and subject; since [`BY_CONSOLE`] a console too.
pub(super) const TABLES: &str = "
CREATE TABLE drafts (
    actor      TEXT NOT NULL,
    context    TEXT NOT NULL,
    kind       TEXT NOT NULL,
    subject    TEXT NOT NULL,
    text       TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    PRIMARY KEY (actor, context, kind, subject)
) STRICT, WITHOUT ROWID;
";

/// Consoles are told apart; of drafts from before none is known.
pub(super) const BY_CONSOLE: &str = "
CREATE TABLE drafts_by_console (
    actor      TEXT NOT NULL,
    context    TEXT NOT NULL,
    console    TEXT NOT NULL,
    kind       TEXT NOT NULL,
    subject    TEXT NOT NULL,
    text       TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    PRIMARY KEY (actor, context, console, kind, subject)
) STRICT, WITHOUT ROWID;
INSERT INTO drafts_by_console SELECT actor, context, '', kind, subject, text, updated_at FROM drafts;
DROP TABLE drafts;
ALTER TABLE drafts_by_console RENAME TO drafts;
";

/// What a draft is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DraftKey {
    /// Who writes it: the identity.
    pub actor: String,
    /// In which context.
    pub context: String,
    /// The console it is written in, by whatever tells consoles apart; empty where that was not kept.
    pub console: String,
    /// What it becomes, in one word: `note`, `status_update`, `declare`, …
    pub kind: String,
    /// The incident, by its id in the journal's spelling; none where it is about no incident.
    pub incident: Option<String>,
}

/// What was written so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// What for.
    pub key: DraftKey,
    /// As typed.
    pub text: String,
    /// When it was saved last.
    pub updated_at: DateTime<Utc>,
}

/// Keeps a draft in the place of the one before; one that is empty is thrown away.
pub fn save(tx: &Tx<'_>, draft: &Draft) -> JournalResult<()> {
    if draft.text.is_empty() {
        return delete(tx, &draft.key);
    }
    let DraftKey {
        actor,
        context,
        console,
        kind,
        incident,
    } = &draft.key;
    tx.prepare_cached(
        "INSERT INTO drafts VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT DO UPDATE SET text = excluded.text, updated_at = excluded.updated_at",
    )?
    .execute(params![
        actor,
        context,
        console,
        kind,
        incident.as_deref().unwrap_or_default(),
        draft.text,
        draft.updated_at.to_rfc3339(),
    ])?;
    Ok(())
}

/// Keeps what could not be said as a draft again, in no console until one takes it up; what came back before stands behind it.
pub fn put_back(tx: &Tx<'_>, draft: &Draft) -> JournalResult<()> {
    let held = load(tx, &draft.key.actor, &draft.key.context)?;
    let held = held.into_iter().find(|held| held.key == draft.key);
    let text = match held {
        Some(held) if held.text.contains(&draft.text) => held.text,
        Some(held) => format!("{}\n\n{}", draft.text, held.text),
        None => draft.text.clone(),
    };
    save(
        tx,
        &Draft {
            text,
            ..draft.clone()
        },
    )
}

/// All that somebody has under way in a context, in whichever console, the latest first.
pub fn load(tx: &Tx<'_>, actor: &str, context: &str) -> JournalResult<Vec<Draft>> {
    let mut statement = tx.prepare_cached(
        "SELECT console, kind, subject, text, updated_at FROM drafts WHERE actor = ?1 AND context = ?2
         ORDER BY updated_at DESC, kind, subject, console",
    )?;
    let rows = statement.query_map([actor, context], |row| {
        let subject: String = row.get(2)?;
        let updated_at: String = row.get(4)?;
        Ok(Draft {
            key: DraftKey {
                actor: actor.to_owned(),
                context: context.to_owned(),
                console: row.get(0)?,
                kind: row.get(1)?,
                incident: Some(subject).filter(|subject| !subject.is_empty()),
            },
            text: row.get(3)?,
            updated_at: moment(&updated_at),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Throws a draft away: it was sent, or is not wanted.
pub fn delete(tx: &Tx<'_>, key: &DraftKey) -> JournalResult<()> {
    let sql = "DELETE FROM drafts WHERE actor = ?1 AND context = ?2 AND console = ?3 AND kind = ?4 AND subject = ?5";
    tx.prepare_cached(sql)?.execute(params![
        key.actor,
        key.context,
        key.console,
        key.kind,
        key.incident.as_deref().unwrap_or_default(),
    ])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{Journal, Opening};
    use super::*;

    fn draft(actor: &str, incident: Option<&str>, text: &str, second: i64) -> Draft {
        Draft {
            key: DraftKey {
                actor: actor.to_owned(),
                context: "prod".to_owned(),
                console: "here".to_owned(),
                kind: "note".to_owned(),
                incident: incident.map(str::to_owned),
            },
            text: text.to_owned(),
            updated_at: DateTime::from_timestamp(1_800_000_000 + second, 0).unwrap(),
        }
    }

    #[tokio::test]
    async fn a_draft_outlives_its_console_and_is_its_writers_alone() {
        let home = tempfile::tempdir().unwrap();
        let opening = Opening::private(home.path().join("midwatch.db"));
        let journal = Journal::open(&opening).unwrap();
        let long = "ünï 🚒\n".repeat(10_000);
        let drafts = [
            draft("jun@example.com", Some("pagerduty/Q1"), "first", 1),
            draft("jun@example.com", Some("pagerduty/Q1"), &long, 2),
            draft("jun@example.com", None, "about nothing yet", 3),
            draft("mara@example.com", None, "hers", 4),
        ];
        let saved = drafts.clone();
        journal
            .write(move |tx| saved.iter().try_for_each(|draft| save(tx, draft)))
            .await
            .unwrap();
        drop(journal);
        let journal = Journal::open(&opening).unwrap();
        let found = journal
            .read(|tx| load(tx, "jun@example.com", "prod"))
            .await
            .unwrap();
        assert_eq!(found, [drafts[2].clone(), drafts[1].clone()]);
        let (empty, gone) = (draft("jun@example.com", None, "", 5), drafts[1].key.clone());
        let left = journal
            .write(move |tx| {
                save(tx, &empty)?;
                delete(tx, &gone)?;
                Ok((
                    load(tx, "jun@example.com", "prod")?.len(),
                    load(tx, "mara@example.com", "prod")?.len(),
                ))
            })
            .await
            .unwrap();
        assert_eq!(left, (0, 1));
    }
}
