//! `resolve`, `escalate`, `reassign`, `page`, `snooze`, `merge`, `priority`, `annotate`, `update`: one act on one
//! incident each, journaled, sent, and waited for.

use std::io::Read as _;
use std::time::Duration;

use super::lookup::{self, Assignee, Target};
use super::{Stage, names};
use crate::cli::args::{
    ActArgs, AnnotateArgs, EscalateArgs, MergeArgs, PageArgs, PriorityArgs, ReassignArgs, ResolveArgs,
    SnoozeArgs, UpdateArgs,
};
use crate::cli::{CliError, Outcome, Session};
use crate::domain::incident::{Incident, IncidentAct, LONGEST_SNOOZE, LONGEST_TEXT, Ladder, Status, Verb};

/// Bytes that are read from standard input: as much as the console's composer takes in. What is too long to be sent
/// is kept as a draft.
const MOST_BYTES: u64 = 1 << 20;

/// `midwatch resolve`
pub async fn resolve(session: &mut Session, args: &ResolveArgs) -> Outcome {
    let stage = Stage::open(session, &args.act, Verb::Resolve)?;
    let target = stage.target(&args.incident, Verb::Resolve).await?;
    let act = IncidentAct::Resolve {
        resolution: args.resolution.trim().to_owned(),
    };
    stage.carry(session, &target, act).await
}

/// `midwatch escalate`: without a level only where the present one is certain.
pub async fn escalate(session: &mut Session, args: &EscalateArgs) -> Outcome {
    if args.leave {
        return super::leave::run(session, args).await;
    }
    let stage = Stage::open(session, &args.act, Verb::Escalate)?;
    let target = stage.target(&args.incident, Verb::Escalate).await?;
    let (to, warnings) = match (&target, args.to) {
        (Target::Seen(incident), asked) => {
            let ladder = stage.ladder(incident).await?;
            let to = level(asked, incident, &ladder)?;
            (to, warnings(to, incident, &ladder))
        }
        // Before it is sent, the incident and its policy are looked at: it asks where the incident is taken, where
        // the level is not there, and where it would wake again whom was woken already.
        (Target::Unseen { .. }, Some(to)) if to > 0 => (to, Vec::new()),
        (Target::Unseen { id, why }, _) => {
            return Err(CliError::Backend(format!(
                "{id}: which levels it has could not be looked up, and nothing was done; to have it kept until it \
                 can be sent, say which to wake with --to LEVEL, from 1 ({why})"
            )));
        }
    };
    let mut warnings = warnings;
    warnings.extend(stage.undelivered(&target).await?);
    stage
        .carry_warned(session, &target, IncidentAct::Escalate { to }, warnings)
        .await
}

/// What waking a level brings along, as the console says it before it asks.
fn warnings(to: u32, incident: &Incident, ladder: &Ladder) -> Vec<String> {
    let woken = ladder
        .rung(to)
        .map(|rung| names(&rung.people))
        .unwrap_or_default();
    let mut warnings = Vec::new();
    match ladder.current.known() {
        Some(level) if level == to => {
            warnings.push(format!(
                "it was at level {to} already: once sent, this pages {woken} again"
            ));
        }
        Some(level) if level > to => {
            warnings.push(format!(
                "back down: it was at level {level}; this pages {woken} again"
            ));
        }
        None if ladder.current.candidates().contains(&to) => {
            let words = ladder.current.words();
            warnings.push(format!("it was at {words}: this may page {woken} again"));
        }
        Some(_) | None => {}
    }
    if incident.status == Status::Acknowledged
        && let Some((person, _)) = incident.acknowledgements.last()
    {
        let who = names(std::slice::from_ref(person));
        warnings.push(format!("takes the acknowledgement of {who} away"));
    }
    warnings
}

