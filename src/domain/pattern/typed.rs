//! Recognises values by their form: times, durations, numbers, addresses, ids, paths.
//!
//! Each function is given the text and where a word begins, and says where the value ends, or that it is none of
//! its kind. They know nothing of tokens.

/// The byte at a place; NUL past the end.
pub(super) fn at(text: &[u8], i: usize) -> u8 {
    text.get(i).copied().unwrap_or(0)
}

/// Part of a word: a letter, a digit, or a byte of a character beyond ASCII.
pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80
}

/// Where the run of bytes that hold `of` ends.
fn run(text: &[u8], from: usize, of: impl Fn(u8) -> bool) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    from + rest.iter().position(|&b| !of(b)).unwrap_or(rest.len())
}

/// The end of the word that begins here.
pub(super) fn word_end(text: &[u8], from: usize) -> usize {
    run(text, from, is_word)
}

fn digits(text: &[u8], from: usize) -> usize {
    run(text, from, |b| b.is_ascii_digit())
}

/// Exactly so many digits, then what is no digit.
fn exactly(text: &[u8], from: usize, count: usize) -> Option<usize> {
    let end = digits(text, from);
    (end - from == count).then_some(end)
}

fn byte(text: &[u8], from: usize, of: &[u8]) -> Option<usize> {
    of.contains(&at(text, from)).then_some(from + 1)
}

/// A value ends where no word goes on.
fn bounded(text: &[u8], end: usize) -> Option<usize> {
    (!is_word(at(text, end))).then_some(end)
}

/// A time of day: `03:14:07`, with a fraction, with a zone.
fn time_of_day(text: &[u8], from: usize) -> Option<usize> {
    let hour = digits(text, from);
    if !(1..=2).contains(&(hour - from)) {
        return None;
    }
    let minute = exactly(text, byte(text, hour, b":")?, 2)?;
    let mut end = minute;
    if let Some(second) = byte(text, end, b":").and_then(|i| exactly(text, i, 2)) {
        end = second;
    } else if hour - from != 2 {
        return None;
    }
    if let Some(fraction) = byte(text, end, b".,") {
        let stop = digits(text, fraction);
        if stop > fraction {
            end = stop;
        }
    }
    if byte(text, end, b"Zz").is_some() {
        return bounded(text, end + 1);
    }
    let spaced = if at(text, end) == b' ' { end + 1 } else { end };
    if let Some(zone) = byte(text, spaced, b"+-") {
        let hours = digits(text, zone);
        let with_minutes = byte(text, hours, b":").and_then(|i| exactly(text, i, 2));
        match (hours - zone, with_minutes) {
            (2, Some(stop)) => end = stop,
            (2, None) if spaced == end => end = hours,
            (4, _) => end = hours,
            _ => {}
        }
    }
    bounded(text, end)
}

/// A moment or a day: RFC 3339 with `T` or a space, dates with `/`, the form of web servers' access logs
/// (`20/Nov/2026:03:14:07 +0000`), a time of day alone.
pub(super) fn moment(text: &[u8], from: usize) -> Option<usize> {
    let first = digits(text, from);
    match first - from {
        4 => {
            let separator = at(text, first);
            let month = exactly(text, byte(text, first, b"-/.")?, 2)?;
            let day = exactly(text, byte(text, month, &[separator])?, 2)?;
            if let Some(clock) = byte(text, day, b"Tt ")
                && let Some(end) = time_of_day(text, clock)
            {
                return Some(end);
            }
            bounded(text, day)
        }
        2 if at(text, first) == b'/' => {
            let month = run(text, first + 1, |b| b.is_ascii_alphabetic());
            if month - first != 4 {
                return None;
            }
            let year = exactly(text, byte(text, month, b"/")?, 4)?;
            time_of_day(text, byte(text, year, b": ")?)
        }
        1 | 2 => time_of_day(text, from),
        _ => None,
    }
}

fn hex(text: &[u8], from: usize) -> usize {
    run(text, from, |b| b.is_ascii_hexdigit())
}

