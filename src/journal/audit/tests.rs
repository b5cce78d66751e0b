use std::io::Write as _;

use rusqlite::Connection;

use super::super::{Journal, Opening};
use super::*;

fn act(number: usize) -> Act {
    Act {
        at: DateTime::from_timestamp(1_800_000_000, 123_000_000).unwrap(),
        actor: "jun@example.com".to_owned(),
        action: "acknowledge".to_owned(),
        target: format!("alert {number}"),
        context: "prod".to_owned(),
        why: "looking\nat \u{202e}it\u{1b}[2J".to_owned(),
        result: "journaled".to_owned(),
    }
}

async fn record_all(journal: &Journal, numbers: std::ops::Range<usize>) {
    for number in numbers {
        journal.write(move |tx| record(tx, &act(number))).await.unwrap();
    }
    journal.settle().await.unwrap();
}

struct Home {
    _directory: tempfile::TempDir,
    opening: Opening,
}

impl Home {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self {
            opening: Opening::private(directory.path().join("midwatch.db")),
            _directory: directory,
        }
    }

    async fn with_lines(count: usize) -> Self {
        let home = Self::new();
        record_all(&Journal::open(&home.opening).unwrap(), 0..count).await;
        home
    }

    fn file(&self) -> Vec<u8> {
        std::fs::read(self.opening.audit_path()).unwrap()
    }

    fn put(&self, bytes: &[u8]) {
        std::fs::write(self.opening.audit_path(), bytes).unwrap();
    }

    fn books(&self) -> Books {
        books(&self.opening.path).unwrap().unwrap()
    }

    fn verdict(&self) -> Verdict {
        verify(&self.file(), Some(&self.books()))
    }

    /// As a crash between the journal's commit and the append leaves it.
    fn forget_appended(&self, appended: i64) {
        let connection = Connection::open(&self.opening.path).unwrap();
        connection
            .execute("UPDATE audit_file SET appended = ?1", [appended])
            .unwrap();
    }
}

fn split(file: &[u8]) -> Vec<Vec<u8>> {
    file.split_inclusive(|byte| *byte == b'\n')
        .map(<[u8]>::to_vec)
        .collect()
}

#[tokio::test]
async fn the_log_holds_every_act_in_order_and_verifies() {
    let home = Home::with_lines(5).await;
    let verdict = home.verdict();
    assert!(verdict.is_whole(), "{:?}", verdict.faults);
    assert_eq!((verdict.lines, verdict.last, verdict.waiting), (5, Some(5), 0));
    let text = String::from_utf8(home.file()).unwrap();
    assert!(
        !text.contains('\u{1b}') && !text.contains('\u{202e}'),
        "safe to print"
    );
    let first: Line = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!(first.why, act(0).why, "and nothing of it is lost");
    assert_eq!((first.pid, first.prev.as_str()), (std::process::id(), line::NONE));
}

#[tokio::test]
async fn a_changed_byte_anywhere_is_found_and_its_line_named() {
    let home = Home::with_lines(4).await;
    let (file, books) = (home.file(), home.books());
    for with in [Some(&books), None] {
        let mut line = 1;
        for at in 0..file.len() {
            for flip in [0x01, 0x20, 0x80] {
                let mut bytes = file.clone();
                bytes[at] ^= flip;
                let verdict = verify(&bytes, with);
                let named: Vec<u64> = verdict.faults.iter().map(|fault| fault.line).collect();
                assert_eq!(
                    named.first(),
                    Some(&line),
                    "byte {at} ^ {flip:#x}: {:?}",
                    verdict.faults
                );
            }
            line += u64::from(file[at] == b'\n');
        }
    }
}

#[tokio::test]
async fn a_byte_put_in_or_taken_out_anywhere_is_found() {
    let home = Home::with_lines(3).await;
    let (file, books) = (home.file(), home.books());
    for at in 0..=file.len() {
        for byte in [b' ', b'\n', b'\r', 0] {
            let mut more = file.clone();
            more.insert(at, byte);
            assert!(
                !verify(&more, Some(&books)).is_whole(),
                "{byte:#x} put in at {at}"
            );
        }
        if at < file.len() {
            let mut less = file.clone();
            less.remove(at);
            assert!(!verify(&less, Some(&books)).is_whole(), "taken out at {at}");
        }
    }
}

