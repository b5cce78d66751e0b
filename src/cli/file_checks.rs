//! What `doctor` says of logs that are files: whether they are there and may be read, how large they are, and when
//! their newest line is of.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use crate::backend::BackendFailure;
use crate::backend::logs::Survey;
use crate::domain::log::Nanos;
use crate::time::prometheus_duration;

/// One file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct FileCheck {
    /// Its name.
    pub path: String,
    /// How large it is; null where it cannot be read.
    pub bytes: Option<u64>,
    /// When its newest line is of; null where its lines tell no times.
    pub newest_at: Option<String>,
    /// Why it cannot be read; null where it can.
    pub error: Option<String>,
    #[serde(skip)]
    newest: Option<Nanos>,
}

/// What was found of all of them.
#[derive(Debug, Default)]
pub(super) struct FileChecks {
    /// Each that was looked at.
    pub files: Vec<FileCheck>,
    /// What is wrong beside that none can be read.
    pub missing: Vec<String>,
    /// Why no line can be had at all.
    pub failure: Option<BackendFailure>,
}

impl FileChecks {
    /// What is to be said of files that were looked at.
    pub(super) fn of(backend: &str, survey: Survey) -> Self {
        let mut missing: Vec<String> = survey
            .missing
            .iter()
            .map(|name| format!("{name}: there is no such file; it is read once there is"))
            .collect();
        let files: Vec<FileCheck> = survey
            .files
            .into_iter()
            .map(|file| {
                let (found, error) = match file.found {
                    Ok(found) => (Some(found), None),
                    Err(error) => (None, Some(error)),
                };
                let newest = found.and_then(|(_, newest)| newest);
                FileCheck {
                    path: file.path,
                    bytes: found.map(|(bytes, _)| bytes),
                    newest_at: newest.map(|at| at.utc().to_rfc3339_opts(SecondsFormat::AutoSi, true)),
                    error,
                    newest,
                }
            })
            .collect();
        missing.extend(files.iter().filter_map(|file| {
            let error = file.error.as_ref()?;
            Some(format!(
                "{}: {error}; who runs midwatch must be let read it",
                file.path
            ))
        }));
        if survey.more > 0 {
            missing.push(format!("{} more files were not looked at", survey.more));
        }
        let readable = files.iter().any(|file| file.error.is_none());
        let failure = (!readable).then(|| BackendFailure {
            backend: backend.to_owned(),
            message: format!(
                "no file can be read: {}",
                std::mem::take(&mut missing).join(" · ")
            ),
        });
        Self {
            files,
            missing,
            failure,
        }
    }
}

impl FileCheck {
    /// In one line.
    pub(super) fn words(&self, now: DateTime<Utc>) -> String {
        let Some(bytes) = self.bytes else {
            return format!("{}: {}", self.path, self.error.as_deref().unwrap_or_default());
        };
        let newest = match (bytes, self.newest) {
            (0, _) => "empty".to_owned(),
            (_, None) => "its last lines tell no time".to_owned(),
            (_, Some(at)) => {
                let said = at.utc().to_rfc3339_opts(SecondsFormat::Secs, true);
                match (now - at.utc()).to_std() {
                    Ok(age) => {
                        // of hours the seconds say nothing
                        let whole = if age.as_secs() < 3_600 { 1 } else { 60 };
                        let age = Duration::from_secs(age.as_secs() / whole * whole);
                        format!("newest line {said}, {} ago", prometheus_duration(age))
                    }
                    Err(_) => format!("newest line {said}, ahead of this clock"),
                }
            }
        };
        format!("{}: {bytes} bytes, {newest}", self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::logs::Surveyed;

    fn surveyed(path: &str, found: Result<(u64, Option<Nanos>), &str>) -> Surveyed {
        Surveyed {
            path: path.to_owned(),
            found: found.map_err(str::to_owned),
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_is_a_warning_and_a_failure_where_none_can() {
        let now: DateTime<Utc> = "2026-11-20T03:14:07Z".parse().unwrap();
        let newest = Nanos::of("2026-11-20T03:11:07Z".parse().unwrap());
        let good = surveyed("a.log", Ok((1_200, Some(newest))));
        let bad = surveyed("b.log", Err("Permission denied"));
        let survey = Survey {
            files: vec![good, bad.clone()],
            ..Survey::default()
        };
        let checks = FileChecks::of("logs", survey);
        assert_eq!(checks.failure, None);
        let words: Vec<String> = checks.files.iter().map(|file| file.words(now)).collect();
        assert_eq!(
            words,
            [
                "a.log: 1200 bytes, newest line 2026-11-20T03:11:07Z, 3m ago",
                "b.log: Permission denied"
            ]
        );
        assert!(
            checks.missing[0].starts_with("b.log: Permission denied"),
            "{:?}",
            checks.missing
        );
        let none = Survey {
            files: vec![bad],
            missing: vec!["c.log".to_owned()],
            more: 0,
        };
        let message = FileChecks::of("logs", none).failure.unwrap().message;
        assert!(
            message.contains("b.log: Permission denied") && message.contains("c.log: there is no such file")
        );
    }
}
