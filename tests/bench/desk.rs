//! 10,000 alerts in 500 groups: from the bytes of an answer to the board.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use midwatch::backend::BackendResult;
use midwatch::backend::alerts::Alerts as _;
use midwatch::backend::alerts::alertmanager::Alertmanager;
use midwatch::backend::http::{Answer, Asker, Call};
use midwatch::domain::alert::AlertSnapshot;
use midwatch::domain::alert::desk::{Arrangement, Desk, Inputs, RulesInput, Settings, SourceInput};
use midwatch::time::Now;

use crate::crowd::{self, Resent};
use crate::figure::{Held, Samples, held};
use crate::fixtures;

/// Answers with what was prepared.
struct Prepared(Arc<str>);

impl Asker for Prepared {
    fn call(&self, call: Call) -> BoxFuture<'_, BackendResult<Answer>> {
        let body = match call.path.as_str() {
            "api/v2/alerts/groups" => self.0.as_bytes().to_vec(),
            "api/v2/silences" => b"[]".to_vec(),
            _ => br#"{"cluster":{"status":"ready","peers":[]}}"#.to_vec(),
        };
        Box::pin(std::future::ready(Ok(Answer {
            status: 200,
            body,
            date: None,
            content_type: "application/json".to_owned(),
            retry_after: None,
        })))
    }
}

/// Answers with one, then with the other.
struct InTurn(std::sync::atomic::AtomicUsize, [Prepared; 2]);

impl Asker for InTurn {
    fn call(&self, call: Call) -> BoxFuture<'_, BackendResult<Answer>> {
        let turn = if call.path == "api/v2/alerts/groups" {
            self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
        } else {
            0
        };
        self.1[turn % 2].call(call)
    }
}

fn snapshot(of: &Alertmanager) -> AlertSnapshot {
    futures::executor::block_on(of.snapshot()).unwrap()
}

pub fn measure() {
    let still: Arc<str> = crowd::groups_answer(Resent::None).into();
    let moved: Arc<str> = crowd::groups_answer(Resent::Every).into();
    let fresh = || Alertmanager::new("eu-0", None, Arc::new(Prepared(Arc::clone(&still))));
    let bound = (Held::Median, 60.0);
    let first = Samples::of_runs(3, 30, fresh, |source| (snapshot(&source), source));
    held(
        "10,000 alerts in 500 groups parsed, first answer",
        "ms",
        &first,
        bound,
    );
    let source = fresh();
    let again = Samples::of_runs(3, 30, || (), |()| snapshot(&source));
    held("… parsed again, nothing changed", "ms", &again, bound);
    let turns = InTurn(
        0.into(),
        [Prepared(Arc::clone(&still)), Prepared(Arc::clone(&moved))],
    );
    let source = Alertmanager::new("eu-0", None, Arc::new(turns));
    let resent = Samples::of_runs(3, 30, || (), |()| snapshot(&source));
    held("… parsed again, every alert re-sent", "ms", &resent, bound);

    let bound = (Held::Median, 10.0);
    let snapshots = [Arc::new(snapshot(&source)), Arc::new(snapshot(&source))];
    let same = Arc::new(snapshot(&fresh()));
    let settings = Arc::new(Settings::default());
    let mut now = fixtures::now();
    let question = Arrangement::default();
    let once = Samples::of_runs(
        3,
        30,
        || (Desk::new(), inputs(&same, &settings)),
        |(mut desk, inputs)| (desk.arrange(&inputs, &question, now), desk, inputs),
    );
    held("10,000 alerts grouped and ranked, first time", "ms", &once, bound);
    let desk = std::cell::RefCell::new(Desk::new());
    let mut again = |name: &str, give: &mut dyn FnMut() -> Arc<AlertSnapshot>| {
        let samples = Samples::of_runs(
            3,
            60,
            || {
                desk.borrow_mut().tidy();
                (inputs(&give(), &settings), step(&mut now))
            },
            |(inputs, now)| (desk.borrow_mut().arrange(&inputs, &question, now), inputs),
        );
        held(name, "ms", &samples, bound);
    };
    again("… nothing answered since", &mut || Arc::clone(&same));
    let source = fresh();
    again("… answered again, nothing changed", &mut || {
        Arc::new(snapshot(&source))
    });
    let mut turn = 0;
    again("… answered again, every alert re-sent", &mut || {
        turn += 1;
        Arc::clone(&snapshots[turn % 2])
    });
}

fn step(now: &mut Now) -> Now {
    *now = now.later(Duration::from_secs(1));
    *now
}

fn inputs(snapshot: &Arc<AlertSnapshot>, settings: &Arc<Settings>) -> Inputs {
    Inputs {
        sources: vec![SourceInput {
            name: "eu-0".into(),
            snapshot: Some(Arc::clone(snapshot)),
            age: Some(Duration::from_secs(1)),
            interval: Duration::from_secs(15),
            failure: None,
        }],
        rules: RulesInput::NotConfigured,
        settings: Arc::clone(settings),
    }
}
