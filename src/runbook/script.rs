//! What makes the lines of a block one script: its lines are nothing by themselves, and none of them is run.
//!
//! Reserved words, here-documents, operators left dangling and quotes left open (Shell Command Language, 2.4, 2.7.4 and
//! 2.10), and builtins that change what the lines after them do (`cd`, `export`). Start at [`of`].

use super::command::NotRunnable;

/// Words that open, part or close a compound command where they stand first.
const RESERVED: &[&str] = &[
    "!", "[[", "case", "coproc", "do", "done", "elif", "else", "esac", "fi", "for", "function", "if", "in",
    "select", "then", "until", "while", "{", "}",
];

/// Builtins that change the shell that the lines after them run in, or that wait for what a line before began.
const CHANGES: &[&str] = &[
    ".", "alias", "break", "cd", "continue", "declare", "eval", "exec", "exit", "export", "local", "popd",
    "pushd", "read", "readonly", "return", "set", "shift", "shopt", "source", "trap", "typeset", "ulimit",
    "umask", "unalias", "unset", "wait",
];

/// Lines with those that end in a backslash continued by the next, as a shell continues them.
pub(super) fn joined(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut open = Open::No;
    for line in text.lines() {
        match (lines.last_mut(), open) {
            (Some(last), Open::Bare) => {
                // The line break is gone; blanks that follow part words still, one is as good as several.
                let begins = line.trim_start_matches([' ', '\t']);
                if begins.len() < line.len() && !last.ends_with([' ', '\t']) {
                    last.push(' ');
                }
                last.push_str(begins);
            }
            (Some(last), Open::Quoted) => last.push_str(line),
            (None, _) | (_, Open::No) => lines.push(line.to_owned()),
        }
        if let Some(last) = lines.last_mut() {
            open = goes_on(last);
            if open != Open::No {
                last.pop();
            }
        }
    }
    lines
}

/// How a line ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    /// It does.
    No,
    /// With a backslash.
    Bare,
    /// With a backslash, within double quotes.
    Quoted,
}

/// Whether a line ends in a backslash that is none of a comment, none of single quotes, and escaped by none before it.
fn goes_on(line: &str) -> Open {
    let mut scan = Scan::default();
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if scan.take(c) == Taken::Backslash && chars.next().is_none() {
            return match scan.quote {
                Some(_) => Open::Quoted,
                None => Open::Bare,
            };
        }
    }
    Open::No
}

/// Where a reader of a line is.
#[derive(Default)]
struct Scan {
    quote: Option<char>,
    comment: bool,
    in_word: bool,
}

/// What a character is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taken {
    /// The next one is itself.
    Backslash,
    /// Outside of quotes and comments.
    Bare(char),
    /// Part of something.
    Other,
}

impl Scan {
    fn take(&mut self, c: char) -> Taken {
        if self.comment {
            return Taken::Other;
        }
        match (self.quote, c) {
            (Some('\''), '\'') | (Some('"'), '"') => self.quote = None,
            (Some('\''), _) => {}
            (_, '\\') => {
                self.in_word = true;
                return Taken::Backslash;
            }
            (Some(_), _) => {}
            (None, '\'' | '"') => {
                self.quote = Some(c);
                self.in_word = true;
            }
            (None, '#') if !self.in_word => self.comment = true,
            (None, c) => {
                self.in_word = !matches!(c, ' ' | '\t' | ';' | '&' | '|' | '(' | ')' | '<' | '>');
                return Taken::Bare(c);
            }
        }
        Taken::Other
    }
}

/// What makes these lines a script, where something does; `None` is a line that is no command.
pub(super) fn of<'a>(lines: impl Iterator<Item = Option<&'a str>>) -> Option<NotRunnable> {
    lines.enumerate().find_map(|(at, line)| {
        let line = line?.trim_matches([' ', '\t']);
        let why = makes_a_script(line.strip_prefix("$ ").unwrap_or(line))?;
        Some(NotRunnable::Script { line: at + 1, why })
    })
}

