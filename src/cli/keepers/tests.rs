//! The reads on incidents against a keeper that answers as it is told.

use std::sync::Mutex;
use std::time::Duration;

use futures::future::{BoxFuture, ready};
use serde_json::Value;

use super::super::args::{HandoffArgs, IncidentsArgs, PostmortemArgs, TimelineArgs};
use super::super::{Cli, Exit, Outcome, Output, Session, handoff, incidents, oncall, postmortem, timeline};
use super::*;
use crate::backend::incidents::{Directory, IncidentAlert, IncidentOrder, LookBack, Receipt, Seen};
use crate::backend::{BackendError, BackendResult, Backends, Delivery as Arrival, ErrorKind};
use crate::config::{Environment, decode_text};
use crate::domain::incident::sample::{incident, named, person};
use crate::domain::incident::{ActingAs, Ladder, Listing, Offer, Status, Verb};
use crate::domain::oncall::Duty;
use crate::domain::timeline::record::JournalEvent;
use crate::domain::timeline::sample::{at, told};
use crate::domain::timeline::{Event, EventKind, Timeline};
use crate::journal::duties::{self, Told};
use crate::journal::{Journal, Opening, events};
use crate::time::Clock;

/// Answers with what it was given, or not at all.
struct Scripted {
    name: Arc<str>,
    incidents: Vec<Incident>,
    story: Vec<Event>,
    down: bool,
}

impl Scripted {
    fn answer<T: Send + 'static>(&self, answer: T) -> BoxFuture<'_, BackendResult<T>> {
        let answer = if self.down {
            Err(BackendError {
                kind: ErrorKind::ServerFault,
                backend: Arc::clone(&self.name),
                tried: "GET /incidents".into(),
                detail: "503".into(),
                mend: String::new(),
                status: Some(503),
                retry_after: None,
                delivery: Arrival::Answered,
            })
        } else {
            Ok(answer)
        };
        Box::pin(ready(answer))
    }
}

impl Incidents for Scripted {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn total_timeout(&self) -> Duration {
        Duration::from_secs(5)
    }

    fn acting_as(&self) -> BoxFuture<'_, BackendResult<ActingAs>> {
        self.answer(ActingAs {
            person: person("Jun"),
            conflict: None,
        })
    }

    fn list(&self, question: Question) -> BoxFuture<'_, BackendResult<Listing>> {
        let listed = |incident: &&Incident| match incident.resolved_at {
            None => true,
            Some(end) => question.ended_since.is_some_and(|since| end >= since),
        };
        self.answer(Listing {
            incidents: self.incidents.iter().filter(listed).cloned().collect(),
            partial: None,
        })
    }

    fn incident(&self, id: IncidentId) -> BoxFuture<'_, BackendResult<Option<Incident>>> {
        let is = |incident: &&Incident| {
            incident.id == id || incident.number.is_some_and(|number| number.to_string() == *id.0)
        };
        self.answer(self.incidents.iter().find(is).cloned())
    }

    fn alerts(&self, _: IncidentId) -> BoxFuture<'_, BackendResult<Vec<IncidentAlert>>> {
        self.answer(Vec::new())
    }

    fn story(&self, _: IncidentId) -> BoxFuture<'_, BackendResult<Timeline>> {
        self.answer(Timeline {
            events: self.story.clone(),
            partial: Vec::new(),
        })
    }

    fn story_since(&self, since: DateTime<Utc>) -> BoxFuture<'_, BackendResult<Vec<(IncidentId, Event)>>> {
        let of = IncidentId::from("Q1AB2CD3EF4GH5");
        let events = self.story.iter().filter(|event| event.at >= since);
        self.answer(events.map(|event| (of.clone(), event.clone())).collect())
    }

    fn on_call(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> BoxFuture<'_, BackendResult<Roster>> {
        self.answer(Roster {
            duties: vec![Duty {
                policy: named("Platform"),
                level: 1,
                person: person("Mara"),
                schedule: Some(named("primary")),
                start: Some(from - TimeDelta::hours(1)),
                end: Some(to),
            }],
            ..Roster::default()
        })
    }

    fn ladder(&self, _: IncidentId) -> BoxFuture<'_, BackendResult<Ladder>> {
        self.answer(Ladder {
            missed: None,
            policy: named("Platform"),
            rungs: Vec::new(),
            current: crate::domain::incident::Level::Unknown,
        })
    }

    fn directory(&self) -> BoxFuture<'_, BackendResult<Directory>> {
        self.answer(Directory::default())
    }

    fn offers(&self, _: &Incident, _: Verb) -> Offer {
        Offer::No("a read does nothing".into())
    }

    fn send(&self, _: IncidentOrder) -> BoxFuture<'_, BackendResult<Receipt>> {
        self.answer(Receipt::default())
    }

    fn look_back(
        &self,
        _: IncidentOrder,
        _: DateTime<Utc>,
        _: Seen,
    ) -> BoxFuture<'_, BackendResult<LookBack>> {
        self.answer(LookBack::Vanished)
    }
}

