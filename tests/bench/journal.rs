//! The way of an act to the disk: journaled with its audit line, and the opening of a journal that has many.

use midwatch::journal::audit::{self, Act};
use midwatch::journal::{Journal, Opening, drafts};

use crate::figure::{self, Held, Samples};

const ACTS: usize = 1_000;

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
    let mut number = 0;
    let durable = Samples::of_runs(
        50,
        ACTS,
        || {
            // What the act before left to the thread is not this one's.
            runtime.block_on(journal.settle()).expect("settles");
            number += 1;
            act(number)
        },
        |act| {
            runtime
                .block_on(journal.write(move |tx| {
                    let draft = drafts::Draft {
                        key: drafts::DraftKey {
                            actor: act.actor.clone(),
                            context: act.context.clone(),
                            console: "here".to_owned(),
                            kind: "note".to_owned(),
                            incident: Some(act.target.clone()),
                        },
                        text: act.why.clone(),
                        updated_at: act.at,
                    };
                    drafts::save(tx, &draft)?;
                    audit::record(tx, &act)
                }))
                .expect("journaled");
        },
    );
    figure::held(
        "journal: an act and its audit line to durable",
        "ms",
        &durable,
        (Held::P99, 20.0),
    );
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
        "journal: the same, its line in audit.jsonl too",
        "ms",
        &settled,
        (Held::P99, 40.0),
    );
    drop(journal);
    let opened = Samples::of_runs(2, 20, || (), |()| Journal::open(&opening).expect("opens"));
    figure::held(
        "journal: open with 1,250 acts, checked in whole",
        "ms",
        &opened,
        (Held::P99, 50.0),
    );
}
