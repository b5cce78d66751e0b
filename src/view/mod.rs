//! What the model looks like: pure drawing into a buffer.
//!
//! [`layout`] says where, `pane` draws the lists, `detail` what is opened from them, `preview` what lies under
//! the cursor, `overlay` what has the keys over everything, `top` the first row and `bottom` the last, `light` how
//! well a backend answers, `strip` what all signals have in common in time, `tour` the step of the tour; [`widget`]
//! are the pieces. A view sees `&Model`, `&Theme` and `Now`, and changes nothing: only what is on the screen is
//! formatted, so that ten thousand alerts cost what forty do. Start at [`draw`].

mod banner;
mod bottom;
mod detail;
mod figures;
mod hints;
pub mod layout;
mod light;
mod links;
mod moment;
mod overlay;
mod pane;
mod preview;
mod sheet;
mod strip;
mod timeline;
mod top;
mod tour;
pub mod widget;

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};

use crate::app::Model;
use crate::app::attention::Window;
use crate::app::modal::Modal;
use crate::domain::oneself::Us;
use crate::text::{Cut, cut, width};
use crate::theme::{Glyphs, Role, Theme};
use crate::time::{Now, before};
use layout::{Cover, Middle};
use widget::{Look, Piece, put_pieces};

/// What every drawing function is handed.
#[derive(Clone, Copy)]
struct Scene<'a> {
    model: &'a Model,
    theme: &'a Theme,
    /// This moment.
    now: Now,
    /// The moment the panes show: this one, or that of the pause.
    still: Now,
    /// Who acts here, put together once a frame for all rows that name people.
    us: &'a Us,
    /// Whom it is drawn for.
    audience: Audience,
}

/// Whom a frame is drawn for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Audience {
    /// Whoever looks at it.
    Eyes,
    /// Whoever hears its rows: bars and charts are told in words.
    Ears,
}

impl<'a> Scene<'a> {
    fn of(model: &'a Model, theme: &'a Theme, now: Now, us: &'a Us, audience: Audience) -> Self {
        let still = match &model.paused {
            Some(paused) => back_to(now, paused.since),
            None => now,
        };
        Self {
            model,
            theme,
            now,
            still,
            us,
            audience,
        }
    }

    /// Writes pieces into the first row of an area and cuts what does not fit at its end.
    fn line(&self, buffer: &mut Buffer, area: Rect, pieces: &[Piece]) -> u16 {
        put_pieces(buffer, area, self.theme, pieces, Cut::End, Look::Plain)
    }
}

/// A moment as it is told near now: `03:02Z`, with its date where it is not today's.
pub(crate) fn moment(
    at: chrono::DateTime<chrono::Utc>,
    now: chrono::DateTime<chrono::Utc>,
    zone: crate::app::Zone,
) -> String {
    figures::moment(at, now, zone)
}

/// A number of a query's answer, in at most nine cells.
pub(crate) fn number(value: f64) -> String {
    detail::number(value)
}

/// Rows that the head of an open trace wants in a frame so wide.
pub(crate) fn head_rows(open: &crate::app::traces::waterfall::Waterfall, width: u16) -> u16 {
    detail::waterfall::head_rows(open, width)
}

/// Draws a frame over whatever a buffer holds; where the terminal's cursor belongs, if text is being typed.
pub fn draw(model: &Model, theme: &Theme, now: Now, buffer: &mut Buffer) -> Option<Position> {
    draw_for(Audience::Eyes, model, theme, now, buffer)
}

/// The same for whoever hears its rows: bars and charts are told in words.
pub(crate) fn draw_for_ears(model: &Model, theme: &Theme, now: Now, buffer: &mut Buffer) {
    draw_for(Audience::Ears, model, theme, now, buffer);
}

/// Draws the first row anew, in a frame that was drawn: its clock has gone on, and nothing else has changed.
pub fn draw_clock(model: &Model, theme: &Theme, now: Now, buffer: &mut Buffer) {
    let us = model.us();
    let scene = Scene::of(model, theme, now, &us, Audience::Eyes);
    let areas = layout::of(model, cover_of(model), now);
    if body_of(&areas, buffer.area).is_none() {
        return;
    }
    widget::clear(buffer, areas.top);
    buffer.set_style(areas.top, theme.style(Role::Text));
    top::top(scene, buffer, areas.top);
    if theme.glyphs == Glyphs::Ascii {
        widget::ascii::fold(buffer, areas.top);
    }
}

fn draw_for(
    audience: Audience,
    model: &Model,
    theme: &Theme,
    now: Now,
    buffer: &mut Buffer,
) -> Option<Position> {
    let screen = buffer.area;
    if screen.is_empty() {
        return None;
    }
    let mut blank = Cell::EMPTY;
    blank.set_style(theme.style(Role::Text));
    buffer.content.fill(blank);
    let us = model.us();
    let scene = Scene::of(model, theme, now, &us, audience);
    let areas = layout::of(model, cover_of(model), now);
    let Some(body) = body_of(&areas, screen) else {
        too_small(scene, buffer, screen);
        return None;
    };
    match &areas.middle {
        Middle::TooSmall => {}
        Middle::Single { tabs, body } => {
            pane::tabs::draw(scene, buffer, *tabs);
            match model.details.last() {
                Some(view) => detail::draw(scene, buffer, *body, view),
                None => pane::draw(scene, buffer, *body, model.focus),
            }
        }
        Middle::Panes { panes, preview } => {
            for (pane, area) in panes {
                pane::draw(scene, buffer, *area, *pane);
            }
            if let Some(area) = preview {
                preview::draw(scene, buffer, *area);
            }
        }
        Middle::Detail(area) => {
            if let Some(view) = model.details.last() {
                detail::draw(scene, buffer, *area, view);
            }
        }
    }
    top::top(scene, buffer, areas.top);
    strip::draw(scene, buffer, areas.strip);
    banner::draw(scene, buffer, areas.banner);
    tour::draw(scene, buffer, areas.tour);
    let prompt = bottom::bottom(scene, buffer, areas.bottom);
    let typed = overlay::draw(scene, buffer, body).or(prompt);
    overlay::cost::draw(scene, buffer, body);
    if theme.glyphs == Glyphs::Ascii {
        widget::ascii::fold(buffer, screen);
    }
    typed.filter(|at| screen.contains(*at))
}

