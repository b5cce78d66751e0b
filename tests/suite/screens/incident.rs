//! Incidents: their pane, one that is open, what is picked and written for them.

use midwatch::app::focus::PaneId;
use midwatch::app::{Model, Msg};
use midwatch::domain::incident::{Incident, Status};
use midwatch::outbox::State;

use super::{SIZES, SMALL, at_each, drawn, on, press_all, rows};
use crate::fixtures::{self as shop, incidents, press, size};

#[test]
fn incident_pane_in_every_state() {
    let incident = |model| on(PaneId::Incident, model);
    at_each(&SIZES, "incident_fresh", |w, h| incident(shop::shop(size(w, h))));
    at_each(&SIZES, "incident_loading", |w, h| {
        incident(shop::silent(size(w, h)))
    });
    at_each(&SIZES, "incident_empty", |w, h| incident(shop::calm(size(w, h))));
    at_each(&SIZES, "incident_nowhere", |w, h| {
        let settings = midwatch::app::Settings {
            incidents: None,
            no_journal: Some("/state is read-only; set state_dir".to_owned()),
            ..shop::settings()
        };
        incident(shop::silent_with(settings, size(w, h)))
    });
    at_each(&SIZES, "incident_stale", |w, h| {
        let mut model = incident(shop::shop(size(w, h)));
        let mut feed = model.incidents.feed.clone();
        if let Some(last) = &mut feed.last {
            last.at = midwatch::time::Tick::from_secs(700);
        }
        feed.status = incidents::refused();
        shop::tell(&mut model, Msg::IncidentsFetched(feed));
        model
    });
    at_each(&SIZES, "incident_failed", |w, h| {
        let mut model = incident(shop::silent(size(w, h)));
        let mut feed = incidents::listed(Vec::new());
        feed.last = None;
        feed.status = incidents::refused();
        shop::tell(&mut model, Msg::IncidentsFetched(feed));
        model
    });
    at_each(&SIZES, "incident_overflowing", |w, h| {
        let mut model = incident(shop::shop(size(w, h)));
        let many = (0..1_000_u64).map(|n| Incident {
            id: format!("Q{n}").as_str().into(),
            number: Some(n),
            ..if n % 3 == 0 {
                incidents::search()
            } else {
                incidents::checkout()
            }
        });
        let mut board = incidents::board(many.collect());
        board.remarks = vec![
            "100 of more listed".to_owned(),
            "escalates only while a console is open".to_owned(),
        ];
        shop::tell(&mut model, Msg::IncidentsFetched(incidents::feed(board)));
        shop::tell(&mut model, Msg::Timer);
        press(&mut model, "g x j x G");
        model
    });
    at_each(&SIZES, "incident_single", |w, h| {
        let mut model = shop::silent(size(w, h));
        shop::tell(
            &mut model,
            Msg::IncidentsFetched(incidents::listed(vec![incidents::checkout()])),
        );
        incidents::tell_story(&mut model, incidents::story());
        incident(model)
    });
}

#[test]
fn an_open_incident_in_every_state() {
    let opened = |w, h, keys: &str| {
        let mut model = on(PaneId::Incident, shop::shop(size(w, h)));
        press(&mut model, "enter");
        press_all(&mut model, keys);
        model
    };
    at_each(&SIZES, "detail_incident", |w, h| opened(w, h, "k k enter"));
    at_each(&SIZES, "detail_incident_kinds", |w, h| opened(w, h, "esc b f"));
    at_each(&SIZES, "detail_incident_long", |w, h| {
        let mut model = opened(w, h, "");
        incidents::tell_story(&mut model, incidents::long_story());
        press(&mut model, "pgup pgup k k enter");
        model
    });
    at_each(&SIZES, "detail_incident_loading", |w, h| {
        let mut model = on(PaneId::Incident, shop::silent(size(w, h)));
        let listed = incidents::listed(vec![incidents::local()]);
        shop::tell(&mut model, Msg::IncidentsFetched(listed));
        press(&mut model, "enter");
        model
    });
    at_each(&SIZES, "detail_incident_failed", |w, h| {
        let mut model = on(PaneId::Incident, shop::silent(size(w, h)));
        let listed = incidents::listed(vec![incidents::search()]);
        shop::tell(&mut model, Msg::IncidentsFetched(listed));
        press(&mut model, "enter");
        let mut feed = incidents::timeline_feed(incidents::story());
        feed.last = None;
        feed.status = incidents::refused();
        let incident = incidents::search().id;
        shop::tell(&mut model, Msg::TimelineFetched { incident, feed });
        model
    });
    at_each(&SIZES, "detail_outbox", |w, h| {
        let mut model = on(PaneId::Incident, shop::shop(size(w, h)));
        let entry = incidents::escalation;
        let entries = vec![
            entry(17, 40, State::Pending),
            entry(18, 900, State::NeedsDecision),
            entry(19, 1_200, State::Confirmed),
        ];
        shop::tell(&mut model, incidents::outbox(entries));
        press(&mut model, "esc U j");
        model
    });
}

