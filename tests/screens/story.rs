//! The demo's story as a moving picture: a page, its case, the trace, the line, a note, an escalation. Real keys through the
//! real `update` and `view`; what backends answer comes from the fixed night of the shop.
//!
//! Start at [`frames`]; [`svg`] makes one animated SVG of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use midwatch::app::case::OpenCase;
use midwatch::app::focus::Detail;
use midwatch::app::modal::Modal;
use midwatch::app::{Model, Msg};
use midwatch::theme::Theme;
use midwatch::view;
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::Modifier;

use crate::fixtures::{self as shop, incidents, pages, press, size, type_text};
use crate::render::{
    BASELINE, CELL_HEIGHT, CELL_WIDTH, FONT_SIZE, FONTS, MARGIN, Terminal, colors, hex, look,
};
use crate::shapes;

/// The terminal's size: two columns of panes.
const SIZE: (u16, u16) = (112, 34);
/// Height of the line below that says what happens.
const CAPTION: f32 = 40.0;

/// One picture of the story.
pub struct Frame {
    /// What was pressed for it.
    pub keys: &'static str,
    /// What happens.
    pub words: &'static str,
    /// How long it stays.
    pub seconds: f32,
    /// What is on the screen.
    pub buffer: Buffer,
}

/// What is done for a picture.
enum Do {
    Nothing,
    Happens,
    Press(&'static str),
    Type(&'static str),
}

impl Do {
    /// What the caption shows as pressed: the last of the keys, which the others lead up to.
    fn shown(&self) -> &'static str {
        match self {
            Self::Press(keys) => keys.rsplit(' ').next().unwrap_or_default(),
            Self::Nothing | Self::Happens | Self::Type(_) => "",
        }
    }
}

/// What is done, what the caption says, and for how long.
const STORY: [(Do, &str, f32); 20] = [
    (Do::Nothing, "03:14. A quiet watch.", 2.2),
    (
        Do::Happens,
        "A page: checkout burns its budget, and everybody's alerts fire.",
        3.2,
    ),
    (Do::Press("2"), "The alerts, what nobody has first.", 1.4),
    (
        Do::Press("C"),
        "The case: what changed, what is new, what failed first.",
        4.0,
    ),
    (Do::Press("j"), "The deploy; the new pattern;", 0.5),
    (Do::Press("j"), "The deploy; the new pattern;", 0.5),
    (
        Do::Press("j"),
        "and where the failed traces begin: the pool of checkout.",
        1.6,
    ),
    (
        Do::Press("enter"),
        "Its trace: three attempts, one after another, each waiting for the pool.",
        3.2,
    ),
    (Do::Press(")"), "The next error.", 0.7),
    (Do::Press(")"), "The next error.", 1.6),
    (Do::Press("t"), "From a span to what belongs to it.", 2.0),
    (Do::Press("esc esc esc 3"), "The lines of that time.", 1.2),
    (
        Do::Press("k k enter"),
        "One of them, with all that it carries.",
        2.4,
    ),
    (
        Do::Press("esc n"),
        "A note for those who come after, with what is under the cursor.",
        0.9,
    ),
    (
        Do::Type("Pool exhausted "),
        "A note for those who come after, with what is under the cursor.",
        0.5,
    ),
    (
        Do::Type("since 2.3.1; "),
        "A note for those who come after, with what is under the cursor.",
        0.5,
    ),
    (
        Do::Type("rolling back."),
        "A note for those who come after, with what is under the cursor.",
        1.8,
    ),
    (
        Do::Press("alt-enter"),
        "Written down here first, then told to PagerDuty.",
        2.0,
    ),
    (
        Do::Press("5 e"),
        "Escalate: who would be woken, before anybody is.",
        3.0,
    ),
    (Do::Press("esc"), "Nobody yet: Mara has it.", 2.4),
];

/// The story, picture by picture.
pub fn frames(theme: &Theme) -> Vec<Frame> {
    let mut model = pages::before(size(SIZE.0, SIZE.1));
    STORY
        .iter()
        .map(|(what, words, seconds)| {
            match what {
                Do::Nothing => {}
                Do::Happens => pages::breaks_out(&mut model),
                Do::Press(keys) => press(&mut model, keys),
                Do::Type(text) => type_text(&mut model, text),
            }
            answer(&mut model);
            let mut buffer = Buffer::empty(Rect::new(0, 0, SIZE.0, SIZE.1));
            view::draw(&model, theme, shop::now(), &mut buffer);
            Frame {
                keys: what.shown(),
                words,
                seconds: *seconds,
                buffer,
            }
        })
        .collect()
}

/// Whatever was asked is answered at once.
fn answer(model: &mut Model) {
    if model.case.as_ref().is_some_and(OpenCase::is_looking) {
        pages::answer_case(model);
    }
    if let Some(Detail::Trace(id)) = model.detail().cloned()
        && model.traces.opened(id).is_some_and(|open| open.study().is_none())
    {
        shop::tell(model, pages::trace_read(id));
    }
    if matches!(model.modal, Some(Modal::Pick(_))) {
        let (incident, result) = (incidents::checkout().id, Ok(incidents::ladder().into()));
        shop::tell(model, Msg::LadderFetched { incident, result });
    }
}

/// All frames as one SVG that moves by itself: each row that differs once, each frame the rows it has.
pub fn svg(frames: &[Frame], terminal: &Terminal) -> String {
    let mut rows: BTreeMap<String, usize> = BTreeMap::new();
    let mut inks: BTreeMap<[u8; 3], usize> = BTreeMap::new();
    let mut drawn: Vec<Vec<(u16, usize)>> = Vec::new();
    let mut order: Vec<String> = Vec::new();
    for frame in frames {
        let area = frame.buffer.area;
        let mut of_frame = Vec::new();
        for y in 0..area.height {
            let cells: Vec<&Cell> = (0..area.width).map(|x| &frame.buffer[(x, y)]).collect();
            let row = row(&cells, terminal, &mut inks);
            if row.is_empty() {
                continue;
            }
            let next = order.len();
            let place = *rows.entry(row.clone()).or_insert(next);
            if place == next {
                order.push(row);
            }
            of_frame.push((y, place));
        }
        drawn.push(of_frame);
    }
    let width = f32::from(SIZE.0) * CELL_WIDTH + 2.0 * MARGIN;
    let screen = f32::from(SIZE.1) * CELL_HEIGHT + 2.0 * MARGIN;
    let height = screen + CAPTION;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n<style>\n\
         text{{font:{FONT_SIZE}px ui-monospace, SFMono-Regular, Menlo, Consolas, {FONTS};white-space:pre}}.b{{font-weight:bold}}\n"
    );
    for (ink, class) in &inks {
        let _ = write!(
            out,
            ".c{class}{{fill:{0}}}.s{class}{{stroke:{0};stroke-width:1.2;fill:none}}",
            hex(*ink)
        );
    }
    let whole: f32 = frames.iter().map(|frame| frame.seconds).sum();
    let _ = write!(
        out,
        "\n.f{{visibility:hidden;animation:{whole}s step-end infinite}}.f1{{visibility:visible}}\n"
    );
    let mut at = 0.0;
    for (index, frame) in frames.iter().enumerate() {
        let (from, to) = (at / whole * 100.0, (at + frame.seconds) / whole * 100.0);
        at += frame.seconds;
        let hidden = if index == 0 { "" } else { "0%{visibility:hidden}" };
        let _ = write!(
            out,
            ".f{index}{{animation-name:k{index}}}@keyframes k{index}{{{hidden}{from:.3}%{{visibility:visible}}{to:.3}%{{visibility:hidden}}}}"
        );
    }
    out.push_str("\n@media (prefers-reduced-motion:reduce){.f{animation:none}}\n</style>\n<defs>\n");
    for (place, row) in order.iter().enumerate() {
        let _ = writeln!(out, "<g id=\"r{place}\">{row}</g>");
    }
    let _ = write!(
        out,
        "</defs>\n<rect width=\"{width}\" height=\"{height}\" rx=\"8\" fill=\"{}\"/>\n",
        hex(terminal.background)
    );
    let _ = writeln!(out, "<path d=\"M0 {screen}H{width}\" stroke=\"#4e4e4e\"/>");
    for (index, (frame, rows)) in frames.iter().zip(&drawn).enumerate() {
        let _ = write!(
            out,
            "<g class=\"f f{index}\"><g transform=\"translate({MARGIN} {MARGIN})\">"
        );
        for (y, place) in rows {
            let _ = write!(
                out,
                "<use href=\"#r{place}\" y=\"{}\"/>",
                f32::from(*y) * CELL_HEIGHT
            );
        }
        out.push_str("</g>");
        let y = screen + CAPTION / 2.0 + 5.0;
        let mut x = MARGIN + CELL_WIDTH / 2.0;
        if !frame.keys.is_empty() {
            let cap = frame.keys.len() as f32 * CELL_WIDTH + 12.0;
            let _ = write!(
                out,
                "<rect x=\"{x}\" y=\"{}\" width=\"{cap}\" height=\"24\" rx=\"4\" fill=\"none\" stroke=\"#87afff\"/><text x=\"{}\" \
                 y=\"{y}\" fill=\"#87afff\">{}</text>",
                y - 17.0,
                x + 6.0,
                frame.keys
            );
            x += cap + 12.0;
        }
        let _ = writeln!(
            out,
            "<text x=\"{x}\" y=\"{y}\" fill=\"#d0d0d0\">{}</text></g>",
            frame.words
        );
    }
    out.push_str("</svg>\n");
    out
}

