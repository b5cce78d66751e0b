//! A runbook as a checklist: steps with their ticks, text, commands with what would run, and what they said.
//!
//! The page follows the cursor: there is nothing to scroll apart from it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_segmentation::UnicodeSegmentation as _;

use crate::action::Action;
use crate::app::runbook::{Row, RunbookPage, Running, Shown, seconds};
use crate::runbook::source::{Unread, is_web};
use crate::runbook::{Ended, Offered};
use crate::terminal::Focused;
use crate::text::{Cut, SafeText, cut};
use crate::theme::{Glyphs, Role};
use crate::view::pane::{standing, thumb};
use crate::view::sheet::Sheet;
use crate::view::widget::frame::{self, Frame};
use crate::view::widget::scrollbar::Extent;
use crate::view::widget::{self, Look, Piece, put_pieces};
use crate::view::{Scene, figures, hints};

/// Text is hard to follow in longer lines.
const WIDEST: usize = 100;
/// Cells of a list's indent.
const INDENT: usize = 2;
/// No list is indented further.
const DEEPEST: usize = 6;

/// A line ready to be drawn, with the row it belongs to.
struct Line {
    row: usize,
    pieces: Vec<Piece<'static>>,
}

/// Draws the open runbook.
pub(super) fn draw(scene: Scene, buffer: &mut Buffer, area: Rect) {
    let Some(page) = &scene.model.runbook else { return };
    let title = SafeText::line(&page.ask.wanted.alert);
    let (done, steps) = page.done();
    let mut frame = Frame::titled(SafeText::line("Runbook"), Focused::Gained);
    let title = SafeText::line(&format!("Runbook {title}")).into_owned();
    frame.title = title;
    if steps > 0 {
        let count = match page.ticked {
            Some(Ok(_)) => format!("{done} of {steps} done"),
            Some(Err(_)) | None => format!("{steps} steps"),
        };
        frame.count = vec![Piece::own(count, Role::TextMuted)];
    }
    let inside = frame::draw(buffer, area, scene.theme, &frame);
    let inside = widget::after(inside, 1);
    let inside = Rect {
        width: inside.width.saturating_sub(1),
        ..inside
    };
    let head = head(scene, page);
    for (index, pieces) in head.iter().enumerate() {
        scene.line(buffer, widget::row(inside, index as u16), pieces);
    }
    let used = (head.len() as u16 + 1).min(inside.height);
    let body = Rect {
        y: inside.y + used,
        height: inside.height - used,
        ..inside
    };
    match &page.read {
        None => {
            scene.line(
                buffer,
                widget::row(body, 0),
                &[Piece::word("being read…", Role::StateBusy)],
            );
        }
        Some(Err(unread)) if page.rows.is_empty() => {
            missing(scene, page, unread).draw(scene, buffer, body, 0);
        }
        Some(Ok(_) | Err(_)) => {
            let extent = rows(scene, buffer, body, page);
            thumb(scene, buffer, area, extent, Focused::Gained);
        }
    }
}

/// Where it is from, and where its ticks go.
fn head(scene: Scene, page: &RunbookPage) -> Vec<Vec<Piece<'static>>> {
    let muted = |text: String| Piece::own(text, Role::TextMuted);
    let mut lines = Vec::new();
    if matches!(page.read, Some(Err(_))) && page.rows.is_empty() {
        // Nothing is there to be ticked.
        return lines;
    }
    if let Some(Ok(found)) = &page.read {
        let from = SafeText::line(&found.from).into_owned();
        lines.push(vec![
            Piece::word("from ", Role::TextMuted),
            Piece::safe(from, Role::Text),
        ]);
    }
    let incident = page
        .ask
        .incident
        .as_ref()
        .and_then(|id| scene.model.incidents.incident(id));
    let kept = match (
        &scene.model.settings.no_journal,
        &page.ticked,
        incident,
        &page.ask.incident,
    ) {
        (Some(_), _, _, _) => {
            return told(
                lines,
                "steps cannot be ticked: there is no journal",
                Role::StateStale,
            );
        }
        (None, Some(Err(why)), _, _) => {
            let why = SafeText::line(why).into_string();
            lines.push(vec![Piece::own(
                format!("which steps are done is not known: {why}"),
                Role::StateStale,
            )]);
            return lines;
        }
        (None, _, Some(incident), _) => {
            let name = SafeText::line(&crate::app::incidents::label(incident)).into_string();
            format!("ticks go into the timeline of {name}")
        }
        (None, _, None, Some(id)) => format!("ticks go into the timeline of {id}"),
        (None, _, None, None) => {
            "no incident yet: ticks are kept for this firing, and told by the incident that takes its service"
                .to_owned()
        }
    };
    let mut last = vec![muted(kept)];
    match page.stray() {
        0 => {}
        stray => last.push(Piece::own(
            format!("  ! {stray} ticked under other words: it was changed since"),
            Role::StateStale,
        )),
    }
    lines.push(last);
    lines
}

