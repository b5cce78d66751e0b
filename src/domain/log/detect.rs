//! How grave a line is, where only its words tell.
//!
//! As Loki does it (`pkg/distributor/field_detection.go`): a level field decides, else the earliest keyword that
//! stands for itself. Numbers are read as pino and bunyan (10 to 60), syslog (0 to 7) and OTLP (`severity_number`,
//! 1 to 24) write them.

use super::Level;

/// A keyword is looked for in so many bytes at the start: a level stands at the front, prose further on.
const LEAD: usize = 512;

/// The longest keyword.
const LONGEST: usize = 13;

/// What a level field says; unknown for what is no level.
pub fn level_of(value: &[u8]) -> Level {
    let value = value.trim_ascii();
    match value {
        [b'0'..=b'9'] | [b'0'..=b'9', b'0'] => of_number(value),
        [letter] => of_letter(*letter),
        _ => keyword(value),
    }
}

/// What OTLP's `severity_number` says.
pub fn level_of_severity_number(value: &[u8]) -> Level {
    let number = std::str::from_utf8(value)
        .ok()
        .and_then(|text| text.parse::<u8>().ok());
    match number {
        Some(1..=4) => Level::Trace,
        Some(5..=8) => Level::Debug,
        Some(9..=12) => Level::Info,
        Some(13..=16) => Level::Warn,
        Some(17..=20) => Level::Error,
        Some(21..=24) => Level::Fatal,
        _ => Level::Unknown,
    }
}

fn of_number(value: &[u8]) -> Level {
    match value {
        b"10" => Level::Trace,
        b"7" | b"20" => Level::Debug,
        b"5" | b"6" | b"30" => Level::Info,
        b"4" | b"40" => Level::Warn,
        b"3" | b"50" => Level::Error,
        b"0" | b"1" | b"2" | b"60" => Level::Fatal,
        _ => Level::Unknown,
    }
}

fn of_letter(letter: u8) -> Level {
    match letter.to_ascii_lowercase() {
        b't' => Level::Trace,
        b'd' => Level::Debug,
        b'i' => Level::Info,
        b'w' => Level::Warn,
        b'e' => Level::Error,
        b'f' => Level::Fatal,
        _ => Level::Unknown,
    }
}

fn keyword(word: &[u8]) -> Level {
    let mut lower = [0; LONGEST];
    let Some(lower) = lower.get_mut(..word.len()) else {
        return Level::Unknown;
    };
    lower.copy_from_slice(word);
    lower.make_ascii_lowercase();
    match &*lower {
        b"trace" | b"trc" | b"finest" => Level::Trace,
        b"debug" | b"dbg" | b"fine" | b"verbose" => Level::Debug,
        b"info" | b"inf" | b"information" | b"informational" | b"notice" => Level::Info,
        b"warn" | b"wrn" | b"warning" => Level::Warn,
        b"error" | b"err" | b"eror" | b"severe" => Level::Error,
        b"fatal" | b"ftl" | b"critical" | b"crit" | b"panic" | b"dpanic" | b"emerg" | b"emergency"
        | b"alert" => Level::Fatal,
        _ => Level::Unknown,
    }
}

/// What the words of a line say: glog's first letter, a syslog priority, else the earliest keyword that no letter,
/// digit, dash or colon stands before (`misc:error` is no level) and that ends as a word does.
pub fn level_in(text: &[u8]) -> Level {
    let glog = glog(text);
    if glog != Level::Unknown {
        return glog;
    }
    if let Some(level) = syslog(text) {
        return level;
    }
    let lead = text.get(..text.len().min(LEAD)).unwrap_or_default();
    let mut at = 0;
    let mut before = b' ';
    while let Some(byte) = lead.get(at).copied() {
        if byte == 0x1b && lead.get(at + 1) == Some(&b'[') {
            // A colour: what follows it stands for itself.
            let rest = lead.get(at + 2..).unwrap_or_default();
            at += 3 + rest
                .iter()
                .position(u8::is_ascii_alphabetic)
                .unwrap_or(rest.len());
            before = b' ';
            continue;
        }
        if !byte.is_ascii_alphabetic() {
            before = byte;
            at += 1;
            continue;
        }
        let rest = lead.get(at..).unwrap_or_default();
        let length = rest
            .iter()
            .position(|byte| !byte.is_ascii_alphabetic())
            .unwrap_or(rest.len());
        let word = rest.get(..length).unwrap_or_default();
        let after = rest.get(length).copied().unwrap_or(b' ');
        if (3..=LONGEST).contains(&length) && opens(before) && closes(after) && !is_prose(word) {
            let level = keyword(word);
            let (ahead, behind) = (lead.get(..at), rest.get(length..));
            if level != Level::Unknown
                && !is_denied(ahead.unwrap_or_default())
                && !is_empty_field(behind.unwrap_or_default())
            {
                return level;
            }
        }
        at += length;
        before = b'a';
    }
    Level::Unknown
}

/// Words that are keywords as a field's value, but everyday words in a text.
fn is_prose(word: &[u8]) -> bool {
    matches!(
        word,
        b"fine"
            | b"finest"
            | b"notice"
            | b"alert"
            | b"trace"
            | b"verbose"
            | b"severe"
            | b"information"
            | b"emergency"
    )
}

