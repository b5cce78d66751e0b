//! Runbooks: opened, ticked, and their commands asked for; nothing runs but what was shown.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind};
use midwatch::app::focus::Detail;
use midwatch::app::modal::{ConfirmLine, Modal};
use midwatch::app::runbook::{RunOrder, Shown};
use midwatch::app::{Effect, Msg, Settings};
use midwatch::domain::alert::Alert;
use midwatch::runbook::source::Unread;
use midwatch::runbook::{Checklist, Document, End, Ended, Mark, Origin, Ticked};
use midwatch::terminal::Input;

use super::Hand;
use super::incidents::firing_alert;
use crate::fixtures::incidents::{checkout, links, listed, with_alerts};
use crate::fixtures::pages::{playbooks, policy};
use crate::fixtures::{board_of, now, settings};

const TEXT: &str = "# Errors\n\n- [ ] Look\n- [ ] Roll back:\n\n  ```sh\n  kubectl -n shop rollout undo deploy/{{ labels.service }}\n  \
    helm ls\n  ```\n\n- [ ] Wait\n\nMore [here](https://x.example/a).\n";

fn of(settings: Settings, alert: &Alert) -> Hand {
    let mut hand = Hand::on(settings, board_of(vec![alert.clone()]));
    hand.tell(Msg::IncidentsFetched(listed(vec![with_alerts(
        checkout(),
        [alert],
    )])));
    let links = links(&hand.model, &[]);
    hand.tell(links);
    hand
}

fn settled() -> Settings {
    Settings {
        runbooks: policy(),
        ..settings()
    }
}

/// The runbook is open and read, nothing ticked.
fn reading(settings: Settings, alert: &Alert, text: &str) -> Hand {
    let mut hand = of(settings, alert);
    hand.press("g o");
    answered(&mut hand, text);
    hand.taken();
    hand
}

fn answered(hand: &mut Hand, text: &str) {
    let page = hand.model.runbook.as_ref().unwrap();
    let (wanted, of) = (page.ask.wanted.clone(), page.ask.ticks.clone());
    let document = Document {
        from: "/srv/runbooks/errors.md".to_owned(),
        origin: Origin::Kept,
        checklist: Checklist::read(text),
    };
    hand.tell(Msg::RunbookRead {
        wanted,
        result: Ok(Arc::new(document)),
    });
    hand.tell(Msg::StepsTicked {
        of,
        result: Ok(Vec::new()),
    });
}

fn open() -> Hand {
    reading(settled(), &firing_alert(), TEXT)
}

fn asked(hand: &mut Hand) -> Vec<(String, Vec<String>)> {
    let Some(Modal::Confirm(confirm)) = &hand.model.modal else {
        panic!("nothing is asked: {}", hand.said());
    };
    let lines = confirm.lines.iter();
    lines
        .filter_map(|line| match line {
            ConfirmLine::Argument { text, from } => Some((text.clone(), from.clone())),
            ConfirmLine::Plain(_) | ConfirmLine::Warning(_) => None,
        })
        .collect()
}

fn ordered(hand: &mut Hand) -> Vec<Arc<RunOrder>> {
    let effects = hand.taken().into_iter();
    effects
        .filter_map(|effect| match effect {
            Effect::RunCommand(order) => Some(order),
            _ => None,
        })
        .collect()
}

#[test]
fn the_runbook_of_an_alert_and_of_an_incident_is_asked_for_and_told() {
    let mut hand = of(settled(), &firing_alert());
    hand.press("g o");
    assert!(matches!(hand.model.detail(), Some(Detail::Runbook(_))));
    let effects = hand.taken();
    assert!(
        effects
            .iter()
            .any(|effect| matches!(effect, Effect::ReadRunbook(wanted) if wanted.alert == "HighErrorRate"))
    );
    assert!(
        effects
            .iter()
            .any(|effect| matches!(effect, Effect::FollowTicks(of) if of.about[0] == *checkout().id.0))
    );
    assert!(effects.iter().any(
        |effect| matches!(effect, Effect::Record(deed) if deed.text == "opened the runbook of HighErrorRate")
    ));
    hand.press("esc 5 o");
    assert!(
        matches!(hand.model.detail(), Some(Detail::Runbook(_))),
        "{}",
        hand.said()
    );
}

