//! The terminal layer on a real pseudo-terminal, within this process.

use std::fs::OpenOptions;
use std::io::{Read as _, Write};
use std::sync::mpsc as std_mpsc;
use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use portable_pty::{MasterPty, PtySize, native_pty_system};
use ratatui::layout::Rect;
use ratatui::style::Style;
use rustix::termios::{LocalModes, Termios, tcgetattr};
use tokio::sync::mpsc;

use super::asking::Answers;
use super::encoder::SyncOutput;
use super::guard::Mouse;
use super::tty::{BackgroundQuery, Bell, Options, Tty};
use super::*;
use crate::time::Clock;

const PATIENCE: Duration = Duration::from_secs(10);
/// A writer that has not drained for so long waits for the link.
const STALL: Duration = Duration::from_secs(2);

/// The person's end of the terminal.
struct FarEnd {
    master: Box<dyn MasterPty + Send>,
    keyboard: Box<dyn Write + Send>,
    /// What arrives, when read at all.
    bytes: Option<std_mpsc::Receiver<Vec<u8>>>,
    seen: Vec<u8>,
    /// A second way to the terminal's modes.
    line: std::fs::File,
}

/// Whether the far end takes what is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    Flowing,
    Stalled,
}

impl FarEnd {
    fn flow(&mut self) {
        let mut reader = self.master.try_clone_reader().unwrap();
        let (sender, bytes) = std_mpsc::channel();
        self.bytes = Some(bytes);
        std::thread::spawn(move || {
            let mut buffer = [0; 8_192];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
    }

    fn expect(&mut self, needle: &str) {
        while !self.has(needle) {
            let bytes = self.bytes.as_ref().unwrap().recv_timeout(PATIENCE);
            let bytes = bytes
                .unwrap_or_else(|_| panic!("no {needle:?} in {:?}", self.seen.escape_ascii().to_string()));
            self.seen.extend(bytes);
        }
    }

    fn has(&self, needle: &str) -> bool {
        self.seen.windows(needle.len()).any(|w| w == needle.as_bytes())
    }

    fn modes(&self) -> Termios {
        tcgetattr(&self.line).unwrap()
    }
}

fn open(options: Options, link: Reading) -> (Tty, mpsc::Receiver<Input>, FarEnd) {
    let size = PtySize {
        rows: 24,
        cols: 80,
        pixel_width: 0,
        pixel_height: 0,
    };
    let pair = native_pty_system().openpty(size).unwrap();
    let path = pair.master.tty_name().unwrap();
    let open_line = || OpenOptions::new().read(true).write(true).open(&path).unwrap();
    let mut far_end = FarEnd {
        keyboard: pair.master.take_writer().unwrap(),
        master: pair.master,
        bytes: None,
        seen: Vec::new(),
        line: open_line(),
    };
    if link == Reading::Flowing {
        far_end.flow();
    }
    let (tty, inputs) = Tty::open_on(open_line(), options, Clock::start()).unwrap();
    (tty, inputs, far_end)
}

fn frame(text: &str) -> Buffer {
    let mut frame = Buffer::empty(Rect::new(0, 0, 80, 24));
    frame.set_string(0, 0, text, Style::new());
    frame
}

/// Modes as comparable values: `Termios` has no equality.
fn comparable(modes: &Termios) -> String {
    format!("{modes:?}")
}

#[tokio::test]
async fn the_terminal_is_taken_and_given_back_exactly_as_it_was() {
    let options = Options {
        mouse: Mouse::Reported,
        background: BackgroundQuery::AfterFirstFrame,
        ..Options::default()
    };
    let pair_modes;
    {
        let (mut tty, _inputs, mut far_end) = open(options, Reading::Flowing);
        let raw = far_end.modes();
        assert!(
            !raw.local_modes
                .intersects(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG)
        );
        assert_eq!(tty.size(), Size::new(80, 24));
        tty.present(&frame("midwatch"), None);
        far_end.expect("\x1b]11;?\x1b\\");
        for entering in ["\x1b[?1049h", "\x1b[?2004h", "\x1b[?1006h", "midwatch"] {
            assert!(far_end.has(entering), "{}", entering.escape_debug());
        }
        assert!(!far_end.has("?1004h"), "no focus reports");
        drop(tty);
        far_end.expect("\x1b[?1049l");
        for leaving in [
            "\x1b[?2004l",
            "\x1b[?1006l",
            "\x1b[?1002l",
            "\x1b[?25h",
            "\x1b[?7h",
        ] {
            assert!(far_end.has(leaving), "{}", leaving.escape_debug());
        }
        pair_modes = far_end.modes();
    }
    let fresh = native_pty_system().openpty(PtySize::default()).unwrap();
    let path = fresh.master.tty_name().unwrap();
    let untouched = tcgetattr(OpenOptions::new().read(true).write(true).open(path).unwrap()).unwrap();
    assert_eq!(comparable(&pair_modes), comparable(&untouched));
}

#[tokio::test]
async fn a_terminal_given_back_before_its_first_frame_was_sent_nothing() {
    let (tty, _inputs, mut far_end) = open(Options::default(), Reading::Flowing);
    drop(tty);
    (&far_end.line).write_all(b"prompt").unwrap();
    far_end.expect("prompt");
    assert_eq!(far_end.seen, b"prompt");
}

#[tokio::test]
async fn keys_typed_a_byte_at_a_time_arrive_whole() {
    let (_tty, mut inputs, mut far_end) = open(
        Options {
            esc_timeout: Duration::from_secs(5),
            ..Options::default()
        },
        Reading::Flowing,
    );
    for byte in b"\x1b[Aj\x1b[200~two words\x1b[201~" {
        far_end.keyboard.write_all(&[*byte]).unwrap();
    }
    let plain = |code| Input::Key(KeyEvent::new(code, KeyModifiers::NONE));
    assert_eq!(inputs.recv().await, Some(plain(KeyCode::Up)));
    assert_eq!(inputs.recv().await, Some(plain(KeyCode::Char('j'))));
    assert_eq!(inputs.recv().await, Some(Input::Paste("two words".into())));
}

#[tokio::test]
async fn a_lone_escape_arrives_without_another_key() {
    let (_tty, mut inputs, mut far_end) = open(Options::default(), Reading::Flowing);
    far_end.keyboard.write_all(b"\x1b").unwrap();
    let escape = Input::Key(KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE));
    assert_eq!(
        tokio::time::timeout(PATIENCE, inputs.recv()).await,
        Ok(Some(escape))
    );
}

#[tokio::test]
async fn a_terminal_that_vanishes_closes_the_input_once_and_hinders_nothing() {
    let (mut tty, mut inputs, far_end) = open(Options::default(), Reading::Stalled);
    tty.present(&frame("before"), None);
    drop(far_end);
    // The library ends the keyboard with a line break and an EOT, which raw mode reads as keys.
    loop {
        let input = tokio::time::timeout(PATIENCE, inputs.recv())
            .await
            .expect("the end is noticed");
        if !matches!(input, Some(Input::Key(_))) {
            assert_eq!(input, Some(Input::Closed));
            break;
        }
    }
    for n in 0..100 {
        tty.present(&frame(&format!("after {n}")), None);
    }
    drop(tty);
}

#[tokio::test]
async fn a_stalled_link_blocks_neither_the_caller_nor_the_exit() {
    let (mut tty, _inputs, far_end) = open(Options::default(), Reading::Stalled);
    let before = far_end.modes();
    let mut presented = 0;
    // Nobody reads: the kernel's buffer fills, the writer waits, and no further frame is due.
    let drained = tty.drained();
    while presented < 10_000 {
        if !tty.is_ready() && tokio::time::timeout(STALL, drained.notified()).await.is_err() {
            break;
        }
        presented += 1;
        let lines = format!("{presented:05} ").repeat(12);
        let mut whole = frame(&lines);
        for y in 0..24 {
            whole.set_string(0, y, &lines, Style::new());
        }
        tty.present(&whole, None);
    }
    assert!(presented < 10_000 && !tty.is_ready(), "the link did not stall");
    assert_eq!(tty.copy("still answers"), Copied::Sent);
    let exit = tokio::task::spawn_blocking(move || drop(tty));
    tokio::time::timeout(Duration::from_secs(3), exit)
        .await
        .expect("exits though the link hangs")
        .unwrap();
    assert_ne!(
        comparable(&far_end.modes()),
        comparable(&before),
        "raw mode is off"
    );
    assert!(
        far_end
            .modes()
            .local_modes
            .contains(LocalModes::ICANON | LocalModes::ECHO)
    );
}

#[tokio::test]
async fn a_stalled_link_that_recovers_shows_the_latest_frame() {
    let (mut tty, _inputs, mut far_end) = open(Options::default(), Reading::Stalled);
    let drained = tty.drained();
    let mut n = 0;
    while tty.is_ready() || tokio::time::timeout(STALL, drained.notified()).await.is_ok() {
        n += 1;
        // A panic elsewhere in this process gives every terminal back, and a writer that was shut is always ready.
        assert!(n < 10_000, "the link did not stall");
        let mut whole = frame("");
        for y in 0..24 {
            whole.set_string(0, y, format!("{n:05} ").repeat(12), Style::new());
        }
        tty.present(&whole, None);
    }
    far_end.flow();
    while !tty.is_ready() {
        tokio::time::timeout(PATIENCE, drained.notified())
            .await
            .expect("the writer drains");
    }
    let mut last = frame("the latest");
    last.set_string(0, 23, "END", Style::new());
    tty.present(&last, None);
    far_end.expect("END");
    let mut terminal = vt100::Parser::new(24.try_into().unwrap(), 80.try_into().unwrap(), 0);
    terminal.process(&far_end.seen);
    assert_eq!(
        terminal.screen().rows(0, 80).next().as_deref(),
        Some("the latest")
    );
}

#[tokio::test]
async fn a_lent_terminal_is_in_its_old_modes_and_its_keys_are_not_read() {
    let (mut tty, mut inputs, mut far_end) = open(Options::default(), Reading::Flowing);
    tty.present(&frame("midwatch"), None);
    far_end.expect("midwatch");
    tty.lend();
    assert!(far_end.modes().local_modes.contains(LocalModes::ICANON));
    far_end.keyboard.write_all(b"for the editor\n").unwrap();
    let mut line = [0; 64];
    // The description is the lender's, so still non-blocking: wait until the line is there.
    let mut readable = [rustix::event::PollFd::new(
        &far_end.line,
        rustix::event::PollFlags::IN,
    )];
    rustix::event::poll(&mut readable, None).unwrap();
    let count = (&far_end.line).read(&mut line).unwrap();
    assert_eq!(&line[..count], b"for the editor\n");
    tty.take_back().unwrap();
    far_end.expect("\x1b[?1049l");
    far_end.seen.clear();
    tty.present(&frame("midwatch"), None);
    far_end.expect("midwatch");
    assert!(far_end.has("\x1b[?1049h"), "entered again and drawn whole");
    far_end.keyboard.write_all(b"j").unwrap();
    let key = Input::Key(KeyEvent::new(KeyCode::Char('j'), KeyModifiers::NONE));
    assert_eq!(inputs.recv().await, Some(key));
    assert!(!far_end.modes().local_modes.contains(LocalModes::ICANON));
}

#[tokio::test]
async fn after_a_stop_by_others_the_terminal_is_taken_again() {
    let (mut tty, _inputs, mut far_end) = open(Options::default(), Reading::Flowing);
    tty.present(&frame("midwatch"), None);
    far_end.expect("midwatch");
    far_end.seen.clear();
    let mut cooked = far_end.modes();
    cooked.local_modes.insert(LocalModes::ICANON | LocalModes::ECHO);
    rustix::termios::tcsetattr(&far_end.line, rustix::termios::OptionalActions::Now, &cooked).unwrap();
    tty.resume().unwrap();
    assert!(!far_end.modes().local_modes.contains(LocalModes::ICANON));
    tty.present(&frame("midwatch"), None);
    far_end.expect("midwatch");
    assert!(far_end.has("\x1b[?1049h"));
}

#[tokio::test]
async fn bells_and_copies_pass_without_a_frame() {
    let (mut tty, _inputs, mut far_end) = open(Options::default(), Reading::Flowing);
    tty.present(&frame("midwatch"), None);
    far_end.expect("midwatch");
    tty.ring();
    far_end.expect("\x07");
    assert_eq!(tty.copy("hello"), Copied::Sent);
    far_end.expect("\x1b]52;c;aGVsbG8=\x07");
}

/// A frame whose every row is written.
fn full(text: &str) -> Buffer {
    let mut frame = frame("");
    for y in 0..24 {
        frame.set_string(0, y, format!("{text} ").repeat(40), Style::new());
    }
    frame
}

#[tokio::test]
async fn a_capped_writer_sends_no_faster_than_the_cap_and_leaves_at_once() {
    let cap = std::num::NonZeroU32::new(4_000);
    let options = Options {
        cap,
        ..Options::default()
    };
    let (mut tty, _inputs, mut far_end) = open(options, Reading::Flowing);
    let clock = Clock::start();
    tty.present(&full("a"), None);
    far_end.expect("a a");
    assert!(!tty.is_ready(), "most of it is still to go");
    let drained = tty.drained();
    while !tty.is_ready() {
        tokio::time::timeout(PATIENCE, drained.notified())
            .await
            .expect("it drains");
    }
    let took = clock.tick().0.as_secs_f64();
    // A fresh screen of 24 rows; what is saved up at first is a quarter of a second's.
    let bytes = tty.traffic(clock.tick()).bytes as f64;
    assert!(bytes > 1_000.0, "{bytes}");
    assert!(took >= bytes / 4_000.0 - 0.26, "{bytes} bytes in {took} s");
    let traffic = tty.traffic(clock.tick());
    assert!(traffic.is_spared() && traffic.per_second > 0, "{traffic:?}");
    for word in ["one", "two", "three", "four", "five", "six", "seven"] {
        tty.present(&full(word), None);
    }
    assert!(!tty.is_ready());
    let clock = Clock::start();
    drop(tty);
    assert!(clock.tick().0 < Duration::from_secs(2), "{}", clock.tick());
    far_end.expect("\x1b[?1049l");
}

#[tokio::test]
async fn what_the_world_changes_waits_for_the_terminals_answer_which_is_nobodys_key() {
    let options = Options {
        answers: Answers::Likely,
        sync: SyncOutput::Asked,
        // So that the frame takes its time, and what is so far away is asked again.
        cap: std::num::NonZeroU32::new(4_000),
        ..Options::default()
    };
    let (mut tty, mut inputs, mut far_end) = open(options, Reading::Flowing);
    let clock = Clock::start();
    tty.present(&full("a"), None);
    far_end.expect("\x1b[?2026$p\x1b[5n");
    let drained = tty.drained();
    while !tty.is_ready() {
        tokio::time::timeout(PATIENCE, drained.notified())
            .await
            .expect("it drains");
    }
    assert_ne!(
        tty.link(clock.tick()),
        Link::Awaited,
        "nobody knows yet that there is an answer"
    );
    // In pieces, as a bad link delivers it, with a key amid.
    for byte in b"\x1b[?2026;2$y\x1b[0nj" {
        far_end.keyboard.write_all(&[*byte]).unwrap();
    }
    let key = Input::Key(KeyEvent::new(KeyCode::Char('j'), KeyModifiers::NONE));
    assert_eq!(tokio::time::timeout(PATIENCE, inputs.recv()).await, Ok(Some(key)));
    assert_ne!(tty.link(clock.tick()), Link::Awaited);
    assert!(tty.traffic(clock.tick()).round_trip.is_some());
    far_end.seen.clear();
    tty.present(&full("b"), None);
    far_end.expect("\x1b[?2026l\x1b[5n");
    while !tty.is_ready() {
        tokio::time::timeout(PATIENCE, drained.notified())
            .await
            .expect("it drains");
    }
    assert_eq!(tty.link(clock.tick()), Link::Awaited);
    far_end.keyboard.write_all(b"\x1b[0n").unwrap();
    while tty.link(clock.tick()) == Link::Awaited {
        tokio::time::timeout(PATIENCE, drained.notified())
            .await
            .expect("the answer is heard");
    }
}

#[tokio::test]
async fn a_terminal_that_does_not_know_marks_gets_none_after_its_answer() {
    let options = Options {
        answers: Answers::Likely,
        sync: SyncOutput::Asked,
        ..Options::default()
    };
    let (mut tty, mut inputs, mut far_end) = open(options, Reading::Flowing);
    tty.present(&full("a"), None);
    far_end.expect("\x1b[5n");
    far_end.keyboard.write_all(b"\x1b[0nj").unwrap();
    tokio::time::timeout(PATIENCE, inputs.recv()).await.unwrap();
    far_end.seen.clear();
    let mut last = full("b");
    last.set_string(0, 23, "END", Style::new());
    tty.present(&last, None);
    far_end.expect("END");
    assert!(!far_end.has("?2026h"), "{}", far_end.seen.escape_ascii());
}

#[tokio::test]
async fn the_background_is_told_once_and_only_to_whoever_asked() {
    let options = Options {
        background: BackgroundQuery::AfterFirstFrame,
        ..Options::default()
    };
    let (mut tty, mut inputs, mut far_end) = open(options, Reading::Flowing);
    let answer = b"\x1b]11;rgb:ffff/ffff/ffff\x1b\\";
    far_end.keyboard.write_all(answer).unwrap();
    tty.present(&frame("midwatch"), None);
    far_end.expect("\x1b]11;?\x1b\\");
    far_end.keyboard.write_all(answer).unwrap();
    far_end.keyboard.write_all(answer).unwrap();
    far_end.keyboard.write_all(b"j").unwrap();
    let mut heard = Vec::new();
    while heard.len() < 2 {
        heard.push(
            tokio::time::timeout(PATIENCE, inputs.recv())
                .await
                .unwrap()
                .unwrap(),
        );
    }
    assert!(matches!(
        heard.first(),
        Some(Input::Background { rgb: [255, 255, 255] })
    ));
    assert!(matches!(heard.last(), Some(Input::Key(_))), "{heard:?}");
}

#[tokio::test]
async fn a_notice_goes_the_terminals_way_and_a_muted_bell_is_not_rung() {
    let options = Options {
        notices: super::notice::Notices::Osc777,
        multiplexer: super::clipboard::Multiplexer::Tmux,
        bell: Bell::Mute,
        ..Options::default()
    };
    let (mut tty, _inputs, mut far_end) = open(options, Reading::Flowing);
    tty.present(&frame("midwatch"), None);
    far_end.expect("midwatch");
    far_end.seen.clear();
    tty.ring();
    tty.notify("midwatch prod", "HighErrorRate");
    far_end.expect("\x1bPtmux;\x1b\x1b]777;notify;midwatch prod;HighErrorRate\x07\x1b\\");
    assert!(far_end.seen.starts_with(b"\x1bPtmux;"), "no bell went ahead");
}