/// `8-4-4-4-12` hex digits.
pub(super) fn uuid(text: &[u8], from: usize) -> Option<usize> {
    let mut end = from;
    for (nth, count) in [8, 4, 4, 4, 12].into_iter().enumerate() {
        if nth > 0 {
            end = byte(text, end, b"-")?;
        }
        let stop = hex(text, end);
        if stop - end != count {
            return None;
        }
        end = stop;
    }
    bounded(text, end)
}

/// An IPv4 address, with a port or a prefix length.
pub(super) fn ipv4(text: &[u8], from: usize) -> Option<usize> {
    let mut end = from;
    for nth in 0..4 {
        if nth > 0 {
            end = byte(text, end, b".")?;
        }
        let stop = digits(text, end);
        let value = text
            .get(end..stop)
            .unwrap_or_default()
            .iter()
            .fold(0_u32, |n, b| {
                n.saturating_mul(10).saturating_add(u32::from(b - b'0'))
            });
        if !(1..=3).contains(&(stop - end)) || value > 255 {
            return None;
        }
        end = stop;
    }
    if at(text, end) == b'.' && at(text, end + 1).is_ascii_digit() {
        return None;
    }
    if let Some(suffix) = byte(text, end, b":/") {
        let stop = digits(text, suffix);
        if stop > suffix {
            end = stop;
        }
    }
    bounded(text, end)
}

/// An IPv6 address with a `::` in it or all eight groups.
pub(super) fn ipv6(text: &[u8], from: usize) -> Option<usize> {
    let end = run(text, from, |b| b.is_ascii_hexdigit() || b == b':');
    let address = text.get(from..end)?;
    let address = address
        .strip_suffix(b":")
        .filter(|a| !a.ends_with(b":"))
        .unwrap_or(address);
    let groups = address.split(|b| *b == b':');
    let colons = address.split(|b| *b == b':').count() - 1;
    let short = address.windows(2).any(|pair| pair == b"::");
    let told = address.iter().any(u8::is_ascii_digit);
    let whole = (short && (2..=7).contains(&colons)) || colons == 7;
    (whole && told && groups.into_iter().all(|group| group.len() <= 4)).then_some(())?;
    bounded(text, from + address.len())
}

/// Six pairs of hex digits.
pub(super) fn hardware(text: &[u8], from: usize) -> Option<usize> {
    let mut end = from;
    for nth in 0..6 {
        if nth > 0 {
            end = byte(text, end, b":")?;
        }
        let stop = hex(text, end);
        if stop - end != 2 {
            return None;
        }
        end = stop;
    }
    bounded(text, end)
}

/// The unit of a duration that begins here.
fn unit(text: &[u8], from: usize) -> Option<usize> {
    const UNITS: [&[u8]; 17] = [
        b"ms",
        b"ns",
        b"us",
        b"\xc2\xb5s",
        b"\xce\xbcs",
        b"msec",
        b"secs",
        b"sec",
        b"mins",
        b"min",
        b"hrs",
        b"hr",
        b"s",
        b"m",
        b"h",
        b"d",
        b"days",
    ];
    let end = run(text, from, |b| b.is_ascii_alphabetic() || b >= 0x80);
    let word = text.get(from..end)?;
    UNITS.contains(&word).then_some(end)
}

/// A duration with its unit: `12ms`, `1.5s`, `3m20s`.
pub(super) fn duration(text: &[u8], from: usize) -> Option<usize> {
    let mut end = from;
    loop {
        let mut stop = digits(text, end);
        if stop == end {
            return None;
        }
        if let Some(fraction) = byte(text, stop, b".") {
            let more = digits(text, fraction);
            if more > fraction {
                stop = more;
            }
        }
        end = unit(text, stop)?;
        if !at(text, end).is_ascii_digit() {
            return bounded(text, end);
        }
    }
}

/// A number: digits, groups and fractions, an exponent. What follows may be a word (a unit of size).
pub(super) fn number(text: &[u8], from: usize) -> Option<usize> {
    let mut end = digits(text, from);
    if end == from {
        return None;
    }
    while let Some(more) = byte(text, end, b".,") {
        let stop = digits(text, more);
        if stop == more {
            break;
        }
        end = stop;
    }
    if let Some(exponent) = byte(text, end, b"eE") {
        let signed = byte(text, exponent, b"+-").unwrap_or(exponent);
        let stop = digits(text, signed);
        if stop > signed && !is_word(at(text, stop)) {
            end = stop;
        }
    }
    Some(end)
}

