//! The console's keys while traces of 100,000 spans are on their way: downloaded, read into rows, studied.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use crate::figure::{Held, Samples, held, millis};
use crate::pty::Console;
use crate::server;
use crate::traces::{body, tree};

/// Traces that are opened one after the other, each with an id of its own.
const TRACES: usize = 8;
/// What the ids of the list begin with; two digits of their own stand behind.
const ID: &str = "5b8efff798038103d269b633813fc6";
/// The id in the body that is served, whichever is asked for.
const SERVED: &str = "5b8efff798038103d269b633813fc60c";
/// How long keys are pressed for each: as long as a trace loads.
const LOADING: usize = 30;
/// Between two keys.
const PACE: Duration = Duration::from_millis(31);

pub fn measure() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&served);
    let spans = String::from_utf8(body(100_000, tree)).unwrap();
    let spans: Arc<str> = spans.into();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (spans, count) = (Arc::clone(&spans), Arc::clone(&count));
            std::thread::spawn(move || serve(&stream, &spans, &count));
        }
    });
    let config = format!(
        "[[contexts.prod.alertmanagers]]\nname = \"eu-0\"\nurl = \"http://127.0.0.1:{}\"\n\
         [contexts.prod.traces]\nkind = \"tempo\"\nurl = \"http://127.0.0.1:{port}\"\npoll = \"1h\"\n",
        server::start().port
    );
    let mut console = Console::start(&[], Some(&config));
    console.when_shown("DiskWill").expect("the alerts arrive");
    console.press("4");
    console.when_shown("operation-00").expect("the traces arrive");
    let mut answers = Vec::new();
    for trace in 0..TRACES {
        // The waterfall is asked for and left: what is measured is the list while it loads.
        console.press("\r");
        console.within(PACE);
        console.press("\u{1b}");
        console.within(Duration::from_millis(120));
        for key in 0..LOADING {
            let seen = console.answer(["j", "k"][key % 2]).expect("the key shows");
            answers.push(millis(seen));
            console.within(PACE + Duration::from_micros((trace * LOADING + key) as u64 * 131 % 9_000));
        }
        console.press("j");
        console.within(Duration::from_millis(500));
    }
    held(
        "traces: key to changed screen while 100,000 spans load",
        "ms",
        &Samples::new(answers),
        (Held::P99, 16.0),
    );
    let served = served.load(Ordering::Relaxed);
    println!(
        "  {served} traces of {} MB were served meanwhile",
        body(100_000, tree).len() / 1_000_000
    );
}

fn serve(stream: &TcpStream, spans: &str, served: &AtomicUsize) -> Option<()> {
    let mut lines = BufReader::new(stream).lines();
    loop {
        let request = lines.next()?.ok()?;
        while !lines.next()?.ok()?.is_empty() {}
        let found = request.split_once(ID).and_then(|(_, rest)| rest.get(..2));
        let body = match found {
            Some(own) => {
                served.fetch_add(1, Ordering::Relaxed);
                spans.replace(SERVED, &format!("{ID}{own}"))
            }
            None => list(),
        };
        let mut to = stream;
        write!(
            to,
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        )
        .ok()?;
        to.write_all(body.as_bytes()).ok()?;
    }
}

/// Traces of a minute ago, the slowest first, so that the list stands still.
fn list() -> String {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let start = now.as_nanos() - 60_000_000_000;
    let mut text = String::from("{\"traces\":[");
    for number in 0..TRACES + 2 {
        let comma = if number == 0 { "" } else { "," };
        let _ = write!(
            text,
            "{comma}{{\"traceID\":\"{ID}{number:02x}\",\"rootServiceName\":\"web\",\"rootTraceName\":\"operation-{number:02}\",\
             \"startTimeUnixNano\":\"{start}\",\"durationMs\":{}}}",
            9_000 - number * 100
        );
    }
    text.push_str("]}");
    text
}
