//! What a note names: the cause by its own words, the culprit by its name.
//!
//! Words are whole words, sentences that deny say nothing, and evidence below a note is not the trainee's. Nothing here
//! understands a sentence: what is told of one kind of incident only, and of few services, was found out.

use std::collections::BTreeSet;

use super::{Cause, Named, Truth};
use crate::domain::incident::REFERENCE;

/// How many services a note may name beside the culprit: who names them all has named none.
const OTHERS: usize = 1;
/// A sentence with one of these says what it was not.
const DENIALS: [&str; 8] = [
    "no",
    "not",
    "never",
    "without",
    "unchanged",
    "fine",
    "healthy",
    "ruled out",
];
/// Words that deny nothing where they stand so: what is wrong is told like this.
const FAULTS: [&str; 12] = [
    "does not exist",
    "not yet valid",
    "not valid",
    "no longer",
    "no connection",
    "no database connection",
    "not work",
    "not working",
    "not reachable",
    "not fit",
    "not start",
    // A cache that is waited for is no dependency outside.
    "i o timeout",
];

/// What a phrase says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Of(Cause),
    Fault,
    Denial,
}

impl Cause {
    /// Any of these in a note names the cause: whole words, in lower case.
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::BadDeploy => &[
                "deploy",
                "deploys",
                "deployed",
                "deployment",
                "release",
                "released",
                "rollout",
                "rolled out",
                "roll back",
                "rolled back",
                "rollback",
                "bad-deploy",
            ],
            Self::DependencyTimeout => &[
                "timeout",
                "timeouts",
                "time out",
                "timed out",
                "times out",
                "timing out",
                "no answer",
                "not answer",
                "not answering",
                "does not answer",
                "stopped answering",
                "dependency",
                "dependency-timeout",
            ],
            Self::CacheStampede => &[
                "stampede",
                "cache-stampede",
                "thundering",
                "cold cache",
                "cache cold",
                "cache is cold",
                "cache was cold",
                "empty cache",
                "cache is empty",
                "cache was emptied",
                "cache miss",
                "cache misses",
                "restarted empty",
            ],
            Self::CertificateExpiry => &[
                "certificate",
                "certificates",
                "cert",
                "certs",
                "x509",
                "certificate-expiry",
            ],
            Self::NoisyNeighbour => &[
                "neighbour",
                "neighbor",
                "noisy",
                "noisy-neighbour",
                "backfill",
                "bulk write",
                "bulk writes",
            ],
            Self::DiskFull => &[
                "disk",
                "disk-full",
                "no space",
                "no space left",
                "space left",
                "filled up",
            ],
            Self::RegionLoss => &[
                "region",
                "region-loss",
                "zone",
                "node is gone",
                "node is down",
                "node is lost",
                "node lost",
                "node down",
                "lost node",
                "lost the node",
                "no route to host",
            ],
        }
    }
}

impl Truth {
    /// Whether an incident is of this trouble, by what people call it; a local one, which has no such name, is.
    pub(super) fn is_own(&self, label: Option<&str>) -> bool {
        let Some(label) = label else {
            return true;
        };
        let words = words(label);
        let mut own = self.struck.iter().chain(&self.shown_by).chain([&self.culprit]);
        own.any(|name| holds(&words, name))
    }

    /// Whether a note or an update names the culprit and the cause; `services` are all there are.
    pub(super) fn is_named_by(&self, text: &str, services: &[String]) -> Named {
        let said: Vec<Vec<String>> = sentences(text).into_iter().filter(|said| !denies(said)).collect();
        let named = |name: &str| said.iter().any(|words| holds(words, name));
        let others = services
            .iter()
            .filter(|name| **name != self.culprit && named(name));
        if !named(&self.culprit) || others.count() > OTHERS {
            return Named::Nothing;
        }
        let causes: BTreeSet<Cause> = said
            .iter()
            .flat_map(|words| meanings(words))
            .filter_map(|meaning| match meaning {
                Meaning::Of(cause) => Some(cause),
                Meaning::Fault | Meaning::Denial => None,
            })
            .collect();
        if causes.into_iter().eq([self.cause]) {
            Named::Both
        } else {
            Named::Culprit
        }
    }
}

fn holds(words: &[String], name: &str) -> bool {
    words.iter().any(|word| word.eq_ignore_ascii_case(name))
}

fn denies(words: &[String]) -> bool {
    meanings(words).contains(&Meaning::Denial)
}

/// Its sentences, as words; without lines that refer to evidence.
fn sentences(text: &str) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with(REFERENCE)) {
        let mut sentence = Vec::new();
        for chunk in line.split_whitespace() {
            sentence.extend(words(chunk));
            // A full stop inside of a host's name ends nothing.
            if chunk
                .trim_end_matches([')', '"', '\''])
                .ends_with(['.', '!', '?', ';'])
            {
                all.push(std::mem::take(&mut sentence));
            }
        }
        all.push(sentence);
    }
    all
}

/// The words of a text in lower case: `payment's` is `payment`, `doesn't` is `does not`.
fn words(text: &str) -> Vec<String> {
    let text = text.to_lowercase().replace('’', "'");
    let part = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '\'');
    let mut words = Vec::new();
    for found in text.split(|c| !part(c)) {
        let word = found.trim_matches(['-', '_', '\'']);
        let word = word.strip_suffix("'s").unwrap_or(word);
        match word.strip_suffix("n't") {
            Some(verb) => words.extend([verb.to_owned(), "not".to_owned()]),
            None if word.is_empty() => {}
            None => words.push(word.to_owned()),
        }
    }
    words
}

