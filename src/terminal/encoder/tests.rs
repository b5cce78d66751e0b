use std::num::NonZeroU16;

use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::layout::{Rect, Size};
use ratatui::style::{Color, Modifier, Style};
use ratatui::widgets::{Block, Paragraph};

use super::*;

/// A terminal at the far end of the encoder.
struct Bench {
    encoder: Encoder,
    terminal: vt100::Parser,
}

fn cells(n: u16) -> NonZeroU16 {
    NonZeroU16::new(n).expect("no screen is empty")
}

fn buffer(width: u16, height: u16) -> Buffer {
    Buffer::empty(Rect::new(0, 0, width, height))
}

impl Bench {
    fn new(width: u16, height: u16) -> Self {
        Self {
            encoder: Encoder::new(SyncOutput::Marked),
            terminal: vt100::Parser::new(cells(height), cells(width), 0),
        }
    }

    /// Sends a frame; returns the bytes it took.
    fn show(&mut self, frame: &Buffer) -> Vec<u8> {
        self.show_with(frame, None)
    }

    fn show_with(&mut self, frame: &Buffer, cursor: Option<Position>) -> Vec<u8> {
        self.terminal
            .screen_mut()
            .set_size(cells(frame.area.height), cells(frame.area.width));
        self.encoder.encode(frame, cursor);
        let bytes = self.encoder.take();
        self.terminal.process(&bytes);
        bytes
    }

    /// The first cell that does not look as the frame wants it.
    fn mismatch(&self, frame: &Buffer) -> Option<String> {
        let mut normal = Grid::default();
        normal.take(frame);
        for y in 0..frame.area.height {
            for (x, cell) in normal.row(y).iter().enumerate() {
                let there = self.terminal.screen().cell(y, x as u16).expect("in the screen");
                if cells_of(cell) == 0 {
                    continue;
                }
                let symbol = match there.contents() {
                    "" => " ",
                    contents => contents,
                };
                let drawn = Pen {
                    fg: color_of(there.fgcolor()),
                    bg: color_of(there.bgcolor()),
                    modifier: modifier_of(there),
                    link: 0,
                };
                let wanted = Pen {
                    fg: as_read(cell.fg),
                    bg: as_read(cell.bg),
                    modifier: cell.modifier,
                    link: 0,
                };
                let alike = if symbol == " " {
                    drawn.draws_blank_of(wanted)
                } else {
                    drawn == wanted
                };
                if symbol != cell.symbol() || !alike {
                    return Some(format!(
                        "{x},{y}: {symbol:?} {drawn:?} instead of {:?} {wanted:?}",
                        cell.symbol()
                    ));
                }
            }
        }
        None
    }
}

fn color_of(color: vt100::Color) -> Color {
    match color {
        vt100::Color::Default => Color::Reset,
        vt100::Color::Idx(index) => Color::Indexed(index),
        vt100::Color::Rgb(r, g, b) => Color::Rgb(r, g, b),
    }
}

/// A palette colour as the far end names it.
fn as_read(color: Color) -> Color {
    match color {
        Color::White => Color::Indexed(15),
        Color::DarkGray => Color::Indexed(8),
        Color::Red => Color::Indexed(1),
        Color::Green => Color::Indexed(2),
        Color::Yellow => Color::Indexed(3),
        Color::Cyan => Color::Indexed(6),
        other => other,
    }
}

fn modifier_of(cell: &vt100::Cell) -> Modifier {
    [
        (cell.bold(), Modifier::BOLD),
        (cell.dim(), Modifier::DIM),
        (cell.italic(), Modifier::ITALIC),
        (cell.underline(), Modifier::UNDERLINED),
        (cell.inverse(), Modifier::REVERSED),
    ]
    .into_iter()
    .filter(|(on, _)| *on)
    .fold(Modifier::empty(), |all, (_, one)| all | one)
}

