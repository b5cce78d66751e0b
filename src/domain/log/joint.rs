//! Which lines belong to the one before them: stack traces as Java, Python, Go, Node, .NET and Ruby print them, and
//! whatever is indented.
//!
//! Read line by line, one ahead at most: a name at the left margin (`java.lang.IllegalStateException: no`) belongs to
//! the line before it when a frame follows, a blank line when the trace goes on behind it. What begins with its own
//! time or level belongs to nothing. Pure; who joins bounds what is joined. Start at [`Kind`].

use super::Level;
use super::detect::level_of;
use super::moment;

/// What an entry is so far, as far as the next line depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// Nothing stands in it.
    #[default]
    Blank,
    /// A line, and what belongs to it.
    Plain,
    /// Python's: the line that says what it was stands at the left margin, behind indented ones.
    Traceback {
        /// An indented line came.
        indented: bool,
    },
    /// Python's, at its end: another may follow behind a blank line.
    Raised,
    /// Go's: calls at the left margin, their places indented, goroutines apart by blank lines.
    Goroutines,
    /// Node's excerpt of a source, which ends with a caret: the error stands behind a blank line.
    Excerpt,
}

/// How a line stands to the entry before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It begins another.
    Apart,
    /// It belongs to it.
    Joined,
    /// It does if the line behind it says so: [`Kind::is_borne_out`].
    Perhaps,
}

impl Kind {
    /// Of the first line.
    pub fn of(line: &[u8]) -> Self {
        if is_blank(line) {
            Self::Blank
        } else {
            Self::Plain.after(line)
        }
    }

    /// Of a text of several lines.
    pub fn of_text(text: &[u8]) -> Self {
        let mut lines = lines(text);
        let first = Self::of(lines.next().unwrap_or_default());
        lines.fold(first, Self::after)
    }

    /// How a line stands to it.
    pub fn next(self, line: &[u8]) -> Next {
        let blank = is_blank(line);
        let goes_on = match self {
            Self::Blank => return Next::Apart,
            Self::Raised | Self::Goroutines | Self::Excerpt if blank => return Next::Perhaps,
            Self::Plain | Self::Raised => continues(line),
            Self::Excerpt => continues(line) || names_an_error(line),
            Self::Traceback { indented } => continues(line) || (indented && names_an_error(line)),
            Self::Goroutines => continues(line) || is_of_goroutines(line),
        };
        if goes_on {
            Next::Joined
        } else if is_a_head(line) {
            Next::Perhaps
        } else {
            Next::Apart
        }
    }

    /// How a text of several lines stands to it.
    pub fn next_text(self, text: &[u8]) -> Next {
        let mut lines = lines(text);
        let first = lines.next().unwrap_or_default();
        match (self.next(first), lines.next()) {
            (Next::Perhaps, Some(behind)) if self.is_borne_out(first, behind) => Next::Joined,
            (Next::Perhaps, Some(_)) => Next::Apart,
            (next, _) => next,
        }
    }

    /// Whether a line that perhaps belongs to it does, as the line behind that one says.
    pub fn is_borne_out(self, perhaps: &[u8], behind: &[u8]) -> bool {
        if !is_blank(perhaps) {
            return is_frame(behind);
        }
        match self {
            Self::Raised => BETWEEN_TRACEBACKS.iter().any(|words| behind.starts_with(words)),
            Self::Goroutines => is_of_goroutines(behind),
            Self::Excerpt => names_an_error(behind),
            Self::Blank | Self::Plain | Self::Traceback { .. } => false,
        }
    }

    /// What it is with a line more.
    #[must_use]
    pub fn after(self, line: &[u8]) -> Self {
        if line.starts_with(TRACEBACK) {
            return Self::Traceback { indented: false };
        }
        if is_goroutine(line) || GO_HEADS.iter().any(|head| line.starts_with(head)) {
            return Self::Goroutines;
        }
        match self {
            Self::Traceback { .. } if starts_with_space(line) => Self::Traceback { indented: true },
            Self::Traceback { indented: true } if !continues(line) => Self::Raised,
            // "During handling of …": a traceback follows, behind a blank line
            Self::Raised if is_blank(line) || !starts_with_space(line) => Self::Raised,
            Self::Plain if starts_with_space(line) && line.trim_ascii() == b"^" => Self::Excerpt,
            Self::Excerpt if is_blank(line) => Self::Excerpt,
            Self::Traceback { indented } => Self::Traceback { indented },
            Self::Goroutines => Self::Goroutines,
            Self::Plain | Self::Blank | Self::Raised | Self::Excerpt => Self::Plain,
        }
    }
}