/// A row of cells at the origin; nothing where it is blank.
fn row(cells: &[&Cell], terminal: &Terminal, inks: &mut BTreeMap<[u8; 3], usize>) -> String {
    let mut out = String::new();
    let mut class = |ink: [u8; 3]| {
        let next = inks.len();
        *inks.entry(ink).or_insert(next)
    };
    let mut x = 0;
    for run in cells.chunk_by(|a, b| colors(a, terminal).1 == colors(b, terminal).1) {
        let ground = colors(run[0], terminal).1;
        if ground != terminal.background {
            let _ = write!(
                out,
                "<path class=\"c{}\" d=\"M{} 0h{}v{CELL_HEIGHT}h-{}z\"/>",
                class(ground),
                x as f32 * CELL_WIDTH,
                run.len() as f32 * CELL_WIDTH,
                run.len() as f32 * CELL_WIDTH
            );
        }
        x += run.len();
    }
    let mut x = 0;
    for run in cells.chunk_by(|a, b| look(a, terminal) == look(b, terminal) && kind(a) == kind(b)) {
        let (ink, modifier) = look(run[0], terminal);
        let left = x as f32 * CELL_WIDTH;
        let wide = run.len() as f32 * CELL_WIDTH;
        x += run.len();
        let middle = CELL_HEIGHT / 2.0;
        let _ = match kind(run[0]) {
            Kind::Blank => Ok(()),
            Kind::Same('─') => write!(
                out,
                "<path class=\"s{}\" d=\"M{left} {middle}h{wide}\"/>",
                class(ink)
            ),
            Kind::Same(c @ '▁'..='█') => {
                let high = CELL_HEIGHT * (u32::from(c) - 0x2580) as f32 / 8.0;
                write!(
                    out,
                    "<path class=\"c{}\" d=\"M{left} {CELL_HEIGHT}h{wide}v-{high}h-{wide}z\"/>",
                    class(ink)
                )
            }
            Kind::Same(c) => (0..run.len()).try_for_each(|place| {
                let left = left + place as f32 * CELL_WIDTH;
                match c {
                    '│' => {
                        let x = left + CELL_WIDTH / 2.0;
                        write!(
                            out,
                            "<path class=\"s{}\" d=\"M{x} 0v{CELL_HEIGHT}\"/>",
                            class(ink)
                        )
                    }
                    c => match shapes::shape(c, left, 0.0, &hex(ink)) {
                        Some(shape) => write!(out, "{}", shape.replace('\n', "")),
                        None => letters(&mut out, class(ink), modifier, (left, &c.to_string(), 1)),
                    },
                }
            }),
            Kind::Letters => {
                let text: String = run.iter().map(|cell| cell.symbol()).collect();
                let shown = text.trim_end();
                letters(&mut out, class(ink), modifier, (left, shown, shown.len()))
            }
            Kind::Cluster => run.iter().enumerate().try_for_each(|(place, cell)| {
                let left = left + place as f32 * CELL_WIDTH;
                letters(&mut out, class(ink), modifier, (left, cell.symbol(), 0))
            }),
        };
    }
    out
}

