//! What the composers were left with when an earlier session ended, told before anything can be written over it.
//!
//! A draft is its console's. What a console that is gone has left is taken over by the next one that opens, or by one
//! that is open already: a console whose line broke may outlive the one that took its place for a while.
//!
//! Whoever sends has the text kept as a draft until the act is in the journal. A process that is killed between
//! the two leaves both, and a draft that comes back then would be said twice: [`is_said`] tells it by the act.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::{mpsc, watch};

use super::Behind;
use crate::app::compose::joined;
use crate::app::toast::Level;
use crate::app::{Draft, DraftKind, Msg};
use crate::domain::incident::IncidentId;
use crate::journal::drafts::{self, DraftKey};
use crate::journal::outbox::{self, Author};
use crate::journal::{Journal, JournalResult, Tx};
use crate::outbox::{Entry, EntryId, OutboxView, State};
use crate::text::SafeText;
use crate::time::{Clock, Stamp};

/// A draft and the act that it becomes are journaled together; the clock may be set back a little meanwhile.
const TOGETHER: TimeDelta = TimeDelta::seconds(5);

/// Reads them and tells the loop.
pub(in crate::runtime) async fn tell(journal: &Journal, behind: &Behind) {
    let author = Author {
        context: behind.context.name.as_str().into(),
        actor: behind.config.identity.as_str().into(),
    };
    let here = behind.clock.stamp();
    let msg = match journal.write(move |tx| left(tx, &author, &here)).await {
        Ok(kept) => Msg::DraftsRead(kept.into_iter().filter_map(draft).collect()),
        Err(error) => Msg::Said {
            level: Level::Warn,
            text: SafeText::line(&format!(
                "drafts could not be read: {error}; `midwatch doctor` looks at the journal"
            ))
            .into_string(),
        },
    };
    // The loop being gone is the only failure, and then nobody is left to tell.
    let _ = behind.results.send(msg).await;
}

/// What tells this console from every other one of this machine that runs.
pub(in crate::runtime) fn console(now: &Stamp) -> String {
    format!("{}/{}", now.boot, std::process::id())
}

/// A console that is open for longer than this without a word more of a draft has it no longer to itself: its number
/// may be another program's by now. It keeps what is on its own screen.
const KEPT_ALONE: TimeDelta = TimeDelta::hours(24);

/// Whether nobody is writing this any more.
fn is_left(draft: &drafts::Draft, here: &Stamp) -> bool {
    is_orphan(draft, here) || here.utc - draft.updated_at > KEPT_ALONE
}

/// Whether its console is gone.
fn is_orphan(draft: &drafts::Draft, here: &Stamp) -> bool {
    let Some((boot, pid)) = draft.key.console.split_once('/') else {
        return true;
    };
    let pid = pid.parse().ok().and_then(rustix::process::Pid::from_raw);
    let runs = pid.is_some_and(|pid| {
        // A process of somebody else's may not be asked, and is there.
        !matches!(
            rustix::process::test_kill_process(pid),
            Err(rustix::io::Errno::SRCH)
        )
    });
    boot != here.boot.to_string() || !runs
}

/// Makes all of these this console's. Of one thing there may be several: their texts are joined, the older first.
fn adopt(tx: &Tx<'_>, left: Vec<drafts::Draft>, here: &Stamp) -> JournalResult<Vec<drafts::Draft>> {
    let ours = console(here);
    let mut mine: Vec<drafts::Draft> = Vec::new();
    // The latest come first.
    for draft in left.into_iter().rev() {
        if draft.key.console != ours {
            drafts::delete(tx, &draft.key)?;
        }
        let key = DraftKey {
            console: ours.clone(),
            ..draft.key
        };
        match mine.iter_mut().find(|held| held.key == key) {
            Some(held) => {
                held.text = joined(&held.text, &draft.text);
                held.updated_at = draft.updated_at;
            }
            None => mine.push(drafts::Draft { key, ..draft }),
        }
    }
    for draft in &mine {
        drafts::save(tx, draft)?;
    }
    mine.reverse();
    Ok(mine)
}

