use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::backend::http::Wires;
use crate::backend::incidents::local::Local;
use crate::backend::incidents::{IncidentOrder, Incidents as _};
use crate::config::{Config, Environment, Hook, Secret, TlsConfig, decode_text};
use crate::domain::alert::ack::Marker;
use crate::domain::incident::IncidentAct;
use crate::domain::incident::local::{Change, Declaration};
use crate::domain::timeline::Event;
use crate::journal::{Journal, Opening, audit, notices};
use crate::time::Clock;

const CONFIG: &str = r#"
identity = "jun@example.com"
[contexts.prod]
incidents = { kind = "local" }
metrics = { url = "http://127.0.0.1:1" }
people = [{ name = "Jun", id = "jun", email = "jun@example.com", phone = "+49 30 1234" }, { name = "mara" }]
escalation_policies = [{ name = "default", levels = [{ notify = ["jun", "mara"], delay = "5m" }, { notify = ["mara"] }] }]
"#;

struct Bench {
    _dir: tempfile::TempDir,
    journal: Journal,
    config: Config,
    clock: Clock,
}

impl Bench {
    fn new(notify: Vec<NotifyConfig>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut config = decode_text(CONFIG, None, &Environment::default()).unwrap().config;
        config.contexts["prod"].notify = notify;
        let opening = Opening {
            path: dir.path().join("midwatch.db"),
            group: None,
        };
        Self {
            journal: Journal::open(&opening).unwrap(),
            _dir: dir,
            config,
            clock: Clock::start(),
        }
    }

    fn keeper(&self) -> Local {
        Local::new(
            self.journal.clone(),
            &self.config,
            &self.config.contexts["prod"],
            self.clock,
        )
    }

    fn courier(&self) -> Courier {
        self.keeper().courier(Arc::new(Wires::default()))
    }

    async fn declare(&self, title: &str) -> LocalIncident {
        let asked = Declaration {
            title: title.into(),
            severity: Severity::Sev1,
            service: Some("checkout".into()),
            policy: None,
            alerts: Vec::new(),
            by: "jun@example.com".into(),
            rule: None,
        };
        self.keeper().declare(asked).await.unwrap()
    }

    async fn unreached(&self) -> Vec<Unreached> {
        let read = self.journal.read(|tx| notices::unreached(tx, "prod"));
        read.await.unwrap()
    }

    /// Something that is done to the incident.
    async fn act(&self, act: IncidentAct) {
        let order = IncidentOrder {
            incident: "local-1".into(),
            marker: Marker::from_bits(7),
            actor: "jun@example.com".into(),
            key: format!("{act:?}").into(),
            act,
        };
        self.keeper().send(order).await.unwrap();
    }

    /// What the story tells of notifications.
    async fn told(&self) -> Vec<(String, Delivery)> {
        let events: Vec<Event> = self.keeper().story("local-1".into()).await.unwrap().events;
        events
            .into_iter()
            .filter(|event| event.text.contains("notif"))
            .map(|event| (event.text.to_string(), event.delivery))
            .collect()
    }
}

fn hook(bench_file: &std::path::Path, url: &str) -> Hook {
    std::fs::write(bench_file, url).unwrap();
    Hook {
        url: Secret::File(bench_file.to_owned()),
        tls: TlsConfig::default(),
        proxy: None,
    }
}

fn through(channel: Channel) -> NotifyConfig {
    NotifyConfig {
        name: channel.word().into(),
        channel,
        people: Vec::new(),
        levels: Vec::new(),
        updates: Updates::Untold,
        timeout: Duration::from_secs(5),
    }
}

async fn server(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/services/T0/B0/secret"))
        .and(header("content-type", "application/json"))
        .respond_with(answer)
        .mount(&server)
        .await;
    server
}

fn webhook(server: &MockServer) -> (tempfile::TempDir, NotifyConfig) {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("{}/services/T0/B0/secret\n", server.uri());
    let hook = hook(&dir.path().join("url"), &url);
    (dir, through(Channel::Webhook(hook)))
}

