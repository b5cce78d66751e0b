//! Files on a disk and a pipe: pages from both ends, the seam to the tail, rotation, the end of the input.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::mpsc;

use super::{Files, Input};
use crate::backend::logs::{Direction, Logs, More, Page, PageQuestion, Reach, Settings, TailEvent, TailMode};
use crate::domain::log::{Batch, Nanos, Wanted};
use crate::time::Clock;

struct Stage {
    dir: tempfile::TempDir,
    clock: Clock,
}

impl Stage {
    fn new() -> Self {
        // files are dated by the machine's clock
        let clock = Clock::start();
        Self {
            dir: tempfile::tempdir().unwrap(),
            clock,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn append(&self, name: &str, text: &str) {
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.path(name))
            .unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    fn files(&self, pattern: &str) -> Files {
        let settings = Settings {
            name: Arc::from("logs"),
            service_label: None,
            service_labels: Arc::default(),
            poll: Duration::from_secs(2),
        };
        let pattern = self.path(pattern).to_string_lossy().into_owned();
        Files::new(settings, vec![pattern], self.clock)
    }
}

fn question(from: Nanos, to: Nanos, direction: Direction, limit: usize) -> PageQuestion {
    PageQuestion {
        wanted: Wanted::default(),
        from,
        to,
        direction,
        limit,
    }
}

fn texts(batch: &Batch) -> Vec<String> {
    let lines = batch.lines.iter();
    lines
        .map(|line| String::from_utf8_lossy(batch.text(line)).into_owned())
        .collect()
}

const ALL: (Nanos, Nanos) = (Nanos(i64::MIN), Nanos(i64::MAX));

async fn page(files: &Files, (from, to): (Nanos, Nanos), direction: Direction, limit: usize) -> Page {
    files.page(question(from, to, direction, limit)).await.unwrap()
}

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000 + second, 0).unwrap()
}

fn stamped(second: i64, text: &str) -> String {
    format!("{} {text}\n", at(second).format("%Y-%m-%dT%H:%M:%SZ"))
}

/// The moment that the next page is asked with.
fn told_at(text: &str) -> Nanos {
    Nanos::of(text.get(..20).unwrap().parse().unwrap())
}

#[tokio::test]
async fn pages_of_a_file_tile_in_both_directions_where_many_share_a_second() {
    let stage = Stage::new();
    let sent: Vec<String> = (0..200)
        .map(|number| stamped(number / 9, &format!("line {number}")))
        .collect();
    stage.append("app.log", &sent.concat());
    let sent: Vec<&str> = sent.iter().map(|line| line.trim_end()).collect();
    for direction in [Direction::Backward, Direction::Forward] {
        let files = stage.files("app.log");
        let (mut from, mut to) = ALL;
        let mut read: Vec<Vec<String>> = Vec::new();
        loop {
            let page = page(&files, (from, to), direction, 7).await;
            let lines = texts(&page.batch);
            match direction {
                Direction::Backward => to = told_at(&lines[0]),
                Direction::Forward => from = told_at(lines.last().unwrap()).plus(Duration::from_nanos(1)),
            }
            read.push(lines);
            if page.more == More::No {
                break;
            }
        }
        if direction == Direction::Backward {
            read.reverse();
        }
        assert_eq!(read.concat(), sent);
    }
}

#[tokio::test]
async fn times_out_of_order_and_of_lines_that_are_not_wanted_lose_nothing() {
    let stage = Stage::new();
    let mut sent = Vec::new();
    for number in 0..60 {
        // every other line tells a time, now ahead, now behind; only those that do not are wanted
        stage.append("app.log", &stamped(number * 7 % 60, "passed over"));
        stage.append("app.log", &format!("untimed {number}\n"));
        sent.push(format!("untimed {number}"));
        if number % 9 == 0 {
            stage.append("app.log", &stamped(number * 11 % 60, "untimed? no"));
        }
    }
    let files = stage.files("app.log");
    let mut to = ALL.1;
    let mut read: Vec<Vec<String>> = Vec::new();
    loop {
        let mut asked = question(ALL.0, to, Direction::Backward, 7);
        asked.wanted.query = "untimed".to_owned();
        let page = files.page(asked).await.unwrap();
        let lines = texts(&page.batch);
        let told = lines
            .iter()
            .filter(|line| line.starts_with("20"))
            .map(|line| told_at(line));
        to = told.min().unwrap_or(to);
        read.push(lines);
        if page.more == More::No {
            break;
        }
    }
    read.reverse();
    let mut read = read.concat();
    read.retain(|line| line.starts_with("untimed"));
    assert_eq!(read, sent);
}

