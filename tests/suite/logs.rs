//! The `logs` command of the built binary: files, standard input, a scripted Elasticsearch; text and JSON, followed and
//! not, and how it ends.

use std::fs::{self, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

struct Stage {
    home: tempfile::TempDir,
}

impl Stage {
    fn new() -> Self {
        Self {
            home: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn append(&self, name: &str, text: &str) {
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.path(name))
            .unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_midwatch"));
        command
            .env_clear()
            .env("HOME", self.home.path())
            .current_dir(self.home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .arg("logs")
            .args(arguments);
        command
    }

    #[track_caller]
    fn run(&self, arguments: &[&str], status: i32) -> (String, String) {
        ended(self.command(arguments).output().unwrap(), status)
    }

    #[track_caller]
    fn json(&self, arguments: &[&str], status: i32) -> Value {
        let (out, said) = self.run(&[arguments, &["--json"]].concat(), status);
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}\n{said}"))
    }

    /// A configuration whose logs are at this port.
    fn configure(&self, port: u16) {
        let text = format!(
            "[contexts.prod.metrics]\nurl = \"http://127.0.0.1:1\"\n[contexts.prod.logs]\nkind = \"elasticsearch\"\n\
             url = \"http://127.0.0.1:{port}\"\nindex = \"app-*\"\n"
        );
        fs::write(self.path("c.toml"), text).unwrap();
    }
}

#[track_caller]
fn ended(output: Output, status: i32) -> (String, String) {
    let out = String::from_utf8(output.stdout).unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(status), "{out}\n{said}");
    (out, said)
}

fn messages(document: &Value) -> Vec<&str> {
    let lines = document["lines"].as_array().unwrap();
    lines
        .iter()
        .map(|line| line["message"].as_str().unwrap())
        .collect()
}

const STORY: &str = r#"{"ts":"2026-11-20T03:14:05.5Z","level":"info","service":"pay","msg":"started","took_ms":12}
{"ts":"2026-11-20T03:14:06Z","level":"error","service":"pay","msg":"card refused","trace_id":"00000000000000000000000000abcdef","span_id":"00000000000000ff"}
2026-11-20T03:14:07Z ERROR checkout boom
java.lang.IllegalStateException: no
	at a.B.c(B.java:1)
Caused by: java.io.IOException
	at d.E
2026-11-20T03:14:08Z WARN slow
"#;

/// The third entry of the story: what was logged, with its stack trace.
const BOOM: &str = "2026-11-20T03:14:07Z ERROR checkout boom\njava.lang.IllegalStateException: no\n\tat a.B.c(B.java:1)\n\
                    Caused by: java.io.IOException\n\tat d.E";

#[test]
fn a_file_is_told_oldest_first_in_the_shape_of_the_contract() {
    let stage = Stage::new();
    stage.append("app.log", STORY);
    let document = stage.json(&["app.log"], 0);
    assert_eq!(
        (
            &document["truncated"],
            &document["gaps"],
            &document["errors"],
            &document["warnings"]
        ),
        (&json!(false), &json!([]), &json!([]), &json!([]))
    );
    assert!(document["context"].is_string() && document["at"].as_str().unwrap().ends_with('Z'));
    assert_eq!(document["lines"].as_array().unwrap().len(), 4);
    let refused = &document["lines"][1];
    assert_eq!(refused["at"], "2026-11-20T03:14:06Z");
    assert_eq!(
        (&refused["level"], &refused["service"]),
        (&json!("error"), &json!("pay"))
    );
    assert_eq!(refused["message"], "card refused");
    assert_eq!(refused["trace_id"], "00000000000000000000000000abcdef");
    assert_eq!(refused["span_id"], "00000000000000ff");
    assert_eq!(document["lines"][0]["at"], "2026-11-20T03:14:05.500Z");
    assert_eq!(document["lines"][0]["fields"]["took_ms"], "12");
    assert!(
        document["lines"][0]["labels"]["file"]
            .as_str()
            .unwrap()
            .ends_with("app.log")
    );
    assert_eq!(document["lines"][2]["message"], BOOM);
}

#[test]
fn flags_say_which_lines() {
    let stage = Stage::new();
    stage.append("app.log", STORY);
    for (flags, expected) in [
        (vec!["--level", "error"], vec!["card refused", BOOM]),
        (vec!["--level", "ERROR"], vec!["card refused", BOOM]),
        (
            vec!["--service", "pay", "--grep", "card|nothing"],
            vec!["card refused"],
        ),
        (vec!["--trace", "ABCDEF"], vec!["card refused"]),
    ] {
        let document = stage.json(&[&["app.log"], flags.as_slice()].concat(), 0);
        assert_eq!(messages(&document), expected, "{flags:?}");
    }
    let document = stage.json(&["*.log", "--limit", "1"], 0);
    assert_eq!(
        (messages(&document), &document["truncated"]),
        (vec!["2026-11-20T03:14:08Z WARN slow"], &json!(true))
    );
}

#[test]
fn text_is_safe_and_one_line_an_entry_but_for_traces() {
    let stage = Stage::new();
    stage.append(
        "app.log",
        &format!("{STORY}2026-11-20T03:14:09Z \u{1b}]0;x\u{7}\u{202e}\u{9b}2J\n"),
    );
    let (out, _) = stage.run(&["app.log"], 0);
    assert!(
        !out.contains(['\u{1b}', '\u{7}', '\u{202e}', '\u{9b}']),
        "{out:?}"
    );
    assert!(
        out.contains("2026-11-20T03:14:06.000Z error pay card refused"),
        "{out}"
    );
    assert!(out.contains("\n    Caused by: java.io.IOException\n"), "{out}");
    let (out, _) = stage.run(&["app.log", "--color", "always"], 0);
    assert!(out.contains("\u{1b}[31merror\u{1b}[0m"), "{out:?}");
}

#[test]
fn patterns_are_counted_and_none_is_left_out() {
    let stage = Stage::new();
    for number in 0..40 {
        stage.append(
            "app.log",
            &format!("2026-11-20T03:14:07Z INFO order {number} took {number}ms\n"),
        );
    }
    stage.append("app.log", "2026-11-20T03:14:07Z ERROR pool exhausted\n");
    let document = stage.json(&["app.log", "--patterns"], 0);
    let patterns = document["patterns"].as_array().unwrap();
    let counted: u64 = patterns
        .iter()
        .map(|pattern| pattern["count"].as_u64().unwrap())
        .sum();
    assert_eq!(counted + document["skipped"].as_u64().unwrap(), 41);
    assert_eq!(
        (&document["lines"], &patterns[0]["count"]),
        (&json!(41), &json!(40))
    );
    let (out, _) = stage.run(&["app.log", "--patterns"], 0);
    assert!(
        out.lines().next().unwrap().contains("pattern") && out.contains("97.6%"),
        "{out}"
    );
}

#[test]
fn where_no_line_is_wanted_it_is_said_how_many_were_read_and_the_status_is_of_a_read() {
    let stage = Stage::new();
    stage.append("app.log", STORY);
    let (out, said) = stage.run(&["app.log", "--grep", "nowhere"], 0);
    assert_eq!(out, "");
    assert!(
        said.contains("4 lines read, none of them wanted: --grep nowhere"),
        "{said}"
    );
    let (out, said) = stage.run(&["app.log", "--since", "1m", "--level", "fatal"], 0);
    assert_eq!(out, "");
    assert!(
        said.contains("no line since 20") && said.contains("--level fatal; --since looks further back"),
        "{said}"
    );
    // a document says it by itself, and one that found something needs no words
    let (_, said) = stage.run(&["app.log", "--grep", "nowhere", "--json"], 0);
    assert_eq!(said, "");
    let (_, said) = stage.run(&["app.log", "--grep", "card"], 0);
    assert_eq!(said, "");
    let mut command = stage.command(&["-", "--grep", "nowhere", "--limit", "10"]);
    command.stdin(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"one\ntwo\n").unwrap();
    let (_, said) = ended(child.wait_with_output().unwrap(), 0);
    assert!(said.contains("2 lines read, none of them wanted"), "{said}");
}

#[test]
fn a_pipe_that_is_filtered_says_at_its_end_that_nothing_was_wanted() {
    let stage = Stage::new();
    let mut command = stage.command(&["-", "--grep", "nowhere"]);
    command.stdin(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"one\ntwo\n").unwrap();
    let (out, said) = ended(child.wait_with_output().unwrap(), 0);
    assert_eq!(out, "");
    assert!(
        said.contains("2 lines read, none of them wanted: --grep nowhere"),
        "{said}"
    );
}

#[test]
fn any_bytes_and_endless_lines_of_a_pipe_are_told_whole_and_safe() {
    let stage = Stage::new();
    let mut command = stage.command(&["-"]);
    command.stdin(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let long = "x".repeat(10 * 1024 * 1024);
    let writing = std::thread::spawn(move || {
        input.write_all(b"\xff\xfe\x00 binary \x1b[2J\n").unwrap();
        input.write_all(long.as_bytes()).unwrap();
        input.write_all(b"\nlast").unwrap();
    });
    let (out, said) = ended(child.wait_with_output().unwrap(), 0);
    writing.join().unwrap();
    assert_eq!(said, "");
    assert!(!out.contains(['\u{1b}', '\u{0}']), "unsafe");
    assert_eq!(out.matches('x').count(), 10 * 1024 * 1024, "no byte is missing");
    assert!(out.lines().next().unwrap().contains("binary") && out.ends_with("last\n"));
}

#[test]
fn what_is_no_source_is_said_with_its_status() {
    let stage = Stage::new();
    let (_, said) = stage.run(&["./missing.log"], 2);
    assert!(said.contains("no such file"), "{said}");
    let (_, said) = stage.run(&["app.log", "--grep", "("], 2);
    assert!(said.contains("--grep"), "{said}");
    let (_, said) = stage.run(&["missing.log"], 2);
    assert!(
        said.contains("no such file") && said.contains("missing.log"),
        "{said}"
    );
    let (_, said) = stage.run(&["error"], 3);
    assert!(said.contains("configuration"), "{said}");
}

/// A followed command, its lines read as they come.
struct Followed {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Followed {
    fn start(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines }
    }

    /// The next line; waits for it.
    fn line(&mut self) -> Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }

    fn message(&mut self) -> String {
        self.line()["message"].as_str().unwrap().to_owned()
    }

    fn interrupt(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    }

    #[track_caller]
    fn ends_quietly(mut self) {
        let mut said = String::new();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut said)
            .unwrap();
        let status = self.child.wait().unwrap();
        assert_eq!((status.code(), said.as_str()), (Some(0), ""));
    }
}