#[tokio::test]
async fn cuts_swaps_repeats_and_insertions_name_their_line() {
    let home = Home::with_lines(6).await;
    let (lines, books) = (split(&home.file()), home.books());
    let fault = |lines: &[Vec<u8>]| {
        let verdict = verify(&lines.concat(), Some(&books));
        let fault = verdict.faults.first().expect("found").clone();
        (fault.line, fault.what)
    };
    let missing = |first, last| Tampering::Missing { first, last };
    assert_eq!(fault(&lines[2..]), (1, missing(1, 2)), "the head is cut");
    assert_eq!(
        fault(&lines[..4]),
        (5, Tampering::CutTail { last: 6 }),
        "the tail is cut"
    );
    assert_eq!(
        fault(&[]),
        (1, Tampering::CutTail { last: 6 }),
        "all of it is cut"
    );
    let middle = [&lines[..2], &lines[4..]].concat();
    assert_eq!(fault(&middle), (3, missing(3, 4)));
    let mut swapped = lines.clone();
    swapped.swap(2, 3);
    assert_eq!(fault(&swapped), (3, missing(3, 3)));
    let repeated = [&lines[..3], &lines[1..]].concat();
    assert_eq!(fault(&repeated), (4, Tampering::OutOfOrder));
    let inserted = [&lines[..3], &[b"{}\n".to_vec()], &lines[3..]].concat();
    assert_eq!(fault(&inserted), (4, Tampering::Foreign));
    let whole = verify(&inserted.concat(), Some(&books));
    assert_eq!(
        whole.faults.len(),
        1,
        "the lines after it are sound: {:?}",
        whole.faults
    );
    let torn = verify(&lines.concat()[..lines.concat().len() - 10], Some(&books));
    assert_eq!(
        torn.faults.first().map(|f| (f.line, f.what.clone())),
        Some((6, Tampering::Torn))
    );
}

#[tokio::test]
async fn a_file_rewritten_hash_by_hash_is_told_by_the_journal_and_not_without_it() {
    let home = Home::with_lines(4).await;
    let other = Home::new();
    let journal = Journal::open(&other.opening).unwrap();
    for number in [0, 1, 77, 3] {
        let mut act = act(number);
        act.result = "forged".to_owned();
        journal.write(move |tx| record(tx, &act)).await.unwrap();
    }
    drop(journal);
    let forged = other.file();
    assert!(verify(&forged, None).is_whole(), "nothing but the journal knows");
    let verdict = verify(&forged, Some(&home.books()));
    assert_eq!(
        verdict.faults.first().map(|f| (f.line, f.what.clone())),
        Some((1, Tampering::Rewritten))
    );
}

#[tokio::test]
async fn a_line_torn_by_a_crash_is_completed_wherever_it_tore() {
    let home = Home::with_lines(3).await;
    let whole = home.file();
    let lines = split(&whole);
    let kept = lines[..2].concat().len();
    for tear in [kept, kept + 1, kept + 40, whole.len() - 1] {
        home.put(&whole[..tear]);
        home.forget_appended(2);
        let before = home.verdict();
        assert!(
            before.is_whole(),
            "torn at {tear}, and waiting: {:?}",
            before.faults
        );
        assert_eq!(before.waiting, 1);
        drop(Journal::open(&home.opening).unwrap());
        assert_eq!(home.file(), whole, "torn at {tear}");
        assert_eq!(home.books().appended, 3);
    }
}

#[tokio::test]
async fn a_crash_after_the_append_and_before_the_mark_repeats_no_line() {
    let home = Home::with_lines(3).await;
    let whole = home.file();
    home.forget_appended(1);
    drop(Journal::open(&home.opening).unwrap());
    assert_eq!(home.file(), whole);
    assert_eq!(home.books().appended, 3);
}

