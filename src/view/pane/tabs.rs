//! The tab bar of small screens: the panes that are out of sight keep their badges in it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::focus::PaneId;
use crate::domain::slo::SloState;
use crate::theme::Role;
use crate::view::Scene;
use crate::view::pane::belief::{self, Heard};
use crate::view::pane::{alerts, incident, logs, slo, traces};
use crate::view::widget::{Piece, width_of};

/// Narrower bars have no room for words.
const WITH_WORDS: u16 = 60;

/// Draws the bar, with as many words as there is room for.
pub(in crate::view) fn draw(scene: Scene, buffer: &mut Buffer, area: Rect) {
    const WAYS: [Words; 5] = [
        Words::Whole,
        Words::Short,
        Words::Bare,
        Words::Least,
        Words::Numbers,
    ];
    let worded = area.width >= WITH_WORDS;
    let shown = WAYS
        .into_iter()
        .filter(|words| worded || !matches!(words, Words::Whole | Words::Short))
        .map(|words| pieces(scene, words))
        .find(|pieces| width_of(pieces) <= usize::from(area.width))
        .unwrap_or_else(|| pieces(scene, Words::Numbers));
    scene.line(buffer, area, &shown);
}

/// How much of a badge is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Words {
    /// `2 page 1 ticket`.
    Whole,
    /// The worst in words, of the rest how many: `2 page +1`.
    Short,
    /// Counts alone, those that want somebody with a `▲`.
    Bare,
    /// The same without what wants nobody: where one is has to be said whole.
    Least,
    /// The same with the name of the one pane that has the keys: on the smallest screen all are in sight.
    Numbers,
}

fn pieces(scene: Scene, words: Words) -> Vec<Piece<'static>> {
    let mut pieces = Vec::new();
    for pane in PaneId::ALL
        .into_iter()
        .filter(|pane| !scene.model.layout.absent.contains(pane))
    {
        if !pieces.is_empty() {
            let between = if words == Words::Numbers { " │" } else { " │ " };
            pieces.push(Piece::word(between, Role::Border));
        }
        let (shape, role) = if pane == scene.model.focus {
            ("▌", Role::TitleFocused)
        } else {
            (" ", Role::Title)
        };
        pieces.push(Piece::word(shape, Role::Accent));
        pieces.push(Piece::own(pane.number().to_string(), Role::Key));
        if words == Words::Numbers && pane != scene.model.focus {
            pieces.extend(badge(scene, pane, words));
            continue;
        }
        pieces.push(Piece::own(
            format!(
                " {}",
                match pane {
                    PaneId::Slo => "SLO",
                    PaneId::Alerts => "Alerts",
                    PaneId::Logs => "Logs",
                    PaneId::Traces => "Traces",
                    PaneId::Incident => "Incident",
                }
            ),
            role,
        ));
        pieces.extend(badge(scene, pane, words));
    }
    if let Some(view) = scene.model.details.last() {
        use crate::app::focus::Detail;
        let what = match &view.detail {
            Detail::Slo(_) => " › SLO",
            Detail::Alert(_) => " › alert",
            Detail::Silences => " › silences",
            Detail::Incident(_) => " › incident",
            Detail::Outbox => " › outbox",
            Detail::LogLine(_) => " › line",
            Detail::Patterns => " › patterns",
            Detail::Trace(_) => " › trace",
            Detail::Span(_, _) => " › span",
            Detail::TraceFacts(_) => " › facts",
            Detail::Comparison(_, _) => " › comparison",
            Detail::ServiceGraph => " › services",
            Detail::Runbook(_) => " › runbook",
            Detail::Page(_) => " › page",
            Detail::Case(_) => " › case",
        };
        pieces.push(Piece::word(what, Role::Accent));
    }
    pieces
}

impl Words {
    /// That nobody answered. The names of the panes come before the words.
    pub(super) fn not_known(self, role: Role) -> Piece<'static> {
        let said = match self {
            Self::Whole | Self::Short | Self::Bare => " not known",
            Self::Least | Self::Numbers => " ?",
        };
        Piece::word(said, role)
    }
}

/// What one would see there.
fn badge(scene: Scene, pane: PaneId, words: Words) -> Vec<Piece<'static>> {
    let said = |count: usize, word: &str| format!("{count} {word}");
    let firing = |count: usize| match words {
        Words::Whole | Words::Short => said(count, "firing"),
        Words::Bare | Words::Least | Words::Numbers => count.to_string(),
    };
    match pane {
        PaneId::Slo => {
            let fresh = slo::freshness(scene);
            let nothing_read = match (fresh.age, fresh.failure) {
                (Some(_), _) => None,
                (None, Some(_)) => Some(words.not_known(Role::SeverityCritical)),
                (None, None) => Some(Piece::word(" …", Role::StateBusy)),
            };
            let (Some(board), None) = (scene.model.slo.board(), &nothing_read) else {
                return nothing_read.into_iter().collect();
            };
            let mut pieces = Vec::new();
            let mut rest = 0;
            for (state, word, role) in slo::COUNTED {
                let count = slo::count_of(&board.slos, state);
                if count > 0 && words != Words::Whole && !pieces.is_empty() {
                    rest += count;
                } else if count > 0 {
                    pieces.push(Piece::word(" ", Role::Text));
                    pieces.push(match words {
                        Words::Whole | Words::Short => Piece::own(said(count, word), role),
                        Words::Bare | Words::Least | Words::Numbers => Piece::own(format!("{count}▲"), role),
                    });
                }
            }
            if rest > 0 && words == Words::Short {
                pieces.push(Piece::own(format!(" +{rest}"), Role::TextMuted));
            }
            if pieces.is_empty() && slo::count_of(&board.slos, SloState::Ok) > 0 {
                pieces.push(if fresh.failure.is_some() || fresh.is_stale() {
                    Piece::word(" ok?", Role::StateStale)
                } else {
                    Piece::word(" ok", Role::SloOk)
                });
            }
            pieces
        }
        PaneId::Logs => logs::badge(scene, words),
        PaneId::Traces => traces::badge(scene, words),
        PaneId::Incident => incident::badge(scene, words),
        PaneId::Alerts => match scene.model.alerts.shown() {
            None if alerts::freshness(scene).failure.is_none() => {
                vec![Piece::word(" …", Role::StateBusy)]
            }
            None => vec![words.not_known(Role::SeverityCritical)],
            Some(board) if belief::heard(board) == Heard::Nobody && board.counts.active == 0 => {
                vec![words.not_known(Role::SeverityCritical)]
            }
            Some(board) if !board.pipeline.faults.is_empty() => vec![
                Piece::word(" ", Role::Text),
                Piece::own(firing(board.counts.active), Role::SeverityWarning),
                Piece::word(" ", Role::Text),
                Piece::word("!pipeline", Role::SeverityCritical),
            ],
            Some(board) if board.counts.active > 0 => vec![
                Piece::word(" ", Role::Text),
                Piece::own(firing(board.counts.active), Role::SeverityWarning),
            ],
            Some(board) if belief::is_proven(board) => vec![Piece::word(" quiet", Role::TextMuted)],
            // Nothing fires as far as is known, and that is not known for certain.
            Some(_) => vec![Piece::word(" quiet?", Role::TextMuted)],
        },
    }
}