fn told(mut lines: Vec<Vec<Piece<'static>>>, words: &'static str, role: Role) -> Vec<Vec<Piece<'static>>> {
    lines.push(vec![Piece::word(words, role)]);
    lines
}

/// What was looked for, how that is mended, and the key that copies the link.
fn missing<'a>(scene: Scene<'a>, page: &RunbookPage, unread: &Unread) -> Sheet<'a> {
    let mut sheet = Sheet::default();
    sheet.prose("There is no runbook to show.", Role::TextStrong);
    for what in &unread.what {
        sheet.prose(&format!("✗ {what}"), Role::StateFailed);
    }
    sheet.blank();
    sheet.prose(&unread.mend, Role::Text);
    let link = page.ask.wanted.link.as_deref().filter(|link| is_web(link));
    if let (Some(link), Some(key)) = (link, hints::key(scene, Action::Copy)) {
        sheet.prose(&format!("{key} r copies {link}"), Role::TextMuted);
    }
    if let Some(key) = hints::key(scene, Action::Refresh) {
        sheet.prose(&format!("{key} looks again."), Role::TextMuted);
    }
    sheet
}

/// The rows around the cursor; which part of all that is.
fn rows(scene: Scene, buffer: &mut Buffer, area: Rect, page: &RunbookPage) -> Extent {
    let width = usize::from(area.width).min(WIDEST);
    let shown = usize::from(area.height);
    let lines_of = |at: usize| {
        let row = page.rows.get(at);
        let is_head = row.is_some_and(|row| matches!(row.shown, Shown::Heading(..) | Shown::Link(1, _)));
        let blank = (at > 0 && is_head).then(Vec::new).into_iter();
        let laid = row.map(|row| laid(scene, page, row, width)).unwrap_or_default();
        blank
            .chain(laid)
            .map(|pieces| Line { row: at, pieces })
            .collect::<Vec<_>>()
    };
    // Only what is in sight is wrapped: a runbook may be long.
    let mut lines = lines_of(page.cursor);
    let of_cursor = lines.len();
    let mut end = page.cursor + 1;
    while lines.len() < shown && end < page.rows.len() {
        lines.extend(lines_of(end));
        end += 1;
    }
    // The cursor stands at a third of the page: more is to be read below it than above. At the end, and where its row is
    // high, it stands so that the page is full and the row is whole.
    let above = (shown / 3).min(shown.saturating_sub(of_cursor));
    let wanted = above.max(shown.saturating_sub(lines.len()));
    let (mut before, mut first) = (Vec::new(), page.cursor);
    while before.len() < wanted && first > 0 {
        first -= 1;
        let mut these = lines_of(first);
        these.append(&mut before);
        before = these;
    }
    let skipped = before.len().saturating_sub(wanted);
    before.append(&mut lines);
    for (index, line) in before.iter().skip(skipped).take(shown).enumerate() {
        let look = if line.row == page.cursor {
            Look::Cursor
        } else {
            Look::Plain
        };
        let row = widget::row(area, index as u16);
        let bar = match (look, scene.theme.glyphs) {
            (Look::Cursor, Glyphs::Unicode) => "▌",
            (Look::Cursor, Glyphs::Ascii) => ">",
            _ => " ",
        };
        let used = put_pieces(
            buffer,
            row,
            scene.theme,
            &[Piece::word(bar, Role::Accent)],
            Cut::End,
            Look::Plain,
        );
        put_pieces(
            buffer,
            widget::after(row, used),
            scene.theme,
            &line.pieces,
            Cut::End,
            look,
        );
    }
    let last = before.get(skipped + shown).map_or(end, |line| line.row);
    Extent {
        first,
        shown: last - first,
        total: page.rows.len(),
    }
}