/// The lines of a text, without their ends.
pub fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let end = memchr::memchr(b'\n', text);
        rest = end.and_then(|end| text.get(end + 1..));
        let line = text.get(..end.unwrap_or(text.len()))?;
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    })
}

const TRACEBACK: &[u8] = b"Traceback (most recent call last)";

/// What stands between the tracebacks of one exception and its cause.
const BETWEEN_TRACEBACKS: &[&[u8]] = &[
    b"During handling of the above exception",
    b"The above exception was the direct cause",
    TRACEBACK,
];

/// What a Go program dies with.
const GO_HEADS: &[&[u8]] = &[b"panic: ", b"fatal error: "];

/// What only ever goes on with an entry.
const CONTINUATIONS: &[&[u8]] = &[
    b"Caused by:",
    b"Suppressed:",
    b"... ",
    TRACEBACK,
    b"During handling of the above exception",
    b"The above exception was the direct cause",
];

/// Whether a line belongs to the one before it, whatever that is.
pub fn continues(line: &[u8]) -> bool {
    if is_blank(line) {
        return false;
    }
    // the end of something that was printed over several lines
    let closes = matches!(
        line,
        [b'}' | b']' | b')'] | [b'}' | b']' | b')', b',' | b';' | b')']
    );
    if starts_with_space(line) {
        return !begins_anew(line.trim_ascii_start());
    }
    closes
        || is_goroutine(line)
        || is_ruby_frame(line)
        || is_bare_frame(line)
        || CONTINUATIONS.iter().any(|words| line.starts_with(words))
}

/// Whether a line may belong to one that is not in sight: where it stands first, what came before it is looked for.
pub fn may_continue(text: &[u8]) -> bool {
    // by far the most lines are one object each, or begin with a time
    if matches!(text.first(), None | Some(b'{' | b'0'..=b'9')) {
        return false;
    }
    let first = lines(text).next().unwrap_or_default();
    continues(first) || is_of_goroutines(first) || (names_an_error(first) && !begins_anew(first))
}

/// Whether a text that tells no level is of something that was thrown: a trace's head, or a frame behind its first
/// lines.
pub fn is_thrown(text: &[u8]) -> bool {
    /// Lines behind the first that may be one.
    const FRAMED: usize = 64;
    const HEADS: &[&[u8]] = &[
        TRACEBACK,
        b"Exception in thread ",
        b"Unhandled exception",
        b"Uncaught ",
    ];
    let begins = |line: &[u8]| HEADS.iter().any(|head| line.starts_with(head));
    let mut behind = lines(text).skip(1).take(FRAMED);
    begins(text) || behind.any(|line| begins(line) || is_frame(line))
}

fn is_blank(line: &[u8]) -> bool {
    line.trim_ascii().is_empty()
}

fn starts_with_space(line: &[u8]) -> bool {
    matches!(line.first(), Some(b' ' | b'\t')) && !is_blank(line)
}

/// Whether it begins with a time or a level of its own.
fn begins_anew(line: &[u8]) -> bool {
    if moment::leading(line).is_some() {
        return true;
    }
    let bare = line.strip_prefix(b"[").unwrap_or(line);
    let length = bare.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let word = bare.get(..length).unwrap_or_default();
    let bracketed = bare.len() < line.len();
    let shouted = length > 2 && word.iter().all(u8::is_ascii_uppercase);
    let ends = matches!(
        bare.get(length),
        None | Some(b' ' | b':' | b']' | b'\t' | b'|' | b'[')
    );
    ends && (bracketed || shouted) && level_of(word) != Level::Unknown
}

/// `ValueError: …`, `app.errors.Timeout`, `Error [ERR_X]: …`: a name, then nothing, a colon or a bracket.
fn names_an_error(line: &[u8]) -> bool {
    let name = line
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'$' | b'/'));
    let length = name.count();
    let rest = line.get(length..).unwrap_or_default();
    length > 0
        && line.first().is_some_and(u8::is_ascii_alphabetic)
        && (rest.is_empty() || rest.starts_with(b":") || rest.starts_with(b" ["))
}

/// Whether frames behind it would make it the head of a trace: it says more than a word, and is no head of a line.
fn is_a_head(line: &[u8]) -> bool {
    let says = line.iter().any(|byte| matches!(byte, b'.' | b':' | b'['));
    says && names_an_error(line) && !begins_anew(line)
}

/// A line of a trace that says where: indented, or Ruby's.
fn is_frame(line: &[u8]) -> bool {
    const FRAMES: &[&[u8]] = &[b"at ", b"from ", b"File \"", b"... ", b"---"];
    let bare = line.trim_ascii_start();
    let indented = bare.len() < line.len();
    let of_go = memchr::memmem::find(bare, b".go:").is_some();
    let framed = FRAMES.iter().any(|words| bare.starts_with(words));
    (indented && (framed || of_go)) || is_bare_frame(line) || is_ruby_frame(line)
}