/// The level to be woken: the one asked for, where somebody is on call on it, or the next where that is certain.
fn level(asked: Option<u32>, incident: &Incident, ladder: &Ladder) -> Result<u32, CliError> {
    let refused = |why: String| {
        CliError::Usage(format!(
            "{}: {why}: nothing was done; its levels are:{}",
            lookup::label(incident),
            levels(ladder)
        ))
    };
    match asked {
        Some(level) => match ladder.rung(level) {
            Some(rung) if rung.people.is_empty() => {
                Err(refused(format!("nobody is on call on level {level}")))
            }
            Some(_) => Ok(level),
            None => Err(refused(format!("its policy has no level {level}"))),
        },
        None => match ladder.next() {
            Some(rung) => Ok(rung.level),
            None if ladder.current.known().is_some() => Err(refused(
                "there is nobody to wake above its present level".to_owned(),
            )),
            None => Err(refused(format!(
                "which level it is on is not certain ({}); say which to wake with --to",
                ladder.current.words()
            ))),
        },
    }
}

fn levels(ladder: &Ladder) -> String {
    let line = |rung: &crate::domain::incident::Rung| {
        let people = names(&rung.people);
        let people = if people.is_empty() { "nobody" } else { &people };
        let here = if ladder.current.known() == Some(rung.level) {
            "  (now)"
        } else {
            ""
        };
        format!("\n  {}  {people}{here}", rung.level)
    };
    ladder.rungs.iter().map(line).collect()
}

/// `midwatch reassign`
pub async fn reassign(session: &mut Session, args: &ReassignArgs) -> Outcome {
    let stage = Stage::open(session, &args.act, Verb::Reassign)?;
    let incident = stage.incident(&args.incident, Verb::Reassign).await?;
    let directory = stage.directory(&incident).await?;
    let (act, warning) = match lookup::assignee(&args.to, &directory)? {
        Assignee::Person(person) => (
            IncidentAct::ReassignTo { people: vec![person] },
            "assigned by hand: it escalates by itself no more".to_owned(),
        ),
        Assignee::Policy(policy, woken) => (
            IncidentAct::ReassignPolicy { policy },
            format!("starts at level 1, pages {}", names(&woken)),
        ),
    };
    stage
        .carry_warned(session, &Target::Seen(incident), act, vec![warning])
        .await
}

/// `midwatch page`
pub async fn page(session: &mut Session, args: &PageArgs) -> Outcome {
    let stage = Stage::open(session, &args.act, Verb::Page)?;
    let incident = stage.incident(&args.incident, Verb::Page).await?;
    let directory = stage.directory(&incident).await?;
    let people = args
        .user
        .iter()
        .map(|user| lookup::person(user, &directory))
        .collect::<Result<Vec<_>, _>>()?;
    let message = if args.message.trim().is_empty() {
        format!("please help with {}", lookup::label(&incident))
    } else {
        args.message.trim().to_owned()
    };
    stage
        .carry(
            session,
            &Target::Seen(incident),
            IncidentAct::Page { people, message },
        )
        .await
}

/// `midwatch snooze`
pub async fn snooze(session: &mut Session, args: &SnoozeArgs) -> Outcome {
    let length = Duration::from_secs(args.length.as_secs());
    if length.is_zero() || length > LONGEST_SNOOZE {
        return Err(CliError::Usage(
            "--for: a snooze lasts from 1s to 7d; nothing was done".to_owned(),
        ));
    }
    let stage = Stage::open(session, &args.act, Verb::Snooze)?;
    let target = stage.target(&args.incident, Verb::Snooze).await?;
    stage
        .carry(session, &target, IncidentAct::Snooze { length })
        .await
}