#[test]
fn a_step_is_ticked_from_anywhere_below_it_and_the_cursor_goes_on() {
    let mut hand = open();
    hand.press("x");
    let effects = hand.taken();
    let [Effect::Tick { of, step, mark, told }] = effects.as_slice() else {
        panic!("{effects:?}");
    };
    assert_eq!((step.as_str(), *mark), ("Look", Mark::Done));
    assert_eq!(told.incident, Some(checkout().id));
    assert_eq!(told.text, "did step 1 of the runbook of HighErrorRate: Look");
    let done = Ticked {
        step: "Look".to_owned(),
        actor: "mara@example.com".to_owned(),
        at: now().utc,
    };
    hand.tell(Msg::StepsTicked {
        of: of.clone(),
        result: Ok(vec![done]),
    });
    // The cursor stands on the next step; a line below, its command: still the same step.
    hand.press("j space");
    assert!(matches!(hand.taken().as_slice(), [Effect::Tick { step, .. }] if step == "Roll back:"));
    hand.press("g j x");
    assert!(
        matches!(hand.taken().as_slice(), [Effect::Tick { step, mark: Mark::Open, .. }] if step == "Look")
    );
    let page = hand.model.runbook.as_ref().unwrap();
    assert_eq!(page.done(), (1, 3));
}

#[test]
fn a_command_shows_every_argument_and_runs_at_its_own_key_alone() {
    let mut hand = open();
    hand.press("j j enter");
    let shown = asked(&mut hand);
    let texts: Vec<&str> = shown.iter().map(|(text, _)| text.as_str()).collect();
    assert_eq!(
        texts,
        [
            "/usr/bin/kubectl",
            "-n",
            "shop",
            "rollout",
            "undo",
            "deploy/checkout",
            "/home/jun",
            "/srv/runbooks/errors.md",
        ]
    );
    assert_eq!(shown[5].1, ["service"], "what came from the alert is marked");
    hand.press("enter enter");
    assert!(ordered(&mut hand).is_empty(), "enter that is held down is no yes");
    let mut held = KeyEvent::from(KeyCode::Char('Y'));
    held.kind = KeyEventKind::Repeat;
    hand.tell(Msg::Input(Input::Key(held)));
    assert!(ordered(&mut hand).is_empty(), "nor is a Y");
    hand.press("y ctrl-y");
    assert!(ordered(&mut hand).is_empty(), "y copies");
    hand.assert_said("Y runs it");
    hand.press("Y");
    let orders = ordered(&mut hand);
    assert_eq!(orders.len(), 1);
    let arguments: Vec<&str> = orders[0]
        .argv
        .arguments()
        .iter()
        .map(|each| each.text.as_str())
        .collect();
    assert_eq!(arguments, texts[1..6], "what runs is what was shown");
    assert_eq!(orders[0].program, PathBuf::from("/usr/bin/kubectl"));
    hand.press("enter");
    hand.assert_said("one at a time: kubectl is running");
    hand.press("s");
    assert_eq!(hand.taken(), [Effect::StopCommand]);
    hand.press("ctrl-c");
    let Some(Modal::Confirm(quit)) = &hand.model.modal else {
        panic!("leaving asks while a command runs");
    };
    assert!(format!("{:?}", quit.lines).contains("kubectl is running"));
    hand.press("n");
    let ended = Ended {
        end: End::Exit(0),
        took: Duration::from_secs(1),
        output: "deployment rolled back\n".to_owned(),
        left_out: 0,
        verdict: None,
    };
    hand.tell(Msg::CommandEnded {
        order: Arc::clone(&orders[0]),
        ended,
    });
    hand.assert_said("kubectl: exit status 0");
    assert!(hand.model.running.is_none());
    assert!(format!("{:?}", hand.model.runbook).contains("deployment rolled back"));
}

#[test]
fn what_is_not_allowed_says_which_line_allows_it() {
    let mut hand = open();
    hand.press("j j j enter");
    hand.assert_said("helm is not allowed here: add it to allowed_programs of [contexts.prod-eu]");
    let mut hand = reading(settings(), &firing_alert(), TEXT);
    hand.press("j j enter");
    hand.assert_said("kubectl is not allowed here");
    assert!(hand.model.modal.is_none());
}

