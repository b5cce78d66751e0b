//! The console while every backend is dead: it has to be as quick as on a good day.
//!
//! Dead is worst where nothing refuses: each server takes the connection and says nothing, until the client gives
//! up. Measured with nothing to send, then with a thousand acts in the outbox that all want to go out. Start at
//! [`measure`].

use std::fmt::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use midwatch::app::focus::PaneId;
use midwatch::journal::{Journal, Opening, outbox};
use midwatch::outbox::State;
use midwatch::theme;
use midwatch::time::Clock;
use midwatch::view;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::figure::{Held, Samples, held, told};
use crate::pty::{Console, usage};
use crate::{fixtures, journal, terminal};

/// What an hour of an outage would not leave behind by hand.
const WAITING: usize = 1_000;

pub fn measure() {
    let port = silent_server();
    println!("every backend takes connections and never answers:");
    at_the_keys(port, 0);
    at_the_keys(port, WAITING);
    frames();
}

/// A server that keeps every connection open and says nothing, as long as the bench runs.
fn silent_server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let kept: Vec<TcpStream> = listener.incoming().flatten().collect();
        drop(kept);
    });
    port
}

fn configuration(state: &Path, port: u16) -> String {
    let url = format!("url = \"http://127.0.0.1:{port}\"\n");
    let mut text = format!(
        "state_dir = \"{0}\"\nidentity = \"jun@example.com\"\n\
         [contexts.prod.incidents]\nkind = \"pagerduty\"\nfrom = \"jun@example.com\"\n\
         auth = {{ token_file = \"{0}/key\" }}\n{url}\
         [contexts.prod.annotations]\nkind = \"grafana\"\n{url}\
         [contexts.prod.logs]\nkind = \"loki\"\n{url}\
         [contexts.prod.traces]\nkind = \"jaeger\"\n{url}\
         [contexts.prod.metrics]\nkind = \"prometheus\"\n{url}",
        state.display()
    );
    for name in ["eu-0", "eu-1"] {
        let _ = write!(text, "[[contexts.prod.alertmanagers]]\nname = \"{name}\"\n{url}");
    }
    text
}

/// Journals acts that nobody takes.
fn fill(state: &Path, acts: usize) {
    let journal = Journal::open(&Opening::private(state.join("midwatch.db"))).expect("opens");
    let drafts: Vec<_> = (0..acts).map(journal::escalation).collect();
    let now = Clock::start().stamp();
    let writing = journal.write(move |tx| outbox::insert(tx, &journal::author(), &drafts, &now));
    futures::executor::block_on(writing).expect("journaled");
}

fn at_the_keys(port: u16, acts: usize) {
    let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory on the disk");
    fill(home.path(), acts);
    std::fs::write(home.path().join("key"), "u+key").unwrap();
    let mut console = Console::start(&[], Some(&configuration(home.path(), port)));
    console.when_shown("midwatch").expect("it is painted");
    if acts > 0 {
        console
            .when_shown(&format!("{acts}"))
            .expect("what waits is counted");
    }
    console.within(Duration::from_secs(2));
    let before = usage(console.pid).expect("it runs");
    let start = Instant::now();
    let pressed = terminal::press_keys(&mut console, ["1", "2"], 300);
    let took = start.elapsed().as_secs_f64();
    let after = usage(console.pid).expect("it runs");
    let what = format!("key to changed screen, {acts} acts in the outbox");
    pressed.held(&what, &[(Held::P99, 5.0)]);
    if acts > 0 {
        console.press("U");
        console.within(Duration::from_secs(1));
        let pressed = terminal::press_keys(&mut console, ["j", "k"], 300);
        pressed.held("  the same in the list of them", &[(Held::P99, 5.0)]);
    }
    let cpu = after.cpu.saturating_sub(before.cpu).as_secs_f64() * 100.0 / took;
    told("  of a core meanwhile", "%", &Samples::new(vec![cpu]));
    told(
        "  resident",
        "MiB",
        &Samples::new(vec![after.resident as f64 / 1_024.0]),
    );
}

/// Full frames of a console that has heard nothing for long, with all that waits.
fn frames() {
    let means = theme::Means {
        depth: theme::ColorDepth::Ansi256,
        glyphs: theme::Glyphs::Unicode,
    };
    let theme = theme::load("midwatch", None, means).unwrap();
    let mut model = fixtures::stale(fixtures::size(200, 60));
    let entries = (0..WAITING as i64).map(|n| fixtures::incidents::escalation(n, n, State::Pending));
    fixtures::tell(&mut model, fixtures::incidents::outbox(entries.collect()));
    fixtures::focus(&mut model, PaneId::Incident);
    let mut buffer = Buffer::empty(Rect::new(0, 0, 200, 60));
    for (what, keys) in [
        ("a full 200x60 frame, 1,000 acts in the outbox", ""),
        ("  the same, the list of them open", "U"),
    ] {
        if !keys.is_empty() {
            fixtures::press(&mut model, keys);
        }
        let samples = Samples::of_runs(
            20,
            300,
            || (),
            |()| {
                buffer.reset();
                view::draw(&model, &theme, fixtures::now(), &mut buffer)
            },
        );
        held(what, "ms", &samples, (Held::Median, 2.0));
    }
}