#[test]
fn standard_input_is_told_as_it_comes_until_it_ends() {
    let stage = Stage::new();
    let mut command = stage.command(&["-", "--follow", "--json"]);
    command.stdin(Stdio::piped());
    let mut followed = Followed::start(command);
    let mut input = followed.child.stdin.take().unwrap();
    input.write_all(b"level=warn msg=one\n").unwrap();
    let first = followed.line();
    assert_eq!(
        (&first["message"], &first["level"], &first["at"]),
        (&json!("one"), &json!("warn"), &Value::Null)
    );
    input.write_all(b"two\n  at x\nthree without end").unwrap();
    drop(input);
    assert_eq!(followed.message(), "two\n  at x");
    assert_eq!(followed.message(), "three without end");
    followed.ends_quietly();
}

#[test]
fn every_line_of_a_pipe_is_counted() {
    let stage = Stage::new();
    let mut command = stage.command(&["-"]);
    command.stdin(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let writing = std::thread::spawn(move || {
        for number in 0..50_000 {
            writeln!(input, "2026-11-20T03:14:07Z INFO line {number}").unwrap();
        }
    });
    let (out, said) = ended(child.wait_with_output().unwrap(), 0);
    writing.join().unwrap();
    assert_eq!((out.lines().count(), said.as_str()), (50_000, ""));
    assert!(out.ends_with("line 49999\n"));
}

#[test]
fn a_file_is_followed_through_rotation_and_an_interrupt_is_a_quiet_end() {
    let stage = Stage::new();
    stage.append("app.log", "2026-11-20T03:14:07Z one\n");
    let mut followed = Followed::start(stage.command(&["app.log", "--follow", "--json"]));
    assert!(followed.message().ends_with("one"));
    stage.append("app.log", "2026-11-20T03:14:08Z two\n");
    assert!(followed.message().ends_with("two"));
    fs::rename(stage.path("app.log"), stage.path("app.log.1")).unwrap();
    stage.append("app.log", "2026-11-20T03:14:09Z three\n");
    assert!(followed.message().ends_with("three"));
    followed.interrupt();
    followed.ends_quietly();
}

#[test]
fn who_has_seen_enough_of_it_is_not_told_that_it_failed() {
    let stage = Stage::new();
    stage.append(
        "app.log",
        &"2026-11-20T03:14:07Z a line that is one of many\n".repeat(5_000),
    );
    let mut child = stage.command(&["app.log", "--limit", "5000"]).spawn().unwrap();
    let mut out = child.stdout.take().unwrap();
    out.read_exact(&mut [0; 100]).unwrap();
    drop(out);
    let (_, said) = ended(child.wait_with_output().unwrap(), 0);
    assert_eq!(said, "");
}

/// Answers every request to this port by a script, one connection a request.
fn scripted(answer: impl Fn(&str) -> (u16, Value) + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = serve(stream.unwrap(), &answer);
        }
    });
    port
}