/// What the phrases of a sentence say, the longest first: `no space left` denies nothing.
fn meanings(words: &[String]) -> Vec<Meaning> {
    let mut found = Vec::new();
    let mut rest = words;
    while let Some((_, next)) = rest.split_first() {
        rest = match phrase_of(rest) {
            Some((meaning, length)) => {
                found.push(meaning);
                rest.get(length..).unwrap_or_default()
            }
            None => next,
        };
    }
    found
}

/// The longest phrase that words open with, and how many they are.
fn phrase_of(words: &[String]) -> Option<(Meaning, usize)> {
    let causes = Cause::ALL
        .into_iter()
        .flat_map(|cause| cause.names().iter().map(move |name| (Meaning::Of(cause), *name)));
    causes
        .chain(FAULTS.map(|name| (Meaning::Fault, name)))
        .chain(DENIALS.map(|name| (Meaning::Denial, name)))
        .filter_map(|(meaning, name)| {
            let length = name.split(' ').count();
            let opening = words.get(..length)?;
            name.split(' ').eq(opening).then_some((meaning, length))
        })
        .max_by_key(|(_, length)| *length)
}

#[cfg(test)]
mod tests {
    use super::super::tests::truth;
    use super::*;

    fn services() -> Vec<String> {
        ["checkout", "payment", "inventory", "storefront", "catalog"]
            .map(str::to_owned)
            .into()
    }

    #[test]
    fn a_note_names_what_it_affirms_in_whole_words_of_one_kind_of_incident() {
        use Cause::{
            BadDeploy, CacheStampede, CertificateExpiry, DependencyTimeout, DiskFull, NoisyNeighbour,
            RegionLoss,
        };
        use Named::{Both, Culprit, Nothing};
        let table = [
            (
                BadDeploy,
                "inventory",
                "inventory: the new release is broken, roll it back",
                Both,
            ),
            (
                BadDeploy,
                "inventory",
                "looked at inventory: no new release there, version unchanged",
                Nothing,
            ),
            (
                BadDeploy,
                "inventory",
                "Inventory isn’t it. A deploy somewhere?",
                Nothing,
            ),
            (
                BadDeploy,
                "inventory",
                "inventory's deploy was ruled out",
                Nothing,
            ),
            (BadDeploy, "inventory", "inventory is at version 4.2", Culprit),
            (
                BadDeploy,
                "checkout",
                "checkout deploy: column orders.channel does not exist",
                Both,
            ),
            (
                DiskFull,
                "inventory",
                "read carefully what inventory says",
                Culprit,
            ),
            (
                DiskFull,
                "inventory",
                "inventory: No space left on device (53100)",
                Both,
            ),
            (
                DiskFull,
                "inventory",
                "something is wrong.\nref: log line of inventory: No space left on device",
                Nothing,
            ),
            (
                DiskFull,
                "inventory",
                "inventory: disk, or a deploy, or a certificate",
                Culprit,
            ),
            (DiskFull, "inventory", "disk: inventory, checkout", Both),
            (
                DiskFull,
                "inventory",
                "disk: inventory, checkout, payment",
                Nothing,
            ),
            (
                DiskFull,
                "inventory",
                "Payment and checkout are fine. The disk under inventory filled up.",
                Both,
            ),
            (
                RegionLoss,
                "node-b",
                "checkout-availability burns on node-b",
                Culprit,
            ),
            (
                RegionLoss,
                "node-b",
                "node-b is gone, and zone eu-1b with it",
                Both,
            ),
            (CertificateExpiry, "payment", "tls of payment", Culprit),
            (
                CertificateExpiry,
                "payment",
                "x509: certificate of payment.shop.internal has expired or is not yet valid",
                Both,
            ),
            (
                DependencyTimeout,
                "payment",
                "what payment asks does not answer",
                Both,
            ),
            (
                NoisyNeighbour,
                "catalog",
                "catalog shares redis: shared, as ever",
                Culprit,
            ),
            (
                NoisyNeighbour,
                "catalog",
                "backfill of catalog: redis i/o timeout in checkout",
                Both,
            ),
            (
                CacheStampede,
                "catalog",
                "catalog: cache is cold, no database connection left",
                Both,
            ),
            (CacheStampede, "catalog", "catalogue: stampede", Nothing),
        ];
        for (cause, culprit, text, expected) in table {
            let truth = Truth {
                cause,
                culprit: culprit.to_owned(),
                ..truth()
            };
            assert_eq!(
                truth.is_named_by(text, &services()),
                expected,
                "{culprit}: {text}"
            );
        }
    }

    #[test]
    fn an_incident_is_of_the_trouble_by_the_services_it_is_called_after() {
        let truth = truth();
        let table = [
            (Some("#4711 checkout fails 12% of its requests"), true),
            (Some("#4712 payment fails"), true),
            (Some("#4713 inventory fails 90% of its requests"), false),
            (Some("#4714 repayments fail"), false),
            (None, true),
        ];
        for (label, own) in table {
            assert_eq!(truth.is_own(label), own, "{label:?}");
        }
    }
}