/// Whether what stands before a keyword says that there is none of it: `no error`, `0 warn`.
fn is_denied(before: &[u8]) -> bool {
    let trimmed = before.trim_ascii_end();
    let last = trimmed.rsplit(|byte| !byte.is_ascii_alphanumeric()).next();
    trimmed.len() < before.len()
        && last.is_some_and(|last| {
            [b"no".as_slice(), b"0", b"zero", b"without"]
                .iter()
                .any(|word| last.eq_ignore_ascii_case(word))
        })
}

/// Whether a keyword is the name of a field, in logfmt or JSON, that says that there is none of it: `err=nil`,
/// `"error":null`. `error: …` is prose.
fn is_empty_field(behind: &[u8]) -> bool {
    let value = behind.strip_prefix(b"=").or_else(|| {
        let behind = behind.strip_prefix(b"\"")?.trim_ascii_start();
        behind.strip_prefix(b":").map(<[u8]>::trim_ascii_start)
    });
    let Some(value) = value else { return false };
    let value = match value.strip_prefix(b"\"") {
        Some(quoted) => quoted.split(|byte| *byte == b'"').next(),
        None => value
            .split(|byte| byte.is_ascii_whitespace() || matches!(byte, b',' | b';' | b'}' | b']' | b')'))
            .next(),
    };
    let value = value.unwrap_or_default();
    [b"".as_slice(), b"nil", b"null", b"<nil>", b"none", b"0", b"false"]
        .iter()
        .any(|nothing| value.eq_ignore_ascii_case(nothing))
}

fn opens(byte: u8) -> bool {
    !byte.is_ascii_digit()
        && !matches!(byte, b'a' | b':' | b'_' | b'-' | b'.' | b'/' | b'\\')
        && byte.is_ascii()
}

fn closes(byte: u8) -> bool {
    byte.is_ascii_whitespace()
        || matches!(
            byte,
            b':' | b'=' | b']' | b')' | b'}' | b'>' | b'|' | b'"' | b'\'' | b',' | b';' | b'!' | b'[' | 0x1b
        )
}

/// glog and klog: `E0921 12:34:56.789`.
fn glog(text: &[u8]) -> Level {
    match text {
        [letter @ (b'I' | b'W' | b'E' | b'F'), a, b, c, d, b' ', ..]
            if [a, b, c, d].iter().all(|byte| byte.is_ascii_digit()) =>
        {
            of_letter(*letter)
        }
        _ => Level::Unknown,
    }
}

/// RFC 5424's `<PRI>`: the priority modulo 8.
fn syslog(text: &[u8]) -> Option<Level> {
    let rest = text.strip_prefix(b"<")?;
    let length = rest.iter().take(4).position(|byte| *byte == b'>')?;
    let number: u8 = std::str::from_utf8(rest.get(..length)?).ok()?.parse().ok()?;
    (number < 192).then(|| of_number(&[b'0' + number % 8]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_say_levels_in_words_letters_and_numbers() {
        for (text, level) in [
            ("WARNING", Level::Warn),
            ("err", Level::Error),
            ("I", Level::Info),
            ("50", Level::Error),
            ("3", Level::Error),
            ("Critical", Level::Fatal),
            ("banana", Level::Unknown),
            ("", Level::Unknown),
        ] {
            assert_eq!(level_of(text.as_bytes()), level, "{text}");
        }
        assert_eq!(level_of_severity_number(b"17"), Level::Error);
    }

    #[test]
    fn lines_say_levels_by_the_earliest_word_that_stands_for_itself() {
        for (text, level) in [
            ("2026-11-21 INFO error while closing", Level::Info),
            ("[error] 12: upstream timed out", Level::Error),
            ("\u{1b}[33mWARN\u{1b}[0m slow", Level::Warn),
            ("misc:error is no level", Level::Unknown),
            ("stderr closed, terror", Level::Unknown),
            ("E0921 12:34:56.789012 1 x.go:1] boom", Level::Error),
            ("<11>1 2026-11-21T08:10:03Z host app", Level::Error),
            ("panic: runtime error: index out of range", Level::Fatal),
            ("all is fine", Level::Unknown),
            ("msg=done err=nil", Level::Unknown),
            ("errors=0 error=null", Level::Unknown),
            ("GET /x 200 error=0", Level::Unknown),
            ("done error=\"\" took=3ms", Level::Unknown),
            ("{\"msg\":\"done\",\"error\": null}", Level::Unknown),
            ("done, err=<nil>, warn=false", Level::Unknown),
            ("no error, 0 warn", Level::Unknown),
            ("err=nil then WARN slow", Level::Warn),
            ("msg=done err=timeout", Level::Error),
            ("error=\"connection refused\"", Level::Error),
            ("{\"error\":\"connection refused\"}", Level::Error),
            ("error: nil pointer dereference", Level::Error),
            ("piano error", Level::Error),
            ("", Level::Unknown),
        ] {
            assert_eq!(level_in(text.as_bytes()), level, "{text}");
        }
    }
}