fn serve(stream: TcpStream, answer: &impl Fn(&str) -> (u16, Value)) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if header.trim().is_empty() {
            break;
        }
    }
    reader.read_exact(&mut vec![0; length])?;
    let (status, body) = answer(&path);
    let body = body.to_string();
    write!(
        reader.get_mut(),
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn elasticsearch(path: &str, search: (u16, Value)) -> (u16, Value) {
    match path.split('?').next().unwrap_or_default() {
        "/" => (
            200,
            json!({"version": {"number": "8.15.0"}, "tagline": "You Know, for Search"}),
        ),
        "/app-*/_field_caps" => (200, json!({"indices": ["app-1"], "fields": {}})),
        "/app-*/_search" => search,
        other => panic!("{other}"),
    }
}

#[test]
fn elasticsearch_is_read_and_what_is_missing_is_said() {
    let stage = Stage::new();
    stage.configure(scripted(|path| {
        let hit = |second: i64, message: &str| {
            json!({"_index": "app-1", "_id": message, "sort": [1_795_144_447_000_i64 + second],
                   "_source": {"message": message, "log": {"level": "ERROR"}, "service.name": "pay", "trace": {"id": "abcdef0123456789"}}})
        };
        let answer = json!({"timed_out": false, "_shards": {"total": 2, "failed": 1, "failures": [{"reason": {"reason": "disk gone"}}]},
                            "hits": {"hits": [hit(2, "newer"), hit(1, "older")]}});
        elasticsearch(path, (200, answer))
    }));
    let document = stage.json(&["level:error", "--config", "c.toml", "--since", "3650d"], 0);
    assert_eq!(messages(&document), ["older", "newer"]);
    assert_eq!(
        (&document["partial"], &document["warnings"][0]),
        (&json!(true), &json!("1 of 2 shards failed: disk gone"))
    );
    assert_eq!(document["gaps"][0]["reason"], "partial");
    let line = &document["lines"][0];
    assert_eq!(
        (&line["level"], &line["service"]),
        (&json!("error"), &json!("pay"))
    );
    assert_eq!(line["trace_id"], "0000000000000000abcdef0123456789");
}

#[test]
fn a_line_that_comes_late_is_followed_and_what_was_told_before_is_told_once() {
    let stage = Stage::new();
    let begun = midwatch::time::Clock::start().now().utc.timestamp_millis();
    let searches = AtomicUsize::new(0);
    stage.configure(scripted(move |path| {
        let hit = |before: i64, message: &str| {
            json!({"_index": "app-1", "_id": message, "sort": [begun - before], "_source": {"message": message}})
        };
        let mut hits = vec![hit(5_000, "read")];
        if path.contains("_search") && searches.fetch_add(1, Ordering::Relaxed) > 0 {
            // shipped two seconds after its time, as is usual
            hits.push(hit(2_000, "late"));
            hits.push(hit(0, "last"));
        }
        let answer =
            json!({"timed_out": false, "_shards": {"total": 1, "failed": 0}, "hits": {"hits": hits}});
        elasticsearch(path, (200, answer))
    }));
    let mut followed = Followed::start(stage.command(&["--follow", "--json", "--config", "c.toml"]));
    assert_eq!(
        [followed.message(), followed.message(), followed.message()],
        ["read", "late", "last"]
    );
    followed.interrupt();
    assert!(followed.child.wait().unwrap().success());
}

#[test]
fn a_query_that_the_server_refuses_ends_with_its_words() {
    let stage = Stage::new();
    stage.configure(scripted(|path| {
        let cause = json!({"type": "parse_exception", "reason": "Cannot parse 'a:('"});
        let refusal = json!({"error": {"type": "search_phase_execution_exception", "reason": "all shards failed", "root_cause": [cause]}, "status": 400});
        elasticsearch(path, (400, refusal))
    }));
    let document = stage.json(&["a:(", "--config", "c.toml"], 4);
    let message = document["errors"][0]["message"].as_str().unwrap();
    assert!(message.contains("Cannot parse 'a:('"), "{message}");
    assert_eq!(messages(&document), Vec::<&str>::new());
    let (out, said) = stage.run(&["a:(", "--config", "c.toml"], 4);
    assert!(out.is_empty() && said.contains("Cannot parse"), "{said}");
}

#[test]
fn a_trace_that_a_source_has_line_by_line_is_one_entry_and_flags_hold_for_the_whole_of_it() {
    let stage = Stage::new();
    stage.configure(scripted(|path| {
        let told = [
            "INFO ready",
            "ERROR charge failed",
            "java.io.IOException: refused",
            "\tat a.B.c(B.java:7)",
            "INFO after",
        ];
        let mut hits: Vec<Value> = (1_i64..)
            .zip(told)
            .map(|(at, message)| {
                json!({"_index": "app-1", "_id": at.to_string(), "sort": [1_795_144_447_000_i64 + at],
                       "_source": {"message": message, "service.name": "pay"}})
            })
            .collect();
        hits.reverse();
        let answer =
            json!({"timed_out": false, "_shards": {"total": 1, "failed": 0}, "hits": {"hits": hits}});
        elasticsearch(path, (200, answer))
    }));
    let ask = |more: &[&str]| {
        let arguments = [&["--config", "c.toml", "--since", "3650d"], more].concat();
        stage.json(&arguments, 0)
    };
    let trace = "ERROR charge failed\njava.io.IOException: refused\n\tat a.B.c(B.java:7)";
    assert_eq!(messages(&ask(&[])), ["INFO ready", trace, "INFO after"]);
    assert_eq!(messages(&ask(&["--level", "error"])), [trace]);
    assert_eq!(messages(&ask(&["--grep", "a\\.B"])), [trace]);
    assert_eq!(messages(&ask(&["--limit", "2"])), [trace, "INFO after"]);
    let (out, _) = stage.run(
        &["--config", "c.toml", "--since", "3650d", "--grep", "refused"],
        0,
    );
    let lines: Vec<&str> = out.lines().collect();
    assert!(
        matches!(lines.as_slice(), [first, cause, frame] if first.contains(" error pay charge failed")
            && *cause == "    java.io.IOException: refused" && frame.contains("at a.B.c(B.java:7)")),
        "{out}"
    );
}