fn keeper(down: bool) -> Arc<Scripted> {
    let mut second = incident("Q1AB2CZZZZZZZZ", Status::Resolved);
    second.number = Some(12);
    Arc::new(Scripted {
        name: "incidents".into(),
        incidents: vec![second, incident("Q1AB2CD3EF4GH5", Status::Acknowledged)],
        story: vec![
            told("R1", 0, EventKind::Triggered, "", "Triggered"),
            told("R2", 90, EventKind::Acknowledged, "Mara", "Acknowledged"),
            told("R3", 120, EventKind::Note, "Mara", "looking\nTODO pin the pool"),
        ],
        down,
    })
}

fn local() -> Arc<Scripted> {
    let mut one = incident("local-1", Status::Triggered);
    one.number = Some(1);
    one.source = "local".into();
    Arc::new(Scripted {
        name: "local".into(),
        incidents: vec![one],
        story: Vec::new(),
        down: false,
    })
}

#[derive(Clone, Default)]
struct Caught(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Caught {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Caught {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("no panic").clone()).expect("text")
    }
}

/// A context with these keepers and a journal of its own.
struct Stage {
    scene: Scene,
    home: tempfile::TempDir,
    clock: Clock,
}

impl Stage {
    fn open(configured: Option<Arc<Scripted>>) -> Self {
        let home = tempfile::tempdir().expect("a home");
        let text = format!(
            "state_dir = {:?}\nidentity = \"jun@example.com\"\n[contexts.prod]\nservice_labels = [\"service\"]\n",
            home.path()
        );
        let config = decode_text(&text, None, &Environment::default())
            .expect("a configuration")
            .config;
        let context = config.contexts["prod"].clone();
        let clock = Clock::with_tokio(at(600));
        let backends = Backends {
            incidents: configured.map(|keeper| keeper as Arc<dyn Incidents>),
            local_incidents: Some(local()),
            ..Backends::default()
        };
        Self {
            scene: Scene::on(config, context, backends, clock),
            home,
            clock,
        }
    }

    fn keepers(&self) -> Keepers {
        Keepers::open(&self.scene)
    }

    async fn found(&self, word: &str) -> Result<IncidentId, CliError> {
        self.keepers().find(word, at(600)).await.map(|found| found.id)
    }

    fn session(&self, json: bool) -> (Session, Caught, Caught) {
        use clap::Parser as _;
        let arguments: &[&str] = if json {
            &["midwatch", "--json"]
        } else {
            &["midwatch"]
        };
        let (out, diagnostics) = (Caught::default(), Caught::default());
        let session = Session {
            globals: Cli::try_parse_from(arguments).expect("arguments").globals,
            env: Environment::default(),
            clock: self.clock,
            out: Output::into(out.clone(), diagnostics.clone()),
            acted_on: std::collections::BTreeSet::new(),
        };
        (session, out, diagnostics)
    }

    /// What the console recorded while it was open.
    async fn record(&self) {
        let opening = Opening::of(&self.scene.config).expect("a place for the journal");
        assert!(opening.path.starts_with(self.home.path()));
        let journal = Journal::open(&opening).expect("opens");
        let seen = |key: &str, kind, refs: &[(&str, &str)]| JournalEvent {
            key: key.into(),
            subject: None,
            incident: None,
            at: at(-60),
            kind,
            actor: None,
            source: "alerts".into(),
            text: key.into(),
            refs: refs.iter().map(|&(k, v)| (k.into(), v.into())).collect(),
        };
        let events = vec![
            seen(
                "HighErrorRate fired",
                EventKind::AlertFired,
                &[("service", "checkout")],
            ),
            seen("search is slow", EventKind::AlertFired, &[("service", "search")]),
        ];
        journal
            .write(move |tx| events::append(tx, "prod", &events))
            .await
            .expect("kept");
    }
}