#[test]
fn no_label_makes_anything_run_but_what_was_shown() {
    for value in [
        "-A",
        "--all",
        "\u{2010}x",
        "\u{2212}x",
        "a\nb",
        "a\u{202e}b",
        "a\u{200b}b",
        "\u{1b}[2J",
        "",
        " --x",
    ] {
        let mut alert = firing_alert();
        alert.labels = [("alertname", "HighErrorRate"), ("service", value)]
            .into_iter()
            .collect();
        let mut hand = reading(settled(), &alert, &TEXT.replace("deploy/{{", "{{"));
        hand.press("j j enter");
        assert!(hand.model.modal.is_none(), "{value:?} is not offered");
        hand.press("Y enter");
        assert!(ordered(&mut hand).is_empty(), "{value:?}");
    }
    for value in ["a;reboot", "$(reboot)", "`reboot`", "a b", "a'b", "a|b", "&&x"] {
        let mut alert = firing_alert();
        alert.labels = [("alertname", "HighErrorRate"), ("service", value)]
            .into_iter()
            .collect();
        // What is no name is handed to no program that nobody calls plain.
        let mut hand = reading(settled(), &alert, TEXT);
        hand.press("j j enter");
        assert!(hand.model.modal.is_none(), "{value:?} is not offered");
        hand.assert_said("is no name");
        let mut plain = settled();
        plain.runbooks.programs[0].takes = midwatch::runbook::command::Takes::Text;
        let mut hand = reading(plain, &alert, TEXT);
        hand.press("j j enter");
        assert_eq!(asked(&mut hand).len(), 8, "{value:?} is one argument");
        hand.press("Y");
        let orders = ordered(&mut hand);
        assert_eq!(orders[0].argv.arguments()[4].text, format!("deploy/{value}"));
    }
}

#[test]
fn in_a_dangerous_context_its_name_is_typed_and_read_only_runs_nothing() {
    let danger = Settings {
        danger: true,
        ..settled()
    };
    let mut hand = reading(danger, &firing_alert(), TEXT);
    hand.press("j j enter Y enter");
    assert!(ordered(&mut hand).is_empty());
    hand.press("backspace");
    hand.write("prod-eu");
    hand.press("enter");
    assert_eq!(ordered(&mut hand).len(), 1);
    let read_only = Settings {
        read_only: true,
        ..settled()
    };
    let mut hand = reading(read_only, &firing_alert(), TEXT);
    hand.press("j j enter");
    hand.assert_said("read-only: nothing is run");
    let unrecorded = Settings {
        no_journal: Some("no state_dir".to_owned()),
        ..settled()
    };
    let mut hand = reading(unrecorded, &firing_alert(), TEXT);
    hand.press("x");
    hand.assert_said("not ticked: no state_dir");
    hand.press("j j enter");
    hand.assert_said("it could not be recorded");
}

#[test]
fn a_long_command_has_to_be_seen_to_its_end() {
    let many: Vec<String> = (0..60).map(|n| format!("argument-{n}")).collect();
    let many = many.join(" ");
    let mut hand = reading(
        settled(),
        &firing_alert(),
        &format!("- a\n\n  ```sh\n  kubectl {many}\n  ```\n"),
    );
    hand.press("enter Y");
    assert!(ordered(&mut hand).is_empty());
    hand.assert_said("there is more of it");
    for _ in 0..60 {
        hand.press("down");
    }
    hand.press("Y");
    assert_eq!(ordered(&mut hand).len(), 1);
}