/// Two bordered panes under a bar with a clock, as the console draws them.
fn console(selected: usize, clock: &str) -> Buffer {
    let mut frame = buffer(120, 40);
    let bar = Style::new().fg(Color::White).bg(Color::Indexed(236));
    frame.set_style(Rect::new(0, 0, 120, 1), bar);
    frame.set_string(1, 0, "midwatch  prod  3 page  12 firing", bar);
    frame.set_string(112, 0, clock, bar);
    let border = Style::new().fg(Color::DarkGray);
    for (x, title) in [(0, " SLO burn "), (60, " Alerts ")] {
        let area = Rect::new(x, 1, 60, 38);
        ratatui::widgets::Widget::render(
            Block::bordered().border_style(border).title(title),
            area,
            &mut frame,
        );
        for row in 0..30u16 {
            let y = row + 2;
            let severity = [Color::Red, Color::Yellow, Color::Green][usize::from(row % 3)];
            frame.set_string(x + 4, y, format!("checkout-{row:02} availability"), Style::new());
            frame.set_string(
                x + 34,
                y,
                format!("{:5.1}x", f64::from(row) * 1.7),
                Style::new().fg(severity),
            );
            frame.set_string(x + 46, y, format!("{row}m"), Style::new().fg(Color::DarkGray));
        }
    }
    let y = selected as u16 + 2;
    frame.set_string(1, y, "▌", Style::new().fg(Color::Cyan));
    frame.set_style(Rect::new(2, y, 57, 1), Style::new().add_modifier(Modifier::BOLD));
    frame.set_string(
        1,
        39,
        "j/k move  enter open  a ack  s silence  ? help",
        Style::new().fg(Color::DarkGray),
    );
    frame
}

#[test]
fn a_row_alone_costs_what_it_costs_in_a_frame_and_the_next_frame_goes_on_from_it() {
    let drawn = |clock: &str| {
        let mut frame = buffer(20, 3);
        frame.set_string(0, 0, format!("prod      {clock}"), Style::new().fg(Color::Cyan));
        frame.set_string(0, 2, "a row that stays", Style::new());
        frame
    };
    let (mut whole, mut rows) = (Bench::new(20, 3), Bench::new(20, 3));
    for clock in ["03:02:07Z", "03:02:08Z", "03:02:59Z"] {
        let frame = drawn(clock);
        let bytes = whole.show(&frame);
        // The first is the whole screen, as nothing is known of it.
        rows.encoder.encode_row(&frame, 0);
        let row = rows.encoder.take();
        rows.terminal.process(&row);
        assert_eq!(row, bytes);
        assert_eq!(rows.mismatch(&frame), None);
    }
    let mut changed = drawn("03:03:00Z");
    changed.set_string(0, 1, "another", Style::new());
    rows.show(&changed);
    assert_eq!(rows.mismatch(&changed), None);
    assert_eq!(rows.show(&changed), b"", "all of it is known");
    // A cursor that was shown is hidden, a link that is in the row stays, a wide character is whole.
    changed.set_string(0, 0, "漢 prod", Style::new());
    rows.encoder.link(&[Hyperlink {
        y: 0,
        x: 3..7,
        url: "https://example.com".into(),
    }]);
    rows.show_with(&changed, Some(Position::new(2, 2)));
    changed.set_string(10, 0, "03:03:01Z", Style::new());
    rows.encoder.encode_row(&changed, 0);
    let row = rows.encoder.take();
    rows.terminal.process(&row);
    assert_eq!(rows.mismatch(&changed), None);
    assert!(rows.terminal.screen().hide_cursor());
    assert_eq!(rows.show(&changed), b"", "links and all");
}

#[test]
fn nothing_is_sent_when_nothing_changed() {
    let mut bench = Bench::new(120, 40);
    let frame = console(3, "01:02:03");
    bench.show(&frame);
    assert_eq!(bench.show(&frame), b"");
    let cursor = Some(Position { x: 4, y: 5 });
    assert_eq!(bench.show_with(&frame, cursor), b"\x1b[6;5H\x1b[?25h");
    assert_eq!(bench.show_with(&frame, cursor), b"");
    assert_eq!(bench.show(&frame), b"\x1b[?25l");
}

