//! What is journaled, sent, lost and found again; what comes late or meets a conflict.

use super::*;

#[tokio::test(start_paused = true)]
async fn what_is_journaled_is_sent_and_shown_as_confirmed() {
    let scene = Scene::new();
    let ids = scene.add(vec![note("Q1"), acknowledge("Q2")]).await;
    assert!(ids.iter().all(|id| scene.state(*id) == State::Confirmed));
    assert_eq!(scene.post.order().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_hundred_acts_are_journaled_in_one_transaction_and_each_is_sent_once() {
    let scene = Scene::new();
    let changes = scene.journal.changes();
    let acts: Vec<Vec<Draft>> = (0..100)
        .map(|number| vec![acknowledge(&format!("Q{number}"))])
        .collect();
    let now = scene.clock.stamp();
    scene.handle.rest().await;
    let rested = *changes.borrow();
    let journaled = scene
        .journal
        .write(move |tx| outbox::insert_all(tx, &author(), &acts, &now));
    let ids = journaled.await.unwrap();
    assert_eq!(*changes.borrow(), rested + 1, "one commit, one fsync");
    let shape: Vec<usize> = ids.iter().map(Vec::len).collect();
    assert_eq!(shape, [1; 100]);
    let ids = ids.concat();
    assert!(ids.is_sorted(), "in the order they were asked for");
    scene.handle.resume().await;
    for _ in 0..30 {
        scene.quiet().await;
    }
    let mut order = scene.post.order();
    order.sort_unstable();
    assert_eq!(order, ids);
}

#[tokio::test(start_paused = true)]
async fn acts_that_cannot_all_be_kept_are_none_of_them_kept() {
    let scene = Scene::new();
    let twin = acknowledge("Q2");
    let acts = vec![vec![acknowledge("Q1")], vec![twin.clone(), twin]];
    let now = scene.clock.stamp();
    let journaled = scene
        .journal
        .write(move |tx| outbox::insert_all(tx, &author(), &acts, &now));
    assert!(journaled.await.is_err(), "one marker is two entries' here");
    scene.quiet().await;
    assert!(scene.post.order().is_empty());
    assert_eq!(
        scene.journal.read(|tx| outbox::open(tx, "prod")).await.unwrap(),
        []
    );
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_found_again_and_nothing_is_sent_twice() {
    let scene = Scene::new();
    scene.post.doom(&[Fate::AnswerLost]);
    let ids = scene.add(vec![note("Q1")]).await;
    assert_eq!(scene.state(ids[0]), State::Sending);
    scene.pass(2).await;
    assert_eq!(scene.state(ids[0]), State::Confirmed);
    assert_eq!(scene.post.order(), ids);
}

#[tokio::test(start_paused = true)]
async fn a_note_that_two_looks_missed_is_sent_again_once() {
    let scene = Scene::new();
    scene.post.doom(&[Fate::Lost]);
    let ids = scene.add(vec![note("Q1")]).await;
    scene.pass(30).await;
    assert_eq!(
        (scene.state(ids[0]), scene.post.order().len()),
        (State::Sending, 0)
    );
    scene.pass(3).await;
    assert_eq!(scene.state(ids[0]), State::Confirmed);
    assert_eq!(scene.post.order(), ids);
}

#[tokio::test(start_paused = true)]
async fn an_escalation_that_is_lost_asks_and_later_notes_pass_it() {
    let scene = Scene::new();
    scene.post.doom(&[Fate::Lost]);
    let ids = scene.add(vec![escalate("Q1"), note("Q1")]).await;
    scene.pass(2).await;
    assert!(
        scene.post.order().is_empty(),
        "order is kept while it is looked for"
    );
    scene.pass(30).await;
    assert_eq!(scene.state(ids[0]), State::NeedsDecision);
    assert_eq!(scene.state(ids[1]), State::Confirmed);
    scene.pass(600).await;
    assert_eq!(scene.post.order(), ids[1..]);
    scene.decide(ids[0], Decision::Send).await.unwrap();
    scene.pass(2).await;
    assert_eq!(scene.state(ids[0]), State::Confirmed);
    assert_eq!(scene.post.order(), [ids[1], ids[0]]);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_hangs_is_cut_off_and_looked_for() {
    let scene = Scene::new();
    scene.post.doom(&[Fate::Hangs]);
    let ids = scene.add(vec![acknowledge("Q1")]).await;
    scene.pass(9).await;
    assert_eq!(scene.state(ids[0]), State::Sending);
    scene.pass(3).await;
    assert_eq!(scene.state(ids[0]), State::Confirmed);
    assert_eq!(scene.entry(ids[0]).attempts, 2);
    assert_eq!(scene.post.order(), ids);
}

#[tokio::test(start_paused = true)]
async fn after_an_hour_without_a_backend_notes_go_out_in_order_and_the_rest_asks() {
    let scene = Scene::new();
    scene.post.down.store(true, Ordering::SeqCst);
    let ids = scene
        .add(vec![
            note("Q1"),
            acknowledge("Q1"),
            note("Q1"),
            note("Q2"),
            escalate("Q2"),
            note("Q2"),
        ])
        .await;
    for _ in 0..60 {
        scene.leap(Duration::from_secs(60)).await;
    }
    assert!(scene.post.order().is_empty());
    let waiting = [0, 2, 3, 5].map(|i| scene.state(ids[i]));
    assert_eq!(waiting, [State::Pending; 4], "network trouble ends nothing");
    scene.post.down.store(false, Ordering::SeqCst);
    scene.pass(65).await;
    assert_eq!(scene.state(ids[1]), State::NeedsDecision);
    assert_eq!(scene.state(ids[4]), State::NeedsDecision);
    let order = scene.post.order();
    assert_eq!(order.len(), 4);
    let place = |i: usize| order.iter().position(|id| *id == ids[i]).unwrap();
    assert!(place(0) < place(2) && place(3) < place(5), "{order:?}");
}

#[tokio::test(start_paused = true)]
async fn a_conflict_that_came_up_while_it_waited_asks() {
    let scene = Scene::new();
    scene.post.down.store(true, Ordering::SeqCst);
    let ids = scene.add(vec![acknowledge("Q1")]).await;
    scene.pass(100).await;
    scene.post.changed.store(true, Ordering::SeqCst);
    scene.post.down.store(false, Ordering::SeqCst);
    scene.pass(65).await;
    assert_eq!(scene.state(ids[0]), State::NeedsDecision);
    assert_eq!(scene.entry(ids[0]).last_error.as_deref(), Some("mara has it"));
    assert!(scene.post.order().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_is_taken_back_in_its_grace_time_is_never_sent() {
    let scene = Scene::new();
    let grace = Duration::from_secs(5);
    let ids = scene
        .add(vec![
            Draft { grace, ..note("Q1") },
            Draft { grace, ..note("Q1") },
            acknowledge("Q1"),
        ])
        .await;
    assert_eq!(scene.post.order(), ids[2..], "an acknowledgement goes at once");
    scene.pass(4).await;
    let undone = scene.cancel(ids[0]).await;
    assert_eq!(undone.unwrap().state, State::Cancelled);
    scene.pass(2).await;
    assert_eq!(scene.post.order(), [ids[2], ids[1]]);
    assert!(scene.cancel(ids[1]).await.is_err(), "it has gone out");
    assert_eq!(scene.state(ids[0]), State::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn a_silence_that_comes_too_late_is_dropped_and_said() {
    let scene = Scene::new();
    scene.post.down.store(true, Ordering::SeqCst);
    let starts_at = scene.clock.now().utc;
    let payload = Payload::Silence {
        cluster: "eu".into(),
        members: Vec::new(),
        matchers: Vec::new(),
        starts_at,
        ends_at: starts_at + TimeDelta::minutes(2),
        comment: "deploy".to_owned(),
        purpose: Purpose::Silence,
    };
    let ids = scene.add(vec![Draft::new(payload, Duration::ZERO)]).await;
    scene.pass(200).await;
    assert_eq!(scene.state(ids[0]), State::Cancelled);
    assert!(
        scene
            .entry(ids[0])
            .outcome
            .contains("passed before it could be delivered")
    );
}

#[tokio::test(start_paused = true)]
async fn more_acts_than_a_view_lists_are_waited_for_to_the_end() {
    let scene = Scene::new();
    scene.post.hang(is_silence);
    let mut drafts: Vec<Draft> = (0..260).map(|number| note(&format!("Q{number}"))).collect();
    drafts.push(silence("eu"));
    let ids = scene.add(drafts).await;
    for _ in 0..120 {
        scene.quiet().await;
    }
    assert_eq!(scene.post.order().len(), 260);
    let (sent, hanging) = ids.split_at(260);
    let waited = |ids: Vec<EntryId>| {
        let handle = scene.handle.clone();
        async move {
            tokio::select! {
                biased;
                () = handle.settled(&ids) => true,
                () = std::future::ready(()) => false,
            }
        }
    };
    assert!(waited(sent.to_vec()).await, "all of them are settled");
    assert!(!waited(hanging.to_vec()).await);
    let unknown = EntryId(hanging[0].0 + 1);
    assert!(
        !waited(vec![unknown]).await,
        "one that the view knows nothing of yet"
    );
}
