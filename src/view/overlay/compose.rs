//! The composer, below what is written about: [`layout::of`] makes the room.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use tui_textarea::TextArea;
use unicode_segmentation::UnicodeSegmentation as _;

use super::input;
use crate::action::Action;
use crate::app::compose::{About, Body, Compose, Form, FormField, Prose, Purpose};
use crate::app::focus::{Detail, PaneId};
use crate::domain::incident::LONGEST_TEXT;
use crate::terminal::Focused;
use crate::text::{SafeText, fit, width};
use crate::theme::Role;
use crate::view::layout::{self, Cover};
use crate::view::widget::frame::{self, Frame};
use crate::view::widget::{self, Piece};
use crate::view::{Scene, figures, hints};

const LABELS: usize = 10;

/// Draws the composer; where the cursor is.
pub(super) fn draw(scene: Scene, buffer: &mut Buffer, body: Rect, open: &Compose) -> Option<Position> {
    let cover = if scene.model.details.is_empty() {
        Cover::Panes
    } else {
        Cover::Detail
    };
    let place = layout::of(scene.model, cover, scene.now).composer.unwrap_or(body);
    let area = widget::clip(buffer, place);
    widget::ground(buffer, area, scene.theme);
    let title = title(scene, &open.purpose);
    let frame = Frame {
        foot: foot(open),
        ..Frame::titled(SafeText::line(&title), Focused::Gained)
    };
    let inside = frame::draw(buffer, area, scene.theme, &frame);
    let mut text = widget::after(inside, 1);
    text.width = text.width.saturating_sub(1);
    if let Some(error) = &open.error {
        let pieces = [
            Piece::word("✗ ", Role::StateFailed),
            Piece::safe(SafeText::line(error), Role::StateFailed),
        ];
        scene.line(buffer, take(&mut text, 1), &pieces);
    }
    match &open.body {
        Body::Prose(prose) => draw_prose(scene, buffer, text, prose),
        Body::Form(form) => draw_form(scene, buffer, text, form),
    }
}

/// Hands out rows from the top.
fn take(rest: &mut Rect, rows: u16) -> Rect {
    let rows = rows.min(rest.height);
    let taken = Rect {
        height: rows,
        ..*rest
    };
    rest.y += rows;
    rest.height -= rows;
    taken
}

fn title(scene: Scene, purpose: &Purpose) -> String {
    match purpose {
        Purpose::Note(about) => format!("Note on {}{}", about.label, why_this(scene, about)),
        Purpose::StatusUpdate(about) => format!("Status update of {}", about.label),
        Purpose::Mark { at, backend } => {
            let at = figures::moment(*at, scene.now.utc, scene.model.zone);
            format!("Mark {at} at {backend}")
        }
        Purpose::Declaration => "Declare an incident".to_owned(),
    }
}

/// Why a note goes to this incident, where it is written with something else under the cursor.
fn why_this(scene: Scene, about: &About) -> &'static str {
    let model = scene.model;
    let its_own = |detail: &Detail| detail.incident().is_some() || matches!(detail, Detail::Case(_));
    let open = model.details.iter().any(|view| its_own(&view.detail));
    let beside = matches!(model.focus, PaneId::Slo | PaneId::Logs | PaneId::Traces);
    if open || !beside {
        ""
    } else if model.incidents.followed.as_ref() == Some(&about.id) {
        " · the incident you follow"
    } else {
        " · selected in the list of incidents"
    }
}

/// How long the text is, once that begins to matter; loud where it is too long.
fn foot(open: &Compose) -> Vec<Piece<'static>> {
    match &open.body {
        Body::Prose(prose) => {
            let lines = prose.area.lines().len();
            let chars = open.written().chars().count();
            if chars > LONGEST_TEXT {
                vec![Piece::own(
                    format!("{chars} of {LONGEST_TEXT}: too long"),
                    Role::StateFailed,
                )]
            } else if chars * 5 > LONGEST_TEXT * 4 || lines > 5 {
                vec![Piece::own(format!("{chars} of {LONGEST_TEXT}"), Role::TextMuted)]
            } else {
                Vec::new()
            }
        }
        Body::Form(form) => match form.alerts.len() {
            0 => Vec::new(),
            1 => vec![Piece::word("about 1 alert", Role::TextMuted)],
            alerts => vec![Piece::own(format!("about {alerts} alerts"), Role::TextMuted)],
        },
    }
}