#[tokio::test]
async fn a_cut_tail_is_not_healed_and_shows_after_later_acts_too() {
    let home = Home::with_lines(5).await;
    let lines = split(&home.file());
    home.put(&lines[..3].concat());
    record_all(&Journal::open(&home.opening).unwrap(), 5..7).await;
    let verdict = home.verdict();
    assert_eq!(
        verdict.faults.first().map(|f| (f.line, f.what.clone())),
        Some((4, Tampering::Missing { first: 4, last: 5 }))
    );
}

#[tokio::test]
async fn a_foreign_end_without_a_line_break_stays_and_is_named() {
    let home = Home::with_lines(2).await;
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .open(home.opening.audit_path())
        .unwrap();
    file.write_all(b"scribble").unwrap();
    record_all(&Journal::open(&home.opening).unwrap(), 2..3).await;
    let verdict = home.verdict();
    assert_eq!(
        verdict
            .faults
            .iter()
            .map(|f| (f.line, f.what.clone()))
            .collect::<Vec<_>>(),
        [(3, Tampering::Foreign)]
    );
    assert_eq!(verdict.last, Some(3));
}

#[tokio::test]
async fn a_new_journal_beside_an_old_log_goes_on_with_its_chain() {
    let home = Home::with_lines(3).await;
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", home.opening.path.display()));
    }
    record_all(&Journal::open(&home.opening).unwrap(), 3..5).await;
    let verdict = home.verdict();
    assert!(verdict.is_whole(), "{:?}", verdict.faults);
    assert_eq!(verdict.lines, 5);
}

#[tokio::test]
async fn while_another_process_has_the_file_nothing_waits_and_nothing_is_lost() {
    let home = Home::with_lines(1).await;
    let journal = Journal::open(&home.opening).unwrap();
    let held = std::fs::File::open(home.opening.audit_path()).unwrap();
    held.lock().unwrap();
    record_all(&journal, 1..3).await;
    assert_eq!(split(&home.file()).len(), 1);
    held.unlock().unwrap();
    journal.settle().await.unwrap();
    assert_eq!(split(&home.file()).len(), 3);
    assert!(home.verdict().is_whole());
}

#[tokio::test]
async fn a_log_that_cannot_be_written_is_said_and_holds_up_no_act() {
    let home = Home::with_lines(1).await;
    let journal = Journal::open(&home.opening).unwrap();
    let log = home.opening.audit_path();
    let aside = log.with_extension("aside");
    std::fs::rename(&log, &aside).unwrap();
    std::fs::create_dir(&log).unwrap();
    record_all(&journal, 1..2).await;
    let said = journal.trouble().borrow().clone().expect("said");
    assert!(
        said.contains("audit.jsonl") && said.contains("wait in the journal"),
        "{said}"
    );
    std::fs::remove_dir(&log).unwrap();
    std::fs::rename(&aside, &log).unwrap();
    journal.settle().await.unwrap();
    assert_eq!(*journal.trouble().borrow(), None);
    assert!(home.verdict().is_whole());
}

#[tokio::test]
async fn four_journals_on_one_file_keep_one_chain() {
    let home = Home::with_lines(1).await;
    let open = || Journal::open(&home.opening).unwrap();
    let journals = [open(), open(), open(), open()];
    futures::future::join_all(journals.iter().map(|journal| record_all(journal, 0..25))).await;
    drop(journals);
    drop(Journal::open(&home.opening).unwrap());
    let verdict = home.verdict();
    assert!(verdict.is_whole(), "{:?}", verdict.faults);
    assert_eq!((verdict.lines, verdict.waiting), (101, 0));
}

#[test]
fn the_longest_line_fits_the_window_that_a_tail_is_read_in() {
    let mut long = act(1);
    for text in [
        &mut long.actor,
        &mut long.action,
        &mut long.target,
        &mut long.context,
        &mut long.why,
        &mut long.result,
    ] {
        *text = "\u{1}".repeat(100_000);
    }
    let origin = Origin {
        host: "\u{1}".repeat(1_000),
        terminal: Some("\u{1}".repeat(1_000)),
        pid: u32::MAX,
    };
    let made = line::compose(u64::MAX, &long, &origin, line::NONE).unwrap();
    assert!(made.text.len() < 32 * 1024, "{}", made.text.len());
    assert!(!made.text.contains('\n'));
}
