use super::*;
use crate::backend::http::Wires;
use crate::backend::incidents::local::Local;
use crate::backend::incidents::{Incidents as _, Question};
use crate::config::{Config, Environment, decode_text};
use crate::domain::alert::{AckState, Alert, AlertState, Fingerprint, Flaps, Labels, Occurrence};
use crate::domain::incident::local::{Declaration, LocalIncident};
use crate::domain::incident::{Incident, Level, Severity};
use crate::domain::timeline::Delivery;
use crate::journal::Opening;

const CONFIG: &str = r#"
identity = "jun@example.com"
[contexts.prod]
incidents = { kind = "local" }
metrics = { url = "http://127.0.0.1:1" }
people = [{ name = "jun" }, { name = "mara" }]
escalation_policies = [{ name = "default", levels = [{ notify = ["jun"], delay = "5m" }, { notify = ["mara"] }] }]
declare = [{ matchers = 'severity="critical"', severity = "SEV2" }]
"#;

struct Bench {
    opening: Opening,
    config: Config,
    clock: Clock,
    board: watch::Sender<Arc<AlertBoard>>,
    _dir: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self {
            opening: Opening {
                path: dir.path().join("midwatch.db"),
                group: None,
            },
            config: decode_text(CONFIG, None, &Environment::default()).unwrap().config,
            clock: Clock::with_tokio("2026-11-20T03:00:00Z".parse().unwrap()),
            board: watch::Sender::new(Arc::new(AlertBoard::default())),
            _dir: dir,
        }
    }

    fn keeper(&self) -> Local {
        let journal = Journal::open(&self.opening).unwrap();
        Local::new(journal, &self.config, &self.config.contexts["prod"], self.clock)
    }

    /// A console of its own, as another process is.
    fn warden(&self) -> Warden {
        self.console().0
    }

    fn console(&self) -> (Warden, Relief) {
        let journal = Journal::open(&self.opening).unwrap();
        let keeper = Local::new(
            journal.clone(),
            &self.config,
            &self.config.contexts["prod"],
            self.clock,
        );
        Warden::new(
            journal,
            Arc::clone(keeper.house()),
            keeper.courier(Arc::new(Wires::default())),
            self.clock,
            self.board.subscribe(),
        )
    }

    async fn declare(&self) -> LocalIncident {
        let asked = Declaration {
            title: "orders fail".into(),
            severity: Severity::Sev1,
            service: None,
            policy: None,
            alerts: Vec::new(),
            by: "jun@example.com".into(),
            rule: None,
        };
        self.keeper().declare(asked).await.unwrap()
    }

    async fn open(&self) -> Vec<Incident> {
        self.keeper().list(Question::default()).await.unwrap().incidents
    }

    fn fires(&self, fingerprint: u64) {
        let now = self.clock.now().utc;
        let alert = Alert {
            occurrence: Occurrence {
                fingerprint: Fingerprint(fingerprint),
                starts_at: now,
            },
            sources: Vec::new(),
            state: AlertState::Active,
            name: "HighErrorRate".into(),
            severity: Some("critical".into()),
            service: "checkout".into(),
            silenced_by: Vec::new(),
            inhibited_by: Vec::new(),
            muted_by: Vec::new(),
            ack: AckState::None,
            updated_at: now,
            ended_at: None,
            labels: [("severity", "critical")].into_iter().collect(),
            annotations: Labels::default(),
            generator_url: "".into(),
            receivers: Vec::new(),
            flaps: Flaps(0),
        };
        let mut board = AlertBoard::default();
        board.pipeline.age = Some(Duration::ZERO);
        board.by_fingerprint = Arc::new([(Fingerprint(fingerprint), Arc::new(alert))].into());
        self.board.send_replace(Arc::new(board));
    }
}

async fn turn(warden: &mut Warden) -> Watching {
    // What was found due is done and looked at again, as the loop does.
    let mut watching = Watching::Nothing;
    for _ in 0..3 {
        watching = warden.turn().await.unwrap().0;
    }
    watching
}

