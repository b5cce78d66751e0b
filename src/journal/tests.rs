use std::time::Duration;

use rusqlite::Connection;

use super::*;

fn home() -> (tempfile::TempDir, Opening) {
    let home = tempfile::tempdir().unwrap();
    let opening = Opening::private(home.path().join("state/midwatch.db"));
    (home, opening)
}

fn put(tx: &Tx<'_>, key: &str, value: &str) -> JournalResult<()> {
    state::put(tx, state::EVERYWHERE, key, value)
}

async fn count(journal: &Journal) -> i64 {
    journal
        .read(|tx| Ok(tx.query_row("SELECT count(*) FROM state", [], |row| row.get(0))?))
        .await
        .unwrap()
}

#[tokio::test]
async fn what_was_written_is_there_when_it_is_opened_again() {
    let (_home, opening) = home();
    let journal = Journal::open(&opening).unwrap();
    journal.write(|tx| put(tx, "a", "1")).await.unwrap();
    drop(journal);
    let journal = Journal::open(&opening).unwrap();
    let found = journal.read(|tx| state::get(tx, state::EVERYWHERE, "a")).await;
    assert_eq!(found, Ok(Some("1".to_owned())));
    assert_eq!(journal.check().await, Ok(()));
}

#[tokio::test]
async fn wal_and_shared_memory_are_as_private_as_the_file() {
    use std::os::unix::fs::MetadataExt as _;
    let (_home, opening) = home();
    let journal = Journal::open(&opening).unwrap();
    journal.write(|tx| put(tx, "a", "1")).await.unwrap();
    for suffix in ["", "-wal", "-shm"] {
        let file = format!("{}{suffix}", opening.path.display());
        assert_eq!(std::fs::metadata(&file).unwrap().mode() & 0o777, 0o600, "{file}");
    }
}

#[tokio::test]
async fn after_an_error_nothing_of_a_change_is_kept() {
    let (_home, opening) = home();
    let journal = Journal::open(&opening).unwrap();
    let before = *journal.changes().borrow();
    let failed: JournalResult<()> = journal
        .write(|tx| {
            put(tx, "a", "1")?;
            Err(JournalError::Failed("on purpose".to_owned()))
        })
        .await;
    assert!(failed.is_err());
    assert_eq!(count(&journal).await, 0);
    assert_eq!(*journal.changes().borrow(), before, "nobody is woken for it");
}

#[tokio::test]
async fn a_full_disk_is_said_and_the_journal_goes_on_when_there_is_room() {
    let (_home, opening) = home();
    let journal = Journal::open(&opening).unwrap();
    let limit = |pages: &'static str| {
        journal.read(move |tx| {
            tx.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?;
            Ok(())
        })
    };
    limit("1").await.unwrap();
    let big = "x".repeat(200_000);
    let (first, second) = (big.clone(), big);
    let failed = journal
        .write(move |tx| {
            put(tx, "small", "1")?;
            put(tx, "big", &first)
        })
        .await;
    assert_eq!(failed, Err(JournalError::Full));
    assert_eq!(count(&journal).await, 0, "nor is what fitted");
    limit("1000000").await.unwrap();
    assert_eq!(journal.write(move |tx| put(tx, "big", &second)).await, Ok(()));
}

