//! Pages, limits, refusals, counts.

use super::server::{Script, Server};
use super::*;
use crate::backend::logs::{Direction, More};
use crate::domain::log::{Gap, GapReason, Level};

const BASE: i64 = 1_790_000_000_000_000_000;
const HOUR: i64 = 3_600_000_000_000;

fn question(direction: Direction, limit: usize) -> PageQuestion {
    PageQuestion {
        wanted: Wanted::default(),
        from: Nanos(BASE),
        to: Nanos(BASE + HOUR),
        direction,
        limit,
    }
}

/// Pages to the end of the range, going on as a caller does; all lines, oldest first, and the gaps.
async fn all(loki: &Loki, direction: Direction, limit: usize) -> (Vec<(i64, String)>, Vec<Gap>) {
    let mut question = question(direction, limit);
    let mut pages = Vec::new();
    let mut gaps = Vec::new();
    for _ in 0..1_000 {
        let page = loki.page(question.clone()).await.expect("a page");
        let told = lines(&page.batch);
        assert!(told.is_sorted_by_key(|(at, _)| *at), "oldest first");
        let ends = told
            .first()
            .zip(told.last())
            .map(|(first, last)| (first.0, last.0));
        pages.push(told);
        gaps.extend(page.gaps);
        let Some((first, last)) = ends.filter(|_| page.more == More::Yes) else {
            break;
        };
        match direction {
            Direction::Backward => question.to = Nanos(first),
            Direction::Forward => question.from = Nanos(last + 1),
        }
    }
    if direction == Direction::Backward {
        pages.reverse();
    }
    (pages.concat(), gaps)
}

fn sorted(mut lines: Vec<(i64, String)>) -> Vec<(i64, String)> {
    lines.sort();
    lines
}

#[tokio::test]
async fn pages_of_either_direction_hold_every_line_once() {
    let server = Server::start(Script {
        entries: 50,
        ..Script::default()
    })
    .await;
    let mut sent = Vec::new();
    let mut at = BASE;
    for n in 0..977_i64 {
        // Moments of one to thirteen lines, of two streams.
        at += i64::from(n % (1 + n / 80) == 0) * 1_000;
        let text = format!("line {n}");
        server.push(at, if n % 2 == 0 { "cart" } else { "pay" }, text.clone());
        sent.push((at, text));
    }
    sent.sort();
    let loki = loki(&server.url);
    for direction in [Direction::Backward, Direction::Forward] {
        for limit in [7, 40, 100, 5_000] {
            let (told, gaps) = all(&loki, direction, limit).await;
            assert_eq!(sorted(told), sent, "{direction:?} by {limit}");
            assert_eq!(gaps, []);
        }
    }
    let limits = server.asked("query_range", "limit");
    assert_eq!(
        limits
            .iter()
            .filter(|limit| limit.parse::<usize>().unwrap() > 50)
            .count(),
        1,
        "too much once, until the refusal is read: {limits:?}"
    );
}

#[tokio::test]
async fn a_page_is_no_longer_than_wished_where_moments_are_small() {
    let server = Server::start(Script::default()).await;
    for n in 0..300 {
        server.push(BASE + n, "cart", "x");
    }
    let page = loki(&server.url)
        .page(question(Direction::Backward, 100))
        .await
        .expect("a page");
    let told = lines(&page.batch);
    assert_eq!((told.len(), told[0].0, told[99].0), (100, BASE + 200, BASE + 299));
    assert_eq!(page.more, More::Yes);
    assert_eq!(page.batch.lines[0].level, Level::Info);
    assert_eq!(page.batch.streams[0].service.as_deref(), Some("cart"));
}

