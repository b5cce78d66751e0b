//! A template as it is told: what its lines say first, what stands beside it anyway last.

use std::borrow::Cow;

use crate::domain::log::Level;
use crate::domain::log::detect::level_of;

/// A template with what stands beside it anyway behind the rest: the time, the level and the service that a line begins
/// with, and the fields before the message of logfmt. Nothing of it is left out.
pub fn told_first(template: &str) -> Cow<'_, str> {
    let begins = |at: usize| {
        template
            .get(..at)
            .is_none_or(|before| before.ends_with(' ') || before.is_empty())
    };
    let message = ["msg=", "message="]
        .iter()
        .flat_map(|name| template.match_indices(name))
        .map(|(at, _)| at)
        .filter(|at| begins(*at))
        .min();
    let at = message.unwrap_or_else(|| {
        let mut at = 0;
        for word in template.split_inclusive(' ') {
            if !says_nothing(word.trim_end()) {
                break;
            }
            at += word.len();
        }
        at
    });
    match template.split_at_checked(at) {
        Some((head, rest)) if !head.is_empty() && !rest.is_empty() => {
            Cow::Owned(format!("{rest}  {}", head.trim_end()))
        }
        Some(_) | None => Cow::Borrowed(template),
    }
}

/// Whether a word is a mere value, a level, or a letter of one with a number, as klog begins its lines.
fn says_nothing(word: &str) -> bool {
    let bare = word.trim_matches(['[', ']', '(', ')', ':', ',']);
    let masked = |text: &str| text.starts_with('<') && text.ends_with('>');
    let letter = bare.strip_prefix(['I', 'W', 'E', 'F', 'D']);
    // "error while …" is prose
    let shouted = bare.len() > 2 && bare.chars().all(|c| c.is_ascii_uppercase());
    masked(bare) || letter.is_some_and(masked) || shouted && level_of(bare.as_bytes()) != Level::Unknown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_begins_with_what_it_says_and_ends_with_what_stands_beside_it() {
        for (template, told) in [
            (
                "ts=<ts> level=info msg=\"user <num> logged in\" took=<dur>",
                "msg=\"user <num> logged in\" took=<dur>  ts=<ts> level=info",
            ),
            (
                "I<num> <ts> <num> handler.go:<num>] done",
                "handler.go:<num>] done  I<num> <ts> <num>",
            ),
            (
                "<ts> WARN [<num>] pool exhausted",
                "pool exhausted  <ts> WARN [<num>]",
            ),
            ("order <num> placed", "order <num> placed"),
            ("<num> <num>", "<num> <num>"),
            ("nomsg=<num> x", "nomsg=<num> x"),
        ] {
            assert_eq!(told_first(template), told);
        }
    }
}
