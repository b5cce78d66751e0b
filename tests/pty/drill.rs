//! A drill from the page to the score, on a terminal.

use crate::harness::{Console, Setup};

/// A drill whose page has just come.
fn paged(more: &[&str]) -> Console {
    let drill = ["drill", "disk-full", "--seed", "3", "--into", "150s"];
    let mut console = Setup::midwatch(&[&drill, more].concat()).size(140, 45).start();
    console.wait_for("SLO");
    console
}

/// Ends a drill that is not over: it asks once.
fn quit(console: &mut Console) {
    console.press(b"q");
    console.wait_for("Quit the drill?");
    console.press(b"y");
}

#[test]
fn a_drill_that_is_acknowledged_and_quit_asks_what_it_was_and_prints_the_score() {
    let directory = tempfile::tempdir().unwrap();
    let kept = directory.path().join("score.txt");
    let mut console = paged(&["--keep", kept.to_str().unwrap()]);
    console.press(b"5");
    // The titles of the incidents that are struck: nothing else of the day fails so many requests.
    console.wait_for(" fails ");
    console.press(b"a");
    // What is still being sent is asked about before the end.
    console.wait_for("you acknowledged");
    console.wait_without("sending ack");
    quit(&mut console);
    console.wait_for("What was it?");
    assert!(
        console.is_cooked(),
        "the terminal is given back before anything is asked"
    );
    console.press(b"6\n");
    console.wait_for("Who or what is to blame?");
    console.press(b"giftcard\n");
    assert!(console.wait_exit().success());
    console.assert_restored();
    let text = std::fs::read_to_string(&kept).unwrap();
    for words in [
        "of 100",
        "what it was   disk-full: ",
        "/20  acknowledge",
        "/25  cause",
        "0/15  culprit           you said: giftcard",
        "the first page",
        "you    acknowledged ",
        "the same again: midwatch drill disk-full --seed 3",
    ] {
        assert!(text.contains(words), "{words:?} is not in:\n{text}");
    }
    assert!(console.text().contains("the same again"), "{}", console.text());
}

#[test]
fn a_drill_that_is_left_before_the_page_says_so_and_asks_nothing() {
    let mut console = Setup::midwatch(&["drill", "bad-deploy", "--seed", "21"])
        .size(140, 45)
        .start();
    console.wait_for("SLO");
    quit(&mut console);
    assert!(console.wait_exit().success());
    console.assert_restored();
    let text = console.text();
    assert!(
        text.contains("no score: it was closed before anybody was paged"),
        "{text}"
    );
    assert!(!text.contains("What was it?"), "{text}");
}