#[tokio::test]
async fn the_limit_on_lines_is_read_from_the_refusal_and_times_have_nineteen_digits() {
    let server = Server::start(Script {
        entries: 20,
        ..Script::default()
    })
    .await;
    for n in 0..100 {
        server.push(BASE + n, "cart", format!("{n}"));
    }
    let loki = loki(&server.url);
    let page = loki.page(question(Direction::Forward, 64)).await.expect("a page");
    assert_eq!(page.batch.lines.len(), 64);
    let limits = server.asked("query_range", "limit");
    assert_eq!(limits[..2], ["65", "20"]);
    for name in ["start", "end"] {
        assert!(
            server
                .asked("query_range", name)
                .iter()
                .all(|time| time.len() == 19)
        );
    }
}

#[tokio::test]
async fn a_moment_that_holds_more_than_the_server_gives_is_a_gap_and_what_lies_beyond_is_read() {
    let server = Server::start(Script {
        entries: 500,
        ..Script::default()
    })
    .await;
    for n in 0..2_000 {
        server.push(BASE + 50, "cart", format!("same {n}"));
    }
    for n in 0..100 {
        server.push(BASE + n, "pay", format!("other {n}"));
    }
    let loki = loki(&server.url);
    for direction in [Direction::Backward, Direction::Forward] {
        let (told, gaps) = all(&loki, direction, 100).await;
        let gap = Gap {
            from: Nanos(BASE + 50),
            to: Nanos(BASE + 51),
            reason: GapReason::LimitHit,
        };
        assert_eq!(gaps, [gap], "{direction:?}");
        let others = told.iter().filter(|(at, _)| *at != BASE + 50).count();
        assert_eq!(others, 99);
        assert!(told.len() - others >= 500);
    }
}

#[tokio::test]
async fn a_range_that_is_too_long_is_asked_for_in_pieces() {
    let server = Server::start(Script {
        length: Some(HOUR / 4),
        ..Script::default()
    })
    .await;
    for n in 0..60 {
        server.push(BASE + n * (HOUR / 60), "cart", format!("{n}"));
    }
    let loki = loki(&server.url);
    for direction in [Direction::Backward, Direction::Forward] {
        let (told, _) = all(&loki, direction, 25).await;
        assert_eq!(told.len(), 60, "{direction:?}");
        let page = loki.page(question(direction, 25)).await.expect("a page");
        assert_eq!((page.batch.lines.len(), page.more), (25, More::Yes));
    }
}

#[tokio::test]
async fn what_the_server_refuses_is_said_in_its_words() {
    let server = Server::start(Script {
        broken: Some((
            400,
            "parse error at line 1, col 5: syntax error: unexpected IDENTIFIER",
        )),
        ..Script::default()
    })
    .await;
    let loki = loki(&server.url);
    let error = loki
        .page(question(Direction::Backward, 10))
        .await
        .expect_err("refused");
    assert_eq!(error.kind, ErrorKind::Rejected);
    assert!(error.detail.contains("unexpected IDENTIFIER"), "{error}");
    server.script(|script| script.broken = Some((401, "no org id")));
    let error = loki
        .page(question(Direction::Backward, 10))
        .await
        .expect_err("refused");
    assert_eq!(error.kind, ErrorKind::NotSignedIn);
    assert!(error.detail.contains("no org id"), "{error}");
    server.script(|script| script.broken = Some((429, "too many outstanding requests")));
    let error = loki
        .page(question(Direction::Backward, 10))
        .await
        .expect_err("refused");
    assert_eq!(error.kind, ErrorKind::RateLimited);
    server.script(|script| (script.broken, script.mute) = (None, super::server::Mute::Queries));
    let error = loki
        .page(question(Direction::Backward, 10))
        .await
        .expect_err("silence");
    assert_eq!(error.kind, ErrorKind::TimedOut);
}

#[tokio::test]
async fn a_query_that_can_find_no_lines_is_refused_before_it_is_sent() {
    let server = Server::start(Script::default()).await;
    let wanted = Wanted {
        query: "timeout".into(),
        ..Wanted::default()
    };
    let asked = PageQuestion {
        wanted,
        ..question(Direction::Backward, 10)
    };
    let error = loki(&server.url).page(asked).await.expect_err("refused");
    assert!(
        error.kind == ErrorKind::Rejected && error.mend.contains("{app="),
        "{error}"
    );
    assert!(server.asked("query_range", "query").is_empty());
}

