//! The list of pictures: the console at work, in every state that wants a look, and the sheet of all widgets.

use midwatch::app::Model;
use midwatch::app::Msg;
use midwatch::app::focus::PaneId;
use midwatch::outbox::State;
use midwatch::theme::{self, ColorDepth, Glyphs, Means, Theme};
use midwatch::view;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::Screen;
use crate::fixtures::{self as shop, press, size};

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];

/// The themes beside the first, and what they are brought down to.
const THEMES: [(&str, ColorDepth, Glyphs); 9] = [
    ("light", ColorDepth::TrueColor, Glyphs::Unicode),
    ("solarized-dark", ColorDepth::TrueColor, Glyphs::Unicode),
    ("solarized-light", ColorDepth::TrueColor, Glyphs::Unicode),
    ("slate", ColorDepth::TrueColor, Glyphs::Unicode),
    ("colorblind", ColorDepth::TrueColor, Glyphs::Unicode),
    ("high-contrast", ColorDepth::TrueColor, Glyphs::Unicode),
    ("ansi16", ColorDepth::Ansi16, Glyphs::Unicode),
    ("midwatch", ColorDepth::Ansi16, Glyphs::Unicode),
    ("mono", ColorDepth::None, Glyphs::Ascii),
];
/// Those of them in which every main screen is pictured.
const MAIN_THEMES: [&str; 3] = ["light", "ansi16", "mono"];
/// The main screens.
const MAIN: [&str; 22] = [
    "watch",
    "watch-slo",
    "strip",
    "logs",
    "logs-line",
    "patterns",
    "traces",
    "trace",
    "trace-span",
    "incident",
    "incident-open",
    "case",
    "runbook",
    "contexts",
    "query",
    "comparison",
    "detail-slo",
    "detail-alert",
    "calm",
    "stale",
    "failed",
    "loading",
];

/// Every picture whose name is wanted.
pub fn screens(wanted: impl Fn(&str) -> bool) -> Vec<Screen> {
    let mut out = crate::widgets::screens();
    out.retain(|screen| wanted(&screen.name));
    let dark = dark();
    out.extend(crate::beside::screens(&wanted, &dark));
    if wanted("story") {
        for (index, frame) in crate::story::frames(&dark).into_iter().enumerate() {
            out.push(Screen {
                name: format!("story-{index:02}"),
                buffer: frame.buffer,
                theme: dark.clone(),
            });
        }
    }
    for (width, height) in SIZES {
        for (name, build) in states() {
            let name = format!("{name}-{width}x{height}");
            if wanted(&name) {
                out.push(shot(&name, &build(width, height), &dark));
            }
        }
    }
    for (theme, depth, glyphs) in THEMES {
        let theme_name = theme;
        let theme = themed(theme, depth, glyphs);
        let among: &[&str] = if MAIN_THEMES.contains(&theme_name) {
            &MAIN
        } else {
            &["watch", "trace"]
        };
        for (width, height) in [(80, 24), (120, 40)] {
            for (name, build) in states().into_iter().filter(|(name, _)| among.contains(name)) {
                let name = format!("{name}-{theme_name}-{depth:?}-{width}x{height}").to_lowercase();
                if wanted(&name) {
                    out.push(shot(&name, &build(width, height), &theme));
                }
            }
        }
    }
    for (name, build) in states() {
        let small = format!("{name}-40x10");
        if (name.starts_with("open") || MAIN.contains(&name)) && wanted(&small) {
            out.push(shot(&small, &build(40, 10), &dark));
        }
    }
    out
}

/// The theme that most pictures are drawn with.
pub fn dark() -> Theme {
    themed("midwatch", ColorDepth::TrueColor, Glyphs::Unicode)
}

fn themed(name: &str, depth: ColorDepth, glyphs: Glyphs) -> Theme {
    theme::load(name, None, Means { depth, glyphs }).unwrap_or_else(|problems| panic!("{problems}"))
}

fn shot(name: &str, model: &Model, theme: &Theme) -> Screen {
    let mut buffer = Buffer::empty(Rect::new(0, 0, model.size.width, model.size.height));
    view::draw(model, theme, shop::now(), &mut buffer);
    Screen {
        name: name.to_owned(),
        buffer,
        theme: theme.clone(),
    }
}