/// Text at a place, spread over so many cells whatever the font's letters are wide; as it comes where that is none.
fn letters(
    out: &mut String,
    class: usize,
    modifier: Modifier,
    (left, text, cells): (f32, &str, usize),
) -> std::fmt::Result {
    let bold = if modifier.contains(Modifier::BOLD) {
        " b"
    } else {
        ""
    };
    let spread = if cells > 1 {
        format!(" textLength=\"{}\"", cells as f32 * CELL_WIDTH)
    } else {
        String::new()
    };
    let text = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    write!(
        out,
        "<text class=\"c{class}{bold}\" x=\"{left}\" y=\"{BASELINE}\"{spread}>{text}</text>"
    )
}

/// How a cell is written: neighbours of one kind together.
#[derive(PartialEq, Clone, Copy)]
enum Kind {
    Blank,
    /// Letters that every font has.
    Letters,
    /// One sign, which may be another font's, or is drawn.
    Same(char),
    /// Several characters in a cell.
    Cluster,
}

fn kind(cell: &Cell) -> Kind {
    let mut chars = cell.symbol().chars();
    match (chars.next(), chars.next()) {
        (None | Some(' '), None) => Kind::Blank,
        (Some(c), None) if c.is_ascii() => Kind::Letters,
        (Some(c), None) => Kind::Same(c),
        _ => Kind::Cluster,
    }
}