#[tokio::test]
async fn files_without_times_are_paged_by_where_they_were_read_to() {
    let stage = Stage::new();
    let text = (0..30)
        .map(|number| format!("line {number}\n"))
        .collect::<Vec<_>>()
        .concat();
    stage.append("app.log", &text);
    let files = stage.files("app.log");
    let first = page(&files, ALL, Direction::Backward, 20).await;
    assert_eq!(
        (texts(&first.batch)[0].as_str(), first.more),
        ("line 10", More::Yes)
    );
    let second = page(&files, (ALL.0, Nanos(7)), Direction::Backward, 20).await;
    assert_eq!((texts(&second.batch).len(), second.more), (10, More::No));
}

#[tokio::test]
async fn several_files_are_one_story() {
    let stage = Stage::new();
    stage.append("a.log", &(stamped(1, "a1") + &stamped(5, "a5")));
    stage.append("b.log", &(stamped(2, "b2") + "  more\n" + &stamped(9, "b9")));
    stage.append("c.txt", &stamped(3, "not matched"));
    let files = stage.files("*.log");
    let all = texts(&page(&files, ALL, Direction::Backward, 10).await.batch);
    let words: Vec<&str> = all.iter().map(|line| line.get(21..).unwrap()).collect();
    assert_eq!(words, ["a1", "b2\n  more", "a5", "b9"]);
    let newest = page(&files, ALL, Direction::Backward, 2).await;
    assert_eq!(newest.more, More::Yes);
    let range = (Nanos::of(at(2)), Nanos::of(at(9)));
    let within = texts(&page(&files, range, Direction::Forward, 10).await.batch);
    assert_eq!(within.len(), 2, "{within:?}");
}

#[tokio::test]
async fn what_cannot_be_read_is_said() {
    let stage = Stage::new();
    let error = stage
        .files("missing.log")
        .page(question(ALL.0, ALL.1, Direction::Backward, 10))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("missing.log"), "{error}");
    let error = stage
        .files("*.none")
        .page(question(ALL.0, ALL.1, Direction::Backward, 10))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("nothing matches"), "{error}");
}

/// Waits until a tail has told so many lines.
async fn lines(
    tail: &mut (impl Future + Unpin),
    events: &mut mpsc::Receiver<TailEvent>,
    count: usize,
) -> Vec<String> {
    let mut told = Vec::new();
    let waiting = async {
        while told.len() < count {
            match events.recv().await.expect("the tail goes on") {
                TailEvent::Lines(batch) => told.extend(texts(&batch)),
                TailEvent::Mode(_) => {}
                other => panic!("{other:?}"),
            }
        }
    };
    tokio::select! {
        _ = tail => panic!("the tail ended"),
        () = waiting => {}
    }
    assert_eq!(told.len(), count, "{told:?}");
    told
}

#[tokio::test]
async fn a_page_and_the_tail_behind_it_have_every_line_once() {
    let stage = Stage::new();
    let old = at(0) - TimeDelta::days(1);
    stage.append("app.log", &format!("{} old\n", old.format("%Y-%m-%dT%H:%M:%SZ")));
    stage.append("app.log", &(stamped(1, "one") + "untimed\n"));
    let files = stage.files("app.log");
    let now = Nanos::of(at(10));
    let before = texts(&page(&files, (ALL.0, now), Direction::Backward, 10).await.batch);
    assert_eq!(before.len(), 3);
    // between the two: late, without a time, and in order
    stage.append(
        "app.log",
        &(stamped(2, "late") + "untimed too\n" + &stamped(11, "two")),
    );
    let (sender, mut events) = mpsc::channel(16);
    let mut tail = files.tail(Wanted::default(), now, sender);
    let told = lines(&mut tail, &mut events, 3).await;
    assert!(
        told[0].ends_with("late") && told[1] == "untimed too" && told[2].ends_with("two"),
        "{told:?}"
    );
    // and from the very begin, without a page
    let (sender, mut events) = mpsc::channel(16);
    let fresh = stage.files("app.log");
    let mut tail = fresh.tail(Wanted::default(), ALL.0, sender);
    assert_eq!(lines(&mut tail, &mut events, 6).await.len(), 6);
}

