//! Loki against a scripted server on a real socket.

mod pages;
mod server;
mod tails;
mod tls;

use super::*;
use crate::backend::http::{Client, Wires};
use crate::config::{Auth, Endpoint, TlsConfig};
use crate::domain::log::Batch;

fn endpoint(url: &str) -> Endpoint {
    Endpoint {
        name: "logs".into(),
        url: url.into(),
        auth: Auth::None,
        headers: Vec::new(),
        params: Vec::new(),
        tls: TlsConfig::default(),
        proxy: None,
        timeout: Duration::from_millis(700),
        connect_timeout: Duration::from_millis(500),
        max_concurrency: 4,
    }
}

fn loki(url: &str) -> Loki {
    loki_on(&endpoint(url))
}

fn loki_on(endpoint: &Endpoint) -> Loki {
    let clock = Clock::start();
    let client = Client::new(endpoint, Wires::default().transport(endpoint), clock);
    let settings = Settings {
        name: "logs".into(),
        service_label: None,
        service_labels: ["service".into(), "app".into()].into(),
        poll: Duration::from_millis(100),
    };
    Loki::new(settings, None, Arc::new(client), clock)
}

/// Times and texts of a batch.
fn lines(batch: &Batch) -> Vec<(i64, String)> {
    let of = |line: &crate::domain::log::Line| {
        let text = String::from_utf8(batch.text(line).to_vec()).expect("text");
        (line.at.expect("a time").0, text)
    };
    batch.lines.iter().map(of).collect()
}
