use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use proptest::prelude::*;

use super::*;
use crate::terminal::Focused;

const AT: Tick = Tick::from_secs(5);

fn after(ms: u64) -> Tick {
    AT + Duration::from_millis(ms)
}

fn decoder() -> Decoder {
    Decoder::new(Patience::default())
}

/// What comes out when `bytes` arrive in these pieces, all at once, and then silence falls.
fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Input> {
    let (mut decoder, mut out) = (decoder(), Vec::new());
    for piece in pieces {
        decoder.feed(piece, AT, &mut out);
    }
    if let Some(deadline) = decoder.deadline() {
        decoder.timeout(deadline, &mut out);
    }
    out
}

fn whole(bytes: &[u8]) -> Vec<Input> {
    decode([bytes])
}

fn bytewise(bytes: &[u8]) -> Vec<Input> {
    decode(bytes.chunks(1))
}

fn pressed(code: KeyCode) -> Input {
    key(code, KeyModifiers::NONE)
}

const NONE: KeyModifiers = KeyModifiers::NONE;
const SHIFT: KeyModifiers = KeyModifiers::SHIFT;
const ALT: KeyModifiers = KeyModifiers::ALT;
const CONTROL: KeyModifiers = KeyModifiers::CONTROL;

#[test]
fn keys_arrive_whole_even_a_byte_at_a_time() {
    let table: &[(&[u8], KeyCode, KeyModifiers)] = &[
        (b"q", KeyCode::Char('q'), NONE),
        (b"Q", KeyCode::Char('Q'), SHIFT),
        ("é".as_bytes(), KeyCode::Char('é'), NONE),
        ("字".as_bytes(), KeyCode::Char('字'), NONE),
        ("🦀".as_bytes(), KeyCode::Char('🦀'), NONE),
        (b"\x1b", KeyCode::Esc, NONE),
        (b"\r", KeyCode::Enter, NONE),
        (b"\t", KeyCode::Tab, NONE),
        (b"\x7f", KeyCode::Backspace, NONE),
        (b"\x00", KeyCode::Char(' '), CONTROL),
        (b"\x03", KeyCode::Char('c'), CONTROL),
        (b"\x1a", KeyCode::Char('z'), CONTROL),
        (b"\x1c", KeyCode::Char('\\'), CONTROL),
        (b"\x1f", KeyCode::Char('_'), CONTROL),
        (b"\x1bx", KeyCode::Char('x'), ALT),
        (b"\x1b\r", KeyCode::Enter, ALT),
        (b"\x1b\x7f", KeyCode::Backspace, ALT),
        (b"\x1b\x04", KeyCode::Char('d'), ALT.union(CONTROL)),
        ("\x1bé".as_bytes(), KeyCode::Char('é'), ALT),
        (b"\x1b[", KeyCode::Char('['), ALT),
        (b"\x1bO", KeyCode::Char('O'), ALT.union(SHIFT)),
        (b"\x1b]", KeyCode::Char(']'), ALT),
        (b"\x1bP", KeyCode::Char('P'), ALT.union(SHIFT)),
        (b"\x1b[A", KeyCode::Up, NONE),
        (b"\x1b[B", KeyCode::Down, NONE),
        (b"\x1bOC", KeyCode::Right, NONE),
        (b"\x1bOD", KeyCode::Left, NONE),
        (b"\x1b[1;5A", KeyCode::Up, CONTROL),
        (b"\x1b[1;2B", KeyCode::Down, SHIFT),
        (b"\x1b[1;3C", KeyCode::Right, ALT),
        (b"\x1b[1;8D", KeyCode::Left, SHIFT.union(ALT).union(CONTROL)),
        (b"\x1bO5A", KeyCode::Up, CONTROL),
        (b"\x1bOa", KeyCode::Up, CONTROL),
        (b"\x1b[a", KeyCode::Up, SHIFT),
        (b"\x1b[H", KeyCode::Home, NONE),
        (b"\x1bOH", KeyCode::Home, NONE),
        (b"\x1b[1~", KeyCode::Home, NONE),
        (b"\x1b[7~", KeyCode::Home, NONE),
        (b"\x1b[F", KeyCode::End, NONE),
        (b"\x1bOF", KeyCode::End, NONE),
        (b"\x1b[4~", KeyCode::End, NONE),
        (b"\x1b[8~", KeyCode::End, NONE),
        (b"\x1b[1;5F", KeyCode::End, CONTROL),
        (b"\x1b[2~", KeyCode::Insert, NONE),
        (b"\x1b[3~", KeyCode::Delete, NONE),
        (b"\x1b[3;5~", KeyCode::Delete, CONTROL),
        (b"\x1b[5~", KeyCode::PageUp, NONE),
        (b"\x1b[6~", KeyCode::PageDown, NONE),
        (b"\x1b[5^", KeyCode::PageUp, CONTROL),
        (b"\x1b[Z", KeyCode::BackTab, SHIFT),
        (b"\x1bOP", KeyCode::F(1), NONE),
        (b"\x1b[[A", KeyCode::F(1), NONE),
        (b"\x1b[11~", KeyCode::F(1), NONE),
        (b"\x1b[1;5P", KeyCode::F(1), CONTROL),
        (b"\x1bOR", KeyCode::F(3), NONE),
        (b"\x1b[15~", KeyCode::F(5), NONE),
        (b"\x1b[17~", KeyCode::F(6), NONE),
        (b"\x1b[21~", KeyCode::F(10), NONE),
        (b"\x1b[24~", KeyCode::F(12), NONE),
        (b"\x1b[34~", KeyCode::F(20), NONE),
        (b"\x1bOM", KeyCode::Enter, NONE),
        (b"\x1bOj", KeyCode::Char('*'), NONE),
        (b"\x1bOp", KeyCode::Char('0'), NONE),
        (b"\x1bOy", KeyCode::Char('9'), NONE),
        (b"\x1b[27u", KeyCode::Esc, NONE),
        (b"\x1b[13;2u", KeyCode::Enter, SHIFT),
        (b"\x1b[9;2u", KeyCode::BackTab, SHIFT),
        (b"\x1b[97;5u", KeyCode::Char('a'), CONTROL),
        (b"\x1b[97:65;2u", KeyCode::Char('A'), SHIFT),
        (b"\x1b[49:33;2u", KeyCode::Char('!'), SHIFT),
        (b"\x1b[57420u", KeyCode::Down, NONE),
        (b"\x1b[27;5;105~", KeyCode::Char('i'), CONTROL),
        (b"\x1b[1;1:2A", KeyCode::Up, NONE),
    ];
    for &(bytes, code, modifiers) in table {
        let expected = vec![key(code, modifiers)];
        assert_eq!(
            whole(bytes),
            expected,
            "{:?} whole",
            bytes.escape_ascii().to_string()
        );
        assert_eq!(
            bytewise(bytes),
            expected,
            "{:?} split",
            bytes.escape_ascii().to_string()
        );
    }
}