#[tokio::test]
async fn the_tail_follows_rotation_and_finds_new_files() {
    let stage = Stage::new();
    stage.append("app.log", "one\n");
    let files = stage.files("*.log");
    let (sender, mut events) = mpsc::channel(16);
    let mut tail = files.tail(Wanted::default(), ALL.0, sender);
    assert_eq!(lines(&mut tail, &mut events, 1).await, ["one"]);
    stage.append("app.log", "two\n");
    fs::rename(stage.path("app.log"), stage.path("app.log.1")).unwrap();
    stage.append("app.log", "three\n");
    stage.append("other.log", "four\n");
    let mut told = lines(&mut tail, &mut events, 3).await;
    told.sort();
    assert_eq!(told, ["four", "three", "two"]);
}

#[tokio::test(start_paused = true)]
async fn a_pipe_is_read_to_its_end() {
    let text = "one\n  at x\ntwo\nthree without end";
    let input = Input::from(Arc::from("logs"), Nanos::of(at(0)), text.as_bytes());
    let (sender, mut events) = mpsc::channel(16);
    input.tail(Wanted::default(), ALL.0, sender).await.unwrap();
    let mut told = Vec::new();
    while let Ok(event) = events.try_recv() {
        if let TailEvent::Lines(batch) = event {
            told.extend(texts(&batch));
        }
    }
    assert_eq!(told, ["one\n  at x", "two", "three without end"]);
}

#[tokio::test]
async fn the_whole_of_a_file_is_told_from_its_end_then_from_its_begin_and_stays_in_it() {
    let stage = Stage::new();
    let sent: Vec<String> = (0..20_000)
        .map(|number| stamped(number, &format!("line {number}")))
        .collect();
    stage.append("app.log", &sent.concat());
    let files = stage.files("app.log").whole();
    assert_eq!(files.reach(), Reach::Whole);
    let (sender, mut events) = mpsc::channel(64);
    let mut tail = files.tail(Wanted::default(), ALL.0, sender);
    let mut told: Vec<String> = Vec::new();
    let mut begins = Vec::new();
    let (mut gaps, mut modes) = (Vec::new(), Vec::new());
    while told.len() < sent.len() || gaps.len() < 2 {
        let event = tokio::select! {
            _ = &mut tail => panic!("the tail ended"),
            event = events.recv() => event.unwrap(),
        };
        match event {
            TailEvent::Lines(batch) => {
                assert!(batch.place.is_some(), "the text stays in the file");
                begins.push(texts(&batch)[0].clone());
                told.extend(texts(&batch));
            }
            TailEvent::Gap(gap) | TailEvent::Filled(gap) => gaps.push(gap),
            TailEvent::Mode(mode) => modes.push(mode),
            TailEvent::Failed(error) => panic!("{error}"),
        }
    }
    assert!(begins.len() > 2 && begins[0] > begins[2], "{begins:?}");
    assert!(begins[1].ends_with(" line 0"), "{begins:?}");
    assert_eq!(gaps[0], gaps[1], "what is not read yet is a gap until it is");
    assert!(
        matches!(
            modes[..],
            [
                TailMode::Live,
                TailMode::Reading {
                    percent: 20..60,
                    left: 0
                }
            ]
        ),
        "{modes:?}"
    );
    let event = tokio::select! {
        _ = &mut tail => panic!("the tail ended"),
        event = events.recv() => event.unwrap(),
    };
    assert!(matches!(event, TailEvent::Mode(TailMode::Live)), "{event:?}");
    let mut sorted = told;
    sorted.sort();
    let mut all: Vec<&str> = sent.iter().map(|line| line.trim_end()).collect();
    all.sort_unstable();
    assert_eq!(sorted, all);
}

