//! Which process does what happens by itself in a context: one row, held for a while, renewed, handed back.
//!
//! Ages go by the boot-time clock: a machine that slept was not watching. Start at [`hold`].

use std::time::Duration;

use rusqlite::{OptionalExtension as _, params};

use super::incidents::{from_json, to_json};
use super::{JournalResult, Tx};
use crate::time::Stamp;

/// A watch that was not renewed for this long is anybody's.
pub const HELD: Duration = Duration::from_secs(60);
/// How often it is renewed.
pub const RENEWED: Duration = Duration::from_secs(20);
/// A break shorter than [`HELD`] and this goes on as one watch: somebody took over at once.
const TAKEOVER: Duration = Duration::from_secs(30);

/// One row a context.
pub(super) const TABLES: &str = "
CREATE TABLE watches (
    context       TEXT PRIMARY KEY,
    token         TEXT,
    who           TEXT NOT NULL,
    seen          TEXT NOT NULL,
    watched_since TEXT NOT NULL
) STRICT, WITHOUT ROWID;
";

/// A process that would watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watcher {
    /// Unlike any other process's, also of the same number after a restart.
    pub token: String,
    /// For people: `jun@example.com, pid 4711`.
    pub who: String,
}

/// Who watches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// The process that asked, without a break since then.
    Ours {
        /// Since when there was always a console that watched.
        watched_since: Stamp,
    },
    /// Another one.
    Theirs {
        /// For people.
        who: String,
    },
}

/// Takes or renews the watch of a context, where it is free or ours.
pub fn hold(tx: &Tx<'_>, context: &str, watcher: &Watcher, now: &Stamp) -> JournalResult<Held> {
    let found = tx
        .prepare_cached("SELECT token, who, seen, watched_since FROM watches WHERE context = ?1")?
        .query_row([context], |row| {
            Ok((
                row.get::<_, Option<String>>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, String>(2)?,
                row.get::<_, String>(3)?,
            ))
        })
        .optional()?;
    let mut watched_since = *now;
    if let Some((token, who, seen, since)) = found {
        let seen: Stamp = from_json(&seen)?;
        let unseen = now.since(&seen);
        let is_ours = token.as_deref() == Some(&watcher.token);
        // Whoever held it before the machine restarted is gone.
        if !is_ours && token.is_some() && unseen <= HELD && seen.boot == now.boot {
            return Ok(Held::Theirs { who });
        }
        if unseen <= HELD + TAKEOVER && seen.boot == now.boot {
            watched_since = from_json(&since)?;
        }
    }
    tx.prepare_cached(
        "INSERT INTO watches (context, token, who, seen, watched_since) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (context) DO UPDATE SET token = ?2, who = ?3, seen = ?4, watched_since = ?5",
    )?
    .execute(params![
        context,
        watcher.token,
        watcher.who,
        to_json(now)?,
        to_json(&watched_since)?
    ])?;
    Ok(Held::Ours { watched_since })
}

/// Hands the watch back, where it is ours: the next console takes it at once.
pub fn hand_back(tx: &Tx<'_>, context: &str, watcher: &Watcher, now: &Stamp) -> JournalResult<()> {
    tx.prepare_cached("UPDATE watches SET token = NULL, seen = ?3 WHERE context = ?1 AND token = ?2")?
        .execute(params![context, watcher.token, to_json(now)?])?;
    Ok(())
}

/// Who watches now, for `doctor` and the header; nothing where nobody does.
pub fn watching(tx: &Tx<'_>, context: &str, now: &Stamp) -> JournalResult<Option<String>> {
    let found = tx
        .prepare_cached("SELECT who, seen FROM watches WHERE context = ?1 AND token IS NOT NULL")?
        .query_row([context], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
        })
        .optional()?;
    let Some((who, seen)) = found else {
        return Ok(None);
    };
    let seen: Stamp = from_json(&seen)?;
    Ok((now.since(&seen) <= HELD && seen.boot == now.boot).then_some(who))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Journal, Opening};
    use crate::time::BootId;

    fn stamp(boot: u128, seconds: u64) -> Stamp {
        Stamp {
            utc: "2026-11-20T03:00:00Z".parse().unwrap(),
            boot: BootId(boot),
            boot_ms: 0,
        }
        .later(Duration::from_secs(seconds))
    }

    fn watcher(token: &str) -> Watcher {
        Watcher {
            token: token.to_owned(),
            who: format!("{token}, pid 1"),
        }
    }

    /// Two handles on one file, as two processes have them.
    fn journals(dir: &tempfile::TempDir) -> (Journal, Journal) {
        let opening = Opening {
            path: dir.path().join("midwatch.db"),
            group: None,
        };
        (Journal::open(&opening).unwrap(), Journal::open(&opening).unwrap())
    }

    async fn held(journal: &Journal, token: &str, now: Stamp) -> Held {
        let watcher = watcher(token);
        journal
            .write(move |tx| hold(tx, "prod", &watcher, &now))
            .await
            .unwrap()
    }

    fn since(held: &Held) -> Option<u64> {
        match held {
            Held::Ours { watched_since } => Some(watched_since.boot_ms / 1_000),
            Held::Theirs { .. } => None,
        }
    }

    #[tokio::test]
    async fn one_of_two_watches_and_the_other_takes_over_when_it_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = journals(&dir);
        let (first, second) = tokio::join!(held(&a, "jun", stamp(1, 100)), held(&b, "mara", stamp(1, 100)));
        assert!(
            since(&first).is_some() != since(&second).is_some(),
            "{first:?} {second:?}"
        );
        let (ours, theirs) = if since(&first).is_some() {
            ("jun", "mara")
        } else {
            ("mara", "jun")
        };
        assert_eq!(since(&held(&a, ours, stamp(1, 120)).await), Some(100));
        assert_eq!(since(&held(&b, theirs, stamp(1, 180)).await), None);
        // Not renewed for more than a minute: taken over, and the watch was never broken.
        assert_eq!(since(&held(&b, theirs, stamp(1, 181)).await), Some(100));
        let told = held(&a, ours, stamp(1, 182)).await;
        assert_eq!(
            told,
            Held::Theirs {
                who: format!("{theirs}, pid 1")
            }
        );
    }

    #[tokio::test]
    async fn a_watch_that_was_handed_back_is_free_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = journals(&dir);
        held(&a, "jun", stamp(1, 100)).await;
        a.write(|tx| hand_back(tx, "prod", &watcher("jun"), &stamp(1, 110)))
            .await
            .unwrap();
        assert_eq!(since(&held(&b, "mara", stamp(1, 111)).await), Some(100));
        // Somebody else's is not handed back.
        a.write(|tx| hand_back(tx, "prod", &watcher("jun"), &stamp(1, 112)))
            .await
            .unwrap();
        let who = b.read(|tx| watching(tx, "prod", &stamp(1, 113))).await.unwrap();
        assert_eq!(who.as_deref(), Some("mara, pid 1"));
    }

    #[tokio::test]
    async fn a_machine_that_slept_or_restarted_was_not_watching() {
        let dir = tempfile::tempdir().unwrap();
        let (a, _) = journals(&dir);
        held(&a, "jun", stamp(1, 100)).await;
        // It slept for an hour: the boot-time clock went on.
        assert_eq!(since(&held(&a, "jun", stamp(1, 3_700)).await), Some(3_700));
        assert_eq!(since(&held(&a, "sam", stamp(2, 5)).await), Some(5));
    }
}