#[test]
fn replies_nobody_asked_for_are_never_typed() {
    let table: &[&[u8]] = &[
        b"\x1b[?62;22c",
        b"\x1b[>41;354;0c",
        b"\x1b[0n",
        b"\x1b[12;40R",
        b"\x1b[?2026;2$y",
        b"\x1b[?1u",
        b"\x1b[8;40;120t",
        b"\x1b[201~",
        b"\x1b[99~",
        b"\x1b[97;1:3u",
        b"\x1b[1;1:3A",
        b"\x1b[57441u",
        b"\x1b]10;rgb:ffff/ffff/ffff\x1b\\",
        b"\x1b]52;c;aGVsbG8=\x07",
        b"\x1b]11;no colour\x07",
        b"\x1bP1+r544e=787465726d\x1b\\",
        b"\x1bP>|XTerm(354)\x1b\\",
        b"\x1b_Gi=1;OK\x1b\\",
        b"\x1b[M !!",
        b"\x1b[<128;1;1M",
        b"\x1b[<0;0;0M",
        b"\xff\xfe\x80",
        "\u{85}".as_bytes(),
    ];
    for &bytes in table {
        assert_eq!(whole(bytes), [], "{:?} whole", bytes.escape_ascii().to_string());
        assert_eq!(
            bytewise(bytes),
            [],
            "{:?} split",
            bytes.escape_ascii().to_string()
        );
    }
}

#[test]
fn an_overlong_sequence_is_swallowed_to_its_end() {
    let mut csi = b"\x1b[".to_vec();
    csi.extend(std::iter::repeat_n(b'1', 5_000));
    csi.extend(b"Aq");
    assert_eq!(bytewise(&csi), [pressed(KeyCode::Char('q'))]);
    let mut osc = b"\x1b]11;rgb:".to_vec();
    osc.extend(std::iter::repeat_n(b'f', 5_000));
    osc.extend(b"\x07q");
    assert_eq!(bytewise(&osc), [pressed(KeyCode::Char('q'))]);
}

