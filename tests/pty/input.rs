//! Input as bad links deliver it, and replies that come when nobody waits for them.

use std::time::Duration;

use crate::harness::{Console, Setup};

fn running() -> Console {
    let mut console = Setup::midwatch(&["demo", "--scenario", "calm"]).start();
    console.wait_for("SLO");
    console
}

/// It still runs, and `q` still ends it: nothing typed opened a prompt or was read as another key.
fn quits(mut console: Console) {
    console.press(b"q");
    assert!(console.wait_exit().success());
    console.assert_restored();
}

#[test]
fn arrow_keys_a_byte_at_a_time_are_arrow_keys() {
    let mut console = running();
    for key in [
        &b"\x1b[B"[..],
        b"\x1b[A",
        b"\x1bOB",
        b"\x1b[1;5B",
        b"\x1b[6~",
        b"\x1b[H",
        b"\x1b[Z",
    ] {
        console.press_bytewise(key);
    }
    console.settle(Duration::from_millis(300));
    quits(console);
}

#[test]
fn a_paste_a_byte_at_a_time_is_no_command() {
    let mut console = running();
    // Read as keys, the q would quit before the rest arrived.
    console.press_bytewise(b"\x1b[200~q q q\rq\x1b[201~");
    console.settle(Duration::from_millis(300));
    console.press(b"?");
    console.wait_for("help");
    console.press(b"\x1b");
    console.settle(Duration::from_millis(300));
    quits(console);
}

#[test]
fn a_late_colour_reply_is_not_typed() {
    let mut console = running();
    console.settle(Duration::from_millis(300));
    console.press_bytewise(b"\x1b]11;rgb:1e1e/1e1e/1e1e\x1b\\");
    console.press_bytewise(b"\x1b]11;rgb:ffff/ffff/ffff\x07");
    console.press_bytewise(b"\x1b[?62;22c\x1b[0n\x1b[12;40R\x1bP>|XTerm(354)\x1b\\\x1b[?1u");
    console.settle(Duration::from_millis(300));
    quits(console);
}

#[test]
fn noise_never_panics() {
    let mut console = running();
    // Every byte but q, ctrl-c and ctrl-z, which may end or stop it.
    let noise: Vec<u8> = (0x80..=0xff)
        .chain([0x1b, b'[', b'<', b';', 0x18, 0x1b, b'P', 0x07])
        .collect();
    for chunk in noise.chunks(7) {
        console.press(chunk);
    }
    console.press(b"\x1b\\\x1b[200~unended");
    // The paste is given up in time, and keys are keys again.
    console.watch(Duration::from_secs(4));
    quits(console);
}

#[test]
fn of_keys_that_come_all_at_once_none_is_lost() {
    let mut console = running();
    console.press(b":");
    console.wait_for("Command");
    // More than are taken in between two frames, as a paste without brackets or a link that stalled brings them.
    let typed: String = ('!'..='z')
        .filter(char::is_ascii_alphanumeric)
        .cycle()
        .take(80)
        .collect();
    console.press(typed.as_bytes());
    console.wait_for(&typed);
    console.press(b"\x1b");
    console.settle(Duration::from_millis(300));
    quits(console);
}
