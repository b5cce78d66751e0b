//! Two processes that escalate one incident at once: its people are paged once, and the second process asks or is
//! refused; it never says that it paged them too.

use std::process::Stdio;

use midwatch::outbox::State;

use super::killed::{journaled, midwatch, shop::Shop};

/// Times that it is tried: which process is first, and how far, differs.
const ROUNDS: usize = 5;

#[tokio::test(flavor = "multi_thread")]
async fn two_commands_that_escalate_at_once_page_once_and_the_second_asks_or_is_refused() {
    let shop = Shop::open(2);
    for round in 0..ROUNDS {
        let home = tempfile::tempdir().expect("a directory");
        shop.configure(&home.path().join("config.toml"), round % 2, "");
        let incident = shop.incident(&format!("both see it {round}")).await;
        let codes = tokio::task::block_in_place(|| {
            let started = ["a", "b"].map(|_| {
                midwatch(
                    home.path(),
                    &["escalate", &incident, "--to", "2", "--wait", "20s"],
                )
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .expect("starts")
            });
            started.map(|child| {
                let output = child.wait_with_output().expect("ends");
                let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
                (output.status.code().expect("no signal"), said)
            })
        });
        let books = shop.books(std::slice::from_ref(&incident)).await;
        assert_eq!(books.raised[&incident], 1, "round {round}: {codes:?}");
        let entries = journaled(home.path(), "shop").await;
        let of = |state: State| entries.iter().filter(|entry| entry.state == state).count();
        let done = codes.iter().filter(|(code, _)| *code == 0).count();
        assert_eq!(
            (done, of(State::Confirmed)),
            (1, 1),
            "round {round}: {codes:?}\n{entries:?}"
        );
        let (code, said) = codes
            .iter()
            .find(|(code, _)| *code != 0)
            .expect("one is not done");
        // It asks, whether it saw the other in the journal or at PagerDuty, or is refused before it is journaled.
        assert!(
            (*code == 5 && of(State::NeedsDecision) == 1 && said.contains("level 2"))
                || (*code == 4 && of(State::NeedsDecision) == 0),
            "round {round}: {codes:?}\n{entries:?}"
        );
    }
}
