//! The way of an act to the disk, as the console goes it, and the opening of a journal that has many.

use midwatch::backend::incidents::Seen;
use midwatch::domain::incident::{IncidentAct, Status};
use midwatch::journal::audit::{self, Act};
use midwatch::journal::outbox::{self, Author};
use midwatch::journal::{Journal, Opening};
use midwatch::outbox::{Draft, Payload};
use midwatch::time::Clock;

use crate::figure::{self, Held, Samples};

const ACTS: usize = 1_000;
/// What a key does to all that is marked.
const AT_ONCE: usize = 20;

pub fn author() -> Author {
    Author {
        context: "prod".into(),
        actor: "jun@example.com".into(),
    }
}

/// An escalation: what waits for the disk when it matters most.
pub fn escalation(number: usize) -> Draft {
    let payload = Payload::Incident {
        incident: format!("Q{number:06}").as_str().into(),
        act: IncidentAct::Escalate { to: 2 },
        seen: Seen {
            status: Status::Triggered,
            changed_at: chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
            escalation: None,
        },
        label: format!("#{number} checkout answers every second request with an error").into(),
    };
    Draft::new(payload, std::time::Duration::ZERO)
}

fn act(number: usize) -> Act {
    Act {
        at: chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
        actor: "jun@example.com".to_owned(),
        action: "acknowledge".to_owned(),
        target: format!("alert {number}"),
        context: "prod".to_owned(),
        why: "looking at it".to_owned(),
        result: "journaled".to_owned(),
    }
}

pub fn measure() {
    // Beside the build, because a temporary directory may lie in memory.
    let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory on the disk");
    let opening = Opening::private(home.path().join("midwatch.db"));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let journal = Journal::open(&opening).expect("opens");
    let clock = Clock::start();
    let mut number = 0;
    for (what, many, runs) in [
        ("journal: an act in the outbox, fsync and audit line", 1, ACTS),
        ("journal: 20 acts of one key, one fsync", AT_ONCE, ACTS / AT_ONCE),
    ] {
        let durable = Samples::of_runs(
            10,
            runs,
            || {
                // What the acts before left to the thread is not these ones'.
                runtime.block_on(journal.settle()).expect("settles");
                (0..many)
                    .map(|_| {
                        number += 1;
                        vec![escalation(number)]
                    })
                    .collect::<Vec<_>>()
            },
            |acts| {
                runtime.block_on(async {
                    // The console waits for its turn at the disk, stamps, and inserts.
                    journal.read(|_| Ok(())).await.expect("its turn");
                    let now = clock.stamp();
                    let inserted = journal.write(move |tx| outbox::insert_all(tx, &author(), &acts, &now));
                    inserted.await.expect("journaled")
                })
            },
        );
        figure::held(what, "ms", &durable, (Held::P99, 20.0));
    }
    let settled = Samples::of_runs(
        0,
        200,
        || act(0),
        |act| {
            runtime.block_on(async {
                journal
                    .write(move |tx| audit::record(tx, &act))
                    .await
                    .expect("journaled");
                journal.settle().await.expect("settles");
            });
        },
    );
    figure::held(
        "journal: an audit line, in audit.jsonl too",
        "ms",
        &settled,
        (Held::P99, 40.0),
    );
    drop(journal);
    let opened = Samples::of_runs(2, 20, || (), |()| Journal::open(&opening).expect("opens"));
    figure::held(
        &format!("journal: open with {number} acts, checked in whole"),
        "ms",
        &opened,
        (Held::P99, 50.0),
    );
}