fn draw_prose(scene: Scene, buffer: &mut Buffer, mut text: Rect, prose: &Prose) -> Option<Position> {
    // The text keeps two rows at least.
    let room = text.height.saturating_sub(2);
    let offered = prose.offered.iter().filter(|line| !prose.refs.contains(line));
    let adds = hints::over(scene, &[Action::DialogReference]);
    let adds = adds.map_or_else(String::new, |key| format!("{key} adds "));
    let chips = prose
        .refs
        .iter()
        .map(|line| ("", line, Role::Accent))
        .chain(offered.map(|line| (adds.as_str(), line, Role::TextDim)));
    for (shape, line, role) in chips.take(usize::from(room.min(3))) {
        let pieces = [
            Piece::own(shape.to_owned(), role),
            Piece::safe(SafeText::line(line), role),
        ];
        scene.line(buffer, take(&mut text, 1), &pieces);
    }
    draw_wrapped(scene, buffer, text, &prose.area)
}

/// A stretch of a line as it stands in one row.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    /// Of which line.
    line: usize,
    /// From this character on.
    from: usize,
    /// As shown.
    shown: String,
}

/// Draws the rows around the cursor; where it is.
fn draw_wrapped(
    scene: Scene,
    buffer: &mut Buffer,
    area: Rect,
    typed: &TextArea<'static>,
) -> Option<Position> {
    if area.is_empty() {
        return None;
    }
    let cursor = typed.cursor();
    let (line, column) = (cursor.0, cursor.1);
    let height = usize::from(area.height);
    let cells = usize::from(area.width).saturating_sub(1).max(1);
    let lines = typed.lines();
    let mut rows = wrap(line, lines.get(line).map_or("", String::as_str), cells);
    let mut at = rows.iter().rposition(|row| row.from <= column).unwrap_or(0);
    // Lines below the cursor are wanted only as far as they can show, and so are those above.
    let mut above = line;
    while at < height && above > 0 {
        above -= 1;
        let mut more = wrap(above, lines.get(above).map_or("", String::as_str), cells);
        at += more.len();
        more.append(&mut rows);
        rows = more;
    }
    let mut below = line + 1;
    while rows.len() < at + height && below < lines.len() {
        rows.append(&mut wrap(
            below,
            lines.get(below).map_or("", String::as_str),
            cells,
        ));
        below += 1;
    }
    let first = (at + 1).saturating_sub(height);
    for (index, row) in rows.iter().skip(first).take(height).enumerate() {
        let piece = Piece::safe(SafeText::line(&row.shown), Role::Input);
        scene.line(buffer, widget::row(area, index as u16), &[piece]);
    }
    let row = rows.get(at)?;
    let text = lines.get(line).map_or("", String::as_str);
    let before: String = text
        .chars()
        .skip(row.from)
        .take(column.saturating_sub(row.from))
        .collect();
    let x = width(&shown(&before)).min(usize::from(area.width) - 1);
    Some(Position::new(area.x + x as u16, area.y + (at - first) as u16))
}

/// A text as it is shown: a tab is two spaces, what is unsafe has a stand-in.
fn shown(text: &str) -> String {
    text.graphemes(true).map(shown_grapheme).collect()
}

fn shown_grapheme(grapheme: &str) -> String {
    if grapheme == "\t" {
        "  ".to_owned()
    } else {
        SafeText::line(grapheme).into_string()
    }
}