#[tokio::test]
async fn lines_of_one_moment_are_paged_by_where_they_stand_whichever_side_of_it_is_asked_from() {
    let stage = Stage::new();
    let sent: Vec<String> = (0..5_000)
        .map(|number| stamped(7, &format!("line {number}")))
        .collect();
    stage.append("app.log", &sent.concat());
    for beside in [0, 1] {
        let files = stage.files("app.log");
        let mut to = ALL.1;
        let mut read: Vec<Vec<String>> = Vec::new();
        loop {
            let page = page(&files, (ALL.0, to), Direction::Backward, 700).await;
            let lines = texts(&page.batch);
            to = told_at(&lines[0]).plus(Duration::from_nanos(beside));
            read.push(lines);
            if page.more == More::No || read.len() > 10 {
                break;
            }
        }
        read.reverse();
        let all: Vec<&str> = sent.iter().map(|line| line.trim_end()).collect();
        assert_eq!(read.concat(), all, "{beside}");
    }
}

#[tokio::test]
async fn a_file_that_is_renamed_between_a_page_and_the_tail_loses_nothing() {
    let stage = Stage::new();
    stage.append("app.log", "one\n");
    let files = stage.files("app.log");
    let now = Nanos::of(stage.clock.now().utc);
    assert_eq!(
        texts(&page(&files, (ALL.0, now), Direction::Backward, 10).await.batch),
        ["one"]
    );
    stage.append("app.log", "two\n");
    fs::rename(stage.path("app.log"), stage.path("app.log.1")).unwrap();
    stage.append("app.log", "three\n");
    let (sender, mut events) = mpsc::channel(16);
    let mut tail = files.tail(Wanted::default(), now, sender);
    assert_eq!(lines(&mut tail, &mut events, 2).await, ["two", "three"]);
}

#[tokio::test]
async fn a_tail_that_begins_before_its_page_tells_nothing_of_it_again() {
    let stage = Stage::new();
    stage.append("app.log", "one\n");
    let files = stage.files("app.log");
    let now = Nanos::of(stage.clock.now().utc);
    let (sender, mut events) = mpsc::channel(16);
    let mut tail = files.tail(Wanted::default(), now, sender);
    let begun = tokio::time::timeout(Duration::from_millis(300), &mut tail).await;
    assert!(begun.is_err(), "it goes on");
    stage.append("app.log", "two\n");
    let before = page(&files, (ALL.0, now), Direction::Backward, 10).await;
    assert_eq!(texts(&before.batch), ["one"]);
    assert_eq!(lines(&mut tail, &mut events, 1).await, ["two"]);
}

#[tokio::test]
async fn a_long_file_says_how_far_it_was_read_and_what_is_left_of_the_gap() {
    let stage = Stage::new();
    let padding = "x".repeat(1_000);
    let sent: Vec<String> = (0..10_000)
        .map(|number| stamped(number, &format!("line {number} {padding}")))
        .collect();
    stage.append("app.log", &sent.concat());
    stage.append("other.log", &stamped(20_000, "other"));
    let files = stage.files("*.log").whole();
    let (sender, mut events) = mpsc::channel(64);
    let mut tail = files.tail(Wanted::default(), ALL.0, sender);
    let mut modes = Vec::new();
    let mut gaps = Vec::new();
    while modes.last() != Some(&TailMode::Live) || modes.len() < 2 {
        let event = tokio::select! {
            _ = &mut tail => panic!("the tail ended"),
            event = events.recv() => event.unwrap(),
        };
        match event {
            TailEvent::Mode(mode) => modes.push(mode),
            TailEvent::Gap(gap) => gaps.push(gap),
            TailEvent::Filled(gap) => assert!(gaps.contains(&gap)),
            TailEvent::Lines(_) => {}
            TailEvent::Failed(error) => panic!("{error}"),
        }
    }
    let percents: Vec<u8> = modes
        .iter()
        .filter_map(|mode| match mode {
            TailMode::Reading { percent, left } => {
                assert_eq!(*left, 1);
                Some(*percent)
            }
            _ => None,
        })
        .collect();
    assert!(
        percents.len() == 3 && percents.is_sorted() && percents[2] > 75,
        "{percents:?}"
    );
    assert!(
        gaps.len() == 3
            && gaps
                .windows(2)
                .all(|two| two[0].from < two[1].from && two[0].to == two[1].to)
    );
}