/// `midwatch merge`
pub async fn merge(session: &mut Session, args: &MergeArgs) -> Outcome {
    let stage = Stage::open(session, &args.act, Verb::Merge)?;
    let into = stage.incident(&args.into, Verb::Merge).await?;
    let mut from = Vec::new();
    for wanted in &args.from {
        let incident = stage.incident(wanted, Verb::Merge).await?;
        if incident.id == into.id {
            return Err(CliError::Usage(format!(
                "{wanted} is the one to merge into: nothing was done"
            )));
        }
        if incident.source != into.source {
            return Err(CliError::Usage(format!(
                "{} and {} are kept in different places: nothing was done",
                lookup::label(&incident),
                lookup::label(&into)
            )));
        }
        if !from.contains(&incident.id) {
            from.push(incident.id.clone());
        }
    }
    stage
        .carry(session, &Target::Seen(into), IncidentAct::Merge { from })
        .await
}

/// `midwatch priority`
pub async fn priority(session: &mut Session, args: &PriorityArgs) -> Outcome {
    let stage = Stage::open(session, &args.act, Verb::Priority)?;
    let incident = stage.incident(&args.incident, Verb::Priority).await?;
    let directory = stage.directory(&incident).await?;
    let priority = lookup::priority(&args.priority, &directory)?;
    stage
        .carry(
            session,
            &Target::Seen(incident),
            IncidentAct::Priority { priority },
        )
        .await
}

/// `midwatch annotate`
pub async fn annotate(session: &mut Session, args: &AnnotateArgs) -> Outcome {
    Box::pin(say(session, &args.act, &args.incident, (Said::Note, &args.text))).await
}

/// `midwatch update`
pub async fn update(session: &mut Session, args: &UpdateArgs) -> Outcome {
    Box::pin(say(
        session,
        &args.act,
        &args.incident,
        (Said::Update, &args.text),
    ))
    .await
}

/// What is said of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Note,
    Update,
}

impl Said {
    fn act(self, text: String) -> IncidentAct {
        match self {
            Self::Note => IncidentAct::Note { text },
            Self::Update => IncidentAct::StatusUpdate { text },
        }
    }

    fn verb(self) -> Verb {
        match self {
            Self::Note => Verb::Note,
            Self::Update => Verb::StatusUpdate,
        }
    }
}

/// Says it; a text that could not be kept is handed back.
async fn say(session: &mut Session, args: &ActArgs, wanted: &str, (said, given): (Said, &str)) -> Outcome {
    let text = text(given, std::io::stdin())?;
    let done = Box::pin(keep(session, args, wanted, (said, &text))).await;
    if let Err(error) = &done
        && !matches!(error, CliError::Output(_))
    {
        session
            .out
            .diagnose("in case it is not kept, this is what was to be said:")?;
        for line in text.lines() {
            session.out.diagnose(&format!("  {line}"))?;
        }
    }
    done
}

async fn keep(session: &mut Session, args: &ActArgs, wanted: &str, (said, text): (Said, &str)) -> Outcome {
    let stage = Stage::open(session, args, said.verb())?;
    let target = stage.target(wanted, said.verb()).await?;
    match too_long(text) {
        None => stage.carry(session, &target, said.act(text.to_owned())).await,
        Some(why) => {
            stage
                .put_aside(session, &target, said.act(text.to_owned()), why)
                .await
        }
    }
}

/// Why a text cannot be sent as it is.
fn too_long(text: &str) -> Option<String> {
    let long = text.chars().count();
    (long > LONGEST_TEXT).then(|| format!("{long} characters, and a text takes {LONGEST_TEXT}"))
}