/// `at com.example.Pay.charge(Pay.java:12)`, `at /app/pay.js:3:9` that lost their indent: words are none.
fn is_bare_frame(line: &[u8]) -> bool {
    line.starts_with(b"at ") && line.iter().any(|byte| matches!(byte, b'(' | b'/'))
}

/// `app/pay.rb:12:in 'charge'`: the end of the name ends the line; the first line of all says what it was behind it.
fn is_ruby_frame(line: &[u8]) -> bool {
    matches!(line.last(), Some(b'\'')) && memchr::memmem::find(line, b":in ").is_some_and(|at| at > 0)
}

/// `goroutine 12 [running]:`.
fn is_goroutine(line: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(b"goroutine ") else {
        return false;
    };
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    digits > 0 && rest.get(digits..).is_some_and(|rest| rest.starts_with(b" ["))
}

/// What stands at the left margin of a dump of goroutines.
fn is_of_goroutines(line: &[u8]) -> bool {
    const HEADS: &[&[u8]] = &[
        b"[signal ",
        b"created by ",
        b"exit status ",
        b"panic: ",
        b"runtime stack:",
    ];
    let call = || {
        let name = line.iter().position(|byte| matches!(byte, b'(' | b' '));
        let name = name.and_then(|end| line.get(..end)).unwrap_or_default();
        line.ends_with(b")") && name.contains(&b'.') && line.get(name.len()) == Some(&b'(')
    };
    is_goroutine(line) || HEADS.iter().any(|head| line.starts_with(head)) || call()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Entries of a text, one line after the other.
    fn entries(text: &str) -> Vec<String> {
        let mut all: Vec<(String, Kind)> = Vec::new();
        let mut waiting: Option<&str> = None;
        let join = |all: &mut Vec<(String, Kind)>, line: &str| {
            let (entry, kind) = all.last_mut().unwrap();
            *kind = kind.after(line.as_bytes());
            *entry += "\n";
            *entry += line;
        };
        let apart = |all: &mut Vec<(String, Kind)>, line: &str| {
            all.push((line.to_owned(), Kind::of(line.as_bytes())));
        };
        for line in text.lines() {
            if let Some(perhaps) = waiting.take() {
                let kind = all.last().unwrap().1;
                if kind.is_borne_out(perhaps.as_bytes(), line.as_bytes()) {
                    join(&mut all, perhaps);
                } else {
                    apart(&mut all, perhaps);
                }
            }
            let next = all
                .last()
                .map_or(Next::Apart, |(_, kind)| kind.next(line.as_bytes()));
            match next {
                Next::Joined => join(&mut all, line),
                Next::Perhaps => waiting = Some(line),
                Next::Apart => apart(&mut all, line),
            }
        }
        if let Some(perhaps) = waiting {
            apart(&mut all, perhaps);
        }
        all.into_iter().map(|(entry, _)| entry).collect()
    }

    const JAVA: &str = "java.lang.IllegalStateException: no pool
\tat com.example.Pool.take(Pool.java:41)
\tat com.example.Pay.charge(Pay.java:12)
Caused by: java.io.IOException: refused
\tat com.example.Net.open(Net.java:7)
\t... 2 more";
    const JAVA_ALONE: &str = "Exception in thread \"main\" java.lang.RuntimeException: boom
\tat com.example.App.main(App.java:3)
\tSuppressed: java.io.IOException: x
\t\tat com.example.App.close(App.java:9)";
    const PYTHON: &str = "Traceback (most recent call last):
  File \"a.py\", line 3, in charge
    raise KeyError(x)
KeyError: 'x'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File \"a.py\", line 9, in <module>
    charge()
ValueError: no card";
    const GO: &str = "panic: runtime error: index out of range [3] with length 2
[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x45]

goroutine 1 [running]:
main.charge(...)
\t/app/pay.go:12
main.main()
\t/app/main.go:5 +0x1d

goroutine 7 [chan receive]:
main.worker(0xc000010000)
\t/app/worker.go:9 +0x2f
created by main.main
\t/app/main.go:4 +0x11
exit status 2";
    const NODE: &str = "/app/pay.js:3
    throw new Error('boom');
    ^

Error: boom
    at charge (/app/pay.js:3:9)
    at Object.<anonymous> (/app/pay.js:7:1) {
  code: 'E_PAY'
}";
    const NODE_CAUGHT: &str = "TypeError: card is undefined
    at charge (/app/pay.js:3:9)
    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)";
    const DOTNET: &str = "Unhandled exception. System.InvalidOperationException: no pool
 ---> System.IO.IOException: refused
   at Example.Net.Open() in /app/Net.cs:line 7
   --- End of inner exception stack trace ---
   at Example.Pay.Charge() in /app/Pay.cs:line 12";
    const RUBY: &str = "pay.rb:3:in 'Pay#charge': no card (ArgumentError)
