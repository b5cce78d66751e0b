use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::StreamExt as _;
use futures::future::BoxFuture;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::format::{self, Entry, Header, Meta, Typed};
use super::*;
use crate::backend::http::{
    Call, Client, Method, Opened, Reply, Request, Response, SharedTransport, Transport, TransportError, Way,
};
use crate::backend::{BackendResult, Delivery, ErrorKind};
use crate::config::{Auth, Endpoint, Secret, TlsConfig};
use crate::time::Clock;

/// A piece of a long answer with somebody's number in it.
const NUMBER: &str = r#"{"type":"sms","address":"5550100"}"#;
const TOKEN: &str = "tok-en-of-the-server";
const KEY: &str = "key-of-a-header";
const PARAM: &str = "value-of-a-parameter";

fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap()
}

fn header() -> Header {
    Header {
        midwatch: "0.0.0".to_owned(),
        utc: start(),
        opened: 0,
        seed: 7,
        context: "prod".to_owned(),
        config: "[contexts.prod.metrics]\nurl = \"http://a.example\"\n".to_owned(),
        width: 120,
        height: 40,
        layout: String::new(),
        keymap: "default".to_owned(),
        keymap_text: None,
        ascii: false,
        drill: None,
    }
}

fn endpoint() -> Endpoint {
    Endpoint {
        auth: Auth::Bearer(Secret::Inline(TOKEN.to_owned())),
        headers: vec![("X-Api-Key".to_owned(), Secret::Inline(KEY.to_owned()))],
        params: vec![("access_token".to_owned(), PARAM.to_owned())],
        name: "metrics".to_owned(),
        url: "http://a.example".to_owned(),
        tls: TlsConfig::default(),
        proxy: None,
        timeout: Duration::from_secs(5),
        connect_timeout: Duration::from_secs(1),
        max_concurrency: 4,
    }
}

/// Where somebody is reached, as PagerDuty tells it.
const REACHED: &str = r#"{"user": {"contact_methods": [{"address":"5550101","country_code":1,"type":"phone_contact_method"}]}}"#;

/// Answers with everything that it was told, as a careless server does, and takes its time.
struct Echo(Mutex<u32>);

impl Transport for Echo {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        let count = {
            let mut count = self.0.lock().unwrap();
            *count += 1;
            *count
        };
        let told = format!("{} {:?} {count}", request.url, request.headers);
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(20)).await;
            if request.url.contains("broken") {
                return Err(TransportError::Broken(format!("reset while {told} was sent")));
            }
            if request.url.contains("users") {
                return Ok(Response {
                    status: 200,
                    headers: Vec::new(),
                    body: REACHED.as_bytes().to_vec(),
                });
            }
            Ok(Response {
                status: 200,
                headers: vec![
                    ("content-type".to_owned(), "application/json".to_owned()),
                    ("set-cookie".to_owned(), "session=c00kie-of-the-server".to_owned()),
                    ("x-echo".to_owned(), told.clone()),
                ],
                body: serde_json::json!({ "told": told }).to_string().into_bytes(),
            })
        })
    }

    fn open(&self, _request: Request, way: Way) -> BoxFuture<'_, Result<Reply, TransportError>> {
        Box::pin(async move {
            match way {
                Way::Body => {
                    let pieces = futures::stream::iter(["one", NUMBER, TOKEN]).then(async |piece| {
                        tokio::time::sleep(Duration::from_secs(1)).await;
                        Ok(piece.as_bytes().to_vec())
                    });
                    let broken = futures::stream::once(async {
                        Err(TransportError::Broken("the server went away".to_owned()))
                    });
                    Ok(Reply::Body(pieces.chain(broken).boxed()))
                }
                Way::Socket => {
                    let (ours, mut theirs) = tokio::io::duplex(64);
                    theirs.write_all(b"hello").await.unwrap();
                    let headers = vec![("sec-websocket-accept".to_owned(), "of that time".to_owned())];
                    drop(theirs);
                    Ok(Reply::Socket {
                        socket: Box::new(ours),
                        headers,
                    })
                }
            }
        })
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap()
}