type Build = fn(u16, u16) -> Model;

fn states() -> Vec<(&'static str, Build)> {
    vec![
        ("watch", |w, h| on_alerts(shop::pages::night(size(w, h)))),
        ("strip", |w, h| {
            let mut model = shop::pages::night(size(w, h));
            press(&mut model, "3 k k k 2 V");
            model
        }),
        ("scoped", |w, h| {
            let mut model = shop::pages::night(size(w, h));
            press(&mut model, "2 g g . 3");
            let board = shop::alert_board_of("checkout");
            shop::tell(&mut model, Msg::AlertsArranged(std::sync::Arc::new(board)));
            model
        }),
        ("ranged", |w, h| {
            let mut model = shop::pages::night(size(w, h));
            press(&mut model, "2 g . [ 4");
            model
        }),
        ("danger", |w, h| on_alerts(shop::dangerous_shop(size(w, h)))),
        ("case", |w, h| shop::pages::case(size(w, h))),
        ("case-looking", |w, h| shop::cases::opened(size(w, h))),
        ("case-failed", |w, h| shop::cases::failed(size(w, h))),
        ("runbook", |w, h| shop::pages::runbook(size(w, h))),
        ("runbook-ran", |w, h| shop::pages::runbook_ran(size(w, h))),
        ("contexts", |w, h| shop::pages::contexts(size(w, h))),
        ("query", |w, h| {
            shop::pages::query_answered(size(w, h), &["checkout", "search", "cart", "payment"])
        }),
        ("patterns", |w, h| shop::pages::patterns(size(w, h))),
        ("traces", |w, h| {
            let mut model = shop::pages::night(size(w, h));
            press(&mut model, "4 z j");
            model
        }),
        ("traces-grouped", |w, h| {
            let mut model = shop::pages::night(size(w, h));
            press(&mut model, "4 z b l");
            model
        }),
        ("traces-dots", |w, h| {
            let mut model = shop::pages::night(size(w, h));
            press(&mut model, "4 z w");
            model
        }),
        ("graph", |w, h| shop::pages::service_graph(size(w, h))),
        ("comparison", |w, h| shop::tracelist::compared(size(w, h))),
        ("which-key", |w, h| {
            let mut model = on_alerts(shop::pages::night(size(w, h)));
            press(&mut model, "g");
            model
        }),
        ("pivot", |w, h| {
            let mut model = on_alerts(shop::pages::night(size(w, h)));
            press(&mut model, "t");
            model
        }),
        ("query-composer", |w, h| {
            let mut model = shop::pages::night(size(w, h));
            press(&mut model, "3 z Q");
            model
        }),
        ("stats", crate::beside::stats),
        ("audit", crate::beside::audit),
        ("playbook", crate::beside::playbook),
        ("playbook-stopped", crate::beside::playbook_stopped),
        ("themes", |w, h| {
            let mut model = on_alerts(shop::pages::night(size(w, h)));
            shop::pages::command(&mut model, "theme");
            model
        }),
        ("toast", |w, h| {
            let mut model = on_alerts(shop::pages::night(size(w, h)));
            let text = "checkout: acknowledged for 15m; it lapses at 03:29Z".to_owned();
            shop::tell(
                &mut model,
                Msg::Said {
                    level: midwatch::app::toast::Level::Info,
                    text,
                },
            );
            model
        }),
        ("watch-slo", |w, h| shop::shop(size(w, h))),
        ("unfolded", |w, h| {
            let mut model = on_alerts(shop::shop(size(w, h)));
            press(&mut model, "l");
            press(&mut model, "j");
            press(&mut model, "x");
            press(&mut model, "x");
            model
        }),
        ("incident", |w, h| on_incident(shop::shop(size(w, h)))),
        ("logs", |w, h| {
            let mut model = shop::pages::night(size(w, h));
            press(&mut model, "3 z k k k m");
            model
        }),
        ("logs-gap", |w, h| {
            let mut model = shop::logs::reading(size(w, h));
            shop::focus(&mut model, PaneId::Logs);
            press(&mut model, "z k k k m");
            model
        }),
        ("trace", |w, h| {
            shop::waterfalls::opened(size(w, h), &shop::waterfalls::story())
        }),
        ("trace-zoomed", |w, h| {
            let mut model = shop::waterfalls::opened(size(w, h), &shop::waterfalls::story());
            for key in [")", ")", ")", "f", "K"] {
                press(&mut model, key);
            }
            model
        }),
        ("trace-searched", |w, h| {
            let mut model = shop::waterfalls::opened(size(w, h), &shop::waterfalls::story());
            press(&mut model, "/");
            shop::type_text(&mut model, "self>30ms !svc=payment");
            press(&mut model, "enter");
            press(&mut model, "v");
            model
        }),
        ("trace-folded", |w, h| {
            let mut model = shop::waterfalls::opened(size(w, h), &shop::waterfalls::story());
            for key in ["j", "j", "j", "j", "o", "_", "esc", "h"] {
                press(&mut model, key);
            }
            model
        }),
        ("trace-span", |w, h| {
            let mut model = shop::waterfalls::opened(size(w, h), &shop::waterfalls::story());
            for key in [")", ")", ")", "enter"] {
                press(&mut model, key);
            }
            model
        }),
        ("trace-facts", |w, h| {
            let mut model = shop::waterfalls::opened(size(w, h), &shop::waterfalls::story());
            press(&mut model, "P");
            model
        }),
        ("logs-line", |w, h| {
            let mut model = shop::logs::reading(size(w, h));
            shop::focus(&mut model, PaneId::Logs);
            press(&mut model, "k k k k enter");
            model
        }),
        ("incident-open", |w, h| {
            let mut model = on_incident(shop::shop(size(w, h)));
            press(&mut model, "enter k k k enter");
            model
        }),
        ("incident-open-long", |w, h| {
            let mut model = on_incident(shop::shop(size(w, h)));
            shop::incidents::tell_story(&mut model, shop::incidents::long_story());
            press(&mut model, "enter pgup");
            model
        }),
        ("incident-escalate", |w, h| {
            let mut model = on_incident(shop::shop(size(w, h)));
            press(&mut model, "e");
            let (incident, result) = (
                shop::incidents::checkout().id,
                Ok(shop::incidents::ladder().into()),
            );
            shop::tell(&mut model, Msg::LadderFetched { incident, result });
            model
        }),
        ("incident-outbox", |w, h| {
            let mut model = on_incident(shop::shop(size(w, h)));
            let entry = shop::incidents::escalation;
            let entries = vec![
                entry(17, 40, State::Pending),
                entry(18, 900, State::NeedsDecision),
            ];
            shop::tell(&mut model, shop::incidents::outbox(entries));
            press(&mut model, "esc U");
            model
        }),
        ("incident-banner", |w, h| {
            let mut model = on_incident(shop::shop(size(w, h)));
            let entries = vec![shop::incidents::escalation(17, 40, State::Pending)];
            shop::tell(&mut model, shop::incidents::outbox(entries));
            model
        }),
        ("writing-note", |w, h| {
            let mut model = on_alerts(shop::shop(size(w, h)));
            press(&mut model, "j n");
            shop::type_text(
                &mut model,
                "Rolled checkout back to 2.3.0; the pool drains, errors fall.",
            );
            press(&mut model, "enter");
            shop::type_text(&mut model, "TODO raise the pool's limit before the next rollout");
            model
        }),
        ("writing-open", |w, h| {
            let mut model = on_incident(shop::shop(size(w, h)));
            press(&mut model, "enter n");
            shop::type_text(&mut model, "Customers can pay again.");
            model
        }),
        ("writing-long", |w, h| {
            let mut model = on_incident(shop::shop(size(w, h)));
            press(&mut model, "enter N");
            let text =
                "שלום 👩‍🚒 the pool is exhausted \u{202e}again, so requests wait and then fail. ".repeat(400);
            shop::tell(&mut model, Msg::Input(midwatch::terminal::Input::Paste(text)));
            press(&mut model, "alt-enter");
            model
        }),
        ("writing-declaration", |w, h| {
            let mut model = on_alerts(shop::shop(size(w, h)));
            press(&mut model, "j i tab");
            model
        }),
        ("writing-nowhere", |w, h| {
            let mut model = shop::calm(size(w, h));
            press(&mut model, "n");
            model
        }),
        ("page-on-call", |w, h| {
            let mut model = shop::shop(size(w, h));
            press(&mut model, "W");
            model
        }),
        ("page-hand-over", |w, h| {
            let mut model = shop::shop(size(w, h));
            press(&mut model, ":");
            shop::type_text(&mut model, "handoff.write");
            press(&mut model, "enter");
            let words = "# Hand-over, prod-eu\n\n## Open\n\n- #4711 checkout errors, acknowledged by Jun\n- \
                #4712 search slow\n\n## TODO\n\n- raise the pool's limit before the next rollout\n";
            shop::tell(
                &mut model,
                Msg::Written {
                    what: midwatch::app::effect::WriteUp::HandOff,
                    result: Ok(words.to_owned()),
                },
            );
            model
        }),
        ("calm-incident", |w, h| on_incident(shop::calm(size(w, h)))),
        ("calm", |w, h| on_alerts(shop::calm(size(w, h)))),
        ("stale", |w, h| on_alerts(shop::stale(size(w, h)))),
        ("failed", |w, h| shop::failed(size(w, h))),
        ("deaf", |w, h| on_alerts(shop::deaf(size(w, h)))),
        ("unanswered", |w, h| shop::unanswered(size(w, h))),
        ("partly-stale", |w, h| shop::partly_stale(size(w, h))),
        ("paused", |w, h| {
            let mut model = shop::shop(size(w, h));
            press(&mut model, "p");
            model
        }),
        ("open-health-deaf", |w, h| {
            let mut model = shop::deaf(size(w, h));
            press(&mut model, "H");
            model
        }),
        ("deaf-composer", |w, h| {
            let mut model = on_alerts(shop::deaf(size(w, h)));
            press(&mut model, "s");
            press(&mut model, "shift-tab");
            press(&mut model, "shift-tab");
            shop::type_text(&mut model, "service=checkout");
            model
        }),
        ("loading", |w, h| shop::silent(size(w, h))),
        ("crowded", |w, h| on_alerts(shop::crowded(size(w, h), 10_000))),
        ("detail-slo", |w, h| {
            let mut model = shop::shop(size(w, h));
            press(&mut model, "enter");
            model
        }),
        ("detail-alert", |w, h| {
            let mut model = on_alerts(shop::shop(size(w, h)));
            press(&mut model, "j");
            press(&mut model, "enter");
            if let Some(midwatch::app::focus::Detail::Alert(fingerprint)) = model.detail().cloned() {
                let result = Ok(shop::history());
                shop::tell(&mut model, Msg::AlertHistory { fingerprint, result });
            }
            model
        }),
        ("silences", |w, h| {
            let mut model = shop::shop(size(w, h));
            press(&mut model, "S");
            model
        }),
        ("open-help", |w, h| with_keys(w, h, "?")),
        ("open-health", |w, h| {
            let mut model = shop::stale(size(w, h));
            press(&mut model, "H");
            model
        }),
        ("open-palette", |w, h| {
            let mut model = with_keys(w, h, ":");
            shop::type_text(&mut model, "sil");
            model
        }),
        ("open-menu", |w, h| with_keys(w, h, "y")),
        ("open-composer", |w, h| {
            let mut model = with_keys(w, h, "s");
            shop::type_text(&mut model, "pool being drained, CHG-2212");
            model
        }),
        ("open-confirm", |w, h| {
            let mut model = on_alerts(shop::dangerous_shop(size(w, h)));
            press(&mut model, "s");
            shop::type_text(&mut model, "pool being drained");
            press(&mut model, "enter");
            shop::type_text(&mut model, "prod");
            model
        }),
        ("filter", |w, h| {
            let mut model = with_keys(w, h, "&");
            shop::type_text(&mut model, "service=checkout @age>5m");
            model
        }),
    ]
}

fn on_incident(mut model: Model) -> Model {
    shop::focus(&mut model, PaneId::Incident);
    model
}

fn on_alerts(mut model: Model) -> Model {
    shop::focus(&mut model, PaneId::Alerts);
    model
}

fn with_keys(width: u16, height: u16, keys: &str) -> Model {
    let mut model = on_alerts(shop::shop(size(width, height)));
    press(&mut model, keys);
    model
}
