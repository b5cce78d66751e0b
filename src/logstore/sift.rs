//! Which lines of a chunk a query lets through: what the index tells first, then runs over all text at once, and
//! what must be read out of single lines last.

use super::body::Laid;
use super::chunk::{Chunk, Tag};
use super::field::{FieldTest, SERVICE};
use super::needle::Needle;
use super::query::{Keep, Pattern, Query, Reach, Term, Test};

/// Below one line in so many, lines are looked at one by one.
const FEW: usize = 8;

/// A set of the lines of a chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Lines {
    words: Vec<u64>,
    of: usize,
}

impl Lines {
    fn none(of: usize) -> Self {
        Self {
            words: vec![0; of.div_ceil(64)],
            of,
        }
    }

    fn all(of: usize) -> Self {
        let mut all = Self {
            words: vec![u64::MAX; of.div_ceil(64)],
            of,
        };
        let over = all.words.len() * 64 - of;
        if let Some(last) = all.words.last_mut() {
            *last >>= over;
        }
        all
    }

    fn insert(&mut self, line: usize) {
        if let Some(word) = self.words.get_mut(line / 64) {
            *word |= 1 << (line % 64);
        }
    }

    fn count(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    fn iter(&self) -> impl Iterator<Item = usize> {
        self.words.iter().enumerate().flat_map(|(number, word)| {
            let mut word = *word;
            std::iter::from_fn(move || {
                let bit = (word != 0).then(|| word.trailing_zeros() as usize)?;
                word &= word - 1;
                Some(number * 64 + bit)
            })
        })
    }

    fn retain(&mut self, mut keep: impl FnMut(usize) -> bool) {
        for (number, word) in self.words.iter_mut().enumerate() {
            let mut rest = *word;
            while rest != 0 {
                let bit = rest.trailing_zeros() as usize;
                rest &= rest - 1;
                if !keep(number * 64 + bit) {
                    *word &= !(1 << bit);
                }
            }
        }
    }

    fn keep(&mut self, keep: Keep, others: &Self) {
        for (word, other) in self.words.iter_mut().zip(&others.words) {
            *word &= match keep {
                Keep::With => *other,
                Keep::Without => !*other,
            };
        }
    }

    fn is_few(&self) -> bool {
        self.count() * FEW < self.of
    }
}

/// The lines of a chunk for which a query holds, in order.
pub(super) fn sift(chunk: &Chunk, query: &Query) -> Box<[u32]> {
    let mut lines = Lines::all(chunk.len());
    for term in &query.terms {
        match &term.test {
            Test::Level(compare, level) => {
                lines.retain(|line| {
                    let holds = |tag: &Tag| compare.holds(tag.level.cmp(level));
                    term.keep.of(chunk.tags.get(line).is_some_and(holds))
                });
            }
            Test::Field(field) if field.name == SERVICE => by_service(chunk, field, term.keep, &mut lines),
            Test::Text(_) | Test::Pattern(_) | Test::Field(_) | Test::Environment(_) => {}
        }
    }
    let texts = |term: &&Term| matches!(term.test, Test::Text(_) | Test::Pattern(_) | Test::Field(_));
    if query.terms.iter().any(|term| texts(&term)) && lines.count() > 0 {
        let laid = chunk.body.laid();
        for term in query.terms.iter().filter(texts) {
            match &term.test {
                Test::Text(needle) => by_text(&laid, needle, term.keep, &mut lines),
                Test::Pattern(pattern) => by_pattern(&laid, pattern, term.keep, &mut lines),
                Test::Level(..) | Test::Field(_) | Test::Environment(_) => {}
            }
        }
        for term in &query.terms {
            if let Test::Field(field) = &term.test {
                by_field((chunk, &laid), field, term.keep, &mut lines);
            }
        }
    }
    for term in &query.terms {
        if let Test::Environment(_) = &term.test {
            lines.retain(|line| {
                let entry = chunk.entry(line);
                entry.is_some_and(|entry| term.keep.of(term.test.holds(&entry)))
            });
        }
    }
    lines.iter().map(|line| line as u32).collect()
}

/// Where a service is told at all, the index has it.
fn by_service(chunk: &Chunk, field: &FieldTest, keep: Keep, lines: &mut Lines) {
    let named: Vec<bool> = chunk
        .services
        .iter()
        .map(|service| field.holds_for(Some(service)))
        .collect();
    let told: Vec<Option<bool>> = chunk
        .streams
        .iter()
        .map(|stream| {
            stream
                .service
                .as_deref()
                .map(|service| field.holds_for(Some(service)))
        })
        .collect();
    lines.retain(|line| {
        let Some(tag) = chunk.tags.get(line) else {
            return false;
        };
        let by_stream = told.get(usize::from(tag.stream)).copied().flatten();
        let holds = by_stream.or_else(|| named.get(usize::from(tag.service)).copied());
        // A label of that name, or a field that the scan passed over, is asked for later.
        holds.is_none_or(|holds| keep.of(holds))
    });
}

fn by_text(laid: &Laid<'_>, needle: &Needle, keep: Keep, lines: &mut Lines) {
    if lines.is_few() {
        lines.retain(|line| keep.of(needle.find(laid.text(line), 0).is_some()));
    } else {
        lines.keep(keep, &holding(laid, needle));
    }
}

/// The lines that hold a text: one run over all of them.
fn holding(laid: &Laid<'_>, needle: &Needle) -> Lines {
    let mut hits = Lines::none(laid.len());
    let (mut from, mut line) = (0, 0);
    while let Some((start, end)) = needle.find(&laid.bytes, from) {
        line = laid.line_at(start, line);
        let range = laid.range(line);
        if range.start <= start && end <= range.end {
            hits.insert(line);
            if line + 1 >= laid.len() {
                break;
            }
            from = laid.range(line + 1).start;
        } else {
            // Over the end of a line, or between two.
            from = start + 1;
        }
    }
    hits
}

fn by_pattern(laid: &Laid<'_>, pattern: &Pattern, keep: Keep, lines: &mut Lines) {
    if lines.is_few() || pattern.reach == Reach::One || !laid.is_apart() {
        lines.retain(|line| keep.of(pattern.regex.is_match(laid.text(line))));
        return;
    }
    let mut hits = Lines::none(laid.len());
    let (mut from, mut line) = (0, 0);
    while from <= laid.bytes.len()
        && let Some(found) = pattern.regex.find_at(&laid.bytes, from)
    {
        line = laid.line_at(found.start(), line);
        let range = laid.range(line);
        // One that reaches over the end of its line says only that none of the lines before it has any.
        let within = range.start <= found.start() && found.end() <= range.end;
        if within || pattern.regex.is_match(laid.text(line)) {
            hits.insert(line);
        }
        if line + 1 >= laid.len() {
            break;
        }
        line += 1;
        from = laid.range(line).start;
    }
    lines.keep(keep, &hits);
}

fn by_field((chunk, laid): (&Chunk, &Laid<'_>), field: &FieldTest, keep: Keep, lines: &mut Lines) {
    if field.asks_trace() {
        lines.retain(|line| {
            let Some(tag) = chunk.tags.get(line) else {
                return false;
            };
            keep.of(field.holds_for_trace(chunk.trace(line, *tag, laid.text(line))))
        });
        return;
    }
    let labels: Vec<Option<bool>> = chunk
        .streams
        .iter()
        .map(|stream| {
            stream
                .label(&field.name)
                .map(|label| field.holds_for(Some(label)))
        })
        .collect();
    let missing = field.holds_for(None);
    // Lines whose text does not even hold the name of the field do not have it.
    let named = match field.landmark() {
        Some(name) if !lines.is_few() => Some(holding(laid, &Needle::exact(name))),
        _ => None,
    };
    lines.retain(|line| {
        let Some(tag) = chunk.tags.get(line) else {
            return false;
        };
        if field.name == SERVICE && chunk.service(*tag).is_some() {
            return true;
        }
        if let Some(holds) = labels.get(usize::from(tag.stream)).copied().flatten() {
            return keep.of(holds);
        }
        let extra = chunk.extra(line);
        let names_it = named.as_ref().is_none_or(|named| {
            let word = named.words.get(line / 64).copied().unwrap_or(0);
            word >> (line % 64) & 1 == 1
        });
        keep.of(if names_it || !extra.is_empty() {
            field.holds_for_text(laid.text(line), extra)
        } else {
            missing
        })
    });
}