/// Where a path or a URL that begins here ends.
pub(super) fn path(text: &[u8], from: usize) -> usize {
    let end = run(text, from, |b| {
        b > b' ' && b != 0x7f && !b"\"'`<>|,;)]}\\".contains(&b)
    });
    let mut end = end;
    while end > from + 1 && b".:!?".contains(&at(text, end - 1)) {
        end -= 1;
    }
    end
}

/// Whether a path begins here: `/x`, `./x`, `../x`, `~/x`.
pub(super) fn begins_path(text: &[u8], from: usize) -> bool {
    let rest = text.get(from..).unwrap_or_default();
    let rest = rest
        .strip_prefix(b"..")
        .or_else(|| rest.strip_prefix(b"."))
        .or_else(|| rest.strip_prefix(b"~"))
        .unwrap_or(rest);
    let inner = |b: &u8| is_word(*b) || b"_.-{*%:~@$".contains(b);
    rest.first() == Some(&b'/') && rest.get(1).is_some_and(inner)
}

/// Where the quotation that opens here closes (the place of the closing mark).
pub(super) fn closing(text: &[u8], from: usize) -> Option<usize> {
    let mark = at(text, from);
    let mut i = from + 1;
    while i < text.len() {
        match at(text, i) {
            b'\\' => i += 1,
            b'\n' => return None,
            b if b == mark && (mark != b'\'' || !is_word(at(text, i + 1))) => return Some(i),
            _ => {}
        }
        i += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    type Recogniser = fn(&[u8], usize) -> Option<usize>;

    fn whole(recogniser: Recogniser, text: &str) -> bool {
        recogniser(text.as_bytes(), 0) == Some(text.len())
    }

    #[test]
    fn times_of_many_writings_are_times() {
        for text in [
            "2026-11-20T03:14:07Z",
            "2026-11-20T03:14:07.123456789+01:00",
            "2026-11-20 03:14:07,123",
            "2026/11/20 03:14:07",
            "2026-11-20",
            "20/Nov/2026:03:14:07 +0000",
            "03:14:07",
            "3:14:07.5",
            "03:14",
        ] {
            assert!(whole(moment, text), "{text}");
        }
        for text in ["20261120", "3:1", "4:12", "10.0.0.1", "12-34", "2026-11-20x"] {
            assert!(!whole(moment, text), "{text}");
        }
    }

    #[test]
    fn addresses_are_addresses_and_versions_are_not() {
        for text in ["10.0.0.1", "10.0.0.1:8080", "192.168.0.0/16"] {
            assert!(whole(ipv4, text), "{text}");
        }
        for text in ["1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.4a"] {
            assert!(!whole(ipv4, text), "{text}");
        }
        for text in ["2001:db8::1", "fe80::1", "2001:db8:0:0:0:0:0:1", "::1"] {
            assert!(whole(ipv6, text), "{text}");
        }
        for text in ["de::fa", "12:34:56", "a:b", "abcde::1"] {
            assert!(!whole(ipv6, text), "{text}");
        }
        assert!(whole(hardware, "0a:1b:2c:3d:4e:5f"));
    }

    #[test]
    fn durations_have_a_unit_and_may_be_compound() {
        for text in ["12ms", "1.5s", "3m20s", "250µs", "7d", "30secs"] {
            assert!(whole(duration, text), "{text}");
        }
        for text in ["12", "12MiB", "5x", "1.5", "3m2"] {
            assert!(!whole(duration, text), "{text}");
        }
    }

    #[test]
    fn a_quotation_ends_at_its_own_mark_and_an_apostrophe_is_none() {
        assert_eq!(closing(br#""a \" b" c"#, 0), Some(7));
        assert_eq!(closing(b"'don't' x", 0), Some(6));
        assert_eq!(closing(b"\"open", 0), None);
    }
}