#[tokio::test]
async fn a_file_that_a_pattern_finds_under_its_next_name_is_told_once() {
    let stage = Stage::new();
    stage.append("app.log", "one\n");
    let files = stage.files("app.log*");
    let (sender, mut events) = mpsc::channel(16);
    let mut tail = files.tail(Wanted::default(), ALL.1, sender);
    let begun = tokio::time::timeout(Duration::from_millis(300), &mut tail).await;
    assert!(begun.is_err(), "it goes on");
    let mut told = Vec::new();
    for round in 0..2 {
        if round > 0 {
            fs::rename(stage.path("app.log.1"), stage.path("app.log.2")).unwrap();
        }
        stage.append("app.log", &format!("last of {round}\n"));
        fs::rename(stage.path("app.log"), stage.path("app.log.1")).unwrap();
        stage.append("app.log", &format!("first after {round}\n"));
        told.extend(lines(&mut tail, &mut events, 2).await);
    }
    // whoever still writes to the renamed one is heard, under its new name once the old one let it go
    tokio::select! {
        _ = &mut tail => panic!("the tail ended"),
        () = tokio::time::sleep(Duration::from_secs(7)) => {}
    }
    stage.append("app.log.1", "straggler\n");
    told.extend(lines(&mut tail, &mut events, 1).await);
    assert_eq!(
        told,
        [
            "last of 0",
            "first after 0",
            "last of 1",
            "first after 1",
            "straggler"
        ]
    );
    assert!(events.is_empty(), "none of them twice");
}

#[tokio::test]
async fn what_the_tail_tells_of_a_file_that_was_not_there_no_page_tells_again() {
    let stage = Stage::new();
    let files = stage.files("app.log");
    let now = Nanos::of(stage.clock.now().utc);
    let (sender, mut events) = mpsc::channel(16);
    let mut tail = files.tail(Wanted::default(), now, sender);
    let begun = tokio::time::timeout(Duration::from_millis(300), &mut tail).await;
    assert!(begun.is_err(), "it goes on");
    let first = files.page(question(ALL.0, now, Direction::Backward, 10)).await;
    assert!(first.is_err(), "it is not there");
    stage.append("app.log", "one\ntwo\n");
    assert_eq!(lines(&mut tail, &mut events, 2).await, ["one", "two"]);
    let again = page(&files, (ALL.0, now), Direction::Backward, 10).await;
    assert_eq!((texts(&again.batch), again.more), (Vec::new(), More::No));
    drop(tail);
    let other = page(&files, (ALL.0, now), Direction::Backward, 10).await;
    assert_eq!(texts(&other.batch), ["one", "two"], "of another question");
}

#[test]
fn a_link_to_a_file_that_is_read_itself_is_not_read() {
    let stage = Stage::new();
    stage.append("app-1.log", "one\n");
    std::os::unix::fs::symlink(stage.path("app-1.log"), stage.path("current.log")).unwrap();
    let pattern = |name: &str| stage.path(name).to_string_lossy().into_owned();
    assert_eq!(super::expand(&[pattern("*.log")]), [stage.path("app-1.log")]);
    assert_eq!(
        super::expand(&[pattern("current.log")]),
        [stage.path("current.log")]
    );
}

#[test]
fn quiet_files_are_looked_at_seldom() {
    assert_eq!(super::pace(Duration::ZERO), Duration::from_millis(250));
    assert_eq!(super::pace(Duration::from_secs(10)), Duration::from_secs(1));
}