fn status(outcome: Outcome) -> Exit {
    outcome.unwrap_or_else(|error| error.exit())
}

#[tokio::test(start_paused = true)]
async fn an_incident_is_found_by_what_people_call_it() {
    let stage = Stage::open(Some(keeper(false)));
    for (word, id) in [
        ("Q1AB2CD3EF4GH5", "Q1AB2CD3EF4GH5"),
        ("#4711", "Q1AB2CD3EF4GH5"),
        ("12", "Q1AB2CZZZZZZZZ"),
        ("q1ab2cd", "Q1AB2CD3EF4GH5"),
        ("local-1", "local-1"),
    ] {
        assert_eq!(stage.found(word).await.expect(word).0.as_ref(), id);
    }
    for (word, said) in [
        ("Q1AB2C", "ambiguous"),
        ("Q1A", "too short"),
        ("#99", "incident #99 not found"),
        ("Q9ZZZZZZ", "not found"),
        ("local-9", "not found"),
        ("#x", "is no incident"),
        ("", "is no incident"),
        ("日本語の文字", "not found"),
    ] {
        let error = stage.found(word).await.expect_err(word);
        assert!(
            error.exit() == Exit::Usage && error.to_string().contains(said),
            "{word}: {error}"
        );
    }
    let ambiguous = stage.found("q1ab2c").await.expect_err("two").to_string();
    assert!(
        ambiguous.contains("#4711 Q1AB2CD3EF4GH5 checkout errors"),
        "{ambiguous}"
    );
}

#[tokio::test(start_paused = true)]
async fn without_a_backend_numbers_are_local_and_that_is_said() {
    let stage = Stage::open(None);
    assert_eq!(stage.found("#1").await.expect("local").0.as_ref(), "local-1");
    let error = stage.found("#4711").await.expect_err("not here").to_string();
    assert!(error.contains("only local incidents"), "{error}");
    let (mut session, out, _) = stage.session(true);
    let args = IncidentsArgs {
        mine: false,
        team: false,
        all: false,
        since: None,
        stats: false,
    };
    let exit = status(incidents::tell(&mut session, &stage.scene, &args).await);
    let document: Value = serde_json::from_str(&out.text()).expect("JSON");
    assert_eq!(
        (exit, document["incidents"][0]["id"].as_str()),
        (Exit::Done, Some("local-1"))
    );
    let warned = document["warnings"][0].as_str().expect("a warning");
    assert!(warned.contains("no incidents backend"), "{warned}");
}

#[tokio::test(start_paused = true)]
async fn incidents_are_listed_as_the_contract_has_them_and_a_silent_keeper_is_an_error() {
    let stage = Stage::open(Some(keeper(false)));
    let args = IncidentsArgs {
        mine: false,
        team: false,
        all: true,
        since: Some(Duration::from_secs(86_400)),
        stats: false,
    };
    let (mut session, out, _) = stage.session(true);
    assert_eq!(
        status(incidents::tell(&mut session, &stage.scene, &args).await),
        Exit::Done
    );
    let document: Value = serde_json::from_str(&out.text()).expect("JSON");
    let ids: Vec<&str> = document["incidents"]
        .as_array()
        .expect("rows")
        .iter()
        .filter_map(|row| row["id"].as_str())
        .collect();
    assert_eq!(
        ids,
        ["Q1AB2CD3EF4GH5", "local-1", "Q1AB2CZZZZZZZZ"],
        "open ones first"
    );
    let row = &document["incidents"][0];
    for (field, value) in [
        ("number", Value::from(4711)),
        ("severity", "SEV2".into()),
        ("status", "acknowledged".into()),
        ("urgency", "high".into()),
        ("service", "checkout".into()),
        ("assignees", vec!["Mara"].into()),
        ("escalation_level", 1.into()),
        ("created_at", "2026-11-20T03:02:00Z".into()),
        ("acknowledged_at", "2026-11-20T03:03:30Z".into()),
        ("resolved_at", Value::Null),
        ("url", Value::Null),
        ("alert_count", 3.into()),
    ] {
        assert_eq!(row[field], value, "{field}");
    }
    let down = Stage::open(Some(keeper(true)));
    let (mut session, out, diagnostics) = down.session(false);
    assert_eq!(
        status(incidents::tell(&mut session, &down.scene, &args).await),
        Exit::Backend
    );
    assert!(
        out.text().contains("local-1"),
        "what answered is printed: {}",
        out.text()
    );
    assert!(
        diagnostics
            .text()
            .contains("error: incidents: GET /incidents: 503")
    );
}