/// Records what is done through a client of a careless server.
fn recorded(work: impl AsyncFnOnce(Client, Clock, &Tape)) -> (tempfile::TempDir, std::path::PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("session.mwr");
    runtime().block_on(async {
        let clock = Clock::with_tokio(start()).seeded(7);
        let tape = Tape::create(&path, header(), clock).unwrap();
        let wire: SharedTransport = Arc::new(Tapped::new(Arc::new(Echo(Mutex::default())), tape.tap()));
        work(Client::new(&endpoint(), wire, clock), clock, &tape).await;
        let summary = tape.finish().await;
        assert_eq!((summary.lost, summary.trouble), (0, None));
    });
    (dir, path)
}

/// Plays a recording to a client.
fn played(path: &std::path::Path, work: impl AsyncFnOnce(Client, Clock)) {
    runtime().block_on(async {
        let recording = Recording::open(path, Strictness::Whole).unwrap();
        assert_eq!(recording.ending, Ending::Orderly);
        let clock = Clock::with_tokio(start()).seeded(7);
        let wire: SharedTransport = Arc::new(Replayed::new(Arc::new(recording), clock));
        work(Client::new(&endpoint(), wire, clock), clock).await;
    });
}

/// Everything in a file, inflated.
fn everything(path: &std::path::Path) -> String {
    let bytes = std::fs::read(path).unwrap();
    let mut rest = &bytes[bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1..];
    let mut all = String::new();
    while !rest.is_empty() {
        let head = format::Head::read(rest[..format::HEAD].try_into().unwrap()).unwrap();
        let payload = &rest[format::HEAD..format::HEAD + head.payload];
        write!(all, "{:?}", format::meta(head, payload).unwrap()).unwrap();
        all += &String::from_utf8_lossy(&format::body(head, payload).unwrap());
        rest = &rest[format::HEAD + head.payload..];
    }
    all
}

#[test]
fn no_secret_is_in_the_file_wherever_it_passed() {
    let (_dir, path) = recorded(async |client, _, _| {
        client.call(Call::get("api/x").param("q", "up")).await.unwrap();
        client.call(Call::get("api/broken")).await.unwrap_err();
        if let Ok(Opened::Body(mut pieces)) = client.open(Call::get("tail"), Way::Body).await {
            while pieces.next().await.is_some() {}
        }
    });
    let all = everything(&path);
    assert!(all.contains("api/x?q=up&access_token=***"), "{all}");
    for secret in [TOKEN, KEY, PARAM, "c00kie", "x-echo"] {
        assert!(!all.contains(secret), "{secret}: {all}");
    }
}

#[test]
fn no_number_of_anybody_is_in_the_file_and_the_session_has_it() {
    let (_dir, path) = recorded(async |client, _, _| {
        assert_eq!(ask(&client, "users/me").await.unwrap(), REACHED);
        let page = r#"{"people":[{"name":"Jun","phone":"5550101"}]}"#;
        let call = Call::write(Method::Post, "api/page", page.to_owned());
        client.call(call).await.unwrap();
    });
    let all = everything(&path);
    assert!(!all.contains("5550101"), "{all}");
    played(&path, async |client, _| {
        let heard = ask(&client, "users/me").await.unwrap();
        assert_eq!(heard, REACHED.replace("5550101", "*******"));
    });
}