#[test]
fn a_runbook_that_is_not_there_stays_open_with_the_reason_and_late_answers_are_dropped() {
    let mut hand = of(settled(), &firing_alert());
    hand.press("g o");
    let wanted = hand.model.runbook.as_ref().unwrap().ask.wanted.clone();
    let missing = Unread::new("/srv/runbooks/a.md: not there", "write it");
    hand.tell(Msg::RunbookRead {
        wanted: wanted.clone(),
        result: Err(missing.clone()),
    });
    hand.press("x enter");
    assert_eq!(hand.model.runbook.as_ref().unwrap().read, Some(Err(missing)));
    let other = midwatch::runbook::source::Wanted {
        alert: "Other".to_owned(),
        ..wanted
    };
    hand.tell(Msg::RunbookRead {
        wanted: other,
        result: Ok(Arc::new(Document {
            from: String::new(),
            origin: Origin::Kept,
            checklist: Checklist::default(),
        })),
    });
    assert!(matches!(hand.model.runbook.as_ref().unwrap().read, Some(Err(_))));
}

fn playing() -> Settings {
    let mut settings = settled();
    settings.runbooks.playbooks = playbooks();
    settings
}

/// The page below the runbook, its cursor on the playbook's name.
fn on_its_name(settings: Settings) -> Hand {
    let mut hand = reading(settings, &firing_alert(), TEXT);
    hand.press("G");
    for _ in 0..20 {
        let page = hand.model.runbook.as_ref().unwrap();
        if matches!(&page.row().unwrap().shown, Shown::Heading(_, text) if text == "Playbook: roll back") {
            return hand;
        }
        hand.press("k");
    }
    panic!(
        "it is not there: {:#?}",
        hand.model.runbook.as_ref().unwrap().rows
    );
}

fn over(hand: &mut Hand, order: &Arc<RunOrder>, end: End, verdict: Option<Result<String, String>>) {
    let ended = Ended {
        end,
        took: Duration::from_secs(1),
        output: "done\n".to_owned(),
        left_out: 0,
        verdict,
    };
    hand.tell(Msg::CommandEnded {
        order: Arc::clone(order),
        ended,
    });
}

#[test]
fn a_playbook_is_looked_over_before_its_first_step_and_runs_nothing_by_that() {
    let mut hand = on_its_name(playing());
    assert!(!format!("{:?}", hand.model.runbook.as_ref().unwrap().rows).contains("not for this one"));
    hand.press("c");
    let shown: Vec<String> = asked(&mut hand).into_iter().map(|(text, _)| text).collect();
    assert_eq!(
        shown,
        [
            "/usr/bin/kubectl",
            "-n",
            "shop",
            "rollout",
            "undo",
            "deploy/checkout",
            "then waits 2m, asks up{service=\"checkout\"} and wants == 1",
            "/usr/bin/kubectl",
            "get",
            "pods",
        ]
    );
    assert!(ordered(&mut hand).is_empty());
    hand.press("n c y");
    // What is asked now is the first step, by itself; the key that began it runs nothing.
    assert!(asked(&mut hand).iter().any(|(text, _)| text == "deploy/checkout"));
    hand.press("y enter");
    assert!(ordered(&mut hand).is_empty());
    hand.press("Y");
    let orders = ordered(&mut hand);
    assert_eq!(orders.len(), 1);
    let told = orders[0].begins();
    assert!(
        told.text
            .starts_with("started step 1 of 2 of the playbook roll back"),
        "{}",
        told.text
    );
    assert_eq!(orders[0].check.as_ref().unwrap().wait, Duration::from_secs(120));
}

#[test]
fn its_steps_follow_one_another_and_the_first_that_fails_is_the_last() {
    let mut hand = on_its_name(playing());
    hand.press("c y Y");
    let first = ordered(&mut hand).remove(0);
    over(
        &mut hand,
        &first,
        End::Exit(0),
        Some(Ok("it answers 1; wanted == 1".to_owned())),
    );
    hand.assert_said("step 1 of 2 is done, step 2 is next");
    let told = first.is_over(&Ended {
        verdict: Some(Ok("it answers 1; wanted == 1".to_owned())),
        ..Ended::not_started("")
    });
    assert!(
        told.text.contains("\nverified: then waits 2m, asks up"),
        "{}",
        told.text
    );
    // From any of its rows: the next one is asked for, and no other.
    hand.press("c");
    hand.assert_said("step 2 is next");
    let mut again = on_its_name(playing());
    again.press("c y Y");
    let first = ordered(&mut again).remove(0);
    over(
        &mut again,
        &first,
        End::Exit(0),
        Some(Err("it answers 0; wanted == 1".to_owned())),
    );
    again.assert_said("the playbook stopped at step 1 of 2: not verified: it answers 0; wanted == 1");
    for _ in 0..12 {
        again.press("j c");
        assert!(
            again.model.modal.is_none(),
            "nothing of it is asked for any more: {}",
            again.said()
        );
    }
    assert!(ordered(&mut again).is_empty());
}