#[tokio::test(start_paused = true)]
async fn a_story_is_told_from_its_keeper_and_the_journal() {
    let stage = Stage::open(Some(keeper(false)));
    stage.record().await;
    let args = TimelineArgs {
        incident: Some("#4711".into()),
        since: Duration::from_secs(43_200),
    };
    let (mut session, out, _) = stage.session(true);
    assert_eq!(
        status(timeline::tell(&mut session, &stage.scene, &args).await),
        Exit::Done
    );
    let document: Value = serde_json::from_str(&out.text()).expect("JSON");
    assert_eq!(document["incident"], "Q1AB2CD3EF4GH5");
    let kinds: Vec<&str> = document["events"]
        .as_array()
        .expect("events")
        .iter()
        .filter_map(|event| event["kind"].as_str())
        .collect();
    assert_eq!(
        kinds,
        ["alert_fired", "triggered", "acknowledged", "note"],
        "another service's alert is not its"
    );
    assert_eq!(document["events"][1]["delivery"], "local");
    assert_eq!(document["events"][0]["refs"]["service"], "checkout");
}

#[tokio::test(start_paused = true)]
async fn where_the_keeper_is_down_the_journal_still_tells() {
    let stage = Stage::open(Some(keeper(true)));
    stage.record().await;
    let whole = TimelineArgs {
        incident: None,
        since: Duration::from_secs(43_200),
    };
    let (mut session, out, diagnostics) = stage.session(false);
    assert_eq!(
        status(timeline::tell(&mut session, &stage.scene, &whole).await),
        Exit::Backend
    );
    assert!(out.text().contains("HighErrorRate fired") && out.text().contains("search is slow"));
    assert!(diagnostics.text().contains("503"), "{}", diagnostics.text());
    let one = TimelineArgs {
        incident: Some("Q1AB2CD3EF4GH5".into()),
        ..whole
    };
    let (mut session, out, _) = stage.session(true);
    assert_eq!(
        status(timeline::tell(&mut session, &stage.scene, &one).await),
        Exit::Backend
    );
    let document: Value = serde_json::from_str(&out.text()).expect("a document all the same");
    assert_eq!(document["errors"][0]["backend"], "incidents");
    let args = PostmortemArgs {
        incident: "Q1AB2CD3EF4GH5".into(),
    };
    let (mut session, out, _) = stage.session(false);
    let error = postmortem::tell(&mut session, &stage.scene, &args)
        .await
        .expect_err("nothing to write of");
    assert_eq!((error.exit(), out.text().as_str()), (Exit::Backend, ""));
}

