//! A trace as text: a waterfall as wide as it may be, for a terminal that is no console, or for a file.
//!
//! A line a span: `!` where it failed, `*` where it is on the critical path, its name under its parent's, its bar, how long it took.
//! Of a bar, what is its own part of the path is solid; its ends are exact to an eighth of a cell. Written line by line.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::ops::Range;

use chrono::SecondsFormat;

use super::json::{Findings, Told};
use super::scale::{Bar, Fill, Scale, Seen, lasting};
use super::skew;
use super::summary::Lasted;
use super::{Row, Status, Stretch, Times, Trace};
use crate::text::{Cut, SafeText, cut, fit, fit_right, width};

/// Narrower than this nothing is left for bars.
const NARROWEST: usize = 40;
/// Cells of a duration: `1 min 34 s`.
const LASTS: usize = 10;
/// Levels that are drawn by indenting; deeper ones by their number.
const LEVELS: u32 = 12;
/// Cells between two marks of the ruler.
const APART: u16 = 12;

/// How it is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Cells of a line.
    pub width: usize,
    /// With which characters.
    pub glyphs: Glyphs,
    /// Whether failures and the path are coloured too.
    pub colours: Colours,
}

/// The characters of bars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Glyphs {
    /// Blocks.
    Blocks,
    /// ASCII alone.
    Ascii,
}

/// Whether there are colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colours {
    /// There are.
    Yes,
    /// There are none.
    No,
}

const RED: &str = "31";
const BOLD: &str = "1";

/// Writes a trace: the line that explains it, a ruler, its spans.
pub fn write(
    out: &mut dyn Write,
    trace: &Trace,
    findings: &Findings,
    told: Told,
    style: Style,
) -> io::Result<()> {
    let chart = Chart::new(trace, findings, style);
    for line in chart.head() {
        writeln!(out, "{}", chart.spelled(line))?;
    }
    for row in trace.rows().filter(|row| told.includes(findings, *row)) {
        writeln!(out, "{}", chart.spelled(chart.line(row)))?;
    }
    Ok(())
}

struct Chart<'a> {
    trace: &'a Trace,
    findings: &'a Findings,
    style: Style,
    names: usize,
    bars: u16,
    scale: Scale,
    /// Sections of the path, by row.
    own: Vec<(Row, Stretch)>,
}

impl<'a> Chart<'a> {
    fn new(trace: &'a Trace, findings: &'a Findings, style: Style) -> Self {
        let width = style.width.max(NARROWEST);
        let names = (width * 2 / 5).clamp(16, 56);
        // Two marks and a blank in front, a blank on either side of the bar, the duration.
        let bars = u16::try_from(width - names - LASTS - 5).unwrap_or(u16::MAX);
        let sections = findings.path.sections().iter();
        let mut own: Vec<(Row, Stretch)> = sections.map(|section| (section.row, section.stretch)).collect();
        own.sort_by_key(|(row, stretch)| (*row, stretch.from));
        Self {
            trace,
            findings,
            style: Style { width, ..style },
            names,
            bars,
            scale: Scale::new(trace.extent(), bars),
            own,
        }
    }

    /// As the style wants it spelled.
    fn spelled(&self, line: String) -> String {
        match self.style.glyphs {
            Glyphs::Blocks => line,
            Glyphs::Ascii => plain(&line),
        }
    }

    fn head(&self) -> Vec<String> {
        let trace = self.trace;
        let line = SafeText::line(&self.findings.line).into_string();
        let failed = trace.spans().filter(|span| span.status == Status::Error).count();
        let mut services: Vec<_> = trace.spans().map(|span| span.service).collect();
        services.sort_unstable();
        services.dedup();
        let mut facts = format!(
            "trace {}  {}  {}, {}, {}",
            trace.id(),
            trace
                .extent()
                .from
                .utc()
                .to_rfc3339_opts(SecondsFormat::Millis, true),
            counted(trace.len(), "span"),
            counted(failed, "error"),
            counted(services.len(), "service"),
        );
        let extent = trace.extent().duration();
        if let (took, Lasted::Root) = trace.took()
            && took != extent
        {
            let extent = lasting(u64::try_from(extent.as_nanos()).unwrap_or(u64::MAX));
            let _ = write!(facts, ", {extent} to its last span");
        }
        let mut lines = vec![self.coloured(BOLD, &line), facts];
        let shifts = &self.findings.unskewed.shifts;
        if !shifts.is_empty() {
            lines.push(format!(
                "clocks differ: {}; bars as they came",
                skew::said(shifts)
            ));
        }
        lines.push(self.ruler());
        lines
    }