/// A row's lines at a width.
fn laid(scene: Scene, page: &RunbookPage, row: &Row, width: usize) -> Vec<Vec<Piece<'static>>> {
    let indent = " ".repeat((row.depth * INDENT).min(DEEPEST));
    // What stands below a step stands under its words.
    let below = if row.step.is_some() || matches!(row.play, Some((_, Some(_)))) {
        format!("{indent}       ")
    } else {
        indent.clone()
    };
    let plain = |role: Role| Mark {
        lead: vec![Piece::own(below.clone(), role)],
        role,
    };
    match &row.shown {
        Shown::Heading(1, text) => wrapped(text, bare(Role::TextStrong), width),
        Shown::Heading(_, text) => wrapped(text, bare(Role::Accent), width),
        Shown::Text(text) => wrapped(text, plain(Role::Text), width),
        Shown::Item(text) => {
            let mut mark = plain(Role::Text);
            mark.lead.push(Piece::word("· ", Role::TextMuted));
            wrapped(text, mark, width)
        }
        Shown::Step(step) => step_lines(scene, page, *step, &indent, width),
        Shown::Code(text) => broken(&text.replace('\t', "  "), plain(Role::TextMuted), width),
        Shown::Command(line, offered) => {
            let running = scene.model.running.as_ref().filter(|running| {
                let at = running.order.play.as_ref().map(|at| (at.book, Some(at.step)));
                running.order.line == *line && running.order.ask == page.ask && at == row.play
            });
            command(scene, running, (line, offered), &below, width)
        }
        Shown::Ended(ended) => vec![end_line(ended, &below)],
        Shown::Output(line) => {
            let mut mark = plain(Role::Text);
            mark.lead = vec![Piece::own(format!("{below}│ "), Role::TextMuted)];
            broken(line, mark, width)
        }
        Shown::Verdict(verdict) => {
            let (sign, role, said) = match verdict {
                Ok(said) => ("✓ ", Role::StateOk, said),
                Err(said) => ("✗ ", Role::StateFailed, said),
            };
            let mut mark = plain(role);
            mark.lead.push(Piece::word(sign, role));
            wrapped(said, mark, width)
        }
        Shown::Rule => vec![vec![Piece::own(
            "─".repeat(width.saturating_sub(2)),
            Role::Border,
        )]],
        Shown::Link(number, url) => {
            let lead = vec![Piece::own(format!("[{number}] "), Role::TextMuted)];
            let role = Role::Accent;
            broken(url, Mark { lead, role }, width)
        }
        Shown::Remark(text) => wrapped(text, bare(Role::StateStale), width),
    }
}

fn step_lines(
    scene: Scene,
    page: &RunbookPage,
    step: usize,
    indent: &str,
    width: usize,
) -> Vec<Vec<Piece<'static>>> {
    let Some(words) = page.steps.get(step) else {
        return Vec::new();
    };
    let tick = page.tick(step);
    let number = format!("{:>2} ", step + 1);
    let (ticked, role) = match tick {
        Some(_) => (Piece::word("[x] ", Role::StateOk), Role::TextMuted),
        None => (Piece::word("[ ] ", Role::Accent), Role::Text),
    };
    let lead = vec![
        Piece::own(indent.to_owned(), role),
        Piece::own(number, Role::TextMuted),
        ticked,
    ];
    let mut lines = wrapped(&words.text, Mark { lead, role }, width);
    if let Some(tick) = tick {
        let at = figures::moment(tick.at, scene.now.utc, scene.model.zone);
        let who = standing::person(scene, &tick.actor);
        let by = format!("  {who} {at}");
        let last = lines.last().map_or(0, |line| line.iter().map(Piece::width).sum());
        if last + crate::text::width(&by) <= width
            && let Some(line) = lines.last_mut()
        {
            line.push(Piece::own(by, Role::StateOk));
        } else {
            lines.push(vec![Piece::own(format!("{indent}     {by}"), Role::StateOk)]);
        }
    }
    lines
}