#[test]
fn what_cannot_be_run_is_said_before_anything_is() {
    let mut settings = playing();
    settings.runbooks.programs.clear();
    let mut hand = on_its_name(settings);
    hand.press("c");
    hand.assert_said("not begun: step 1: kubectl is not allowed here");
    assert!(hand.model.modal.is_none());
    let read_only = Settings {
        read_only: true,
        ..playing()
    };
    let mut hand = on_its_name(read_only);
    hand.press("c y");
    hand.assert_said("read-only: nothing is run");
    assert!(ordered(&mut hand).is_empty());
}

#[test]
fn a_playbook_is_there_where_the_runbook_is_not() {
    let mut hand = of(playing(), &firing_alert());
    hand.press("g o");
    let wanted = hand.model.runbook.as_ref().unwrap().ask.wanted.clone();
    hand.tell(Msg::RunbookRead {
        wanted,
        result: Err(Unread::new("/srv/runbooks/a.md: not there", "write it")),
    });
    let rows = format!("{:?}", hand.model.runbook.as_ref().unwrap().rows);
    assert!(
        rows.contains("not there") && rows.contains("Playbook: roll back"),
        "{rows}"
    );
}

#[test]
fn a_command_is_not_killed_by_a_suspend_and_is_stopped_from_anywhere() {
    let mut hand = open();
    hand.press("j j enter Y");
    assert_eq!(ordered(&mut hand).len(), 1);
    hand.press("ctrl-z");
    assert_eq!(hand.taken(), []);
    hand.assert_said("kubectl is running and would be killed");
    hand.press("esc esc :");
    hand.write("runbook.stop");
    hand.press("enter");
    assert!(hand.taken().contains(&Effect::StopCommand), "{}", hand.said());
}

#[test]
fn what_is_copied_is_safe_and_what_the_cursor_is_on() {
    let text =
        "- [ ] Look\n\n  ```text\n  first line\n  second\n  ```\n\n  ```sh\n  kubectl get pods\n  ```\n";
    let mut hand = reading(settled(), &firing_alert(), text);
    hand.press("j y");
    let Some(Modal::Menu(menu)) = &hand.model.modal else {
        panic!("{}", hand.said())
    };
    let labels: Vec<&str> = menu.items.iter().map(|item| item.label.as_str()).collect();
    assert!(
        labels.iter().any(|label| label.starts_with("line  first line")),
        "{labels:?}"
    );
    assert!(
        labels.iter().any(|label| label.starts_with("block  ")),
        "{labels:?}"
    );
    hand.press("esc j j enter Y");
    let order = ordered(&mut hand).remove(0);
    let ended = Ended {
        end: End::Exit(0),
        took: Duration::from_secs(1),
        output: "a\u{1b}[201~\u{202e}b\nc\n".to_owned(),
        left_out: 0,
        verdict: None,
    };
    hand.tell(Msg::CommandEnded { order, ended });
    hand.press("y p");
    let copied = hand.taken();
    let text = copied.iter().find_map(|effect| match effect {
        Effect::Copy { text, .. } => Some(text),
        _ => None,
    });
    assert_eq!(text.unwrap(), "a␛[201~‹U+202E›b\nc");
}

#[test]
fn what_came_over_plain_http_is_not_offered() {
    let mut hand = of(settled(), &firing_alert());
    hand.press("g o");
    let wanted = hand.model.runbook.as_ref().unwrap().ask.wanted.clone();
    hand.tell(Msg::RunbookRead {
        wanted,
        result: Ok(Arc::new(Document {
            from: "http://wiki.example/errors".to_owned(),
            origin: Origin::Plaintext,
            checklist: Checklist::read(TEXT),
        })),
    });
    hand.press("j j enter");
    hand.assert_said("it came over plain http");
    assert!(hand.model.modal.is_none());
}
