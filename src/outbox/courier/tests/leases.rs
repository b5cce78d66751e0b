//! One process after another, and two at once.

use super::*;

#[tokio::test(start_paused = true)]
async fn nobody_drops_what_is_under_way_however_long_its_backend_may_take() {
    let scene = Scene::new();
    *scene.post.patience.lock().unwrap() = Duration::from_secs(30);
    scene.post.hang(is_note);
    let ids = scene.add(vec![note("Q1")]).await;
    scene.pass(25).await;
    assert_eq!(
        scene.decide(ids[0], Decision::Drop).await.unwrap_err(),
        decide::Undecided::UnderWay,
        "the first 15 s are over, the request is not"
    );
    scene.pass(20).await;
    assert!(scene.decide(ids[0], Decision::Drop).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_request_is_not_begun_unless_its_lease_covers_all_of_it() {
    let scene = Scene::new();
    scene.handle.rest().await;
    let ids = scene.add(vec![note("Q1")]).await;
    let id = ids[0];
    let mut record = scene
        .journal
        .read(move |tx| outbox::load(tx, id))
        .await
        .unwrap()
        .unwrap();
    let holder = Holder { pid: 1, token: 1 };
    let desk = Desk {
        setup: Setup {
            journal: scene.journal.clone(),
            post: Arc::clone(&scene.post),
            clock: scene.clock,
            author: author(),
            timings: Timings::default(),
        },
        holder,
    };
    record.hold = Some(Hold::from(holder, &scene.clock.stamp(), Duration::from_secs(9)));
    let answer = desk.send(&record).await;
    assert_eq!(answer.unwrap_err().delivery, Delivery::NotSent);
    assert!(scene.post.order().is_empty());
    record.hold = Some(Hold::from(holder, &scene.clock.stamp(), TOTAL));
    assert!(desk.send(&record).await.is_ok());
    assert_eq!(scene.post.order(), ids);
}

#[tokio::test(start_paused = true)]
async fn who_takes_over_from_a_dead_process_waits_out_its_lease_and_its_request() {
    let mut scene = Scene::new();
    scene.post.doom(&[Fate::Hangs]);
    let ids = scene.add(vec![note("Q1")]).await;
    scene.pass(1).await;
    scene.restart().await;
    assert_eq!(scene.state(ids[0]), State::Sending);
    // It arrives late, after its process has died.
    let entry = scene.entry(ids[0]);
    scene.pass(22).await;
    scene.post.arrives(&entry);
    assert_eq!(
        scene.state(ids[0]),
        State::Sending,
        "15 s of lease and 10 s of request are not over"
    );
    scene.pass(5).await;
    assert_eq!(scene.state(ids[0]), State::Confirmed);
    assert_eq!(scene.post.order(), ids);
}

#[tokio::test(start_paused = true)]
async fn what_was_only_journaled_when_the_process_died_is_sent_once_by_the_next() {
    let mut scene = Scene::new();
    scene.tasks.abort_all();
    let now = scene.clock.stamp();
    let drafts = vec![note("Q1"), acknowledge("Q2")];
    scene
        .journal
        .write(move |tx| outbox::insert(tx, &author(), &drafts, &now))
        .await
        .unwrap();
    scene.restart().await;
    scene.pass(1).await;
    assert_eq!(scene.post.order().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn before_it_stops_it_hands_back_what_it_holds() {
    let scene = Scene::new();
    scene.post.doom(&[Fate::Hangs]);
    let ids = scene.add(vec![note("Q1"), note("Q2")]).await;
    let resting = {
        let handle = scene.handle.clone();
        async move { handle.rest().await }
    };
    let ((), ()) = futures::join!(resting, scene.pass(2));
    let id = ids[0];
    let left = scene
        .journal
        .read(move |tx| outbox::load(tx, id))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((left.hold, left.entry.state), (None, State::Sending));
    scene.add(vec![note("Q3")]).await;
    scene.pass(60).await;
    assert_eq!(scene.post.order(), [ids[1]], "nothing is sent while it rests");
    scene.handle.resume().await;
    scene.pass(35).await;
    assert_eq!(scene.post.order().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn nobody_sends_what_another_identity_made() {
    let scene = Scene::new();
    let now = scene.clock.stamp();
    let mara = Author {
        actor: "mara".into(),
        ..author()
    };
    let drafts = vec![note("Q1")];
    let theirs = scene
        .journal
        .write(move |tx| outbox::insert(tx, &mara, &drafts, &now))
        .await
        .unwrap();
    let ours = scene.add(vec![note("Q1")]).await;
    scene.pass(60).await;
    assert_eq!(
        scene.post.order(),
        ours,
        "and what they left open holds up nothing of ours"
    );
    assert_eq!(scene.state(theirs[0]), State::Pending);
    let dropped = scene.decide(theirs[0], Decision::Drop).await;
    assert_eq!(dropped, Err(decide::Undecided::NotOurs));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_consoles_on_one_journal_send_each_of_two_hundred_acts_once() {
    let directory = tempfile::tempdir().unwrap();
    let post = Arc::new(Script::default());
    let clock = Clock::start();
    let timings = Timings {
        first_look: Duration::from_millis(20),
        poll: Duration::from_millis(50),
        ..Timings::default()
    };
    // The answers to the first twenty requests are lost, after these have arrived.
    post.doom(&[Fate::AnswerLost; 20]);
    let mut tasks = tokio::task::JoinSet::new();
    let mut consoles = Vec::new();
    for _ in 0..2 {
        let journal = Journal::open(&opening(&directory)).unwrap();
        let (courier, handle) = Courier::new(Setup {
            journal: journal.clone(),
            post: Arc::clone(&post),
            clock,
            author: author(),
            timings,
        });
        tasks.spawn(courier.run());
        consoles.push((journal, handle));
    }
    let acting = consoles
        .iter()
        .enumerate()
        .map(|(console, (journal, _))| async move {
            let mut ids = Vec::new();
            for i in 0..100 {
                let draft = match i % 3 {
                    0 => acknowledge(&format!("Q{}", i % 10)),
                    1 => note(&format!("Q{}", i % 10)),
                    _ => note(&format!("R{console}{}", i % 5)),
                };
                let now = clock.stamp();
                let made = journal.write(move |tx| outbox::insert(tx, &author(), &[draft], &now));
                ids.extend(made.await.unwrap());
            }
            ids
        });
    let ids: Vec<EntryId> = futures::future::join_all(acting).await.concat();
    let waited = tokio::time::timeout(Duration::from_secs(120), async {
        for (_, handle) in &consoles {
            handle.settled(&ids).await;
        }
    });
    waited.await.expect("all of them settle");
    assert_eq!(ids.len(), 200);
    let kept = post.kept.lock().unwrap();
    assert_eq!(kept.len(), 200, "none is lost");
    assert!(kept.values().all(|times| *times == 1), "none is doubled");
    let confirmed = consoles[0].1.view();
    let confirmed = confirmed.borrow();
    let all = ids
        .iter()
        .all(|id| confirmed.entry(*id).unwrap().state == State::Confirmed);
    assert!(all);
}