/// What is to be said: as given, or all of `input` for `-`. Control characters other than line ends and tabs go.
fn text(given: &str, input: impl std::io::Read) -> Result<String, CliError> {
    let mut read = String::new();
    let text = if given == "-" {
        input
            .take(MOST_BYTES + 1)
            .read_to_string(&mut read)
            .map_err(|error| CliError::Usage(format!("standard input: {error}; the text must be UTF-8")))?;
        if read.len() as u64 > MOST_BYTES {
            return Err(CliError::Usage(format!(
                "standard input holds more than {MOST_BYTES} bytes, and a text takes {LONGEST_TEXT} characters: \
                 nothing was done"
            )));
        }
        &read
    } else {
        given
    };
    let kept: String = text
        .chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .collect();
    let kept = kept.trim();
    if kept.is_empty() {
        return Err(CliError::Usage(
            "there is nothing to say: the text is empty".to_owned(),
        ));
    }
    Ok(kept.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Exit;
    use crate::domain::incident::{Level, Named, Rung, sample};

    fn ladder(current: Level) -> Ladder {
        let rung = |level, people: &[&str]| Rung {
            level,
            delay_minutes: Some(5),
            people: people.iter().map(|name| sample::person(name)).collect(),
        };
        Ladder {
            missed: None,
            policy: Named {
                id: "PEP1".into(),
                name: "Platform".into(),
            },
            rungs: vec![rung(1, &["Jun"]), rung(2, &[]), rung(3, &["Mara"])],
            current,
        }
    }

    fn asked(to: Option<u32>, current: Level) -> Result<u32, CliError> {
        level(to, &sample::triggered("Q1"), &ladder(current))
    }

    #[test]
    fn without_a_level_the_next_with_somebody_on_it_is_woken_where_the_present_one_is_certain() {
        assert_eq!(asked(None, Level::Known(1)).unwrap(), 3);
        assert_eq!(asked(Some(3), Level::Unknown).unwrap(), 3);
    }

    #[test]
    fn an_uncertain_level_names_all_of_them_and_does_nothing() {
        for current in [Level::Unknown, Level::OneOf(vec![1, 3])] {
            let error = asked(None, current).unwrap_err();
            assert_eq!(error.exit(), Exit::Usage);
            let words = error.to_string();
            assert!(
                words.contains("1  Jun") && words.contains("2  nobody") && words.contains("--to"),
                "{words}"
            );
        }
    }

    #[test]
    fn a_level_that_is_not_there_or_wakes_nobody_is_refused() {
        for (to, word) in [(2, "nobody is on call"), (4, "no level 4")] {
            let error = asked(Some(to), Level::Known(1)).unwrap_err();
            assert!(error.to_string().contains(word), "{error}");
        }
        let error = asked(None, Level::Known(3)).unwrap_err();
        assert!(error.to_string().contains("nobody to wake above"), "{error}");
    }

    #[test]
    fn a_level_that_was_woken_before_is_paged_again_and_that_is_said() {
        let said = |to, current| warnings(to, &sample::triggered("Q1"), &ladder(current));
        assert_eq!(
            said(1, Level::Known(1)),
            ["it was at level 1 already: once sent, this pages Jun again"]
        );
        assert_eq!(
            said(1, Level::Known(3)),
            ["back down: it was at level 3; this pages Jun again"]
        );
        assert_eq!(
            said(3, Level::OneOf(vec![1, 3])),
            ["it was at level 1 or 3?: this may page Mara again"]
        );
        assert_eq!(said(3, Level::Known(1)), [""; 0]);
    }

    #[test]
    fn text_loses_its_control_characters_and_must_say_something() {
        let given = |words: &str| text(words, std::io::empty());
        assert_eq!(given(" a\u{1b}[31mb\r\n\tc ").unwrap(), "a[31mb\n\tc");
        assert!(given(" \n ").is_err());
    }

    #[test]
    fn standard_input_is_taken_whole_or_not_at_all() {
        let most = usize::try_from(MOST_BYTES).unwrap();
        let (whole, more) = ("x".repeat(most), "x".repeat(most + 1));
        assert_eq!(text("-", whole.as_bytes()).unwrap().len(), most);
        let error = text("-", more.as_bytes()).unwrap_err();
        assert_eq!(error.exit(), Exit::Usage);
        assert!(too_long(&"é".repeat(LONGEST_TEXT)).is_none());
        assert!(too_long(&whole).is_some_and(|why| why.contains("1048576 characters")));
    }
}