/// The drafts of somebody that were not sent, now this console's: its own, and those of consoles that are gone. What
/// others have under way is left alone, and what was sent is thrown away.
fn left(tx: &Tx<'_>, author: &Author, here: &Stamp) -> JournalResult<Vec<drafts::Draft>> {
    let ours = console(here);
    let mut left = drafts::load(tx, &author.actor, &author.context)?;
    left.retain(|draft| draft.key.console == ours || is_left(draft, here));
    let unsaid = unsaid(tx, author, left)?;
    adopt(tx, unsaid, here)
}

/// Those that no act says; the others are thrown away.
fn unsaid(tx: &Tx<'_>, author: &Author, left: Vec<drafts::Draft>) -> JournalResult<Vec<drafts::Draft>> {
    let Some(oldest) = left.iter().map(|draft| draft.updated_at).min() else {
        return Ok(left);
    };
    let acts = outbox::made_since(tx, author, oldest - TOGETHER)?;
    // Each is looked at before they are joined: no act says both of what was sent and what was not.
    let said = |draft: &drafts::Draft| acts.iter().any(|act| is_said(draft, act));
    let (said, unsaid): (Vec<_>, Vec<_>) = left.into_iter().partition(said);
    for draft in said {
        drafts::delete(tx, &draft.key)?;
    }
    Ok(unsaid)
}

/// How often the drafts of other consoles are looked at while there are any.
const LOOK: Duration = Duration::from_secs(3);

/// Tells the loop of what other consoles leave behind while this one is open. What a console has under way that lives
/// on is left alone.
pub(super) async fn take_over(journal: Journal, author: Author, results: mpsc::Sender<Msg>, clock: Clock) {
    let mut changes = journal.changes();
    loop {
        tokio::time::sleep(LOOK).await;
        changes.mark_unchanged();
        let (whose, here) = (author.clone(), clock.stamp());
        let seen = journal.read(move |tx| {
            let all = drafts::load(tx, &whose.actor, &whose.context)?;
            Ok(others(&all, &here))
        });
        match seen.await {
            Ok(Others::Gone) => {}
            // Whoever writes one changes the journal.
            Ok(Others::None) => {
                if changes.changed().await.is_err() {
                    return;
                }
                continue;
            }
            // What cannot be read now is looked at the next time.
            Ok(Others::Alive) | Err(_) => continue,
        }
        let (whose, here) = (author.clone(), clock.stamp());
        let taken = journal.write(move |tx| orphans(tx, &whose, &here)).await;
        let back: Vec<Draft> = taken.unwrap_or_default().into_iter().filter_map(draft).collect();
        if !back.is_empty() && results.send(Msg::DraftsRead(back)).await.is_err() {
            return;
        }
    }
}

/// What is known of the drafts that other consoles hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Others {
    /// There are none.
    None,
    /// Their consoles live on.
    Alive,
    /// A console is gone, and has left one.
    Gone,
}

fn others(all: &[drafts::Draft], here: &Stamp) -> Others {
    let ours = console(here);
    if all.iter().any(|draft| is_another_s_orphan(draft, here)) {
        Others::Gone
    } else if all
        .iter()
        .any(|draft| !draft.key.console.is_empty() && draft.key.console != ours)
    {
        Others::Alive
    } else {
        Others::None
    }
}

fn is_another_s_orphan(draft: &drafts::Draft, here: &Stamp) -> bool {
    // What has no console is for the one that opens next, or for whoever sent it.
    !draft.key.console.is_empty() && draft.key.console != console(here) && is_orphan(draft, here)
}

