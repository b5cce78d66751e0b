//! Acknowledgements of alerts that are kept alive.

use super::*;

fn renewal(id: &str) -> Draft {
    let payload = Payload::ExtendSilence {
        cluster: "eu".into(),
        members: Vec::new(),
        id: id.into(),
        until: DateTime::from_timestamp(1_790_003_600, 0).unwrap(),
        why: Extension::Renewal,
    };
    Draft::new(payload, Duration::ZERO)
}

fn is_renewal(payload: &Payload) -> bool {
    payload.is_renewal()
}

fn hand_back(id: &str) -> Draft {
    let payload = Payload::ExpireSilence {
        cluster: "eu".into(),
        members: Vec::new(),
        id: id.into(),
        hands_back: vec![Fingerprint(7)],
    };
    Draft::new(payload, Duration::ZERO)
}

impl Scene {
    async fn renew(&self, id: &str) -> Option<EntryId> {
        let (now, draft) = (self.clock.stamp(), renewal(id));
        let renewed = self
            .journal
            .write(move |tx| outbox::renew(tx, &author(), &[draft], &now));
        let ids = renewed.await.unwrap();
        self.quiet().await;
        ids[0]
    }

    async fn stored(&self, id: EntryId) -> State {
        let loaded = self.journal.read(move |tx| outbox::load(tx, id)).await.unwrap();
        loaded.unwrap().entry.state
    }
}

#[tokio::test(start_paused = true)]
async fn a_renewal_is_told_in_the_audit_log_and_is_no_news_while_it_goes_well() {
    let scene = Scene::new();
    let id = scene.renew("s1").await.unwrap();
    assert_eq!(scene.post.order(), [id]);
    assert_eq!(scene.stored(id).await, State::Confirmed);
    let lines = scene
        .journal
        .read(|tx| audit::lines_after(tx, 0, 10))
        .await
        .unwrap();
    let told: Vec<(String, String)> = lines
        .iter()
        .map(|(_, line)| serde_json::from_str::<audit::Line>(line).unwrap())
        .map(|line| (line.action, line.result))
        .collect();
    let renew = |result: &str| ("renew".to_owned(), result.to_owned());
    assert_eq!(told, [renew("journaled"), renew("confirmed")]);
    assert_eq!(scene.handle.view().borrow().entries, []);
    scene.post.refuse(is_renewal);
    let failing = scene.renew("s2").await.unwrap();
    assert_eq!(scene.state(failing), State::Pending, "trouble is shown");
}

#[tokio::test(start_paused = true)]
async fn an_acknowledgement_is_renewed_once_at_a_time_and_not_when_its_end_was_asked_for() {
    let scene = Scene::new();
    scene.post.down.store(true, Ordering::SeqCst);
    let first = scene.renew("s1").await;
    assert!(first.is_some());
    assert_eq!(scene.renew("s1").await, first);
    scene.add(vec![hand_back("s2")]).await;
    assert_eq!(
        scene.renew("s2").await,
        None,
        "what is handed back is not revived"
    );
}

#[tokio::test(start_paused = true)]
async fn a_hand_back_waits_for_a_renewal_that_may_still_arrive_and_for_none_that_never_left() {
    let scene = Scene::new();
    scene.post.hang(is_renewal);
    scene.renew("s1").await;
    let waits = scene.add(vec![hand_back("s1")]).await;
    scene.pass(3).await;
    assert_eq!(scene.state(waits[0]), State::Pending, "it would be undone");
    scene.post.refuse(is_renewal);
    scene.renew("s2").await;
    let passes = scene.add(vec![hand_back("s2")]).await;
    scene.pass(1).await;
    assert_eq!(scene.state(passes[0]), State::Confirmed);
}