#[cfg(unix)]
#[test]
fn the_file_is_its_owners_alone_and_nothing_is_overwritten() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_dir, path) = recorded(async |_, _, _| {});
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let before = std::fs::read(&path).unwrap();
    let error = Tape::create(&path, header(), Clock::start()).unwrap_err();
    assert!(error.to_string().contains("overwrites nothing"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_drill_is_kept_as_one_and_a_header_that_knows_of_none_reads() {
    let drill = Header {
        drill: Some(start()),
        ..header()
    };
    for header in [drill, header()] {
        let text = serde_json::to_string(&header).unwrap();
        assert_eq!(text.contains("drill"), header.drill.is_some(), "{text}");
        assert_eq!(serde_json::from_str::<Header>(&text).unwrap(), header);
    }
}

async fn ask(client: &Client, name: &str) -> BackendResult<String> {
    let answer = client.call(Call::get(format!("api/{name}"))).await?;
    Ok(String::from_utf8_lossy(&answer.body).into_owned())
}

#[test]
fn answers_come_again_in_their_order_at_their_moments_and_others_are_refused_in_words() {
    let (_dir, path) = recorded(async |client, _, _| {
        ask(&client, "a").await.unwrap();
        tokio::time::sleep(Duration::from_secs(10)).await;
        ask(&client, "a").await.unwrap();
    });
    played(&path, async |client, clock| {
        let first = ask(&client, "a").await.unwrap();
        assert!(first.contains(" 1\""), "{first}");
        assert_eq!(clock.tick().0.as_millis(), 20);
        // Asked sooner than then: answered when it was then.
        let second = ask(&client, "a").await.unwrap();
        assert!(second.contains(" 2\""), "{second}");
        assert_eq!(clock.tick().0.as_millis(), 10_040);
        let error = client.call(Call::get("api/b")).await.unwrap_err();
        assert_eq!(
            (error.kind, error.delivery),
            (ErrorKind::Rejected, Delivery::NotSent)
        );
        assert!(error.to_string().contains("not in the recording"), "{error}");
        // What was not answered while it was recorded is not answered now.
        let third = tokio::time::timeout(Duration::from_secs(3_600), ask(&client, "a")).await;
        assert!(third.is_err());
    });
}

#[test]
fn a_question_that_is_given_up_leaves_its_answer_to_the_next() {
    let (_dir, path) = recorded(async |client, _, _| {
        tokio::time::sleep(Duration::from_secs(5)).await;
        client.call(Call::get("api/a")).await.unwrap();
    });
    played(&path, async |client, clock| {
        let given_up = tokio::time::timeout(Duration::from_secs(1), client.call(Call::get("api/a"))).await;
        assert!(given_up.is_err());
        client.call(Call::get("api/a")).await.unwrap();
        assert_eq!(clock.tick().0.as_millis(), 5_020);
    });
}

#[test]
fn a_write_finds_its_answer_though_its_body_differs() {
    let write = |body: &str| Call::write(Method::Post, "api/silences", body.to_owned());
    let (_dir, path) = recorded(async |client, _, _| {
        client.call(write("{\"mark\":\"qwerty\"}")).await.unwrap();
    });
    played(&path, async |client, _| {
        client.call(write("{\"mark\":\"azerty\"}")).await.unwrap();
    });
}

#[test]
fn a_stream_comes_piece_by_piece_when_it_came_and_breaks_where_it_broke() {
    let (_dir, path) = recorded(async |client, _, _| {
        let Opened::Body(mut pieces) = client.open(Call::get("tail"), Way::Body).await.unwrap() else {
            panic!("no body");
        };
        while pieces.next().await.is_some() {}
    });
    played(&path, async |client, clock| {
        let Opened::Body(mut pieces) = client.open(Call::get("tail"), Way::Body).await.unwrap() else {
            panic!("no body");
        };
        let mut heard = Vec::new();
        while let Some(piece) = pieces.next().await {
            heard.push((
                clock.tick().0.as_secs(),
                piece
                    .map(|bytes| String::from_utf8(bytes).unwrap())
                    .map_err(|error| error.detail),
            ));
        }
        let said = |second: u64, text: &str| (second, Ok(text.to_owned()));
        let hidden = NUMBER.replace("5550100", "*******");
        assert_eq!(heard[..2], [said(1, "one"), said(2, &hidden)]);
        assert_eq!(heard[2], said(3, &"*".repeat(TOKEN.len())));
        let (_, Err(why)) = &heard[3] else {
            panic!("{heard:?}")
        };
        assert!(why.contains("went away"), "{why}");
        assert_eq!(heard.len(), 4);
    });
}

#[test]
fn a_socket_says_what_it_said_and_its_handshake_fits_the_new_key() {
    let open = |key: &str| Call::get("tail").header("sec-websocket-key", key);
    let (_dir, path) = recorded(async |client, _, _| {
        if let Opened::Socket { mut socket, .. } = client.open(open("old key"), Way::Socket).await.unwrap() {
            let mut heard = String::new();
            socket.read_to_string(&mut heard).await.unwrap();
        }
    });
    played(&path, async |client, _| {
        let opened = client.open(open("new key"), Way::Socket).await.unwrap();
        let Opened::Socket { mut socket, headers } = opened else {
            panic!("no socket");
        };
        let fits = tokio_tungstenite::tungstenite::handshake::derive_accept_key(b"new key");
        assert_eq!(headers, [("sec-websocket-accept".to_owned(), fits)]);
        socket.write_all(b"heard by nobody").await.unwrap();
        let mut heard = String::new();
        socket.read_to_string(&mut heard).await.unwrap();
        assert_eq!(heard, "hello");
    });
}

#[test]
fn a_body_that_is_the_same_again_is_kept_once() {
    let body = vec![b'x'; 100_000];
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("session.mwr");
    let noise: Vec<u8> = (0..200_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    let summary = runtime().block_on(async {
        let tape = Tape::create(&path, header(), Clock::with_tokio(start())).unwrap();
        for at in 0..5 {
            for body in [&body, &noise] {
                let entry = Entry::Answer {
                    key: "GET x".to_owned(),
                    asked: at,
                    at,
                    status: 200,
                    headers: Vec::new(),
                };
                tape.tap().keep(entry, body.clone()).await;
            }
        }
        tape.finish().await
    });
    assert!(summary.bytes < 300_000, "{summary:?}");
    let recording = Recording::open(&path, Strictness::Whole).unwrap();
    let all = &recording.exchanges["GET x"];
    assert_eq!(all.len(), 10);
    for (index, exchange) in all.iter().enumerate() {
        let reader::Said::Answer { body: place, .. } = &exchange.said else {
            panic!("{exchange:?}");
        };
        let expected = if index % 2 == 0 { &body } else { &noise };
        assert!(recording.body(*place).unwrap() == *expected, "{index}");
    }
}

/// A small recording with one of each kind.
fn small() -> Vec<u8> {
    let key = "GET http://a.example/x".to_owned();
    let body = br#"{"data": [1, 2, 3]}"#.repeat(20);
    let entries = [
        (Entry::Header(Box::new(header())), Vec::new()),
        (
            Entry::Answer {
                key: key.clone(),
                asked: 1_000,
                at: 2_000,
                status: 200,
                headers: vec![("date".to_owned(), "x".to_owned())],
            },
            body.clone(),
        ),
        (
            Entry::Input {
                at: 3_000,
                input: Typed::Paste("words".to_owned()),
            },
            Vec::new(),
        ),
        (Entry::Piece { stream: 1, at: 4_000 }, b"piece".to_vec()),
        (Entry::Lost { at: 4_500, count: 2 }, Vec::new()),
        (Entry::End { at: 5_000 }, Vec::new()),
    ];
    let mut file = format!("{}{}\n", format::MAGIC, format::VERSION).into_bytes();
    for (entry, body) in entries {
        file.extend(format::frame(&Meta { entry, same: None }, &body).unwrap());
    }
    file
}

fn opened(bytes: &[u8], strictness: Strictness) -> Result<Recording, RecordingError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.mwr");
    std::fs::write(&path, bytes).unwrap();
    Recording::open(&path, strictness)
}

/// Reads whatever it holds.
fn read_all(recording: &Recording) {
    for exchange in recording.exchanges.values().flatten() {
        if let reader::Said::Answer { body, .. } = &exchange.said {
            let _ = recording.body(*body);
        }
    }
    for bit in recording.streams.values().flatten() {
        if let reader::Brought::Piece(place) = &bit.said {
            let _ = recording.body(*place);
        }
    }
}

#[test]
fn a_whole_recording_is_read_with_all_that_it_tells() {
    let recording = opened(&small(), Strictness::Whole).unwrap();
    assert_eq!(recording.header, header());
    assert_eq!((recording.lost, &recording.ending), (2, &Ending::Orderly));
    assert_eq!(recording.moments.len(), 1);
    assert_eq!(recording.until, Duration::from_millis(6));
}

#[test]
fn a_recording_that_was_cut_anywhere_plays_to_where_it_ends_and_says_so() {
    let whole = small();
    let mut played = 0;
    for length in 0..whole.len() {
        match opened(&whole[..length], Strictness::Whole) {
            Ok(recording) => {
                assert!(matches!(recording.ending, Ending::CutOff(byte) if byte <= length as u64));
                read_all(&recording);
                played += 1;
            }
            Err(error) => assert!(
                matches!(
                    error,
                    RecordingError::Foreign(_) | RecordingError::NoHeader { .. }
                ),
                "{length}: {error}"
            ),
        }
    }
    assert!(played > 100, "{played}");
}

#[test]
fn what_is_no_recording_or_a_newer_one_is_named_with_the_way_out() {
    for foreign in [
        &b""[..],
        b"PK\x03\x04",
        b"midwatch-recording x\n",
        b"midwatch-recording 0\n",
        b"\xff\xfe\n",
    ] {
        let error = opened(foreign, Strictness::Whole).unwrap_err().to_string();
        assert!(
            error.contains("no recording of midwatch") && error.contains("--record"),
            "{error}"
        );
    }
    let error = opened(b"midwatch-recording 2\nanything", Strictness::Whole).unwrap_err();
    assert!(
        error.to_string().contains("version 2") && error.to_string().contains("newer"),
        "{error}"
    );
}

#[test]
fn damage_is_told_with_its_place_and_what_stands_before_it_can_be_played() {
    let mut file = small();
    let place = file.len() - 60;
    file[place] ^= 0x10;
    let error = opened(&file, Strictness::Whole).unwrap_err().to_string();
    assert!(
        error.contains("is damaged at byte") && error.contains("--partial"),
        "{error}"
    );
    let recording = opened(&file, Strictness::UpToDamage).unwrap();
    assert!(
        matches!(&recording.ending, Ending::Damaged(why) if why.contains("checksum")),
        "{recording:?}"
    );
    assert_eq!(recording.exchanges.len(), 1);
}

#[test]
fn a_frame_that_would_grow_without_end_is_refused_before_it_does() {
    let zeros = vec![0_u8; 1 << 20];
    let meta = Meta {
        entry: Entry::Piece { stream: 0, at: 1 },
        same: None,
    };
    let good = format::frame(&meta, &zeros).unwrap();
    let head = format::Head::read(good[..format::HEAD].try_into().unwrap()).unwrap();
    let payload = &good[format::HEAD..];
    // It claims less than it inflates to: no more than the claim is ever taken.
    let claimed = format::Head {
        raw: head.meta + 10,
        ..head
    };
    assert_eq!(format::body(claimed, payload).unwrap().len(), 10);
    // It claims more than a frame can be.
    let mut numbers: Vec<u8> = [u32::MAX, 1, u32::MAX, 0]
        .iter()
        .flat_map(|number: &u32| number.to_le_bytes())
        .collect();
    numbers.extend(format::crc(&numbers).to_le_bytes());
    assert!(format::Head::read(numbers[..].try_into().unwrap()).is_err());
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        cut in any::<prop::sample::Index>(),
        cuts in any::<bool>(),
        partial in any::<bool>(),
    ) {
        let mut file = small();
        for (place, byte) in changes {
            let place = place.index(file.len());
            file[place] = byte;
        }
        if cuts {
            let length = cut.index(file.len());
            file.truncate(length);
        }
        let strictness = if partial { Strictness::UpToDamage } else { Strictness::Whole };
        if let Ok(recording) = opened(&file, strictness) {
            read_all(&recording);
        }
    }

    #[test]
    fn a_forged_frame_does_not_make_the_reader_panic(meta in ".{0,200}", body in prop::collection::vec(any::<u8>(), 0..64)) {
        let mut file = small();
        // The checksums are right, what they are of is not.
        let mut deflater = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut deflater, meta.as_bytes()).unwrap();
        std::io::Write::write_all(&mut deflater, &body).unwrap();
        let payload = deflater.finish().unwrap();
        let mut numbers: Vec<u8> = [payload.len(), meta.len(), meta.len() + body.len()]
            .iter()
            .flat_map(|number| u32::try_from(*number).unwrap().to_le_bytes())
            .collect();
        numbers.extend(format::crc(&payload).to_le_bytes());
        numbers.extend(format::crc(&numbers).to_le_bytes());
        numbers.extend(payload);
        let line = file.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        file.splice(line..line, numbers);
        let _ = opened(&file, Strictness::UpToDamage);
    }
}