#[tokio::test(start_paused = true)]
async fn write_ups_and_duties_are_printed() {
    let stage = Stage::open(Some(keeper(false)));
    stage.record().await;
    let (mut session, out, _) = stage.session(false);
    let args = PostmortemArgs {
        incident: "4711".into(),
    };
    assert_eq!(
        status(postmortem::tell(&mut session, &stage.scene, &args).await),
        Exit::Done
    );
    let text = out.text();
    for said in [
        "# Post-mortem: checkout errors",
        "- [ ] pin the pool (Mara)",
        "| MTTA, to acknowledge | 1 min |",
        "alert fired: HighErrorRate fired",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
    let (mut session, out, _) = stage.session(false);
    let args = HandoffArgs {
        since: Duration::from_secs(43_200),
    };
    assert_eq!(
        status(handoff::tell(&mut session, &stage.scene, &args).await),
        Exit::Done
    );
    let text = out.text();
    for said in [
        "## Open incidents (2)",
        "- [ ] #4711: pin the pool (Mara)",
        "- Platform level 1: Mara until",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
    assert!(
        !text.contains("firing"),
        "no Alertmanager, no word of alerts: {text}"
    );
    let (mut session, out, _) = stage.session(true);
    assert_eq!(status(oncall::tell(&mut session, &stage.scene).await), Exit::Done);
    let document: Value = serde_json::from_str(&out.text()).expect("JSON");
    assert_eq!(document["oncall"][0]["person"], "Mara");
    assert_eq!(document["oncall"][0]["now"], true);
}

#[tokio::test(start_paused = true)]
async fn the_figures_are_of_a_month() {
    let stage = Stage::open(Some(keeper(false)));
    let args = IncidentsArgs {
        mine: false,
        team: false,
        all: false,
        since: None,
        stats: true,
    };
    let (mut session, out, _) = stage.session(true);
    assert_eq!(
        status(incidents::tell(&mut session, &stage.scene, &args).await),
        Exit::Done
    );
    let document: Value = serde_json::from_str(&out.text()).expect("JSON");
    assert_eq!(document["stats"]["all"]["count"], 3);
    assert_eq!(document["stats"]["all"]["mtta_seconds"], 90);
    assert_eq!(document["stats"]["by_service"][0]["name"], "checkout");
}

#[tokio::test(start_paused = true)]
async fn whoever_cannot_be_asked_who_is_on_call_said_it_earlier() {
    let stage = Stage::open(Some(keeper(true)));
    let (mut session, out, said) = stage.session(false);
    assert_eq!(
        status(oncall::tell(&mut session, &stage.scene).await),
        Exit::Backend
    );
    assert!(!out.text().contains("Sam"), "{}", out.text());
    let opening = Opening::of(&stage.scene.config).expect("a place for the journal");
    let journal = Journal::open(&opening).expect("opens");
    let duty = |who: &str, from: i64, to: i64| Duty {
        policy: named("Checkout"),
        level: 2,
        person: person(who),
        schedule: None,
        start: Some(at(from)),
        end: Some(at(to)),
    };
    let told = Told {
        at: at(0),
        duties: vec![duty("Jun", -600, 300), duty("Sam", 300, 9_000)],
        partial: None,
    };
    let name = Arc::clone(keeper(true).name());
    let keep = journal.write(move |tx| duties::keep(tx, "prod", &name, &told));
    keep.await.expect("kept");
    drop(said);

    let (mut session, out, said) = stage.session(false);
    assert_eq!(
        status(oncall::tell(&mut session, &stage.scene).await),
        Exit::Backend
    );
    assert!(
        out.text().contains("Checkout") && out.text().contains("Sam"),
        "{}",
        out.text()
    );
    assert!(!out.text().contains("Jun"), "that duty is over: {}", out.text());
    let as_of = at(0).format("is as of %Y-%m-%d %H:%MZ").to_string();
    assert!(said.text().contains(&as_of), "{}", said.text());
    let (mut session, out, _) = stage.session(true);
    assert_eq!(
        status(oncall::tell(&mut session, &stage.scene).await),
        Exit::Backend
    );
    let document: Value = serde_json::from_str(&out.text()).expect("JSON");
    let rows = document["oncall"].as_array().expect("rows");
    let row = rows
        .iter()
        .find(|row| row["person"] == "Sam")
        .expect("told earlier");
    assert!(row["as_of"].is_string(), "{row}");

    let whom = |policy: Option<&'static str>| {
        let (keepers, policy) = (stage.keepers(), policy.map(named));
        async move { keepers.to_phone(policy.as_ref(), 2, at(600)).await }
    };
    let known = whom(Some("Checkout")).await.expect("known");
    assert!(known.starts_with("Sam") && known.contains(" as of "), "{known}");
    let of_any = whom(None).await.expect("known");
    assert!(
        of_any.starts_with("Sam") && of_any.contains(" of Checkout as of "),
        "{of_any}"
    );
    assert_eq!(whom(Some("Platform")).await, None);
}