/// Makes what consoles left that are gone this one's, joined with what it has of the same.
fn orphans(tx: &Tx<'_>, author: &Author, here: &Stamp) -> JournalResult<Vec<drafts::Draft>> {
    let (left, others): (Vec<_>, Vec<_>) = drafts::load(tx, &author.actor, &author.context)?
        .into_iter()
        .partition(|draft| is_another_s_orphan(draft, here));
    let left = unsaid(tx, author, left)?;
    let same = |one: &DraftKey, other: &DraftKey| one.kind == other.kind && one.incident == other.incident;
    let ours = console(here);
    let mut both: Vec<drafts::Draft> = others
        .into_iter()
        .filter(|kept| kept.key.console == ours && left.iter().any(|left| same(&left.key, &kept.key)))
        .collect();
    // What was left was written first: last among what comes latest first.
    both.extend(left);
    adopt(tx, both, here)
}

/// Whether an act says what a draft holds. One that was taken back or refused says nothing.
fn is_said(draft: &drafts::Draft, act: &Entry) -> bool {
    let Some(typed) = act.payload.typed() else {
        return false;
    };
    let stands = match act.state {
        State::Pending | State::Sending | State::NeedsDecision | State::Confirmed => true,
        State::Failed | State::Cancelled => false,
    };
    stands
        && draft.key.kind == typed.kind
        && draft.key.incident.as_deref() == typed.incident.map(|id| &*id.0)
        && act.created_at >= draft.updated_at - TOGETHER
        // What was kept last may be a second older than what was sent.
        && typed.text.starts_with(&draft.text)
}

/// Tells the loop of texts that are drafts again because what they were sent as was refused, for ever.
pub(super) async fn bring_back(
    journal: Journal,
    author: Author,
    mut outbox: watch::Receiver<Arc<OutboxView>>,
    results: mpsc::Sender<Msg>,
    clock: Clock,
) {
    let mut refusals = Refusals::default();
    while outbox.changed().await.is_ok() {
        let view = outbox.borrow_and_update().clone();
        let refused: Vec<Entry> = refusals.take(&view, &author);
        if refused.is_empty() {
            continue;
        }
        let (whose, here) = (author.clone(), clock.stamp());
        let taken = journal
            .write(move |tx| take_up(tx, &whose, &refused, &here))
            .await;
        // What cannot be read now is read when the next console opens.
        let back: Vec<Draft> = taken.unwrap_or_default().into_iter().filter_map(draft).collect();
        if !back.is_empty() && results.send(Msg::DraftsRead(back)).await.is_err() {
            return;
        }
    }
}

/// Makes what came back of these this console's, joined with what it has under way; nothing where another console was
/// faster.
fn take_up(
    tx: &Tx<'_>,
    author: &Author,
    refused: &[Entry],
    here: &Stamp,
) -> JournalResult<Vec<drafts::Draft>> {
    let (back, others): (Vec<_>, Vec<_>) = drafts::load(tx, &author.actor, &author.context)?
        .into_iter()
        .filter(|kept| refused.iter().any(|entry| is_of(&kept.key, entry)))
        .partition(|kept| kept.key.console.is_empty());
    if back.is_empty() {
        return Ok(Vec::new());
    }
    let ours = console(here);
    let mut both: Vec<drafts::Draft> = others
        .into_iter()
        .filter(|kept| kept.key.console == ours)
        .collect();
    // What was refused was written first: last among what comes latest first.
    both.extend(back);
    adopt(tx, both, here)
}

fn is_of(key: &drafts::DraftKey, entry: &Entry) -> bool {
    entry.payload.typed().is_some_and(|typed| {
        key.kind == typed.kind && key.incident.as_deref() == typed.incident.map(|id| &*id.0)
    })
}

/// Which texts were refused since this console opened.
#[derive(Default)]
struct Refusals {
    /// How far the journal went at first, 0 where it was empty; nothing before the first view.
    first: Option<EntryId>,
    told: BTreeSet<EntryId>,
}