/// A line in rows of at most so many cells, cut after a space where there is one.
fn wrap(line: usize, text: &str, cells: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut row = Row {
        line,
        from: 0,
        shown: String::new(),
    };
    let (mut used, mut chars) = (0, 0);
    // Where the row can be cut: characters, and bytes of what is shown.
    let mut gap = None;
    for grapheme in text.graphemes(true) {
        let part = shown_grapheme(grapheme);
        let wide = width(&part);
        while used + wide > cells && !row.shown.is_empty() {
            let (from, kept) = gap.take().unwrap_or((chars, row.shown.len()));
            let rest = row.shown.split_off(kept);
            used = width(&rest);
            let next = Row {
                line,
                from,
                shown: rest,
            };
            rows.push(std::mem::replace(&mut row, next));
        }
        used += wide;
        chars += grapheme.chars().count();
        row.shown.push_str(&part);
        if grapheme == " " || grapheme == "\t" {
            gap = Some((chars, row.shown.len()));
        }
    }
    rows.push(row);
    rows
}

fn draw_form(scene: Scene, buffer: &mut Buffer, mut text: Rect, form: &Form) -> Option<Position> {
    let mut cursor = None;
    for field in FormField::ALL {
        let focused = form.field == field;
        let (shape, role) = if focused {
            ("▸ ", Role::Accent)
        } else {
            ("  ", Role::TextMuted)
        };
        let row = take(&mut text, 1);
        let label = [
            Piece::word(shape, Role::Accent),
            Piece::own(fit(field.label(), LABELS), role),
        ];
        let used = scene.line(buffer, row, &label);
        let value = widget::after(row, used);
        match field {
            FormField::Title => {
                let at = field_text(scene, buffer, value, (&form.title, focused));
                cursor = cursor.or(at);
            }
            FormField::Service => {
                let at = field_text(scene, buffer, value, (&form.service, focused));
                cursor = cursor.or(at);
            }
            FormField::Severity => {
                let hint = if focused { "   ← → or 1 to 4" } else { "" };
                let pieces = [
                    Piece::word(form.severity(), Role::Input),
                    Piece::word(hint, Role::TextDim),
                ];
                scene.line(buffer, value, &pieces);
            }
        }
    }
    cursor
}

fn field_text(
    scene: Scene,
    buffer: &mut Buffer,
    area: Rect,
    (typed, focused): (&TextArea<'static>, bool),
) -> Option<Position> {
    if focused {
        return input::draw(scene, buffer, area, typed);
    }
    let text = typed.lines().join(" ");
    scene.line(buffer, area, &[Piece::safe(SafeText::line(&text), Role::Input)]);
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str, cells: usize) -> Vec<String> {
        wrap(0, text, cells).into_iter().map(|row| row.shown).collect()
    }

    #[test]
    fn rows_end_after_a_word_and_long_words_are_cut() {
        let cases: [(&str, usize, &[&str]); 6] = [
            ("", 5, &[""]),
            ("one two three", 8, &["one two ", "three"]),
            ("abcdefghij", 4, &["abcd", "efgh", "ij"]),
            ("日本語 text", 5, &["日本", "語 ", "text"]),
            ("a\tb", 9, &["a  b"]),
            ("x\u{1b}y", 9, &["x␛y"]),
        ];
        for (text, cells, want) in cases {
            assert_eq!(rows(text, cells), want, "{text:?}");
        }
    }

    #[test]
    fn every_row_says_where_in_the_line_it_begins() {
        let wrapped = wrap(3, "one two three", 8);
        let begins: Vec<usize> = wrapped.iter().map(|row| row.from).collect();
        assert_eq!(begins, [0, 8]);
        assert!(wrapped.iter().all(|row| row.line == 3));
    }

    proptest::proptest! {
        #[test]
        fn no_letter_is_lost_and_no_row_is_too_wide(text in "[^\n]{0,60}", cells in 2usize..30) {
            let rows = wrap(0, &text, cells);
            let joined: String = rows.iter().map(|row| row.shown.as_str()).collect();
            proptest::prop_assert_eq!(joined, shown(&text));
            let ends = rows.iter().skip(1).map(|row| row.from).chain([text.chars().count()]);
            for (row, end) in rows.iter().zip(ends) {
                let typed: String = text.chars().skip(row.from).take(end - row.from).collect();
                // The stand-in of a single letter may be wider than the room: up to ten cells.
                let single = typed.graphemes(true).count() <= 1;
                proptest::prop_assert!(width(&row.shown) <= cells || single, "{:?} of {:?}", row, typed);
            }
        }
    }
}
