//! From the page to its cause on the demo, with keys alone, and every key counted.

use crate::harness::{Console, Setup};

/// How often a person looks again before giving up.
const LOOKS: usize = 50;

/// A person at the keyboard. Text that is typed is text; every other key is one.
struct Hand {
    console: Console,
    keys: usize,
}

impl Hand {
    fn press(&mut self, key: &[u8]) {
        self.keys += 1;
        self.console.press(key);
    }

    fn type_text(&mut self, text: &str) {
        self.console.press(text.as_bytes());
    }

    /// Takes the entry of the open menu in which this stands, by its digit.
    fn take(&mut self, what: &str) {
        self.console.wait_for(what);
        let text = self.console.text();
        let line = text.lines().find(|line| line.contains(what)).unwrap();
        let (before, _) = line.split_once(what).unwrap();
        let digit = before.chars().rev().find(char::is_ascii_digit).unwrap();
        self.press(digit.to_string().as_bytes());
        self.look();
    }

    /// A frame comes in pieces: what stands below is still of the one before for a moment.
    fn look(&mut self) {
        self.console.watch(std::time::Duration::from_millis(400));
    }

    /// A line of the screen in which one stands before the other.
    fn wait_for_line(&mut self, first: &str, then: &str) {
        let holds = |line: &str| {
            line.split_once(first)
                .is_some_and(|(_, rest)| rest.contains(then))
        };
        for _ in 0..LOOKS {
            self.console.wait_for(first);
            if self.console.text().lines().any(holds) {
                return;
            }
            self.look();
        }
        panic!("no {then} behind {first}:\n{}", self.console.text());
    }

    /// The row of the screen under a cursor, as soon as it holds this.
    fn wait_for_row(&mut self, what: &str) {
        self.wait_for_row_that(what, |row| row.contains(what));
    }

    /// The same, as soon as this holds for it.
    fn wait_for_row_that(&mut self, what: &str, holds: impl Fn(&str) -> bool) {
        // Panes stand side by side: what belongs to a cursor ends at the border.
        let rows = |line: &str| -> Vec<String> {
            let behind = line.split('▌').skip(1);
            let cells = behind.map(|row| row.split("││").next().unwrap_or(row));
            cells.map(str::to_owned).collect()
        };
        let is_there = |text: &str| text.lines().flat_map(rows).any(|row| holds(&row));
        for _ in 0..LOOKS {
            self.console.wait_for(what);
            if is_there(&self.console.text()) {
                return;
            }
            self.look();
        }
        panic!("no cursor on {what}:\n{}", self.console.text());
    }
}

#[test]
fn from_the_page_to_the_culprit_span_its_line_a_note_and_an_escalation() {
    let console = Setup::midwatch(&["demo", "--seed", "7"]).start();
    let mut hand = Hand { console, keys: 0 };
    // What is there before a hand touches a key: the page, its incident, failed traces.
    for shown in ["PAGE", "TRIGGERED", "failed", "HighErrorRate", "4 Traces"] {
        hand.console.wait_for(shown);
    }
    hand.wait_for_row("PAGE");

    // To the traces of what pages, in the time of its burn.
    hand.press(b"t");
    hand.take("traces of checkout");
    hand.console.wait_for("scope checkout");
    hand.wait_for_row("POST /api/pay");
    // The worst of them opens at the span that explains it.
    hand.press(b"\r");
    hand.console.wait_for("critical path");
    hand.wait_for_row("checkout pool.acquire");
    // To what was logged of its request; back at once, and there again: what is kept is no slower the second time.
    for _ in 0..2 {
        hand.press(b"t");
        hand.take("every line of this trace");
        hand.wait_for_row("ERROR");
        if hand.keys > 5 {
            break;
        }
        hand.press(b",");
        hand.look();
        hand.wait_for_row("checkout pool.acquire");
    }
    assert!(hand.keys <= 8, "{} keys to the cause", hand.keys);

    hand.keys = 0;
    hand.press(b"n");
    hand.console.wait_for("Note on #");
    hand.console.wait_for("ref: log");
    hand.type_text("the pool of checkout is exhausted since 2.3.1");
    hand.press(b"\x1b\r");
    hand.console.wait_without("Note on #");
    hand.press(b"e");
    hand.console.wait_for("Escalate #");
    hand.console.wait_for("level 2");
    hand.press(b"\r");
    hand.console.wait_for("Escalate to level 2");
    // What is asked is read before it is answered, and the key that asked is no answer.
    hand.look();
    hand.press(b"y");
    // It was with Jun, who is on call; now it is with the next level.
    hand.wait_for_line("checkout-6d5f", "Mara");
    assert!(hand.keys <= 8, "{} keys to tell and to wake somebody", hand.keys);
}
