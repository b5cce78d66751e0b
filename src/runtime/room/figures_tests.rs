use std::sync::atomic::Ordering;

use tokio::task::JoinSet;

use super::super::sample::Told;
use super::*;
use crate::app::feed::{Fetched, Status as FeedStatus};
use crate::domain::incident::Status;
use crate::domain::incident::sample::incident;
use crate::domain::timeline::EventKind;
use crate::domain::timeline::sample::told;
use crate::journal::Opening;
use crate::journal::facts::{Kept, Rests};

struct Bench {
    journal: Journal,
    keeper: Arc<Told>,
    out: watch::Sender<Feed<IncidentBoard>>,
    keeping: JoinSet<()>,
    _home: tempfile::TempDir,
}

fn board(incidents: Vec<Incident>) -> Feed<IncidentBoard> {
    Feed {
        last: Some(Fetched {
            value: Arc::new(IncidentBoard {
                incidents: incidents.into_iter().map(Arc::new).collect(),
                ..IncidentBoard::default()
            }),
            at: Tick::ZERO,
        }),
        status: FeedStatus::Idle,
        interval: Duration::from_secs(20),
    }
}

fn over(id: &str) -> Incident {
    let mut over = incident(id, Status::Resolved);
    over.resolved_at = Some(over.created_at + TimeDelta::minutes(9));
    over
}

impl Bench {
    fn new(first: &[Incident]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let journal = Journal::open(&Opening::private(home.path().join("midwatch.db"))).unwrap();
        let keeper = Arc::new(Told::default());
        let (out, listed) = watch::channel(board(first.to_vec()));
        let now = first[0].created_at + TimeDelta::minutes(20);
        let figures = Figures {
            journal: journal.clone(),
            context: "prod".into(),
            keepers: Keepers {
                all: vec![Arc::clone(&keeper) as Arc<_>],
                local: None,
            },
            board: listed,
            clock: Clock::with_tokio(now),
        };
        let mut keeping = JoinSet::new();
        keeping.spawn(figures.keep());
        Self {
            journal,
            keeper,
            out,
            keeping,
            _home: home,
        }
    }

    async fn kept(&self) -> Vec<Kept> {
        let from = incident("Q1", Status::Triggered).created_at - TimeDelta::days(1);
        let read = self.journal.read(move |tx| facts::since(tx, "prod", from));
        read.await.unwrap()
    }

    /// Lets it work through everything it was told, and ends it.
    async fn end(mut self) -> (Vec<Kept>, usize) {
        let (unused, _) = watch::channel(Feed::new(Duration::ZERO));
        drop(std::mem::replace(&mut self.out, unused));
        self.keeping.join_next().await.unwrap().unwrap();
        (self.kept().await, self.keeper.stories.load(Ordering::Relaxed))
    }
}

#[tokio::test]
async fn what_the_list_tells_is_kept_and_written_again_only_when_it_changed() {
    let bench = Bench::new(&[incident("Q1", Status::Triggered)]);
    let journal = bench.journal.clone();
    let mut writes = journal.changes();
    writes.changed().await.unwrap();
    let again = board(vec![
        incident("Q1", Status::Triggered),
        incident("Q2", Status::Triggered),
    ]);
    bench.out.send_replace(again.clone());
    writes.changed().await.unwrap();
    bench.out.send_replace(again);
    let (kept, stories) = bench.end().await;
    let known: Vec<_> = kept
        .iter()
        .map(|kept| (&*kept.facts.incident.0, kept.rests))
        .collect();
    assert_eq!(known, [("Q1", Rests::OnList), ("Q2", Rests::OnList)]);
    assert_eq!(stories, 0, "nothing is over");
    assert!(!writes.has_changed().unwrap(), "nothing new was told");
}

#[tokio::test]
async fn the_story_of_an_incident_that_left_the_list_is_read_once() {
    let open = incident("Q1", Status::Acknowledged);
    let bench = Bench::new(std::slice::from_ref(&open));
    let mut writes = bench.journal.changes();
    writes.changed().await.unwrap();
    let begin = open.created_at;
    let mut escalated = told("R1", 0, EventKind::Escalated, "", "level 2");
    escalated.at = begin + TimeDelta::minutes(5);
    *bench.keeper.story.lock().unwrap() = vec![escalated.clone()];
    *bench.keeper.incidents.lock().unwrap() = vec![over("Q1")];
    bench.out.send_replace(board(Vec::new()));
    writes.changed().await.unwrap();
    bench.out.send_replace(board(Vec::new()));
    let (kept, stories) = bench.end().await;
    assert_eq!(
        (
            kept[0].rests,
            kept[0].facts.escalated_at,
            kept[0].facts.resolved_at
        ),
        (Rests::OnStory, Some(escalated.at), over("Q1").resolved_at)
    );
    assert_eq!(stories, 1);
}

#[tokio::test]
async fn what_only_left_our_view_goes_on_and_a_failed_list_tells_of_no_end() {
    let elsewhere = incident("Q1", Status::Acknowledged);
    let bench = Bench::new(std::slice::from_ref(&elsewhere));
    let mut writes = bench.journal.changes();
    writes.changed().await.unwrap();
    *bench.keeper.incidents.lock().unwrap() = vec![elsewhere, over("Q2")];
    // It is listed for us no more, and goes on.
    bench.out.send_replace(board(vec![over("Q2")]));
    writes.changed().await.unwrap();
    // Q2's story is read; nothing more of Q1 is asked for a while.
    writes.changed().await.unwrap();
    let mut failed = board(vec![over("Q4")]);
    failed.status = FeedStatus::Failed {
        cause: "503".into(),
        since: Tick::ZERO,
        next_try: Tick::from_secs(9),
    };
    bench.out.send_replace(failed);
    writes.changed().await.unwrap();
    let (kept, stories) = bench.end().await;
    let whole: Vec<_> = kept
        .iter()
        .filter(|kept| kept.rests == Rests::OnStory)
        .map(|kept| &*kept.facts.incident.0)
        .collect();
    assert_eq!((whole, kept.len(), stories), (vec!["Q2"], 3, 1));
}

#[tokio::test]
async fn no_story_is_read_while_the_allowance_runs_low() {
    let bench = Bench::new(&[over("Q1")]);
    bench.keeper.scarce.store(30, Ordering::Relaxed);
    let (kept, stories) = bench.end().await;
    assert_eq!((kept[0].rests, stories), (Rests::OnList, 0));
}

#[tokio::test]
async fn a_night_of_ended_incidents_is_read_a_few_at_a_look() {
    let all: Vec<Incident> = (0..5).map(|n| over(&format!("Q{n}"))).collect();
    let bench = Bench::new(&all);
    *bench.keeper.incidents.lock().unwrap() = all;
    let mut writes = bench.journal.changes();
    // The list, then two stories.
    for _ in 0..3 {
        writes.changed().await.unwrap();
    }
    let (_, stories) = bench.end().await;
    assert_eq!(stories, STORIES);
}
