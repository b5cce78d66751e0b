//! Who waits for whom: lanes of one incident, places at a backend, what passes.

use super::*;

#[tokio::test(start_paused = true)]
async fn one_lane_that_is_stuck_holds_up_no_other() {
    let scene = Scene::new();
    scene.post.doom(&[Fate::Refused(401)]);
    let ids = scene.add(vec![note("Q1")]).await;
    let later = scene.add(vec![note("Q1"), note("Q2"), note("Q3")]).await;
    assert_eq!(scene.state(ids[0]), State::Pending);
    assert_eq!(
        scene.state(later[0]),
        State::Pending,
        "order is kept within an incident"
    );
    assert_eq!(scene.post.order(), later[1..]);
    scene.pass(3).await;
    assert_eq!(scene.post.order(), [later[1], later[2], ids[0], later[0]]);
}

#[tokio::test(start_paused = true)]
async fn what_wakes_people_passes_a_note_that_is_refused_again_and_again() {
    let scene = Scene::new();
    scene.post.refuse(is_note);
    let stuck = scene.add(vec![note("Q1")]).await;
    let urgent = scene
        .add(vec![acknowledge("Q1"), escalate("Q1"), note("Q1")])
        .await;
    scene.pass(1).await;
    assert_eq!(scene.state(stuck[0]), State::Pending);
    assert_eq!(scene.state(urgent[0]), State::Confirmed);
    assert_eq!(scene.state(urgent[1]), State::Confirmed);
    assert_eq!(scene.state(urgent[2]), State::Pending, "notes keep their order");
    assert_eq!(scene.post.order(), urgent[..2], "and so do acts that wake people");
}

#[tokio::test(start_paused = true)]
async fn an_act_behind_one_that_is_stuck_asks_when_it_is_late() {
    let scene = Scene::new();
    let is_snooze = |payload: &Payload| {
        matches!(
            payload,
            Payload::Incident {
                act: IncidentAct::Snooze { .. },
                ..
            }
        )
    };
    scene.post.refuse(is_snooze);
    let length = Duration::from_secs(4 * 3_600);
    let snooze = act("Q1", IncidentAct::Snooze { length });
    let ids = scene.add(vec![snooze, escalate("Q1")]).await;
    scene.decide(ids[0], Decision::Send).await.unwrap();
    scene.pass(60).await;
    assert_eq!(scene.state(ids[1]), State::Pending, "order is kept");
    for _ in 0..10 {
        scene.leap(Duration::from_secs(60)).await;
    }
    scene.pass(35).await;
    assert_eq!(scene.state(ids[0]), State::Pending);
    assert_eq!(scene.state(ids[1]), State::NeedsDecision);
    assert!(scene.post.order().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_hangs_takes_no_place_from_another_s_acts() {
    let scene = Scene::new();
    scene.post.hang(is_note);
    let hanging: Vec<Draft> = (0..8).map(|number| note(&format!("Q{number}"))).collect();
    scene.add(hanging).await;
    let others = scene.add(vec![silence("eu"), mark()]).await;
    let arrived: BTreeSet<EntryId> = scene.post.order().into_iter().collect();
    assert_eq!(arrived, others.into_iter().collect());
}

#[tokio::test(start_paused = true)]
async fn what_wakes_people_goes_first_and_finds_a_place_among_notes_that_hang() {
    let scene = Scene::new();
    scene.post.hang(is_note);
    let mut drafts: Vec<Draft> = (0..8).map(|number| note(&format!("Q{number}"))).collect();
    drafts.extend([escalate("Q8"), acknowledge("Q9")]);
    let ids = scene.add(drafts).await;
    // The escalation looks at its incident first: which of the two arrives first does not matter.
    let arrived: BTreeSet<EntryId> = scene.post.order().into_iter().collect();
    assert_eq!(arrived, ids.iter().skip(8).copied().collect());
    let later = scene.add(vec![acknowledge("Q10")]).await;
    assert_eq!(scene.post.order().last(), later.last());
}