/// A command: what would run, and whether it is offered.
fn command(
    scene: Scene,
    running: Option<&Running>,
    (line, offered): (&str, &Result<Offered, String>),
    below: &str,
    width: usize,
) -> Vec<Vec<Piece<'static>>> {
    let muted = |text: String| Piece::own(text, Role::TextMuted);
    let why = match offered {
        Err(why) => Some(why.clone()),
        Ok(offered) => offered.program.as_ref().err().cloned(),
    };
    let (text, role) = match offered {
        Ok(offered) => (offered.argv.exposed(), Role::TextStrong),
        Err(_) => (line.trim().trim_start_matches("$ ").to_owned(), Role::Text),
    };
    let role = if why.is_some() { Role::Text } else { role };
    let lead = vec![muted(below.to_owned()), Piece::word("$ ", Role::Key)];
    let mut lines = wrapped(&text, Mark { lead, role }, width);
    if let Some(running) = running {
        let since = scene.now.tick.since(running.since);
        let key = hints::key(scene, Action::StopCommand).unwrap_or_default();
        lines.push(vec![
            muted(below.to_owned()),
            Piece::own(
                format!("runs, {} s; {key} stops it", since.as_secs()),
                Role::StateBusy,
            ),
        ]);
    } else if let Some(why) = why {
        let lead = vec![muted(format!("{below}  "))];
        let mark = Mark {
            lead,
            role: Role::TextMuted,
        };
        lines.extend(wrapped(&format!("by hand: {why}"), mark, width));
    }
    lines
}

fn end_line(ended: &Ended, below: &str) -> Vec<Piece<'static>> {
    let (sign, role) = if ended.end.is_good() {
        ("✓ ", Role::StateOk)
    } else {
        ("✗ ", Role::StateFailed)
    };
    let end = SafeText::line(&ended.end.to_string()).into_string();
    vec![
        Piece::own(below.to_owned(), role),
        Piece::word(sign, role),
        Piece::own(end, role),
        Piece::own(format!(" after {}", seconds(ended.took)), Role::TextMuted),
    ]
}

/// How a text begins, and what it is.
struct Mark {
    lead: Vec<Piece<'static>>,
    role: Role,
}

fn bare(role: Role) -> Mark {
    Mark {
        lead: Vec::new(),
        role,
    }
}

/// A line with every blank it has, broken where the room ends.
fn broken(text: &str, mark: Mark, width: usize) -> Vec<Vec<Piece<'static>>> {
    let lead: usize = mark.lead.iter().map(Piece::width).sum();
    let room = width.saturating_sub(lead + 1).max(8);
    let safe = SafeText::line(text);
    let mut parts = vec![String::new()];
    let mut used = 0;
    for grapheme in safe.as_str().graphemes(true) {
        let cells = crate::text::width(grapheme);
        if used + cells > room {
            parts.push(String::new());
            used = 0;
        }
        if let Some(part) = parts.last_mut() {
            part.push_str(grapheme);
        }
        used += cells;
    }
    let mut begins = Some(mark.lead);
    let lines = parts.into_iter().map(|part| {
        let mut pieces = begins
            .take()
            .unwrap_or_else(|| vec![Piece::own(" ".repeat(lead), mark.role)]);
        pieces.push(Piece::own(part, mark.role));
        pieces
    });
    lines.collect()
}

/// A text wrapped behind its mark; what follows the first line stands under it.
fn wrapped(text: &str, mark: Mark, width: usize) -> Vec<Vec<Piece<'static>>> {
    let lead: usize = mark.lead.iter().map(Piece::width).sum();
    let room = width.saturating_sub(lead + 1).max(8);
    let safe = SafeText::line(text);
    let mut lines = Vec::new();
    for (index, part) in textwrap::wrap(safe.as_str(), room).into_iter().enumerate() {
        let mut pieces = if index == 0 {
            mark.lead.clone()
        } else {
            vec![Piece::own(" ".repeat(lead), mark.role)]
        };
        pieces.push(Piece::own(cut(&part, room, Cut::End).into_owned(), mark.role));
        lines.push(pieces);
    }
    if lines.is_empty() {
        lines.push(mark.lead);
    }
    lines
}