#[tokio::test]
async fn a_journal_that_another_process_holds_is_said_to_be_locked() {
    let (_home, opening) = home();
    let journal = Journal::open_with(&opening, Duration::from_millis(20), LOOK).unwrap();
    let other = Connection::open(&opening.path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(
        journal.write(|tx| put(tx, "a", "1")).await,
        Err(JournalError::Locked)
    );
    assert_eq!(count(&journal).await, 0, "it can be read all the same");
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(journal.write(|tx| put(tx, "a", "1")).await, Ok(()));
}

#[tokio::test]
async fn a_journal_that_may_not_be_written_says_so() {
    let (_home, opening) = home();
    let journal = Journal::open(&opening).unwrap();
    let query_only =
        |on: &'static str| journal.read(move |tx| Ok(tx.pragma_update(None, "query_only", on)?));
    query_only("on").await.unwrap();
    assert_eq!(
        journal.write(|tx| put(tx, "a", "1")).await,
        Err(JournalError::ReadOnly)
    );
    query_only("off").await.unwrap();
    assert_eq!(journal.write(|tx| put(tx, "a", "1")).await, Ok(()));
}

#[tokio::test]
async fn another_process_s_change_wakes_who_listens() {
    let (_home, opening) = home();
    let journal = Journal::open_with(&opening, BUSY, Duration::from_millis(5)).unwrap();
    let mut changes = journal.changes();
    changes.mark_unchanged();
    let other = Journal::open(&opening).unwrap();
    other.write(|tx| put(tx, "a", "1")).await.unwrap();
    let woken = tokio::time::timeout(Duration::from_secs(10), changes.changed()).await;
    assert!(matches!(woken, Ok(Ok(()))), "{woken:?}");
    assert_eq!(count(&journal).await, 1);
}

#[tokio::test]
async fn who_reads_all_the_time_still_hears_of_another_process_s_change() {
    let (_home, opening) = home();
    let journal = Journal::open_with(&opening, BUSY, Duration::from_millis(200)).unwrap();
    let mut changes = journal.changes();
    // The look that a new listener is given lies before the change.
    count(&journal).await;
    changes.mark_unchanged();
    let other = Journal::open(&opening).unwrap();
    other.write(|tx| put(tx, "a", "1")).await.unwrap();
    let reading = async {
        loop {
            count(&journal).await;
        }
    };
    let woken = async { tokio::time::timeout(Duration::from_secs(10), changes.changed()).await };
    tokio::select! {
        woken = woken => assert!(matches!(woken, Ok(Ok(()))), "{woken:?}"),
        () = reading => {}
    }
}

#[tokio::test]
async fn several_processes_open_a_new_journal_at_once() {
    let (_home, opening) = home();
    let threads: Vec<_> = (0..6)
        .map(|_| {
            let opening = opening.clone();
            std::thread::spawn(move || Journal::open(&opening).map(|_| ()))
        })
        .collect();
    for thread in threads {
        assert_eq!(thread.join().unwrap(), Ok(()));
    }
}

#[tokio::test]
async fn two_journals_that_write_at_once_keep_every_change() {
    let (_home, opening) = home();
    let journals = [Journal::open(&opening).unwrap(), Journal::open(&opening).unwrap()];
    let writes =
        (0..200).map(|number| journals[number % 2].write(move |tx| put(tx, &number.to_string(), "x")));
    for written in futures::future::join_all(writes).await {
        assert_eq!(written, Ok(()));
    }
    assert_eq!(count(&journals[0]).await, 200);
}

/// A journal that is too large to be checked before it is used, with its last pages overwritten.
fn large_and_damaged(opening: &Opening) {
    drop(Journal::open(opening).unwrap());
    let connection = rusqlite::Connection::open(&opening.path).unwrap();
    connection
        .execute_batch(
            "INSERT INTO state VALUES ('', 'large', hex(zeroblob(17 * 1024 * 1024)));
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
             INSERT INTO state SELECT 'prod', i, hex(zeroblob(60)) FROM n;",
        )
        .unwrap();
    connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .unwrap();
    drop(connection);
    let mut bytes = std::fs::read(&opening.path).unwrap();
    assert!(bytes.len() > 33 * 1024 * 1024);
    let pages = bytes.len();
    bytes[pages - 16_384..].fill(0x5a);
    std::fs::write(&opening.path, bytes).unwrap();
}

#[tokio::test]
async fn a_large_file_is_open_at_once_and_refuses_changes_once_it_is_found_damaged() {
    let (_home, opening) = home();
    large_and_damaged(&opening);
    let journal = Journal::open(&opening).expect("it is checked meanwhile");
    let mut damage = journal.damage();
    let found = damage.wait_for(Option::is_some).await.unwrap().clone();
    let said = found.expect("damaged").to_string();
    assert!(
        said.contains("midwatch.db") && said.contains(".recover"),
        "{said}"
    );
    let refused = journal.write(|tx| put(tx, "a", "1")).await;
    assert!(
        matches!(refused, Err(JournalError::Damaged { .. })),
        "{refused:?}"
    );
    let version: JournalResult<i64> = journal
        .read(|tx| Ok(tx.pragma_query_value(None, "user_version", |row| row.get(0))?))
        .await;
    assert!(
        version.is_ok_and(|version| version > 0),
        "what still reads is read"
    );
}

#[tokio::test]
async fn whoever_is_done_soon_can_wait_for_what_the_check_of_a_large_file_finds() {
    let (_home, opening) = home();
    let sound = Journal::open(&opening).unwrap();
    assert!(sound.checked().await.is_ok());
    drop(sound);
    let (_other, opening) = home();
    large_and_damaged(&opening);
    let journal = Journal::open(&opening).expect("it is checked meanwhile");
    let verdict = journal.checked().await;
    assert!(
        matches!(verdict, Err(JournalError::Damaged { .. })),
        "{verdict:?}"
    );
}

#[tokio::test]
async fn damage_that_is_met_in_use_stays_said() {
    let (_home, opening) = home();
    let journal = Journal::open(&opening).unwrap();
    let met: JournalResult<()> = journal
        .read(|_| {
            Err(JournalError::Damaged {
                path: String::new(),
                why: "page 7 is malformed".to_owned(),
            })
        })
        .await;
    assert!(met.is_err());
    let refused = journal.write(|tx| put(tx, "a", "1")).await;
    assert!(refused.is_err_and(|error| error.to_string().contains("page 7")));
    assert!(journal.damage().borrow().is_some());
}
