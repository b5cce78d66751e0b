//! A runbook: read and gone through, missing, and one of its commands asked for.

use std::sync::Arc;
use std::time::Duration;

use midwatch::app::{Msg, Settings};
use midwatch::runbook::source::Unread;
use midwatch::runbook::{Checklist, Document, End, Ended, Ticked};

use super::{at_each, rows};
use crate::fixtures::{self as shop, press, size};
use crate::update::runbook::policy;

const SIZES: [(u16, u16); 2] = [(80, 24), (120, 40)];

const TEXT: &str = "# Error budget burns\n\nAt this pace the month's budget is gone within two days, and what burns it is most often the last \
    release or what the service calls.\n\n1. Read the sentence of the SLO\n2. Roll the last release back:\n\n   ```sh\n   kubectl -n shop \
    rollout undo deploy/{{ labels.service }}\n   helm ls --all\n   kubectl get pods | grep {{ labels.service }}\n   ```\n\n   and wait for two \
    minutes\n\n3. Tell those who wait\n\n| pool | owner |\n| --- | --- |\n| main | Mara |\n\nMore [here](https://runbooks.example/burn).\n";

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
        checklist: Checklist::read(TEXT),
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
    press(&mut model, "j j enter y");
    let order = Arc::clone(&model.running.as_ref().unwrap().order);
    let ended = Ended {
        end: End::Exit(1),
        took: Duration::from_millis(1_240),
        output: "deployment.apps/checkout\nerror: no rollout \u{1b}[31mhistory\u{1b}[0m found\n".to_owned(),
        left_out: 0,
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

#[test]
fn no_line_of_an_argument_is_cut_in_the_narrowest_question() {
    let mut model = read(60, 16);
    press(&mut model, "j j enter");
    let (buffer, _) = super::drawn(&model);
    let shown = rows(&buffer).join("\n");
    assert!(shown.contains("Run this command?"), "{shown}");
    assert!(!shown.contains('…') || shown.contains("more"), "{shown}");
}