/// That nobody was woken and who is to be phoned, as a line.
pub(crate) fn undelivered(model: &Model, now: Now) -> Option<String> {
    banner::words(model, now)
}

/// What a replay says of itself, over the end of the last row of a frame that is shown again.
pub fn corner(frame: &mut Buffer, words: &str) {
    let area = frame.area;
    if area.is_empty() {
        return;
    }
    let words = format!(" {words} ");
    let words = cut(&words, usize::from(area.width), Cut::End);
    let left = area.width.saturating_sub(width(&words) as u16);
    // Over whatever stood there.
    let style = Style::reset().add_modifier(Modifier::REVERSED);
    frame.set_string(left, area.bottom() - 1, &*words, style);
}

/// Which cells of a frame that was drawn lead where.
pub fn hyperlinks(model: &Model, frame: &Buffer) -> Vec<crate::terminal::hyperlink::Hyperlink> {
    links::find(model, frame)
}

/// The place of the log line that has a row of the lines' area, and the row that it begins on: lines may be wrapped.
pub(crate) fn log_line_at(model: &Model, lines: ratatui::layout::Rect, row: usize) -> Option<(usize, usize)> {
    pane::logs::place_at(model, lines, row)
}

/// What lies under everything.
fn cover_of(model: &Model) -> Cover {
    if model.details.is_empty() {
        Cover::Panes
    } else {
        Cover::Detail
    }
}

/// What lies over the panes lies in this part of the screen; nothing where that is too small for anything.
fn body_of(areas: &layout::Areas, screen: Rect) -> Option<Rect> {
    match &areas.middle {
        Middle::TooSmall => None,
        Middle::Single { tabs, body } => Some(Rect::new(0, tabs.y, screen.width, tabs.height + body.height)),
        Middle::Panes { .. } => Some(Rect::new(
            0,
            areas.banner.bottom(),
            screen.width,
            areas.tour.y - areas.banner.bottom(),
        )),
        Middle::Detail(area) => Some(*area),
    }
}

/// What a frame shows of the open question; nothing where none is open, or nothing can be shown.
pub fn question_window(model: &Model, now: Now) -> Option<Window> {
    let Some(Modal::Confirm(open)) = &model.modal else {
        return None;
    };
    let screen = Rect::new(0, 0, model.size.width, model.size.height);
    let body = body_of(&layout::of(model, cover_of(model), now), screen)?;
    Some(overlay::question_window(body, open, model.size))
}

/// The furthest that the open detail or overlay can be scrolled: what a scroll is clamped to, so that a step back
/// from the end moves at once.
pub fn furthest_scroll(model: &Model, now: Now) -> u16 {
    let theme = Theme::from_styles("", Glyphs::Unicode, |_| ratatui::style::Style::default());
    let us = model.us();
    let scene = Scene {
        model,
        theme: &theme,
        now,
        still: now,
        us: &us,
        audience: Audience::Eyes,
    };
    if matches!(model.modal, Some(Modal::Confirm(_))) {
        return question_window(model, now).map_or(u16::MAX, |window| {
            u16::try_from(window.total.saturating_sub(window.rows)).unwrap_or(u16::MAX)
        });
    }
    let areas = layout::of(model, Cover::Detail, now);
    let furthest = match (&model.modal, model.details.last(), areas.detail()) {
        (Some(_), _, Some(area)) => {
            let tabs = area.y - areas.top.bottom();
            let body = Rect {
                y: area.y - tabs,
                height: area.height + tabs,
                ..area
            };
            overlay::furthest(scene, body)
        }
        (None, Some(view), Some(area)) => detail::furthest(scene, area, &view.detail),
        (None, None, _) | (_, _, None) => 0,
    };
    u16::try_from(furthest).unwrap_or(u16::MAX)
}

/// The reading of both clocks at an earlier tick.
fn back_to(now: Now, tick: crate::time::Tick) -> Now {
    Now {
        utc: before(now.utc, now.tick.since(tick)),
        tick,
    }
}

/// Says what size is needed, in as many words as fit.
fn too_small(scene: Scene, buffer: &mut Buffer, screen: Rect) {
    let need = layout::SMALLEST;
    let long = format!("midwatch needs {}x{}", need.width, need.height);
    let short = format!("{}x{}", need.width, need.height);
    let text = if usize::from(screen.width) >= long.len() {
        long
    } else {
        short
    };
    let x = screen.width.saturating_sub(text.len() as u16) / 2;
    let row = widget::row(screen, screen.height / 2);
    scene.line(
        buffer,
        widget::after(row, x),
        &[Piece::own(text, Role::StateStale)],
    );
}