#[tokio::test(start_paused = true)]
async fn of_two_consoles_one_wakes_the_next_level_once() {
    let bench = Bench::new();
    bench.declare().await;
    let (mut one, mut other) = (bench.warden(), bench.warden());
    assert_eq!(turn(&mut one).await, Watching::Ours);
    assert!(
        matches!(turn(&mut other).await, Watching::Theirs(who) if who.starts_with("jun@example.com, pid "))
    );
    for _ in 0..20 {
        tokio::time::advance(Duration::from_secs(16)).await;
        turn(&mut one).await;
        turn(&mut other).await;
    }
    let open = bench.open().await;
    assert_eq!(open[0].level, Level::Known(2));
    let story = bench.keeper().story("local-1".into()).await.unwrap().events;
    let woken = story
        .iter()
        .filter(|event| event.text.contains("level 2 of default woken"));
    assert_eq!(woken.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_console_that_vanished_is_followed_by_the_next_and_the_level_is_still_woken() {
    let bench = Bench::new();
    bench.declare().await;
    let (mut one, mut other) = (bench.warden(), bench.warden());
    for _ in 0..17 {
        turn(&mut one).await;
        tokio::time::advance(Duration::from_secs(17)).await;
    }
    // 289 s: the first is gone, the level due at 300 s, the watch free from 332 s on.
    drop(one);
    for _ in 0..5 {
        tokio::time::advance(Duration::from_secs(17)).await;
        turn(&mut other).await;
    }
    assert_eq!(bench.open().await[0].level, Level::Known(2));
}

#[tokio::test(start_paused = true)]
async fn a_level_that_came_due_while_no_console_was_open_is_asked_about() {
    let bench = Bench::new();
    let incident = bench.declare().await;
    tokio::time::advance(Duration::from_secs(3_600)).await;
    let mut warden = bench.warden();
    turn(&mut warden).await;
    assert_eq!(bench.open().await[0].level, Level::Known(1));
    let keeper = bench.keeper();
    let missed = keeper.ladder(incident.id()).await.unwrap().missed;
    assert_eq!(missed.unwrap().words(), "missed level 2 at 03:05Z");
    // It stands as a page that reached nobody: with the banner, the bell and a row of the outbox, told once.
    turn(&mut bench.warden()).await;
    let journal = Journal::open(&bench.opening).unwrap();
    let unreached = || journal.read(|tx| crate::journal::notices::unreached(tx, "prod"));
    let pages = unreached().await.unwrap();
    let words: Vec<String> = pages.iter().map(crate::notify::Unreached::words).collect();
    let why = "missed level 2 at 03:05Z: no console was open to wake it";
    assert_eq!(
        words,
        [format!("local-1 level 2: nobody was reached: phone mara ({why})")]
    );
    let asking = |events: Vec<crate::domain::timeline::Event>| {
        events
            .into_iter()
            .filter(|event| event.delivery == Delivery::NeedsDecision)
            .count()
    };
    assert_eq!(asking(keeper.story(incident.id()).await.unwrap().events), 1);
    // Left asleep: the question is answered, and the delay begins anew.
    keeper.leave(&incident.id()).await.unwrap();
    assert_eq!(keeper.ladder(incident.id()).await.unwrap().missed, None);
    // By then nobody has been reached by level 1 either: the configuration has no way to tell anybody.
    let left = unreached().await.unwrap();
    assert_eq!(
        left.iter()
            .map(crate::notify::Unreached::level)
            .collect::<Vec<_>>(),
        [Some(1)]
    );
    assert_eq!(asking(keeper.story(incident.id()).await.unwrap().events), 0);
    for _ in 0..20 {
        tokio::time::advance(Duration::from_secs(16)).await;
        turn(&mut warden).await;
    }
    assert_eq!(bench.open().await[0].level, Level::Known(2));
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_slept_past_a_level_asks_too() {
    let bench = Bench::new();
    let incident = bench.declare().await;
    let mut warden = bench.warden();
    turn(&mut warden).await;
    tokio::time::advance(Duration::from_secs(7_200)).await;
    turn(&mut warden).await;
    let ladder = bench.keeper().ladder(incident.id()).await.unwrap();
    assert!(ladder.missed.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_rule_declares_once_a_firing_whichever_console_looks() {
    let bench = Bench::new();
    let (mut one, mut other) = (bench.warden(), bench.warden());
    // An empty board that nobody vouches for declares nothing.
    turn(&mut one).await;
    bench.fires(1);
    for _ in 0..3 {
        turn(&mut one).await;
        turn(&mut other).await;
    }
    let open = bench.open().await;
    assert_eq!(open.len(), 1);
    assert_eq!(&*open[0].title, "checkout: HighErrorRate");
    assert_eq!(open[0].alert_keys.len(), 1);
    assert_eq!(open[0].level, Level::Known(1));
}

#[tokio::test(start_paused = true)]
async fn a_console_that_stops_hands_the_watch_back_and_takes_no_other_ones() {
    let bench = Bench::new();
    let (mut one, relief) = bench.console();
    let mut other = bench.warden();
    assert_eq!(turn(&mut one).await, Watching::Ours);
    assert!(matches!(turn(&mut other).await, Watching::Theirs(_)));
    relief.rest().await;
    assert_eq!(turn(&mut one).await, Watching::Relieved);
    assert_eq!(turn(&mut other).await, Watching::Ours, "at once, not in a minute");
    relief.resume();
    assert!(matches!(turn(&mut one).await, Watching::Theirs(_)));
}

#[tokio::test(start_paused = true)]
async fn a_warden_that_runs_heeds_its_relief() {
    let bench = Bench::new();
    bench.declare().await;
    let (said, mut heard) = watch::channel(Watching::Nothing);
    let (warden, relief) = bench.console();
    let mut running = tokio::task::JoinSet::new();
    running.spawn(warden.run(said));
    let ours = |watching: &Watching| *watching == Watching::Ours;
    heard.wait_for(ours).await.unwrap();
    relief.rest().await;
    heard
        .wait_for(|watching| *watching == Watching::Relieved)
        .await
        .unwrap();
    relief.resume();
    heard.wait_for(ours).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_comes_after_the_relief_takes_nothing() {
    let bench = Bench::new();
    bench.declare().await;
    let (mut one, relief) = bench.console();
    assert_eq!(turn(&mut one).await, Watching::Ours);
    tokio::time::advance(RENEWED).await;
    // The turn is past its look at the duty when the relief comes.
    let mut late = Box::pin(one.watch());
    relief.rest().await;
    assert_eq!(late.as_mut().await.unwrap(), Watching::Relieved);
    drop(late);
    assert_eq!(turn(&mut bench.warden()).await, Watching::Ours);
}

#[tokio::test]
async fn a_way_that_takes_long_holds_up_no_turn_and_a_console_that_stops_waits_for_it() {
    let mut bench = Bench::new();
    let pager = "notify = [{ name = \"pager\", kind = \"command\", command = [\"sleep\", \"2\"] }]\n";
    let text = format!("{CONFIG}{pager}");
    bench.config = decode_text(&text, None, &Environment::default()).unwrap().config;
    bench.declare().await;
    let (mut warden, relief) = bench.console();
    let first = bench.clock.tick();
    turn(&mut warden).await;
    let took = bench.clock.tick().since(first);
    assert!(took < Duration::from_millis(1_500), "{took:?}");
    let told = async || {
        let story = bench.keeper().story("local-1".into()).await.unwrap().events;
        let told = story.iter().filter(|event| event.text.contains("notif"));
        told.map(|event| event.text.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(told().await, Vec::<String>::new());
    relief.rest().await;
    assert_eq!(told().await, ["notified jun by pager"]);
}
