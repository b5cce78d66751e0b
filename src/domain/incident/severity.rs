//! How bad an incident of ours is, and how fast it is to be answered.
//!
//! PagerDuty's priorities are words of its own; these four are those of local incidents.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The severity of a local incident, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Severity {
    /// Customers cannot work, or data is being lost.
    #[serde(rename = "SEV1")]
    Sev1,
    /// Customers are hindered.
    #[serde(rename = "SEV2")]
    Sev2,
    /// Some are, or would soon be.
    #[serde(rename = "SEV3")]
    Sev3,
    /// Worth following up.
    #[serde(rename = "SEV4")]
    Sev4,
}

impl Severity {
    /// All, the worst first.
    pub const ALL: [Self; 4] = [Self::Sev1, Self::Sev2, Self::Sev3, Self::Sev4];

    /// As documents and people write it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Sev1 => "SEV1",
            Self::Sev2 => "SEV2",
            Self::Sev3 => "SEV3",
            Self::Sev4 => "SEV4",
        }
    }

    /// By its word, in capitals or not.
    pub fn by_word(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|severity| severity.word().eq_ignore_ascii_case(word))
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// How fast an incident is to be answered: the targets that nudges and statistics measure against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResponseTimes {
    /// From declared to acknowledged.
    pub acknowledge: Duration,
    /// Between two updates to those who wait.
    pub update: Duration,
    /// From declared to resolved.
    pub resolve: Duration,
}

/// The response times of each severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Severities {
    sev1: ResponseTimes,
    sev2: ResponseTimes,
    sev3: ResponseTimes,
    sev4: ResponseTimes,
}

impl Default for Severities {
    fn default() -> Self {
        let minutes = |acknowledge: u64, update: u64, resolve: u64| ResponseTimes {
            acknowledge: Duration::from_secs(acknowledge * 60),
            update: Duration::from_secs(update * 60),
            resolve: Duration::from_secs(resolve * 60),
        };
        Self {
            sev1: minutes(5, 15, 4 * 60),
            sev2: minutes(15, 30, 8 * 60),
            sev3: minutes(60, 4 * 60, 3 * 24 * 60),
            sev4: minutes(24 * 60, 24 * 60, 14 * 24 * 60),
        }
    }
}

impl Severities {
    /// Those of one severity.
    pub fn of(&self, severity: Severity) -> ResponseTimes {
        match severity {
            Severity::Sev1 => self.sev1,
            Severity::Sev2 => self.sev2,
            Severity::Sev3 => self.sev3,
            Severity::Sev4 => self.sev4,
        }
    }

    /// Sets those of one severity.
    pub fn set(&mut self, severity: Severity, times: ResponseTimes) {
        match severity {
            Severity::Sev1 => self.sev1 = times,
            Severity::Sev2 => self.sev2 = times,
            Severity::Sev3 => self.sev3 = times,
            Severity::Sev4 => self.sev4 = times,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_severity_reads_back_from_its_word_in_any_case() {
        for severity in Severity::ALL {
            assert_eq!(Severity::by_word(severity.word()), Some(severity));
            assert_eq!(Severity::by_word(&severity.word().to_lowercase()), Some(severity));
        }
        assert_eq!(Severity::by_word("SEV5"), None);
    }

    #[test]
    fn the_worse_the_faster() {
        let times = Severities::default();
        for pair in Severity::ALL.windows(2) {
            let (worse, better) = (times.of(pair[0]), times.of(pair[1]));
            assert!(worse.acknowledge < better.acknowledge && worse.resolve < better.resolve);
        }
    }
}