\tfrom pay.rb:9:in 'block in <main>'
\tfrom pay.rb:8:in '<main>'";
    const RUBY_LOGGED: &str = "E, [2026-11-21T08:10:03.1 #7] ERROR -- : no card (ArgumentError)
pay.rb:3:in 'Pay#charge'
pay.rb:9:in '<main>'";

    #[test]
    fn a_trace_of_any_language_is_one_entry_between_lines_that_are_none() {
        for trace in [
            JAVA,
            JAVA_ALONE,
            PYTHON,
            GO,
            NODE,
            NODE_CAUGHT,
            DOTNET,
            RUBY,
            RUBY_LOGGED,
        ] {
            let before = "2026-11-21T08:10:02Z INFO before";
            let after = "2026-11-21T08:10:04Z INFO after";
            assert_eq!(entries(&format!("{trace}\n{after}")), [trace, after]);
            let all = entries(&format!("{before}\n{trace}\n{after}"));
            assert_eq!(all.last().map(String::as_str), Some(after), "{all:#?}");
            assert!(all.len() <= 3, "{all:#?}");
        }
    }

    #[test]
    fn the_line_that_carries_time_and_level_belongs_to_the_trace_behind_it() {
        for (head, trace) in [
            (
                "2026-11-21 08:10:03,123 ERROR [main] c.e.Pay - charge failed",
                JAVA,
            ),
            ("2026-11-21 08:10:03 ERROR charge failed", PYTHON),
            ("{\"level\":\"error\",\"msg\":\"charge failed\"}", NODE_CAUGHT),
            (
                "fail: Example.Pay[0]",
                "      charge failed\n      System.X: no\n         at Example.Pay.Charge()",
            ),
            (
                "2026/11/21 08:10:03 http: panic serving 127.0.0.1:1: boom",
                "goroutine 18 [running]:\nmain.f()\n\t/a.go:1",
            ),
            (
                "ERROR\tcharge failed",
                "main.charge\n\t/app/pay.go:12\nmain.main\n\t/app/main.go:5",
            ),
        ] {
            let whole = format!("{head}\n{trace}");
            assert_eq!(entries(&whole), [whole.as_str()], "{whole}");
        }
    }

    #[test]
    fn what_has_its_own_time_or_level_or_no_frame_behind_it_stands_alone() {
        for text in [
            "INFO a\nERROR: b\n\nWARN c",
            "boot\ncom.example.App: started\nlistening",
            "a\n  2026-11-21T08:10:03Z indented\n\t[ERROR] too\n  WARN this",
            "a\nException in thread \"main\" x",
            "a\n\nb\n\nc",
            "panic: x\n\nINFO next",
            "Traceback (most recent call last):\nINFO",
        ] {
            assert_eq!(entries(text).len(), text.lines().count(), "{:#?}", entries(text));
        }
    }

    #[test]
    fn a_trace_without_a_level_is_known_to_be_thrown() {
        for text in [JAVA, JAVA_ALONE, PYTHON, NODE_CAUGHT, DOTNET, RUBY] {
            assert!(is_thrown(text.as_bytes()), "{text}");
        }
        for text in ["", "one", "one\n  two", "list:\n  - at home", "x\nat a.B(C:1)"] {
            assert_eq!(is_thrown(text.as_bytes()), text.ends_with(')'), "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_nothing_with_its_own_time_is_joined(
            text in "((  |\t)?(2026-11-21T08:10:03Z x|java.lang.X: y|at a|Caused by: b|panic: z|goroutine 1 \\[x\\]:|ERROR w|)\n){0,30}",
        ) {
            let all = entries(&text);
            prop_assert_eq!(all.join("\n"), text.lines().collect::<Vec<_>>().join("\n"));
            for entry in &all {
                for line in entry.lines().skip(1) {
                    let bare = line.trim_start();
                    prop_assert!(!bare.starts_with("2026") && !bare.starts_with("ERROR"), "{}", entry);
                }
            }
        }

        #[test]
        fn no_bytes_are_too_strange(text in proptest::collection::vec(any::<u8>(), 0..200)) {
            let kind = Kind::of_text(&text);
            let _ = (kind.next(&text), kind.is_borne_out(&text, &text), may_continue(&text), is_thrown(&text));
        }
    }
}