impl Refusals {
    /// Those that no view before this one showed as refused. What was refused before the console opened is among the
    /// drafts that it read then.
    fn take(&mut self, view: &OutboxView, author: &Author) -> Vec<Entry> {
        let first = *self.first.get_or_insert(view.through.unwrap_or(EntryId(0)));
        let refused = view.entries.iter().filter(|entry| {
            entry.state == State::Failed && entry.actor == author.actor && entry.payload.typed().is_some()
        });
        let since = refused.filter(|entry| entry.id > first || view.inherited.contains(&entry.id));
        let new: Vec<Entry> = since
            .filter(|entry| !self.told.contains(&entry.id))
            .cloned()
            .collect();
        self.told.extend(new.iter().map(|entry| entry.id));
        self.told.retain(|id| view.entry(*id).is_some());
        new
    }
}

fn draft(kept: drafts::Draft) -> Option<Draft> {
    Some(Draft {
        kind: DraftKind::by_word(&kept.key.kind)?,
        incident: kept.key.incident.as_deref().map(IncidentId::from),
        text: kept.text,
    })
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::backend::incidents::Seen;
    use crate::domain::incident::{IncidentAct, Status};
    use crate::journal::Opening;
    use crate::outbox::decide::settle;
    use crate::outbox::{Decision, Draft as Planned, Payload};

    fn note(incident: &str, text: &str) -> Planned {
        let payload = Payload::Incident {
            incident: IncidentId::from(incident),
            act: IncidentAct::Note {
                text: text.to_owned(),
            },
            seen: Seen {
                status: Status::Triggered,
                changed_at: DateTime::UNIX_EPOCH,
                escalation: None,
            },
            label: incident.into(),
        };
        Planned::new(payload, Duration::ZERO)
    }

    fn jun() -> Author {
        Author {
            context: "prod".into(),
            actor: "jun@example.com".into(),
        }
    }

    /// A note of Jun's on an incident, kept at `at` by a console.
    fn kept(console: String, incident: &str, text: &str, at: DateTime<chrono::Utc>) -> drafts::Draft {
        drafts::Draft {
            key: DraftKey {
                actor: "jun@example.com".to_owned(),
                context: "prod".to_owned(),
                console,
                kind: "note".to_owned(),
                incident: Some(incident.to_owned()),
            },
            text: text.to_owned(),
            updated_at: at,
        }
    }

    #[tokio::test]
    async fn a_draft_of_a_console_that_runs_is_its_own_and_one_that_is_gone_leaves_its_to_the_next() {
        let home = tempfile::tempdir().unwrap();
        let journal = Journal::open(&Opening::private(home.path().join("midwatch.db"))).unwrap();
        let author = jun();
        let now = Clock::start().stamp();
        let boot = now.boot;
        let written = |console: String, incident: &str, text: &str, age: i64| {
            kept(console, incident, text, now.utc - TimeDelta::minutes(age))
        };
        // The first process of a machine runs for as long as it does; no process has the last number.
        let (runs, gone) = (format!("{boot}/1"), format!("{boot}/{}", i32::MAX));
        let all = [
            written(console(&now), "p/both", "mine", 1),
            written(gone.clone(), "p/both", "left here", 9),
            written(runs.clone(), "p/both", "somebody is at it", 1),
            written(gone, "p/gone", "left", 1),
            written("another boot/1".to_owned(), "p/boot", "before the power cut", 1),
            written(String::new(), "p/old", "of an older program", 1),
            written(
                runs.clone(),
                "p/day",
                "its number is another's by now",
                24 * 60 + 1,
            ),
        ];
        let (mine, rows) = journal
            .write(move |tx| {
                all.iter().try_for_each(|draft| drafts::save(tx, draft))?;
                let mine = left(tx, &author, &now)?;
                Ok((mine, drafts::load(tx, "jun@example.com", "prod")?))
            })
            .await
            .unwrap();
        let mut texts: Vec<&str> = mine.iter().map(|draft| draft.text.as_str()).collect();
        texts.sort_unstable();
        let expected = [
            "before the power cut",
            "its number is another's by now",
            "left",
            "left here\n\nmine",
            "of an older program",
        ];
        assert_eq!(texts, expected);
        let others: Vec<&str> = rows
            .iter()
            .filter(|row| row.key.console != console(&now))
            .map(|row| row.text.as_str())
            .collect();
        assert_eq!(others, ["somebody is at it"], "it is left where it is");
        assert_eq!(rows.len(), expected.len() + 1, "and the rest is ours");
    }

    #[tokio::test]
    async fn what_a_console_leaves_that_outlived_a_broken_line_comes_to_one_that_is_open() {
        let home = tempfile::tempdir().unwrap();
        let journal = Journal::open(&Opening::private(home.path().join("midwatch.db"))).unwrap();
        let (author, now) = (jun(), Clock::start().stamp());
        let (runs, gone) = (format!("{}/1", now.boot), format!("{}/{}", now.boot, i32::MAX));
        let (before, after, rest) = journal
            .write(move |tx| {
                drafts::save(tx, &kept(runs.clone(), "Q1", "pool is dry", now.utc))?;
                drafts::save(tx, &kept(console(&now), "Q1", "now the cache", now.utc))?;
                drafts::save(tx, &kept(console(&now), "Q2", "another", now.utc))?;
                let before = orphans(tx, &author, &now)?;
                // Its process ends.
                drafts::delete(tx, &kept(runs.clone(), "Q1", "", now.utc).key)?;
                drafts::save(tx, &kept(gone, "Q1", "pool is dry", now.utc))?;
                let after = orphans(tx, &author, &now)?;
                Ok((before, after, orphans(tx, &author, &now)?))
            })
            .await
            .unwrap();
        assert_eq!(before, [], "it may still be written");
        let texts: Vec<&str> = after.iter().map(|draft| draft.text.as_str()).collect();
        assert_eq!(texts, ["pool is dry\n\nnow the cache"]);
        assert_eq!(rest, [], "once");
    }

    #[tokio::test]
    async fn a_draft_whose_act_was_journaled_before_the_kill_does_not_come_back() {
        let home = tempfile::tempdir().unwrap();
        let journal = Journal::open(&Opening::private(home.path().join("midwatch.db"))).unwrap();
        let author = jun();
        let now = Clock::start().stamp();
        let loose = move |incident: &str, text: &str, age: i64| {
            kept(String::new(), incident, text, now.utc - TimeDelta::seconds(age))
        };
        let left = journal
            .write(move |tx| {
                // Sent; sent with more; written after an act of other words; written anew; taken back.
                for draft in [
                    loose("p/sent", "pool is dry", 0),
                    loose("p/more", "pool is", 1),
                    loose("p/other", "now the cache", 0),
                    loose("p/anew", "still looking", -60),
                    loose("p/back", "wrong one", 0),
                ] {
                    drafts::save(tx, &draft)?;
                }
                let acts = [
                    note("p/sent", "pool is dry"),
                    note("p/more", "pool is dry"),
                    note("p/other", "pool is dry"),
                    note("p/anew", "still looking"),
                    note("p/back", "wrong one"),
                ];
                let ids = outbox::insert(tx, &author, &acts, &now)?;
                let at = outbox::Taking {
                    actor: author.actor.clone(),
                    now,
                };
                let back = ids.last().copied().unwrap();
                outbox::decide(tx, back, Decision::Drop, &at)?.unwrap();
                left(tx, &author, &now)
            })
            .await
            .unwrap();
        let mut left: Vec<_> = left
            .iter()
            .filter_map(|draft| draft.key.incident.as_deref())
            .collect();
        left.sort_unstable();
        assert_eq!(left, ["p/anew", "p/back", "p/other"]);
    }

    #[tokio::test]
    async fn of_two_that_were_left_only_what_was_not_sent_comes_back() {
        let home = tempfile::tempdir().unwrap();
        let journal = Journal::open(&Opening::private(home.path().join("midwatch.db"))).unwrap();
        let author = jun();
        let now = Clock::start().stamp();
        let (mine, rows) = journal
            .write(move |tx| {
                let gone = |pid: i32| format!("{}/{pid}", now.boot);
                let earlier = now.utc - TimeDelta::seconds(1);
                for draft in [
                    kept(gone(i32::MAX), "Q1", "not sent", earlier),
                    kept(gone(i32::MAX - 1), "Q1", "pool is dry", now.utc),
                ] {
                    drafts::save(tx, &draft)?;
                }
                outbox::insert(tx, &author, &[note("Q1", "pool is dry")], &now)?;
                let mine = left(tx, &author, &now)?;
                Ok((mine, drafts::load(tx, "jun@example.com", "prod")?))
            })
            .await
            .unwrap();
        let texts: Vec<&str> = mine.iter().map(|draft| draft.text.as_str()).collect();
        assert_eq!(texts, ["not sent"]);
        assert_eq!(rows, mine);
    }

    #[tokio::test]
    async fn a_text_that_is_refused_for_good_is_a_draft_again_and_opens_at_once() {
        let home = tempfile::tempdir().unwrap();
        let journal = Journal::open(&Opening::private(home.path().join("midwatch.db"))).unwrap();
        let author = jun();
        let now = Clock::start().stamp();
        let whose = author.clone();
        let (id, both) = journal
            .write(move |tx| {
                let ids = outbox::insert(tx, &whose, &[note("Q1", "pool is dry")], &now)?;
                let later = kept(console(&now), "Q1", "now the cache", now.utc);
                drafts::save(tx, &later)?;
                let mut record = outbox::load(tx, ids[0])?.unwrap();
                settle(&mut record, State::Failed, "400: too long");
                outbox::save(tx, &record, None, &now)?;
                Ok((ids[0], drafts::load(tx, &whose.actor, &whose.context)?))
            })
            .await
            .unwrap();
        let mut texts: Vec<&str> = both.iter().map(|draft| draft.text.as_str()).collect();
        texts.sort_unstable();
        assert_eq!(texts, ["now the cache", "pool is dry"], "neither is lost");
        let (view_out, view) = watch::channel(Arc::new(OutboxView::default()));
        let (results, mut told) = mpsc::channel(4);
        let bringing = bring_back(journal.clone(), author, view, results, Clock::start());
        let listed = journal
            .read(move |tx| outbox::load(tx, id))
            .await
            .unwrap()
            .unwrap();
        let showing = async move {
            // At first the note was on its way; it is refused later, and stays listed for a while.
            for entries in [Vec::new(), vec![listed.entry.clone()], vec![listed.entry]] {
                let view = OutboxView {
                    entries,
                    inherited: BTreeSet::from([id]),
                    through: Some(id),
                    ..OutboxView::default()
                };
                view_out.send_replace(Arc::new(view));
                for _ in 0..50 {
                    tokio::task::yield_now().await;
                }
                journal.read(|_| Ok(())).await.unwrap();
            }
        };
        futures::future::join(bringing, showing).await;
        let Some(Msg::DraftsRead(back)) = told.recv().await else {
            panic!("it is told");
        };
        assert_eq!(back.len(), 1);
        assert_eq!(back[0].text, "pool is dry\n\nnow the cache");
        assert!(told.recv().await.is_none(), "once");
    }

    #[test]
    fn what_is_typed_has_a_kind_of_draft() {
        let Planned { payload, .. } = note("Q1", "x");
        let Payload::Incident {
            incident,
            seen,
            label,
            ..
        } = payload.clone()
        else {
            panic!("a note is about an incident");
        };
        let update = Payload::Incident {
            incident,
            act: IncidentAct::StatusUpdate { text: "x".to_owned() },
            seen,
            label,
        };
        let mark = Payload::Annotation(crate::backend::annotations::AnnotationDraft {
            at: DateTime::UNIX_EPOCH,
            until: None,
            text: "x".to_owned(),
            tags: Vec::new(),
        });
        let kinds = [payload, update, mark].map(|payload| {
            let kind = payload.typed().map(|typed| typed.kind);
            kind.and_then(DraftKind::by_word)
        });
        let expected = [DraftKind::Note, DraftKind::StatusUpdate, DraftKind::Mark];
        assert_eq!(kinds, expected.map(Some));
    }
}