#[test]
fn a_background_reply_becomes_a_colour_in_every_spelling() {
    for reply in [
        &b"\x1b]11;rgb:1e1e/2020/ffff\x1b\\"[..],
        b"\x1b]11;rgb:1e/20/ff\x07",
        b"\x1b]11;rgba:1e1e/2020/ffff/8080\x07",
        b"\x1b]11;#1e20ff\x07",
    ] {
        let expected = [Input::Background {
            rgb: [0x1e, 0x20, 0xff],
        }];
        assert_eq!(whole(reply), expected);
        assert_eq!(bytewise(reply), expected);
    }
    assert_eq!(
        whole(b"\x1b]11;rgb:f/8/0\x07"),
        [Input::Background { rgb: [255, 136, 0] }]
    );
}

#[test]
fn the_mouse_and_the_focus_are_read() {
    let mouse = |kind, modifiers| {
        [Input::Mouse(MouseEvent {
            kind,
            column: 11,
            row: 4,
            modifiers,
        })]
    };
    let table: &[(&[u8], MouseEventKind, KeyModifiers)] = &[
        (b"\x1b[<0;12;5M", MouseEventKind::Down(MouseButton::Left), NONE),
        (b"\x1b[<0;12;5m", MouseEventKind::Up(MouseButton::Left), NONE),
        (b"\x1b[<2;12;5M", MouseEventKind::Down(MouseButton::Right), NONE),
        (b"\x1b[<33;12;5M", MouseEventKind::Drag(MouseButton::Middle), NONE),
        (b"\x1b[<35;12;5M", MouseEventKind::Moved, NONE),
        (b"\x1b[<64;12;5M", MouseEventKind::ScrollUp, NONE),
        (b"\x1b[<81;12;5M", MouseEventKind::ScrollDown, CONTROL),
    ];
    for &(bytes, kind, modifiers) in table {
        assert_eq!(bytewise(bytes), mouse(kind, modifiers));
    }
    assert_eq!(bytewise(b"\x1b[I"), [Input::Focus(Focused::Gained)]);
    assert_eq!(bytewise(b"\x1b[O"), [Input::Focus(Focused::Lost)]);
}

#[test]
fn a_paste_is_one_input_and_its_line_breaks_are_newlines() {
    let bytes = b"\x1b[200~one\r\ntwo\rthree \x1b[A \x1b[201 \x1b\x1b[201~q";
    let expected = [
        Input::Paste("one\ntwo\nthree \x1b[A \x1b[201 \x1b".into()),
        pressed(KeyCode::Char('q')),
    ];
    assert_eq!(whole(bytes), expected);
    assert_eq!(bytewise(bytes), expected);
}

#[test]
fn a_paste_is_cut_at_its_cap_and_what_follows_is_read_again() {
    let mut bytes = b"\x1b[200~".to_vec();
    bytes.extend(std::iter::repeat_n(b'x', PASTE_CAP + 100));
    bytes.extend(b"\x1b[201~q");
    let inputs = whole(&bytes);
    let [Input::Paste(text), last] = &inputs[..] else {
        panic!("{} inputs", inputs.len());
    };
    assert_eq!(text.len(), PASTE_CAP);
    assert_eq!(*last, pressed(KeyCode::Char('q')));
}

#[test]
fn a_paste_that_falls_silent_is_handed_over_and_its_rest_is_not_typed() {
    let (mut decoder, mut out) = (decoder(), Vec::new());
    decoder.feed(b"\x1b[200~first half, ", AT, &mut out);
    let deadline = decoder.deadline().expect("a paste is waited for");
    decoder.timeout(deadline, &mut out);
    assert_eq!(out, [Input::Paste("first half, ".into())]);
    assert_eq!(decoder.deadline(), None, "at rest, however long the link stalls");
    out.clear();
    decoder.feed(b"second\x1b[201~q", deadline + Duration::from_mins(1), &mut out);
    assert_eq!(out, [Input::Paste("second".into()), pressed(KeyCode::Char('q'))]);
}

#[test]
fn after_an_unterminated_paste_the_keyboard_works() {
    let (mut decoder, mut out) = (decoder(), Vec::new());
    decoder.feed(b"\x1b[200~text", AT, &mut out);
    decoder.timeout(after(60_000), &mut out);
    decoder.feed(b"j", after(61_000), &mut out);
    assert_eq!(out, [Input::Paste("text".into()), pressed(KeyCode::Char('j'))]);
}

#[test]
fn a_lone_escape_is_a_key_only_after_its_time() {
    let (mut decoder, mut out) = (decoder(), Vec::new());
    decoder.feed(b"\x1b", AT, &mut out);
    assert_eq!(decoder.deadline(), Some(after(40)));
    decoder.timeout(after(39), &mut out);
    assert_eq!(out, []);
    decoder.timeout(after(40), &mut out);
    assert_eq!(out, [pressed(KeyCode::Esc)]);
    assert_eq!(decoder.deadline(), None);
}