fn makes_a_script(line: &str) -> Option<String> {
    let mut scan = Scan::default();
    let mut bare = String::new();
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match scan.take(c) {
            Taken::Backslash => {
                chars.next();
                bare.push('_');
            }
            Taken::Bare(c) => bare.push(c),
            Taken::Other if scan.comment => {}
            Taken::Other => bare.push('_'),
        }
    }
    if scan.quote.is_some() {
        return Some("a quote that is not closed".to_owned());
    }
    if bare.contains("<<") {
        return Some("`<<`".to_owned());
    }
    let bare = bare.trim();
    let dangling = |found: Option<&str>| found.map(|what| format!("`{what}`"));
    let begins = ["&&", "||", "|", "&", ";", "(", ")"];
    if let Some(what) = dangling(begins.into_iter().find(|what| bare.starts_with(what))) {
        return Some(what);
    }
    if let Some(what) = dangling(
        ["&&", "||", "|", "(", "{"]
            .into_iter()
            .find(|what| bare.ends_with(what)),
    ) {
        return Some(what);
    }
    // After every separator a command begins: `true; cd /srv`.
    bare.split([';', '&', '|', '(']).find_map(|command| {
        let mut words = command.split([' ', '\t']).filter(|word| !word.is_empty());
        let first = words.next()?;
        let first = first.trim_end_matches([')', ';']);
        let opens = RESERVED.contains(&first) || CHANGES.contains(&first) || command.contains("()");
        let assigns = is_assignment(first) && words.all(is_assignment);
        (opens || assigns).then(|| format!("`{first}`"))
    })
}

/// `NAME=value`: alone on a line it holds for those after it.
fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        let name = name.strip_suffix('+').unwrap_or(name);
        !name.is_empty()
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && !name.starts_with(|c: char| c.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line_of(text: &str) -> Option<usize> {
        let lines = joined(text);
        match of(lines.iter().map(|line| Some(line.as_str())))? {
            NotRunnable::Script { line, .. } => Some(line),
            _ => None,
        }
    }

    #[test]
    fn what_a_shell_reads_as_one_is_a_script() {
        for (text, line) in [
            ("for p in a b\ndo\n  kubectl delete pod\ndone", 1),
            ("kubectl get pods\nif x\nthen\n y\nfi", 2),
            ("cat <<EOF\nrm -r /\nEOF", 1),
            ("test -f /ok &&\nrm /ok", 1),
            ("test -f /ok\n&& rm /ok", 2),
            ("ps |\nkill", 1),
            ("echo 'a\nrm -r /\nb'", 1),
            ("cd /srv\nrm -r cache", 1),
            ("true; cd /srv\nrm -r cache", 1),
            ("export KUBECONFIG=/x\nkubectl delete ns shop", 1),
            ("NS=shop\nkubectl delete ns", 1),
            ("stop() {\n kill\n}", 1),
            ("(\n kill\n)", 1),
            ("while true; do\nkill\ndone", 1),
        ] {
            assert_eq!(line_of(text), Some(line), "{text}");
        }
    }

    #[test]
    fn lines_that_stand_for_themselves_are_none() {
        for text in [
            "kubectl get pods\nkubectl get nodes",
            "kubectl get pods | grep x\nuptime",
            "echo 'if this && that'\nuptime",
            "uptime # if it is slow &&",
            "kubectl annotate pod a x=y\nuptime",
            "psql -c 'select 1 << 2'\nuptime",
            "A=b tool\nuptime",
            "in-cluster\nuptime",
        ] {
            assert_eq!(line_of(text), None, "{text}");
        }
    }

    #[test]
    fn only_a_backslash_that_escapes_the_line_break_continues_a_line() {
        assert_eq!(joined("a \\\n  b"), ["a b"]);
        assert_eq!(joined("a\\\nb"), ["ab"]);
        assert_eq!(joined("a\\\n  b"), ["a b"], "blanks after the break part words");
        assert_eq!(joined("a \\\\\nb"), ["a \\\\", "b"], "an escaped backslash");
        assert_eq!(
            joined("a # to \\\nb"),
            ["a # to \\", "b"],
            "a comment ends with its line"
        );
        assert_eq!(joined("a#b \\\nc"), ["a#b c"], "that is no comment");
        assert_eq!(
            joined("echo 'a \\\nb'"),
            ["echo 'a \\", "b'"],
            "within single quotes it is itself"
        );
        assert_eq!(
            joined("echo \"a \\\n  b\""),
            ["echo \"a   b\""],
            "blanks in quotes stay"
        );
    }
}
