//! An Alertmanager on loopback that always lists the same 10,000 alerts, re-sent at every look.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::crowd::{self, Resent};

/// A server that runs as long as the bench.
pub struct Crowded {
    pub port: u16,
    /// How often the groups were asked for.
    pub asked: Arc<AtomicUsize>,
}

pub fn start() -> Crowded {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let bodies: Arc<[String; 2]> = Arc::new([Resent::None, Resent::Every].map(crowd::groups_answer));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (bodies, count) = (Arc::clone(&bodies), Arc::clone(&count));
            std::thread::spawn(move || serve(&stream, &bodies, &count));
        }
    });
    Crowded { port, asked }
}

fn serve(stream: &TcpStream, bodies: &[String; 2], asked: &AtomicUsize) -> Option<()> {
    let mut lines = BufReader::new(stream).lines();
    loop {
        let request = lines.next()?.ok()?;
        while !lines.next()?.ok()?.is_empty() {}
        let body = if request.contains("/alerts/groups") {
            &bodies[asked.fetch_add(1, Ordering::Relaxed) % 2]
        } else if request.contains("/silences") {
            "[]"
        } else {
            r#"{"cluster":{"status":"ready","peers":[]}}"#
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
