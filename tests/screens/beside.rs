//! What stands beside the panes: write-ups, playbooks, the corner of a replay, the score of a drill.

use chrono::TimeDelta;
use midwatch::app::effect::WriteUp;
use midwatch::app::{Model, Msg};
use midwatch::domain::drill::report::Again;
use midwatch::domain::drill::{
    Answer, Cause, Deed, DeedKind, Help, Look, Page, Run, Signal, Struck, Truth, View,
};
use midwatch::theme::Theme;
use midwatch::view;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr as _;

use crate::Screen;
use crate::fixtures::{self as shop, press, size};

const AUDIT: &str = "\
SEQ  AT                    WHO               CONTEXT  ACTION               TARGET                  RESULT     WHY
211  2026-11-20 02:57:12Z  mara@example.com  prod-eu  alerts.acknowledge   PaymentErrors payment   confirmed
212  2026-11-20 03:04:07Z  mara@example.com  prod-eu  incident.acknowledge #4711 checkout errors   confirmed
213  2026-11-20 03:07:40Z  mara@example.com  prod-eu  incident.note        #4711 checkout errors   confirmed
214  2026-11-20 03:09:02Z  jun@example.com   prod-eu  runbook.run          kubectl rollout undo    exit 0     checkout 2.3.1
215  2026-11-20 03:13:41Z  jun@example.com   prod-eu  incident.escalate    #4711 checkout errors   refused    level 3: nobody is on call
";

const STATS: &str = "\
since 2026-10-21 03:14Z

         incidents  open  acknowledged  escalated  mitigated  resolved
all             14     3      4m (13)    11m (4)    31m (9)   52m (11)
SEV1             2     0       2m (2)     6m (1)    24m (2)    44m (2)
SEV2             5     1       3m (5)    12m (2)    29m (4)    48m (4)
SEV3             7     2       6m (6)    14m (1)    41m (3)    61m (5)
";

/// A page that was written up from elsewhere.
fn written(mut model: Model, action: &str, what: WriteUp, text: &str) -> Model {
    shop::pages::command(&mut model, action);
    press(&mut model, "enter");
    let result = Ok(text.to_owned());
    shop::tell(&mut model, Msg::Written { what, result });
    model
}

/// The last lines of the audit log.
pub fn audit(width: u16, height: u16) -> Model {
    written(
        shop::pages::night(size(width, height)),
        "audit.list",
        WriteUp::Audit,
        AUDIT,
    )
}

/// Times of a month of incidents.
pub fn stats(width: u16, height: u16) -> Model {
    written(
        shop::pages::night(size(width, height)),
        "incident.stats",
        WriteUp::Stats,
        STATS,
    )
}

/// A playbook below its runbook, looked over before it begins.
pub fn playbook(width: u16, height: u16) -> Model {
    let mut model = shop::pages::runbook_with(size(width, height), shop::pages::playbooks());
    press(&mut model, "G c");
    model
}

/// The same, stopped at a step that the metrics did not verify.
pub fn playbook_stopped(width: u16, height: u16) -> Model {
    let mut model = playbook(width, height);
    press(&mut model, "y Y");
    shop::pages::rolled_back(&mut model, Some(Err("it answers 0; wanted == 1".to_owned())));
    model
}

/// Screens that no model draws: a replay's, and what is printed.
pub fn screens(wanted: impl Fn(&str) -> bool, theme: &Theme) -> Vec<Screen> {
    let sizes = [(80, 24), (120, 40), (200, 60)];
    let each = sizes.into_iter().flat_map(|(width, height)| {
        [
            (
                format!("replay-{width}x{height}"),
                replay as fn(u16, u16, &Theme) -> Buffer,
            ),
            (format!("drill-{width}x{height}"), score),
        ]
        .map(|(name, draw)| (name, draw, width, height))
    });
    each.filter(|(name, ..)| wanted(name))
        .map(|(name, draw, width, height)| Screen {
            name,
            buffer: draw(width, height, theme),
            theme: theme.clone(),
        })
        .collect()
}

fn replay(width: u16, height: u16, theme: &Theme) -> Buffer {
    let model = shop::pages::night(size(width, height));
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    view::draw(&model, theme, shop::now(), &mut buffer);
    view::corner(&mut buffer, "replay 12:40/41:05 ×4  paused  ");
    buffer
}

/// What `midwatch drill` prints in the end, as a terminal wraps it.
fn score(width: u16, height: u16, _: &Theme) -> Buffer {
    let run = drilled();
    let again = Again {
        scenario: "certificate-expiry",
        seed: 7,
    };
    let text = run.text(&again, &run.score());
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    let mut at = (0, 0);
    for symbol in text.chars() {
        let symbol = symbol.to_string();
        let cells = symbol.width() as u16;
        if symbol == "\n" || at.0 + cells > width {
            at = (0, at.1 + 1);
        }
        if at.1 < height && symbol != "\n" {
            buffer.set_string(at.0, at.1, &symbol, Style::default());
            at.0 += cells;
        }
    }
    buffer
}

/// Somebody who looked where it was told, wrote it down, and named it.
fn drilled() -> Run {
    let began = shop::ago(20);
    let at = |seconds| began + TimeDelta::seconds(seconds);
    let look = |seconds, view, service: &str, words: &str| Look {
        at: at(seconds),
        view,
        service: Some(service.to_owned()),
        words: words.to_owned(),
        struck: Struck::No,
    };
    let deed = |seconds, kind| Deed {
        at: at(seconds),
        kind,
    };
    let on = Some("#4711 checkout fails".to_owned());
    Run {
        truth: Truth {
            cause: Cause::CertificateExpiry,
            culprit: "payment".to_owned(),
            felt: "checkout".to_owned(),
            shown_by: vec!["payment".to_owned(), "checkout".to_owned()],
            struck: vec!["checkout".to_owned(), "storefront".to_owned()],
            signal: Signal::Log,
            sign: "x509: certificate has expired".to_owned(),
            told: "the certificate of payment's upstream ended".to_owned(),
            help: Help::NotNeeded,
            onset: at(30),
            mended: at(900),
            paged: Some(at(90)),
            pages: vec![Page {
                at: at(90),
                service: "checkout".to_owned(),
            }],
        },
        began,
        ended: at(960),
        services: ["checkout", "storefront", "payment", "giftcard"]
            .map(str::to_owned)
            .into(),
        update_due: TimeDelta::minutes(5),
        looks: vec![
            look(
                118,
                View::Alert,
                "checkout",
                "the alert HighErrorRate of checkout",
            ),
            look(141, View::Case, "checkout", "the case of checkout"),
            look(203, View::Logs, "payment", "the log of payment"),
            look(
                231,
                View::LogLine,
                "payment",
                "a line of payment: x509: certificate has expired",
            ),
        ],
        deeds: vec![
            deed(
                112,
                DeedKind::Acknowledged {
                    service: Some("checkout".to_owned()),
                },
            ),
            deed(
                260,
                DeedKind::Noted {
                    on: on.clone(),
                    text: "payment's upstream certificate ended; x509 in its log".to_owned(),
                },
            ),
            deed(
                340,
                DeedKind::Updated {
                    on,
                    text: "Payments fail; a new certificate is being rolled out.".to_owned(),
                },
            ),
        ],
        answer: Some(Answer {
            at: at(940),
            cause: Some(Cause::CertificateExpiry),
            culprit: Some("payment".to_owned()),
        }),
    }
}