#[test]
fn a_cursor_move_a_clock_tick_and_a_full_frame_keep_within_their_bytes() {
    let mut bench = Bench::new(120, 40);
    let full = bench.show(&console(3, "01:02:03")).len();
    let tick = bench.show(&console(3, "01:02:04")).len();
    let again = bench.show(&console(3, "01:02:05")).len();
    let moved = bench.show(&console(4, "01:02:05")).len();
    let moved_again = bench.show(&console(5, "01:02:05")).len();
    println!("full {full} B, tick {tick} then {again} B, cursor move {moved} then {moved_again} B");
    assert_eq!(bench.mismatch(&console(5, "01:02:05")), None);
    assert!(full <= 5_600, "full frame {full} B");
    assert!(tick <= 24, "first tick {tick} B");
    assert!(again <= 12, "the next tick {again} B");
    assert!(
        moved.max(moved_again) <= 185,
        "cursor move {moved}, {moved_again} B"
    );
}

#[test]
fn only_frames_beyond_a_packet_are_marked_for_synchronized_output() {
    let mut bench = Bench::new(80, 24);
    let mut frame = buffer(80, 24);
    bench.show(&frame);
    frame.set_string(0, 0, "short", Style::new());
    assert_eq!(
        bench.show(&frame),
        b"short",
        "the first frame left the cursor at home"
    );
    frame.set_string(0, 1, "a row ".repeat(13), Style::new());
    let bytes = bench.show(&frame);
    assert!(!bytes.windows(5).any(|w| w == b"?2026"), "two rows fit a packet");
    for y in 2..12 {
        frame.set_string(0, y, "long ".repeat(16), Style::new());
    }
    let bytes = bench.show(&frame);
    assert!(bytes.starts_with(SYNC_BEGIN) && bytes.ends_with(SYNC_END));
    let mut plain = Encoder::new(SyncOutput::Unmarked);
    plain.encode(&frame, None);
    assert!(!plain.take().windows(5).any(|w| w == b"?2026"));
}

#[test]
fn a_line_that_gets_shorter_is_erased_to_its_end() {
    let mut bench = Bench::new(80, 3);
    let mut frame = buffer(80, 3);
    frame.set_string(0, 1, "a line that reaches rather far", Style::new());
    bench.show(&frame);
    let mut frame = buffer(80, 3);
    frame.set_string(0, 1, "a line", Style::new());
    let bytes = bench.show(&frame);
    assert!(
        bytes.ends_with(b"\x1b[K") && bytes.len() < 12,
        "{}",
        bytes.escape_ascii()
    );
    assert_eq!(bench.mismatch(&frame), None);
}

fn log(first: u16, cursor: Option<u16>) -> Buffer {
    let mut frame = buffer(120, 40);
    frame.set_string(
        0,
        0,
        "logs  checkout",
        Style::new().add_modifier(Modifier::REVERSED),
    );
    for y in 1..39 {
        let n = first + y;
        let line = format!(
            "12:00:{n:05} checkout-7f9c INFO request {} served in {} ms",
            u32::from(n) * 7919 % 1000,
            n * 31 % 97
        );
        frame.set_string(2, y, line, Style::new());
    }
    if let Some(y) = cursor {
        frame.set_string(0, y, "▌", Style::new().fg(Color::Cyan));
    }
    frame.set_string(0, 39, "q quit", Style::new());
    frame
}

#[test]
fn a_log_that_scrolls_costs_its_new_line_and_some() {
    let mut bench = Bench::new(120, 40);
    bench.show(&log(100, None));
    let up = bench.show(&log(101, None));
    assert_eq!(bench.mismatch(&log(101, None)), None);
    let down = bench.show(&log(100, None));
    assert_eq!(bench.mismatch(&log(100, None)), None);
    let by_three = bench.show(&log(103, Some(38)));
    assert_eq!(bench.mismatch(&log(103, Some(38))), None);
    println!(
        "log scroll: up {} B, down {} B, by three {} B",
        up.len(),
        down.len(),
        by_three.len()
    );
    assert!(
        up.len() <= 130 && down.len() <= 130,
        "{} and {} B",
        up.len(),
        down.len()
    );
    assert!(by_three.len() <= 260, "{} B", by_three.len());
}

#[test]
fn wide_characters_replace_and_are_replaced_without_remains() {
    let mut bench = Bench::new(10, 2);
    for text in [
        "日本語",
        " 日本語",
        "a本b",
        "日本",
        "ab日",
        "",
        "ああああああ",
        "x",
        "e\u{301}日e\u{301}",
    ] {
        let mut frame = buffer(10, 2);
        frame.set_string(0, 0, text, Style::new());
        frame.set_string(0, 1, text, Style::new().add_modifier(Modifier::REVERSED));
        bench.show(&frame);
        assert_eq!(bench.mismatch(&frame), None, "{text}");
    }
}