#[tokio::test]
async fn a_webhook_is_told_once_and_the_story_says_so() {
    let server = server(ResponseTemplate::new(200)).await;
    let (_held, config) = webhook(&server);
    let bench = Bench::new(vec![config]);
    bench.declare("orders fail").await;
    for _ in 0..3 {
        assert_eq!(bench.courier().deliver().await.unwrap(), None);
    }
    let asked = server.received_requests().await.unwrap();
    assert_eq!(asked.len(), 1);
    let document: serde_json::Value = asked[0].body_json().unwrap();
    assert_eq!(document["incident"], "local-1");
    assert_eq!(document["severity"], "SEV1");
    assert_eq!(document["reason"]["level"], 1);
    assert_eq!(document["people"][0]["phone"], "+49 30 1234");
    assert_eq!(
        bench.told().await,
        [("notified Jun, mara by webhook".to_owned(), Delivery::Local)]
    );
}

#[tokio::test]
async fn an_answer_that_says_nothing_certain_is_never_followed_by_a_second_try() {
    for answer in [
        ResponseTemplate::new(500).set_body_string("boom"),
        // A gateway's, whose backend may have taken it.
        ResponseTemplate::new(503),
        ResponseTemplate::new(200).set_delay(Duration::from_secs(30)),
    ] {
        let server = server(answer).await;
        let (_held, mut config) = webhook(&server);
        config.timeout = Duration::from_millis(300);
        let bench = Bench::new(vec![config]);
        bench.declare("orders fail").await;
        for _ in 0..2 {
            assert_eq!(bench.courier().deliver().await.unwrap(), None);
        }
        assert_eq!(server.received_requests().await.unwrap().len(), 1);
        let told = bench.told().await;
        assert_eq!(told.len(), 1);
        let (text, delivery) = &told[0];
        assert!(
            text.starts_with("notification unclear Jun, mara by webhook")
                && text.contains("phone Jun (+49 30 1234)"),
            "{text}"
        );
        assert!(!text.contains("secret"), "{text}");
        assert_eq!(*delivery, Delivery::Failed);
    }
}

#[tokio::test]
async fn a_long_error_page_is_judged_by_its_status() {
    for (status, words) in [
        (404, "not notified Jun, mara by webhook: HTTP 404: xxx"),
        (502, "notification unclear Jun, mara by webhook: HTTP 502: xxx"),
        (200, "notified Jun, mara by webhook"),
    ] {
        let server = server(ResponseTemplate::new(status).set_body_string("x".repeat(9_000))).await;
        let (_held, config) = webhook(&server);
        let bench = Bench::new(vec![config]);
        bench.declare("orders fail").await;
        assert_eq!(bench.courier().deliver().await.unwrap(), None);
        let told = bench.told().await;
        assert!(told[0].0.starts_with(words), "{status}: {}", told[0].0);
        assert!(told[0].0.len() < 4_000, "{status}");
    }
}

#[tokio::test]
async fn what_was_refused_is_said_and_not_repeated() {
    let server = server(ResponseTemplate::new(404).set_body_string("no_service\u{1b}[2J")).await;
    let (_held, config) = webhook(&server);
    let bench = Bench::new(vec![config]);
    bench.declare("orders fail").await;
    bench.courier().deliver().await.unwrap();
    let told = bench.told().await;
    assert!(
        told[0]
            .0
            .contains("not notified Jun, mara by webhook: HTTP 404: no_service")
    );
    assert!(!told[0].0.contains('\u{1b}'));
}

