//! A runbook: read and gone through, missing, and one of its commands asked for.

use std::sync::Arc;
use std::time::Duration;

use midwatch::app::{Msg, Settings};
use midwatch::runbook::source::Unread;
use midwatch::runbook::{Checklist, Document, End, Ended, Origin, Ticked};

use super::{at_each, rows};
use crate::fixtures::pages::{RUNBOOK, playbooks, policy, rolled_back};
use crate::fixtures::{self as shop, press, size};

const SIZES: [(u16, u16); 2] = [(80, 24), (120, 40)];

fn opened(width: u16, height: u16) -> midwatch::app::Model {
    let settings = Settings {
        runbooks: policy(),
        ..shop::settings()
    };
    let mut model = shop::shop_with(settings, size(width, height));
    press(&mut model, "2 g o");
    model
}

fn read(width: u16, height: u16) -> midwatch::app::Model {
    let mut model = opened(width, height);
    let ask = model.runbook.as_ref().unwrap().ask.clone();
    let document = Document {
        from: "/srv/runbooks/burn.md".to_owned(),
        origin: Origin::Kept,
        checklist: Checklist::read(RUNBOOK),
    };
    shop::tell(
        &mut model,
        Msg::RunbookRead {
            wanted: ask.wanted,
            result: Ok(Arc::new(document)),
        },
    );
    let done = Ticked {
        step: "Read the sentence of the SLO".to_owned(),
        actor: "mara@example.com".to_owned(),
        at: shop::ago(3),
    };
    shop::tell(
        &mut model,
        Msg::StepsTicked {
            of: ask.ticks,
            result: Ok(vec![done]),
        },
    );
    model
}

fn ran(width: u16, height: u16) -> midwatch::app::Model {
    let mut model = read(width, height);
    press(&mut model, "j j enter Y");
    let order = Arc::clone(&model.running.as_ref().unwrap().order);
    let ended = Ended {
        end: End::Exit(1),
        took: Duration::from_millis(1_240),
        output: "deployment.apps/checkout\nerror: no rollout \u{1b}[31mhistory\u{1b}[0m found\n".to_owned(),
        left_out: 0,
        verdict: None,
    };
    shop::tell(&mut model, Msg::CommandEnded { order, ended });
    model
}

#[test]
fn a_runbook_in_every_state() {
    at_each(&SIZES, "runbook_loading", opened);
    at_each(&SIZES, "runbook_read", read);
    at_each(&SIZES, "runbook_ran", ran);
    at_each(&SIZES, "runbook_missing", |w, h| {
        let mut model = opened(w, h);
        let wanted = model.runbook.as_ref().unwrap().ask.wanted.clone();
        let mut unread = Unread::new(
            "/srv/runbooks/burn.md: not there",
            "write it as /srv/runbooks/burn.md",
        );
        unread.what.push(
            "https://runbooks.example/burn: it is a web page (HTML), and only Markdown is read here"
                .to_owned(),
        );
        shop::tell(
            &mut model,
            Msg::RunbookRead {
                wanted,
                result: Err(unread),
            },
        );
        model
    });
    at_each(&SIZES, "runbook_asks", |w, h| {
        let mut model = read(w, h);
        press(&mut model, "j j enter");
        model
    });
}

/// What its lines say, frame by frame while it is scrolled, as somebody would read it.
fn read_whole(model: &mut midwatch::app::Model) -> String {
    let mut seen: Vec<String> = Vec::new();
    for _ in 0..400 {
        let (buffer, _) = super::drawn(model);
        let frame = rows(&buffer);
        // The box alone: what stands around it is cut as it always is.
        let cells = frame.iter().flat_map(|row| row.split('│').skip(1));
        for cell in cells.map(str::trim) {
            if !cell.contains("more") && !seen.iter().any(|known| known == cell) {
                seen.push(cell.to_owned());
            }
        }
        let before = frame;
        press(model, "down");
        if rows(&super::drawn(model).0) == before {
            return seen.join("\n");
        }
    }
    panic!("it never ends");
}

fn asking(width: u16, height: u16, danger: bool, line: &str) -> midwatch::app::Model {
    let settings = Settings {
        runbooks: policy(),
        danger,
        ..shop::settings()
    };
    let mut model = shop::shop_with(settings, size(width, height));
    press(&mut model, "2 g o");
    let ask = model.runbook.as_ref().unwrap().ask.clone();
    let document = Document {
        from: "/srv/runbooks/burn.md".to_owned(),
        origin: Origin::Kept,
        checklist: Checklist::read(&format!("- [ ] Act\n\n  ```sh\n  {line}\n  ```\n")),
    };
    shop::tell(
        &mut model,
        Msg::RunbookRead {
            wanted: ask.wanted,
            result: Ok(Arc::new(document)),
        },
    );
    press(&mut model, "enter");
    model
}

const LONG: &str = "kubectl -n shop scale deploy/{{ labels.service }} --replicas=4 --timeout=30s --current-replicas=2 'last – one'";

#[test]
fn every_argument_is_read_at_every_size_before_it_can_be_run() {
    for (width, height) in [(40, 10), (46, 12), (60, 16), (80, 24), (120, 40)] {
        for danger in [false, true] {
            let mut model = asking(width, height, danger, LONG);
            let seen = read_whole(&mut model);
            for argument in [
                "/usr/bin/kubectl",
                "-n",
                "shop",
                "scale",
                "deploy/checkout",
                "--replicas=4",
                "--timeout=30s",
                "--current-replicas=2",
                "'last <U+2013> one'",
                "/home/jun",
                "/srv/runbooks/burn.md",
            ] {
                assert!(
                    seen.lines().any(|row| row == argument),
                    "{argument} at {width}x{height}, danger {danger}:\n{seen}"
                );
            }
            assert!(
                !seen.lines().any(|row| row.ends_with('…')),
                "nothing is cut at {width}x{height}:\n{seen}"
            );
            if danger {
                shop::type_text(&mut model, "prod-eu");
            }
            press(&mut model, if danger { "enter" } else { "Y" });
            assert!(model.running.is_some(), "{width}x{height}, danger {danger}");
        }
    }
}

#[test]
fn a_question_in_a_small_terminal_and_where_it_is_dangerous() {
    at_each(&[(40, 10), (80, 24)], "runbook_asks_long", |w, h| {
        asking(w, h, false, LONG)
    });
    at_each(&[(40, 10), (80, 24)], "runbook_asks_danger", |w, h| {
        asking(w, h, true, "kubectl -n shop delete pod/{{ labels.service }}")
    });
}

fn playing(width: u16, height: u16, keys: &str) -> midwatch::app::Model {
    let mut runbooks = policy();
    runbooks.playbooks = playbooks();
    let settings = Settings {
        runbooks,
        ..shop::settings()
    };
    let mut model = shop::shop_with(settings, size(width, height));
    press(&mut model, "2 g o");
    let wanted = model.runbook.as_ref().unwrap().ask.wanted.clone();
    let result = Err(Unread::new("/srv/runbooks/burn.md: not there", "write it there"));
    shop::tell(&mut model, Msg::RunbookRead { wanted, result });
    press(&mut model, "G c");
    if !keys.is_empty() {
        press(&mut model, keys);
    }
    model
}

#[test]
fn a_playbook_looked_over_and_stopped_at_what_was_not_verified() {
    at_each(&SIZES, "playbook_looked_over", |w, h| playing(w, h, ""));
    at_each(&SIZES, "playbook_stopped", |w, h| {
        let mut model = playing(w, h, "y Y");
        rolled_back(&mut model, Some(Err("it answers 0; wanted == 1".to_owned())));
        model
    });
}