#[test]
fn control_characters_and_half_characters_never_reach_the_terminal() {
    let mut frame = buffer(4, 1);
    for (x, symbol) in ["\u{1b}", "\u{9b}31m", "\u{200b}", "日"].into_iter().enumerate() {
        frame.content[x].set_symbol(symbol);
    }
    let mut encoder = Encoder::new(SyncOutput::Unmarked);
    encoder.encode(&frame, None);
    assert_eq!(encoder.take(), b"\x1b[?25l\x1b[m\x1b[H\x1b[2J");
}

#[test]
fn an_invalidated_screen_is_sent_whole() {
    let mut bench = Bench::new(20, 2);
    let mut frame = buffer(20, 2);
    frame.set_string(0, 0, "here", Style::new());
    bench.show(&frame);
    bench
        .terminal
        .process(b"\x1b[31mrubbish from elsewhere\x1b[1;2r\x1b[r");
    bench.encoder.invalidate();
    bench.show(&frame);
    assert_eq!(bench.mismatch(&frame), None);
    assert!(bench.terminal.screen().hide_cursor());
}

#[test]
fn ratatuis_own_terminal_draws_through_it() {
    let mut encoder = Encoder::new(SyncOutput::Marked);
    encoder.resize(Size::new(30, 5));
    let mut terminal = Terminal::new(encoder).unwrap();
    let mut far_end = vt100::Parser::new(cells(5), cells(30), 0);
    for text in ["first", "the second is longer", "3"] {
        terminal
            .draw(|frame| frame.render_widget(Paragraph::new(text).block(Block::bordered()), frame.area()))
            .unwrap();
        far_end.process(&terminal.backend_mut().take());
        let row = far_end.screen().rows(0, 30).nth(1).unwrap();
        assert_eq!(row, format!("│{text:<28}│"));
    }
}

fn style() -> impl Strategy<Value = Style> {
    let color = prop_oneof![
        3 => Just(Color::Reset),
        2 => (0u8..16).prop_map(Color::Indexed),
        1 => (16u8..).prop_map(Color::Indexed),
        1 => any::<(u8, u8, u8)>().prop_map(|(r, g, b)| Color::Rgb(r, g, b)),
    ];
    let modifier = prop::sample::select(vec![
        Modifier::empty(),
        Modifier::empty(),
        Modifier::BOLD,
        Modifier::DIM,
        Modifier::ITALIC,
        Modifier::UNDERLINED,
        Modifier::REVERSED,
        Modifier::BOLD | Modifier::REVERSED,
    ]);
    (color.clone(), color, modifier).prop_map(|(fg, bg, modifier)| {
        Style::new()
            .fg(fg)
            .bg(bg)
            .add_modifier(modifier)
            .remove_modifier(Modifier::all().difference(modifier))
    })
}

#[derive(Debug, Clone)]
enum Change {
    Text(u16, u16, String, Style),
    Area(u16, u16, u16, u16, Style),
    Scroll(u16, u16, i32),
    Clear(u16),
    Resize(u16, u16),
    Invalidate,
}

fn change() -> impl Strategy<Value = Change> {
    let text = prop::collection::vec(
        prop::sample::select(vec![
            "a", "b", "c", " ", "  ", "    ", "日", "本", "é", "e\u{301}", "─", "word",
        ]),
        0..14,
    )
    .prop_map(|parts| parts.concat());
    let xy = (0u16..40, 0u16..12);
    prop_oneof![
        8 => (xy.clone(), text, style()).prop_map(|((x, y), text, style)| Change::Text(x, y, text, style)),
        2 => (xy.clone(), 1u16..20, 1u16..4, style()).prop_map(|((x, y), w, h, style)| Change::Area(x, y, w, h, style)),
        3 => (0u16..12, 0u16..12, -4i32..5).prop_map(|(a, b, by)| Change::Scroll(a, b, by)),
        1 => (0u16..12).prop_map(Change::Clear),
        1 => (1u16..40, 1u16..12).prop_map(|(w, h)| Change::Resize(w, h)),
        1 => Just(Change::Invalidate),
    ]
}