#[test]
fn pick_lists_where_room_is_scarce() {
    let asking = |w, h| {
        let mut model = on(PaneId::Incident, shop::shop(size(w, h)));
        press(&mut model, "e");
        model
    };
    at_each(&SMALL, "pick_asking", asking);
    at_each(&SMALL, "pick_levels", |w, h| {
        let mut model = asking(w, h);
        let (incident, result) = (incidents::checkout().id, Ok(incidents::ladder().into()));
        shop::tell(&mut model, Msg::LadderFetched { incident, result });
        model
    });
    at_each(&SMALL, "pick_people", |w, h| {
        let mut model = on(PaneId::Incident, shop::shop(size(w, h)));
        press(&mut model, "m");
        let directory = Ok(incidents::directory().into());
        shop::tell(&mut model, Msg::DirectoryFetched(directory));
        shop::type_text(&mut model, "sa");
        model
    });
}

#[test]
fn a_choice_about_an_incident_that_is_over_meanwhile_says_so() {
    let mut model = on(PaneId::Incident, shop::shop(size(80, 24)));
    press(&mut model, "e");
    let (incident, result) = (incidents::checkout().id, Ok(incidents::ladder().into()));
    shop::tell(&mut model, Msg::LadderFetched { incident, result });
    let says = |model: &Model| {
        rows(&drawn(model).0)
            .iter()
            .any(|row| row.contains("nothing would be sent"))
    };
    assert!(!says(&model));
    let mut over = incidents::checkout();
    over.status = Status::Resolved;
    shop::tell(
        &mut model,
        Msg::IncidentsFetched(incidents::feed(incidents::board(vec![over]))),
    );
    assert!(says(&model));
    shop::tell(
        &mut model,
        Msg::IncidentsFetched(incidents::feed(incidents::board(Vec::new()))),
    );
    assert!(says(&model));
}

#[test]
fn who_to_phone_is_in_sight_where_an_escalation_is_not_delivered() {
    for (width, height) in [(80, 24), (120, 40), (200, 60)] {
        for keys in ["", "enter", "U"] {
            let mut model = on(PaneId::Incident, shop::shop(size(width, height)));
            let entries = vec![incidents::escalation(17, 40, State::Pending)];
            shop::tell(&mut model, incidents::outbox(entries));
            press_all(&mut model, keys);
            let text = rows(&drawn(&model).0);
            assert!(
                text[1]
                    .contains("ESCALATION NOT DELIVERED 30s: #4711 to level 2; phone Mara +49 30 5550 114"),
                "{keys} {width}x{height}: {}",
                text[1]
            );
        }
    }
}

#[test]
fn who_midwatch_acts_as_is_unmistakable_where_it_is_somebody_else() {
    for width in [40, 80, 120, 200] {
        let mut model = shop::shop(size(width, 24));
        let mut board = incidents::board(vec![incidents::checkout()]);
        if let Some(acting) = &mut board.acting_as {
            acting.conflict = Some("the token is Jun's, from says mara@example.com".to_owned());
        }
        shop::tell(&mut model, Msg::IncidentsFetched(incidents::feed(board)));
        let top = rows(&drawn(&model).0).remove(0);
        assert!(top.contains("ACTING AS Jun"), "{width}: {top}");
    }
}

#[test]
fn what_is_being_written_stands_below_what_it_is_about() {
    at_each(&SIZES, "writing_note", |w, h| {
        let mut model = on(PaneId::Incident, shop::shop(size(w, h)));
        press(&mut model, "enter n");
        shop::type_text(&mut model, "Rolled back; errors fall.");
        press(&mut model, "enter");
        shop::type_text(&mut model, "TODO raise the limit");
        model
    });
    at_each(&SIZES, "writing_note_from_alert", |w, h| {
        let mut model = on(PaneId::Alerts, shop::shop(size(w, h)));
        press(&mut model, "j n");
        model
    });
    at_each(&[(40, 10), (80, 24)], "writing_declaration", |w, h| {
        let mut model = on(PaneId::Alerts, shop::shop(size(w, h)));
        press(&mut model, "j i tab");
        model
    });
    at_each(&SMALL, "writing_too_long", |w, h| {
        let mut model = on(PaneId::Incident, shop::shop(size(w, h)));
        press(&mut model, "enter N");
        let text = "שלום 👩‍🚒 wait \u{202e}and fail. ".repeat(2_000);
        shop::tell(&mut model, Msg::Input(midwatch::terminal::Input::Paste(text)));
        press(&mut model, "alt-enter");
        model
    });
}

#[test]
fn pages_of_text_at_each_size() {
    at_each(&SMALL, "page_on_call", |w, h| {
        let mut model = shop::shop(size(w, h));
        press(&mut model, "W");
        model
    });
    at_each(&[SMALL[0], SMALL[1], (120, 40)], "page_hand_over", |w, h| {
        let mut model = shop::shop(size(w, h));
        press(&mut model, ":");
        shop::type_text(&mut model, "handoff.write");
        press(&mut model, "enter");
        let result = Ok(
            "# Hand-over\n\n> written by hand\n\n- checkout errors, taken by Jun, who looks at the pool of \
                         connections first\n"
                .to_owned(),
        );
        let what = midwatch::app::effect::WriteUp::HandOff;
        shop::tell(&mut model, Msg::Written { what, result });
        model
    });
}