    fn ruler(&self) -> String {
        let mut line = " ".repeat(self.names + 4);
        for mark in self.scale.ruler(self.trace.extent().from, APART) {
            let at = self.names + 4 + usize::from(mark.cell);
            if width(&line) > at || at + width(&mark.label) > self.style.width {
                continue;
            }
            line.push_str(&" ".repeat(at - width(&line)));
            line.push_str(&mark.label);
        }
        line
    }

    fn line(&self, row: Row) -> String {
        let span = self.trace.span(row);
        let failed = span.status == Status::Error;
        let on_path = self.findings.is_on_path(row);
        let marks = format!(
            "{}{}",
            if failed { '!' } else { ' ' },
            if on_path { '*' } else { ' ' }
        );
        let indent = if span.depth <= LEVELS {
            " ".repeat(span.depth as usize)
        } else {
            format!("{}{}> ", " ".repeat(LEVELS as usize - 4), span.depth)
        };
        let name = SafeText::line(&format!("{} {}", span.service, span.operation)).into_string();
        let name = fit(&cut(&format!("{indent}{name}"), self.names, Cut::End), self.names);
        let lasts = match span.times {
            Times::Known | Times::Backwards => lasting(span.duration.as_nanos() as u64),
            Times::NoStart | Times::NoEnd | Times::Neither => "?".to_owned(),
        };
        let bar = self.bar(row);
        let colour = if failed {
            Some(RED)
        } else {
            on_path.then_some(BOLD)
        };
        let front = format!("{marks} {name}");
        let front = colour.map_or(front.clone(), |colour| self.coloured(colour, &front));
        format!("{front} {bar} {}", fit_right(&lasts, LASTS))
    }

    /// Its bar: what is its own part of the path solid, the rest shaded.
    fn bar(&self, row: Row) -> String {
        let mut bar = vec![' '; usize::from(self.bars)];
        let (solid, shaded, edge) = match self.style.glyphs {
            Glyphs::Blocks => ('█', '▒', '·'),
            Glyphs::Ascii => ('#', '-', '.'),
        };
        match self.scale.bar(self.trace.timing().of(row)) {
            Seen::Here(seen) => {
                let range = seen.cells();
                fill(&mut bar, range.clone(), shaded);
                for section in self.sections(row) {
                    if let Seen::Here(own) = self.scale.bar(section) {
                        let own = own.cells();
                        fill(
                            &mut bar,
                            own.start.max(range.start)..own.end.min(range.end),
                            solid,
                        );
                    }
                }
                if self.style.glyphs == Glyphs::Blocks {
                    ends(&mut bar, &seen);
                }
            }
            // A clock that is far off.
            Seen::Before => fill(&mut bar, 0..1, edge),
            Seen::Behind => {
                let last = self.bars.saturating_sub(1);
                fill(&mut bar, last..last + 1, edge);
            }
        }
        bar.into_iter().collect()
    }

    /// The sections of the path that are this span's own.
    fn sections(&self, row: Row) -> impl Iterator<Item = Stretch> {
        let from = self.own.partition_point(|(other, _)| *other < row);
        self.own
            .iter()
            .skip(from)
            .take_while(move |(other, _)| *other == row)
            .map(|(_, stretch)| *stretch)
    }

    fn coloured(&self, sgr: &str, text: &str) -> String {
        match self.style.colours {
            Colours::Yes => format!("\u{1b}[{sgr}m{text}\u{1b}[0m"),
            Colours::No => text.to_owned(),
        }
    }
}

fn fill(bar: &mut [char], range: Range<u16>, glyph: char) {
    for cell in bar
        .iter_mut()
        .take(usize::from(range.end))
        .skip(usize::from(range.start))
    {
        *cell = glyph;
    }
}