fn apply(change: Change, frame: &mut Buffer, encoder: &mut Encoder) {
    let area = frame.area;
    let width = usize::from(area.width);
    match change {
        Change::Text(x, y, text, style) => {
            if x < area.width && y < area.height {
                frame.set_string(x, y, text, style);
            }
        }
        Change::Area(x, y, w, h, style) => {
            // As a widget does it: never into the middle of a wide character's neighbour.
            frame.set_style(Rect::new(x, y, w, h).intersection(area), style);
        }
        Change::Scroll(a, b, by) => {
            let (top, bottom) = (a.min(b).min(area.height - 1), a.max(b).min(area.height - 1));
            let region = &mut frame.content[usize::from(top) * width..(usize::from(bottom) + 1) * width];
            let by_cells = (by.unsigned_abs() as usize * width).min(region.len());
            if by > 0 {
                region.rotate_left(by_cells);
            } else {
                region.rotate_right(by_cells);
            }
        }
        Change::Clear(y) => {
            let y = usize::from(y.min(area.height - 1));
            for cell in &mut frame.content[y * width..(y + 1) * width] {
                cell.reset();
            }
        }
        Change::Resize(w, h) => frame.resize(Rect::new(0, 0, w, h)),
        Change::Invalidate => encoder.invalidate(),
    }
}

proptest! {
    #[test]
    fn any_run_of_frames_is_reproduced_exactly(frames in prop::collection::vec((prop::collection::vec(change(), 1..6), prop::option::of((0u16..40, 0u16..12))), 1..12)) {
        let mut frame = buffer(40, 12);
        let mut bench = Bench::new(40, 12);
        for (changes, cursor) in frames {
            for change in changes {
                apply(change, &mut frame, &mut bench.encoder);
            }
            let cursor = cursor
                .map(|(x, y)| Position { x: x.min(frame.area.width - 1), y: y.min(frame.area.height - 1) });
            bench.show_with(&frame, cursor);
            prop_assert_eq!(bench.mismatch(&frame), None);
            prop_assert_eq!(bench.terminal.screen().hide_cursor(), cursor.is_none());
            if let Some(cursor) = cursor {
                prop_assert_eq!(bench.terminal.screen().cursor_position(), (cursor.y, cursor.x));
            }
            let before = bench.show_with(&frame, cursor);
            prop_assert!(before.is_empty(), "an unchanged frame sends nothing");
        }
    }
}

const RUNBOOK: &str = "https://runbooks.example/a";

fn link(y: u16, x: std::ops::Range<u16>, url: &str) -> Hyperlink {
    Hyperlink {
        y,
        x,
        url: url.into(),
    }
}

fn opens(bytes: &[u8], url: &str) -> usize {
    let open = format!("\x1b]8;;{url}\x1b\\");
    bytes
        .windows(open.len())
        .filter(|window| *window == open.as_bytes())
        .count()
}

#[test]
fn linked_cells_are_written_between_the_marks_of_their_link_once() {
    let mut bench = Bench::new(60, 4);
    let mut frame = buffer(60, 4);
    frame.set_string(2, 1, format!("runbook  {RUNBOOK}  Mara"), Style::new());
    bench.encoder.link(&[link(1, 11..37, RUNBOOK)]);
    let bytes = bench.show(&frame);
    let text = String::from_utf8(bytes.clone()).unwrap();
    let (before, after) = text
        .split_once(&format!("\x1b]8;;{RUNBOOK}\x1b\\{RUNBOOK}"))
        .expect("the address between its marks");
    assert!(before.ends_with("runbook  "), "{}", bytes.escape_ascii());
    let closed = after.find("\x1b]8;;\x1b\\").expect("it is closed");
    assert!(Some(closed) < after.find("Mara"), "{}", bytes.escape_ascii());
    assert_eq!(bench.mismatch(&frame), None);
    bench.encoder.link(&[link(1, 11..37, RUNBOOK)]);
    assert_eq!(
        bench.show(&frame),
        b"",
        "what leads to the same place is not sent again"
    );
    bench
        .encoder
        .link(&[link(1, 11..37, "https://runbooks.example/b")]);
    let bytes = bench.show(&frame);
    assert_eq!(
        opens(&bytes, "https://runbooks.example/b"),
        1,
        "{}",
        bytes.escape_ascii()
    );
    bench.encoder.link(&[]);
    let bytes = bench.show(&frame);
    assert!(
        !bytes.is_empty() && opens(&bytes, RUNBOOK) == 0,
        "{}",
        bytes.escape_ascii()
    );
    assert_eq!(bench.show(&frame), b"");
}