#[test]
fn the_tail_of_an_arrow_whose_escape_came_far_too_early_is_still_no_capital_a() {
    let (mut decoder, mut out) = (decoder(), Vec::new());
    decoder.feed(b"\x1b", AT, &mut out);
    decoder.timeout(after(40), &mut out);
    decoder.feed(b"[A", after(400), &mut out);
    assert_eq!(out, [pressed(KeyCode::Esc), pressed(KeyCode::Up)]);
}

#[test]
fn a_bracket_typed_long_after_escape_is_a_bracket() {
    let (mut decoder, mut out) = (decoder(), Vec::new());
    decoder.feed(b"\x1b", AT, &mut out);
    decoder.timeout(after(40), &mut out);
    decoder.feed(b"[", after(200), &mut out);
    decoder.feed(b"A", after(300), &mut out);
    let typed = [
        pressed(KeyCode::Esc),
        pressed(KeyCode::Char('[')),
        key(KeyCode::Char('A'), SHIFT),
    ];
    assert_eq!(out, typed);
}

#[test]
fn a_sequence_that_never_ends_is_dropped_and_keys_work_again() {
    for start in [
        &b"\x1b[1;"[..],
        b"\x1b]11;rgb",
        b"\x1bPq",
        b"\xe2\x82",
        b"\x1b[M!",
        b"\x1b[[",
    ] {
        let (mut decoder, mut out) = (decoder(), Vec::new());
        decoder.feed(start, AT, &mut out);
        decoder.timeout(after(1_000), &mut out);
        decoder.feed(b"j", after(1_100), &mut out);
        assert_eq!(out, [pressed(KeyCode::Char('j'))], "{}", start.escape_ascii());
        assert_eq!(decoder.deadline(), None);
    }
}

#[test]
fn two_escapes_are_two_escapes() {
    assert_eq!(
        bytewise(b"\x1b\x1b"),
        [pressed(KeyCode::Esc), pressed(KeyCode::Esc)]
    );
    assert_eq!(
        bytewise(b"\x1b\x1b[A"),
        [pressed(KeyCode::Esc), pressed(KeyCode::Up)]
    );
}

#[test]
fn a_sequence_cut_short_by_another_gives_way_to_it() {
    assert_eq!(bytewise(b"\x1b[1;\x1b[B"), [pressed(KeyCode::Down)]);
    assert_eq!(bytewise(b"\x1b]11;rgb\x1b[B"), [pressed(KeyCode::Down)]);
    assert_eq!(bytewise(b"\xe2j"), [pressed(KeyCode::Char('j'))]);
    assert_eq!(bytewise(b"\x1b[1;\x18j"), [pressed(KeyCode::Char('j'))]);
}

/// Bytes that are mostly grammar, so that random streams reach every state.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        any::<u8>().prop_map(|b| vec![b]),
        prop::sample::select(vec![
            "\x1b[A",
            "\x1bO",
            "\x1b[1;5",
            "\x1b[200~",
            "\x1b[201~",
            "\x1b]11;rgb:ff/00/11",
            "\x07",
            "\x1b\\",
            "\x1bP",
            "字",
            "🦀",
            "\x1b[<0;3;4M",
            "\x1b[M",
            "\x1b",
            "\r\n",
            "abc",
            "\x1b[[",
            "\x18",
        ])
        .prop_map(|s| s.as_bytes().to_vec()),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn chopping_never_changes_what_is_read(bytes in stream(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12)) {
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        at.extend([0, bytes.len()]);
        at.sort_unstable();
        let pieces = at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]);
        let expected = whole(&bytes);
        prop_assert_eq!(&decode(pieces), &expected);
        prop_assert_eq!(&bytewise(&bytes), &expected);
    }
}

#[test]
fn answers_to_our_questions_are_no_keys_however_they_are_split() {
    let bytes = b"\x1b[?2026;2$y\x1b[0n\x1b[?2026;0$y\x1b[?62;4c\x1b[12;40R";
    for size in 1..=bytes.len() {
        let mut decoder = Decoder::new(Patience::default());
        let mut inputs = Vec::new();
        for chunk in bytes.chunks(size) {
            decoder.feed(chunk, Tick::ZERO, &mut inputs);
        }
        assert_eq!(inputs, [], "in pieces of {size}");
        assert_eq!(
            decoder.replies(),
            [Reply::Sync(Knows::Yes), Reply::Status, Reply::Sync(Knows::No)]
        );
        assert_eq!(decoder.replies(), []);
    }
}

#[test]
fn a_flood_of_answers_nobody_asked_for_is_bounded() {
    let mut decoder = Decoder::new(Patience::default());
    decoder.feed(&b"\x1b[0n".repeat(10_000), Tick::ZERO, &mut Vec::new());
    assert!(decoder.replies().len() <= REPLIES);
}