/// Draws the ends of a bar as far as they reach into their cells.
fn ends(bar: &mut [char], seen: &Bar) {
    const LEFT: [char; 7] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉'];
    let cells = seen.cells();
    for cell in [cells.start, cells.end.saturating_sub(1)] {
        let glyph = match seen.fill(cell) {
            Some(Fill::Left(eighths)) => LEFT.get(usize::from(eighths).saturating_sub(1)).copied(),
            // There is one such block alone.
            Some(Fill::Right(eighths)) => (eighths <= 4).then_some('▐'),
            Some(Fill::Tick) => Some('▏'),
            Some(Fill::Full) | None => None,
        };
        if let (Some(glyph), Some(slot)) = (glyph, bar.get_mut(usize::from(cell))) {
            *slot = glyph;
        }
    }
}

/// Our own words in ASCII; names stay as they are.
fn plain(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '×' => 'x',
            'µ' => 'u',
            '…' => '~',
            '·' => ',',
            c => c,
        })
        .collect()
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::super::tests::{Made, made, trace};
    use super::*;

    fn drawn(spans: &[Made], told: Told, style: Style) -> String {
        let trace = trace(spans);
        let findings = Findings::of(&trace);
        let mut out = Vec::new();
        write(&mut out, &trace, &findings, told, style).unwrap();
        String::from_utf8(out).unwrap()
    }

    const PLAIN: Style = Style {
        width: 80,
        glyphs: Glyphs::Ascii,
        colours: Colours::No,
    };

    const PAY: [Made; 4] = [
        made(1, 0, 1_000, 2_000, "checkout.POST /pay").kind(Kind::Server),
        made(2, 1, 1_100, 1_900, "payments.charge").kind(Kind::Server),
        made(3, 2, 1_200, 1_600, "card-gw.auth\u{1b}[31m").failed("no"),
        made(4, 1, 1_100, 1_300, "cart.load"),
    ];

    #[test]
    fn a_trace_is_drawn_with_failures_and_path_marked() {
        insta::assert_snapshot!(drawn(&PAY, Told::All, PLAIN));
    }

    #[test]
    fn every_line_is_as_wide_as_it_may_be_and_nothing_unsafe_is_in_it() {
        for width in [10, 40, 80, 200] {
            for glyphs in [Glyphs::Ascii, Glyphs::Blocks] {
                let style = Style {
                    width,
                    glyphs,
                    ..PLAIN
                };
                let text = drawn(&PAY, Told::All, style);
                assert!(!text.contains('\u{1b}'));
                for line in text.lines().skip(3) {
                    assert_eq!(crate::text::width(line), width.max(NARROWEST), "{line:?}");
                }
            }
        }
    }

    #[test]
    fn what_goes_on_behind_the_root_and_clocks_that_differ_are_said_above_the_bars() {
        let text = drawn(
            &[
                made(1, 0, 1_000, 1_100, "web.GET /").kind(Kind::Server).host("a"),
                made(2, 1, 1_010, 1_050, "web.call").kind(Kind::Client).host("a"),
                made(3, 2, 1_050, 1_070, "pay.pay").kind(Kind::Server).host("b"),
                made(4, 1, 1_090, 3_000, "mail.send")
                    .kind(Kind::Consumer)
                    .host("a"),
            ],
            Told::All,
            PLAIN,
        );
        let mut head = text.lines();
        assert!(head.next().unwrap().starts_with("web 100 ms"), "{text}");
        assert!(head.next().unwrap().ends_with(", 2 s to its last span"), "{text}");
        assert_eq!(
            head.next(),
            Some("clocks differ: host b 30 ms ahead (1 call); bars as they came")
        );
    }

    #[test]
    fn the_path_alone_leaves_out_what_did_not_hold_up_the_rest() {
        let text = drawn(&PAY, Told::Path, PLAIN);
        assert!(!text.contains("cart load"), "{text}");
        assert!(
            text.lines().skip(3).all(|line| line.as_bytes()[1] == b'*'),
            "{text}"
        );
    }

    #[test]
    fn a_chain_as_deep_as_it_likes_keeps_its_columns() {
        let deep: Vec<Made> = (1..=200)
            .map(|id| made(id, id - 1, 1_000, 2_000, "a.b"))
            .collect();
        let text = drawn(&deep, Told::All, PLAIN);
        assert!(text.lines().skip(3).all(|line| crate::text::width(line) == 80));
        assert!(text.contains("199> a b"), "{text}");
    }
}