#[test]
fn no_link_is_open_when_a_frame_ends_or_a_line_is_erased() {
    let mut bench = Bench::new(60, 3);
    let mut frame = buffer(60, 3);
    frame.set_string(0, 0, "x".repeat(60), Style::new());
    frame.set_string(0, 2, RUNBOOK, Style::new());
    bench.encoder.link(&[link(2, 0..26, RUNBOOK)]);
    let bytes = bench.show(&frame);
    let at = |needle: &[u8]| bytes.windows(needle.len()).rposition(|window| window == needle);
    assert!(
        at(b"\x1b]8;;\x1b\\") > at(b"\x1b]8;;https"),
        "{}",
        bytes.escape_ascii()
    );
    let mut shorter = buffer(60, 3);
    shorter.set_string(0, 2, "https", Style::new());
    bench.encoder.link(&[link(2, 0..5, RUNBOOK)]);
    bench.show(&shorter);
    assert_eq!(bench.mismatch(&shorter), None);
}

#[test]
fn more_links_than_can_be_numbered_are_numbered_anew() {
    let mut bench = Bench::new(60, 3);
    let mut frame = buffer(60, 3);
    frame.set_string(0, 0, "here and there and everywhere", Style::new());
    for n in 0..500 {
        let url = format!("https://a.example/{n}");
        bench.encoder.link(&[link(0, 0..4, &url)]);
        assert_eq!(opens(&bench.show(&frame), &url), 1, "{n}");
    }
}

#[test]
fn a_terminal_without_line_edits_is_sent_none() {
    let mut bench = Bench::new(60, 20);
    bench.encoder = Encoder::new(SyncOutput::Unmarked).with_line_edits(LineEdits::Unknown);
    let page = |from: u16| {
        let mut frame = buffer(60, 20);
        for y in 0..20 {
            frame.set_string(
                0,
                y,
                format!("line {} of a log, long enough", from + y),
                Style::new(),
            );
        }
        frame
    };
    bench.show(&page(0));
    let bytes = bench.show(&page(1));
    assert!(
        !bytes.contains(&b'M') && !bytes.contains(&b'L'),
        "{}",
        bytes.escape_ascii()
    );
    assert_eq!(bench.mismatch(&page(1)), None);
}

#[test]
fn a_frame_parted_at_its_row_ends_never_shows_half_a_new_row_beside_half_an_old_one() {
    let lines = |first: u16| {
        let mut frame = buffer(80, 24);
        for y in 0..24 {
            let n = first + y;
            let pad = "x".repeat(usize::from(n % 24));
            let line = format!("03:14:{n:02} {pad} order {} placed", u32::from(n) * 7_919 % 9_973);
            frame.set_string(0, y, line, Style::new().fg(Color::Indexed((n % 7) as u8)));
        }
        frame
    };
    let rows = |bench: &Bench| -> Vec<String> {
        let rows = bench.terminal.screen().rows(0, 80);
        rows.map(|row| row.trim_end().to_string()).collect()
    };
    // Lines that scroll, and lines that are all others.
    for first in [5, 31] {
        let mut after = Bench::new(80, 24);
        after.show(&lines(first));
        let mut bench = Bench::new(80, 24);
        bench.show(&lines(0));
        let mut whole = vec![String::new()];
        whole.extend(rows(&bench));
        whole.extend(rows(&after));
        bench.encoder.encode(&lines(first), None);
        let ends = bench.encoder.row_ends().to_vec();
        let bytes = bench.encoder.take();
        assert!(ends.len() >= 5 && ends.is_sorted(), "{ends:?}");
        let mut from = 0;
        for end in ends.into_iter().chain([bytes.len()]) {
            bench.terminal.process(&bytes[from..end]);
            from = end;
            for row in rows(&bench) {
                assert!(whole.contains(&row), "{row:?} never was");
            }
        }
        assert_eq!(bench.mismatch(&lines(first)), None);
    }
}
