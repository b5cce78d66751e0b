//! What characters are: seen as what they are, part of a name, typed without quotes.

use unicode_width::UnicodeWidthChar as _;

use crate::text::is_unsafe;

/// Marks above and below one letter; what has more of them covers the lines around it.
const MOST_MARKS: usize = 4;

/// The hyphen and what Unicode has that looks like it (general category Pd, and the minus sign).
pub(super) fn is_dash(c: char) -> bool {
    matches!(
        c,
        '-' | '\u{58A}' | '\u{5BE}' | '\u{1400}' | '\u{1806}' | '\u{2010}'
            ..='\u{2015}'
                | '\u{2212}'
                | '\u{2E17}'
                | '\u{2E1A}'
                | '\u{2E3A}'
                | '\u{2E3B}'
                | '\u{2E40}'
                | '\u{2E5D}'
                | '\u{301C}'
                | '\u{3030}'
                | '\u{30A0}'
                | '\u{FE31}'
                | '\u{FE32}'
                | '\u{FE58}'
                | '\u{FE63}'
                | '\u{FF0D}'
                | '\u{10EAD}'
    )
}

/// The first character that is not seen as what it is, and its place.
pub(super) fn unseen(text: &str) -> Option<(usize, char)> {
    let mut marks = 0;
    text.chars().enumerate().find(|(_, c)| {
        let is_mark = c.width() == Some(0);
        marks = if is_mark { marks + 1 } else { 0 };
        is_hidden(*c) || marks > MOST_MARKS
    })
}

/// What is not seen where it stands, or changes how what is beside it is seen: controls, formatting, fillers, blanks
/// other than the space, variation selectors (Unicode's `Default_Ignorable_Code_Point`, and the controls), and what
/// every font draws as it likes (private use).
fn is_hidden(c: char) -> bool {
    is_unsafe(c)
        || c.is_control()
        || (c.is_whitespace() && c != ' ')
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200c}' | '\u{200d}' | '\u{2065}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
            | '\u{e000}'..='\u{f8ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0080}'..='\u{e0fff}'
            | '\u{f0000}'..='\u{10ffff}')
}

/// Whether a value is a name: of a pod, a host with its port, a path, an image.
pub(super) fn is_name(value: &str) -> bool {
    let is_of_names = |c: char| c.is_ascii_alphanumeric() || "._:/@-".contains(c);
    value.chars().all(is_of_names)
        && !value.starts_with(['@', '-'])
        && !value.split('/').any(|part| part == "..")
}

/// What is typed without quotes.
pub(super) fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "._:/@%+=,-".contains(c)
}
