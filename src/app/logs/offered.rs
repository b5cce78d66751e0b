//! Names of fields for whoever types one.

use std::collections::HashMap;

/// Names of fields to choose from.
#[derive(Debug, Clone, Default)]
pub struct Offered {
    /// The most frequent first.
    names: Vec<String>,
    /// What was typed before it was completed, and to what.
    completed: Option<(String, String)>,
}

impl Offered {
    /// Names that every line has, whatever its text: the index knows them.
    const OF_ALL: [&'static str; 4] = ["level", "service", "trace", "trace_id"];

    /// Those of the lines that the iterator gives: of each, names of fields.
    pub fn of(lines: impl Iterator<Item = Vec<String>>) -> Self {
        let mut counts: HashMap<String, usize> = HashMap::new();
        for name in lines.flatten() {
            *counts.entry(name).or_default() += 1;
        }
        let mut names: Vec<(String, usize)> = counts.into_iter().collect();
        names.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        Self {
            names: names.into_iter().map(|(name, _)| name).collect(),
            completed: None,
        }
    }

    /// Those that begin so, whatever the case.
    pub fn beginning_with<'a>(&'a self, begin: &'a str) -> impl Iterator<Item = &'a str> {
        let names = self.names.iter().map(String::as_str);
        names.filter(move |name| {
            let head = name.get(..begin.len());
            head.is_some_and(|head| head.eq_ignore_ascii_case(begin))
        })
    }

    /// Whether one begins so.
    pub fn begins(&self, begin: &str) -> bool {
        self.beginning_with(begin).next().is_some()
    }

    /// Which of these no line has; none where no line was looked at.
    pub fn unknown<'a>(&self, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
        let known = |name: &str| Self::OF_ALL.contains(&name) || self.names.iter().any(|known| known == name);
        names
            .filter(|name| !self.names.is_empty() && !known(name))
            .collect()
    }

    /// The name that a word becomes; asked again of what it became, the next one.
    pub fn complete(&mut self, word: &str) -> Option<String> {
        let begin = match self.completed.take() {
            Some((begin, became)) if became == word => begin,
            Some(_) | None => word.to_owned(),
        };
        let names: Vec<&str> = self.beginning_with(&begin).collect();
        let had = names.iter().position(|name| *name == word);
        let next = had.map_or(0, |had| (had + 1) % names.len());
        let name = (*names.get(next)?).to_owned();
        self.completed = Some((begin, name.clone()));
        Some(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_offered_the_most_frequent_first_and_completed_round_the_end() {
        let line = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let lines = [
            line(&["status", "path"]),
            line(&["status", "Stage"]),
            line(&["took"]),
        ];
        let mut offered = Offered::of(lines.into_iter());
        assert_eq!(offered.beginning_with("").next(), Some("status"));
        assert_eq!(offered.complete("st").as_deref(), Some("status"));
        assert_eq!(offered.complete("status").as_deref(), Some("Stage"));
        assert_eq!(
            offered.complete("Stage").as_deref(),
            Some("status"),
            "round the end"
        );
        assert_eq!(offered.complete("took").as_deref(), Some("took"));
        assert_eq!(offered.complete("x"), None);
        assert_eq!(
            offered.unknown(["status", "stauts", "level", "service"].into_iter()),
            ["stauts"]
        );
        let nothing = Offered::default();
        assert!(
            nothing.unknown(["any"].into_iter()).is_empty(),
            "nothing was looked at"
        );
    }
}