#[tokio::test]
async fn the_scope_is_asked_for_by_the_label_that_the_server_has() {
    let server = Server::start(Script::default()).await;
    let loki = loki(&server.url);
    let wanted = Wanted {
        service: Some("cart".into()),
        ..Wanted::default()
    };
    for _ in 0..2 {
        let asked = PageQuestion {
            wanted: wanted.clone(),
            ..question(Direction::Backward, 10)
        };
        loki.page(asked).await.expect("a page");
    }
    assert_eq!(server.asked("query_range", "query"), ["{app=\"cart\"}"; 2]);
    assert_eq!(server.asked("labels", "start").len(), 1, "asked once");
}

#[tokio::test]
async fn a_trace_is_told_once_though_it_is_asked_for_twice() {
    let server = Server::start(Script {
        old: true,
        ..Script::default()
    })
    .await;
    for n in 0..30 {
        server.push(BASE + n, "cart", format!("{n}"));
    }
    let asked = PageQuestion {
        wanted: Wanted {
            trace: Some("abc".parse().expect("an id")),
            ..Wanted::default()
        },
        ..question(Direction::Backward, 10)
    };
    let page = loki(&server.url).page(asked).await.expect("a page");
    assert_eq!(page.batch.lines.len(), 10);
    assert_eq!(server.asked("query_range", "query").len(), 2);
}

/// Answers one question, and remembers it.
struct Stand(std::sync::Mutex<Vec<Call>>, serde_json::Value);

impl Asker for Stand {
    fn call(&self, call: Call) -> BoxFuture<'_, BackendResult<Answer>> {
        self.0.lock().unwrap().push(call);
        let answer = Answer {
            status: 200,
            body: self.1.to_string().into_bytes(),
            date: None,
            content_type: "application/json".into(),
            retry_after: None,
        };
        Box::pin(async move { Ok(answer) })
    }
}

#[tokio::test]
async fn counts_fall_into_the_bucket_that_ends_at_their_point() {
    let seconds = 1_790_000_040;
    let base = seconds * 1_000_000_000;
    let matrix = serde_json::json!({"status": "success", "data": {"resultType": "matrix", "result": [
        {"metric": {"detected_level": "error"}, "values": [[seconds + 60, "3"], [seconds + 120, "4"]]},
        {"metric": {}, "values": [[seconds + 60, "7"], [seconds + 9_999, "1"]]},
    ]}});
    let stand = Arc::new(Stand(std::sync::Mutex::default(), matrix));
    let settings = Settings {
        name: "logs".into(),
        service_label: Some("app".into()),
        service_labels: [].into(),
        poll: Duration::from_secs(2),
    };
    let loki = Loki::new(settings, Some("{a=\"b\"}".into()), stand.clone(), Clock::start());
    let wanted = Wanted::default();
    let volume = loki
        .volume(wanted, Nanos(base + 1), Nanos(base + 120_000_000_000), 2)
        .await
        .expect("counted")
        .expect("it can");
    let at = |bucket: usize, level: Level| volume.buckets[bucket][level as usize];
    assert_eq!(volume.step, 60_000_000_000);
    assert_eq!(volume.from, Some(Nanos(base)));
    assert_eq!(volume.buckets.len(), 2);
    assert_eq!(
        (at(0, Level::Error), at(1, Level::Error), at(0, Level::Unknown)),
        (3, 4, 7)
    );
    let asked = stand.0.lock().unwrap();
    let query = asked[0]
        .query
        .iter()
        .find(|(name, _)| name == "query")
        .map(|(_, v)| v.as_str());
    assert_eq!(
        query,
        Some("sum by (detected_level) (count_over_time({a=\"b\"} [60s]))")
    );
}