#[tokio::test]
async fn a_page_that_reached_nobody_stands_until_somebody_takes_the_incident_or_answers_for_it() {
    let server = server(ResponseTemplate::new(404)).await;
    let (_held, config) = webhook(&server);
    let bench = Bench::new(vec![config]);
    bench.declare("orders fail").await;
    assert_eq!(bench.unreached().await, [], "it is on its way");
    bench.courier().deliver().await.unwrap();
    let pages = bench.unreached().await;
    assert_eq!(pages.len(), 1);
    assert_eq!((pages[0].level(), pages[0].people.len()), (Some(1), 2));
    assert!(
        pages[0].words().starts_with(
            "local-1 level 1: nobody was reached: phone Jun (+49 30 1234), mara (webhook: HTTP 404"
        ),
        "{}",
        pages[0].words()
    );
    // The next level is woken in vain too: the last page is the one that counts.
    bench.act(IncidentAct::Escalate { to: 2 }).await;
    bench.courier().deliver().await.unwrap();
    let pages = bench.unreached().await;
    assert_eq!(pages.iter().map(Unreached::level).collect::<Vec<_>>(), [Some(2)]);
    let ids = pages[0].ids.clone();
    bench
        .journal
        .write(move |tx| {
            let answer = |at| notices::answer(tx, &ids, ("jun@example.com", at));
            answer(DateTime::UNIX_EPOCH)?;
            answer(DateTime::UNIX_EPOCH)
        })
        .await
        .unwrap();
    let lines = bench.journal.read(|tx| audit::lines_after(tx, 0, 100)).await;
    let answered: Vec<String> = lines
        .unwrap()
        .into_iter()
        .map(|(_, line)| line)
        .filter(|line| line.contains("answer_for_page"))
        .collect();
    assert_eq!(answered.len(), 1, "{answered:?}");
    assert!(
        answered[0].contains("jun@example.com") && answered[0].contains("local-1"),
        "{answered:?}"
    );
    assert_eq!(bench.unreached().await, [], "somebody phones");
    bench.act(IncidentAct::Escalate { to: 1 }).await;
    bench.courier().deliver().await.unwrap();
    assert_eq!(bench.unreached().await.len(), 1);
    bench.act(IncidentAct::Acknowledge).await;
    assert_eq!(bench.unreached().await, [], "somebody has it");
}

#[tokio::test]
async fn a_missed_level_that_was_left_asleep_does_not_hide_that_the_one_before_was_not_reached() {
    let server = server(ResponseTemplate::new(404)).await;
    let (_held, config) = webhook(&server);
    let bench = Bench::new(vec![config]);
    let mut incident = bench.declare("orders fail").await;
    bench.courier().deliver().await.unwrap();
    let now = bench.clock.stamp();
    let level = Missed {
        level: 2,
        due: now.utc,
    };
    let page = missed(&incident, (&level, Vec::new()), &"prod".into(), &now);
    incident.missed = Some(level);
    let kept = incident.clone();
    bench
        .journal
        .write(move |tx| {
            notices::fail(tx, "prod", &page, "no console was open")?;
            crate::journal::incidents::keep(tx, "prod", &kept, &Change::default(), now.utc)
        })
        .await
        .unwrap();
    let levels = |pages: Vec<Unreached>| pages.iter().map(Unreached::level).collect::<Vec<_>>();
    assert_eq!(levels(bench.unreached().await), [Some(2)]);
    bench.keeper().leave(&incident.id()).await.unwrap();
    assert_eq!(levels(bench.unreached().await), [Some(1)]);
}

#[tokio::test]
async fn a_page_that_failed_on_an_incident_in_work_reached_nobody_either() {
    let mara = Person {
        id: "mara".into(),
        name: "mara".into(),
        email: None,
        phone: None,
    };
    for others in [
        IncidentAct::Escalate { to: 2 },
        IncidentAct::ReassignTo { people: vec![mara] },
    ] {
        let server = server(ResponseTemplate::new(404)).await;
        let (_held, config) = webhook(&server);
        let bench = Bench::new(vec![config]);
        bench.declare("orders fail").await;
        bench
            .act(IncidentAct::Advance {
                to: Status::Identified,
            })
            .await;
        bench.courier().deliver().await.unwrap();
        assert_eq!(bench.unreached().await, [], "who works on it has it");
        bench.act(others.clone()).await;
        bench.courier().deliver().await.unwrap();
        let pages = bench.unreached().await;
        assert_eq!(pages.len(), 1, "{others:?}");
        assert_eq!(&*pages[0].people[0].name, "mara");
        bench.act(IncidentAct::Acknowledge).await;
        assert_eq!(bench.unreached().await, [], "somebody has it");
    }
}

#[tokio::test]
async fn a_page_that_waited_is_not_sent_any_more_once_it_wakes_nobody_to_any_purpose() {
    let cases = [
        (IncidentAct::Acknowledge, 0, "acknowledged by Jun"),
        (
            IncidentAct::Resolve {
                resolution: String::new(),
            },
            0,
            "resolved",
        ),
        (IncidentAct::Escalate { to: 2 }, 1, "level 2 was woken since"),
    ];
    for (act, sent, why) in cases {
        let server = server(ResponseTemplate::new(200)).await;
        let (_held, config) = webhook(&server);
        let bench = Bench::new(vec![config]);
        bench.declare("orders fail").await;
        bench.act(act.clone()).await;
        bench.courier().deliver().await.unwrap();
        let asked = server.received_requests().await.unwrap();
        assert_eq!(asked.len(), sent, "{act:?}");
        let told = bench.told().await;
        let words = format!("not notified Jun, mara by webhook: not needed any more: {why}");
        assert!(told.contains(&(words, Delivery::Local)), "{told:?}");
        assert_eq!(bench.unreached().await, []);
    }
}

#[tokio::test]
async fn who_is_asked_to_help_is_told_although_somebody_has_it() {
    let server = server(ResponseTemplate::new(200)).await;
    let (_held, config) = webhook(&server);
    let bench = Bench::new(vec![config]);
    bench.declare("orders fail").await;
    bench.courier().deliver().await.unwrap();
    let help = IncidentAct::Page {
        people: vec![Person {
            id: "mara".into(),
            name: "mara".into(),
            email: None,
            phone: None,
        }],
        message: String::new(),
    };
    bench.act(help).await;
    bench.act(IncidentAct::Acknowledge).await;
    bench.courier().deliver().await.unwrap();
    assert_eq!(server.received_requests().await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_page_that_reached_somebody_by_one_way_is_not_called_unreached() {
    let (broken, works) = (
        server(ResponseTemplate::new(404)).await,
        server(ResponseTemplate::new(200)).await,
    );
    let (_held, first) = webhook(&broken);
    let (_kept, mut second) = webhook(&works);
    second.name = "chat".into();
    let bench = Bench::new(vec![first, second]);
    bench.declare("orders fail").await;
    bench.courier().deliver().await.unwrap();
    assert_eq!(bench.told().await.len(), 2);
    assert_eq!(bench.unreached().await, []);
}

#[tokio::test]
async fn what_certainly_did_not_go_out_waits_and_is_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    // Nobody listens on port 1.
    let config = through(Channel::Webhook(hook(
        &dir.path().join("url"),
        "http://127.0.0.1:1/x",
    )));
    let bench = Bench::new(vec![config]);
    bench.declare("orders fail").await;
    let wait = bench.courier().deliver().await.unwrap().unwrap();
    let pages = bench.unreached().await;
    assert_eq!(
        pages.len(),
        1,
        "nobody has to wait for the last try to hear of it"
    );
    assert_eq!(pages[0].tries, Tries::GoOn);
    assert!(
        wait > Duration::from_secs(3) && wait <= Duration::from_secs(5),
        "{wait:?}"
    );
    assert_eq!(bench.told().await, []);
    // So does what asked for a later time.
    let server = server(ResponseTemplate::new(503).insert_header("retry-after", "3")).await;
    let (_held, config) = webhook(&server);
    let bench = Bench::new(vec![config]);
    bench.declare("orders fail").await;
    assert!(bench.courier().deliver().await.unwrap().is_some());
    assert_eq!(bench.told().await, []);
    // A secret that another process may have is no refusal either.
    let missing = through(Channel::Webhook(hook(&dir.path().join("other"), "\n")));
    let bench = Bench::new(vec![missing]);
    bench.declare("orders fail").await;
    assert!(bench.courier().deliver().await.unwrap().is_some());
}

#[tokio::test]
async fn two_couriers_send_a_notification_once() {
    let server = server(ResponseTemplate::new(200).set_delay(Duration::from_millis(200))).await;
    let (_held, config) = webhook(&server);
    let bench = Bench::new(vec![config]);
    bench.declare("orders fail").await;
    let (one, other) = (bench.courier(), bench.courier());
    let (first, second) = tokio::join!(one.deliver(), other.deliver());
    first.unwrap();
    second.unwrap();
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_sender_that_vanished_leaves_it_unclear_and_one_that_waited_too_long_is_not_sent() {
    let server = server(ResponseTemplate::new(200)).await;
    let (_held, config) = webhook(&server);
    let bench = Bench::new(vec![config]);
    bench.declare("orders fail").await;
    let now = bench.clock.stamp();
    let later = now.later(Duration::from_secs(3_600));
    let claimed = bench
        .journal
        .write(move |tx| notices::claim(tx, "prod", &now))
        .await
        .unwrap();
    assert_eq!(claimed.to_send.len(), 1);
    // Under way: nobody else touches it.
    let others = bench
        .journal
        .write(move |tx| notices::claim(tx, "prod", &now))
        .await
        .unwrap();
    assert!(others.to_send.is_empty() && others.next.is_some());
    bench.declare("search fails").await;
    let claimed = bench
        .journal
        .write(move |tx| notices::claim(tx, "prod", &later))
        .await
        .unwrap();
    assert!(claimed.to_send.is_empty());
    let fates: Vec<(notices::Fate, &str)> = claimed
        .over
        .iter()
        .map(|(_, fate, words)| (*fate, words.as_str()))
        .collect();
    assert_eq!(
        fates,
        [
            (
                notices::Fate::Unclear,
                "its sender vanished before it had an answer"
            ),
            (notices::Fate::Failed, "nothing could send it in time"),
        ]
    );
    assert_eq!(server.received_requests().await.unwrap().len(), 0);
}

#[tokio::test]
async fn a_channel_takes_only_the_people_and_levels_it_is_for() {
    let server = server(ResponseTemplate::new(200)).await;
    let (_held, config) = webhook(&server);
    let named = |name: &str, people: &[&str], levels: &[u32]| NotifyConfig {
        name: name.into(),
        people: people.iter().map(|id| Arc::from(*id)).collect(),
        levels: levels.to_vec(),
        ..config.clone()
    };
    let bench = Bench::new(vec![
        named("of mara", &["mara"], &[]),
        named("second level", &[], &[2]),
        named("of nobody", &["sam"], &[]),
    ]);
    bench.declare("orders fail").await;
    bench.courier().deliver().await.unwrap();
    assert_eq!(
        bench.told().await,
        [
            (
                "not everybody was notified: no [[contexts.prod.notify]] is for this; phone Jun (+49 30 1234)"
                    .to_owned(),
                Delivery::Failed
            ),
            ("notified mara by of mara".to_owned(), Delivery::Local),
        ]
    );
    // Who was left out is asked about, and nobody else.
    let pages = bench.unreached().await;
    assert_eq!(
        pages.iter().map(Unreached::words).collect::<Vec<_>>(),
        ["local-1 level 1: not notified: phone Jun (+49 30 1234) (no [[contexts.prod.notify]] is for this)"]
    );
    let (ids, now) = (pages[0].ids.clone(), bench.clock.now().utc);
    bench
        .journal
        .write(move |tx| notices::answer(tx, &ids, ("jun@example.com", now)))
        .await
        .unwrap();
    assert_eq!(bench.unreached().await, []);
}

#[tokio::test]
async fn a_page_that_no_way_is_for_reached_nobody_and_asks() {
    let server = server(ResponseTemplate::new(200)).await;
    let (_held, mut second) = webhook(&server);
    second.levels = vec![2];
    let bench = Bench::new(vec![second]);
    bench.declare("orders fail").await;
    assert_eq!(bench.courier().deliver().await.unwrap(), None);
    let pages = bench.unreached().await;
    assert_eq!(
        pages.iter().map(Unreached::words).collect::<Vec<_>>(),
        [
            "local-1 level 1: nobody was reached: phone Jun (+49 30 1234), mara (no [[contexts.prod.notify]] is \
             for this)"
        ]
    );
    assert_eq!((pages[0].tries, pages[0].whom), (Tries::Over, Whom::Everybody));
    assert_eq!(server.received_requests().await.unwrap().len(), 0);
    let (ids, now) = (pages[0].ids.clone(), bench.clock.now().utc);
    bench
        .journal
        .write(move |tx| notices::answer(tx, &ids, ("jun@example.com", now)))
        .await
        .unwrap();
    assert_eq!(bench.unreached().await, []);
}

#[test]
fn slack_gets_no_markup_from_elsewhere() {
    let notice = notice("<!channel> & \u{202e}evil", vec![]);
    let text = send::slack(&notice)["text"].as_str().unwrap().to_owned();
    assert!(
        text.starts_with("*SEV1 local-1* &lt;!channel&gt; &amp; "),
        "{text}"
    );
    assert!(!text.contains('\u{202e}'));
}

fn notice(title: &str, people: Vec<Person>) -> Notice {
    Notice {
        incident: "local-1".into(),
        title: title.into(),
        severity: Severity::Sev1,
        status: Status::Triggered,
        service: None,
        context: "prod".into(),
        reason: Reason::Level(2),
        message: "level 2 is woken".into(),
        people,
        at: "2026-11-20T03:00:00Z".parse().unwrap(),
    }
}

#[test]
fn a_placeholder_is_an_argument_of_its_own_whatever_it_stands_for() {
    let words = |argv: &[&str]| argv.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let notice = notice("x; rm -rf / $(id)\n{phone}", vec![]);
    assert_eq!(
        send::arguments(
            &words(&["page", "--", "{title}", "{level}", "{phone}", "{as-is}"]),
            &notice
        ),
        ["page", "--", "x; rm -rf / $(id) {phone}", "2", "", "{as-is}"]
    );
}

/// A program of the test's own, with the first arguments it is run by.
fn script(dir: &tempfile::TempDir, body: &str) -> [String; 2] {
    let path = dir.path().join("page.sh");
    std::fs::write(&path, body).unwrap();
    ["sh".to_owned(), path.display().to_string()]
}

fn env(name: &str) -> Option<String> {
    match name {
        "PATH" => Some("/usr/bin:/bin".to_owned()),
        "PROM_TOKEN" => Some("hush".to_owned()),
        _ => None,
    }
}

#[test]
fn text_of_others_is_no_option_of_a_program() {
    let argv = ["page".to_owned(), "{title}".to_owned()];
    let said = send::arguments(&argv, &notice("--config=/tmp/x", vec![]));
    assert_eq!(said[1], " --config=/tmp/x");
}

#[tokio::test]
async fn a_command_that_leaves_something_running_has_ended_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let config = through(Channel::Command(script(&dir, "sleep 8 &").to_vec()));
    let bench = Bench::new(vec![config]);
    bench.declare("orders fail").await;
    bench.courier().with_env(env).deliver().await.unwrap();
    let told = bench.told().await;
    assert!(
        told.iter().all(|(text, _)| text.starts_with("notified ")),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_command_runs_once_a_person_without_our_environment() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let body = format!(
        "{{ printf '%s|' \"$@\" \"${{PROM_TOKEN-unset}}\"; cat; }} > {}-$1",
        out.display()
    );
    let mut argv = script(&dir, &body).to_vec();
    argv.extend(["{person}", "{phone}", "{title}"].map(ToString::to_string));
    let bench = Bench::new(vec![through(Channel::Command(argv))]);
    bench.declare("orders $(fail)").await;
    bench.courier().with_env(env).deliver().await.unwrap();
    let said = |name: &str| std::fs::read_to_string(format!("{}-{name}", out.display())).unwrap();
    let document = "{\"incident\":\"local-1\"";
    let jun = format!("Jun|+49 30 1234|orders $(fail)|unset|{document}");
    assert!(said("Jun").starts_with(&jun), "{}", said("Jun"));
    let mara = format!("mara||orders $(fail)|unset|{document}");
    assert!(said("mara").starts_with(&mara), "{}", said("mara"));
    assert_eq!(bench.told().await.len(), 2);
}

#[tokio::test]
async fn a_command_that_fails_hangs_or_floods_is_told_in_few_words() {
    for (body, words) in [
        ("echo no credit >&2; exit 3", "not notified"),
        ("exec sleep 60", "notification unclear"),
        ("head -c 5000000 /dev/zero | tr '\\0' x; exit 1", "not notified"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let mut config = through(Channel::Command(script(&dir, body).to_vec()));
        config.timeout = Duration::from_secs(2);
        let bench = Bench::new(vec![config]);
        bench.declare("orders fail").await;
        bench.courier().with_env(env).deliver().await.unwrap();
        let told = bench.told().await;
        assert_eq!(told.len(), 2);
        assert!(told[0].0.starts_with(words), "{body}: {}", told[0].0);
        assert!(told[0].0.len() < 4_000, "{body}");
    }
}
