//! Who a schedule puts on call, at a moment or over a span, across clock changes.
//!
//! A rotation hands over at a time of day on the local clock: the first instant of that day at which the clock
//! shows that time or a later one. So a time that the clock skips is the instant of the change, and a time that
//! comes twice is the first of the two. Start at [`Schedule::on_call`] and [`Schedule::spans`].

use std::sync::Arc;

use chrono::{
    DateTime, Datelike as _, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone as _, Utc,
    Weekday,
};
use chrono_tz::Tz;

/// How often it passes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// Every day.
    Daily,
    /// Every week, on this day.
    Weekly(Weekday),
}

impl Rotation {
    fn days(self) -> i64 {
        match self {
            Self::Daily => 1,
            Self::Weekly(_) => 7,
        }
    }
}

/// Somebody stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// From.
    pub from: DateTime<Utc>,
    /// To, not included.
    pub to: DateTime<Utc>,
    /// Who: a person's id.
    pub person: Arc<str>,
}

/// A rotation of people with those who stand in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Its name.
    pub name: Arc<str>,
    /// The clock that handoffs go by.
    pub time_zone: Tz,
    /// When it passes on.
    pub rotation: Rotation,
    /// Time of day on that clock.
    pub handoff: NaiveTime,
    /// The first person's first shift begins on this day, or on the first handoff day after it.
    pub start: NaiveDate,
    /// Their ids, in turn.
    pub people: Vec<Arc<str>>,
    /// The later one wins where two overlap.
    pub overrides: Vec<Override>,
}

/// A stretch of time with the same person, or nobody, on call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// From.
    pub start: DateTime<Utc>,
    /// To, not included.
    pub end: DateTime<Utc>,
    /// Who; nobody before the first shift.
    pub person: Option<Arc<str>>,
}

/// The first instant at which a clock of that zone shows `local` or later.
pub fn instant(zone: Tz, local: NaiveDateTime) -> DateTime<Utc> {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => at.to_utc(),
        LocalResult::None => after_the_gap(zone, local),
    }
}

/// The clock skips `local`: the instant of the change, found by bisection, since between these bounds the
/// clock only ever moves on.
fn after_the_gap(zone: Tz, local: NaiveDateTime) -> DateTime<Utc> {
    // No zone is further from UTC than 14 hours, and none has skipped more than a day.
    let (mut before, mut after) = (
        local.and_utc() - TimeDelta::hours(15),
        local.and_utc() + TimeDelta::hours(40),
    );
    while after - before > TimeDelta::seconds(1) {
        let middle = before + TimeDelta::seconds((after - before).num_seconds() / 2);
        if middle.with_timezone(&zone).naive_local() < local {
            before = middle;
        } else {
            after = middle;
        }
    }
    after
}

impl Schedule {
    /// Who is on call at that moment.
    pub fn on_call(&self, at: DateTime<Utc>) -> Option<&Arc<str>> {
        self.standing_in(at).or_else(|| self.in_turn(self.shift(at)))
    }

    /// The stretches between two moments, oldest first, without a gap or an overlap; neighbours differ in who
    /// is on call.
    pub fn spans(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<Span> {
        let mut spans: Vec<Span> = Vec::new();
        let mut start = from;
        while start < to {
            let end = self.next_change(start).min(to);
            let person = self.on_call(start).cloned();
            match spans.last_mut() {
                Some(last) if last.person == person => last.end = end,
                Some(_) | None => spans.push(Span { start, end, person }),
            }
            start = end;
        }
        spans
    }

    fn standing_in(&self, at: DateTime<Utc>) -> Option<&Arc<str>> {
        self.overrides
            .iter()
            .rev()
            .find(|each| each.from <= at && at < each.to)
            .map(|each| &each.person)
    }

    /// Whose turn a shift is; shifts before the first one are nobody's.
    fn in_turn(&self, shift: i64) -> Option<&Arc<str>> {
        let people = i64::try_from(self.people.len()).ok().filter(|n| *n > 0)?;
        let turn = usize::try_from(shift).ok().map(|_| shift % people)?;
        self.people.get(usize::try_from(turn).ok()?)
    }

    /// The day on which shift 0 begins.
    fn first_day(&self) -> NaiveDate {
        match self.rotation {
            Rotation::Daily => self.start,
            Rotation::Weekly(day) => {
                let ahead =
                    (7 + day.num_days_from_monday() - self.start.weekday().num_days_from_monday()) % 7;
                self.start
                    .checked_add_signed(TimeDelta::days(i64::from(ahead)))
                    .unwrap_or(self.start)
            }
        }
    }

    /// When a shift begins; nothing past the end of the calendar.
    fn begin(&self, shift: i64) -> Option<DateTime<Utc>> {
        let days = shift.checked_mul(self.rotation.days())?;
        let day = self.first_day().checked_add_signed(TimeDelta::try_days(days)?)?;
        Some(instant(self.time_zone, day.and_time(self.handoff)))
    }

    /// The shift that holds a moment; negative before the first.
    fn shift(&self, at: DateTime<Utc>) -> i64 {
        let day = at.with_timezone(&self.time_zone).date_naive();
        let days = (day - self.first_day()).num_days();
        // The clock's date may lie a skipped day away from the handoff's: look from one shift further on.
        let mut shift = days.div_euclid(self.rotation.days()) + 1;
        while self.begin(shift).is_none_or(|begin| begin > at) && shift >= 0 {
            shift -= 1;
        }
        shift
    }

    /// The next moment after `at` at which somebody else may be on call.
    fn next_change(&self, at: DateTime<Utc>) -> DateTime<Utc> {
        let mut shift = self.shift(at).max(-1) + 1;
        let handoff = loop {
            match self.begin(shift) {
                // Two handoffs fall together where a whole day is skipped.
                Some(begin) if begin <= at => shift += 1,
                Some(begin) => break begin,
                None => break DateTime::<Utc>::MAX_UTC,
            }
        };
        self.overrides
            .iter()
            .flat_map(|each| [each.from, each.to])
            .filter(|edge| *edge > at)
            .fold(handoff, DateTime::min)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono_tz::{America, Asia, Australia, Europe, Pacific};
    use proptest::prelude::*;

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn weekly() -> Schedule {
        Schedule {
            name: "primary".into(),
            time_zone: Europe::Berlin,
            rotation: Rotation::Weekly(Weekday::Mon),
            handoff: NaiveTime::from_hms_opt(9, 0, 0).unwrap(),
            start: NaiveDate::from_ymd_opt(2026, 1, 7).unwrap(),
            people: vec!["jun".into(), "mara".into(), "sam".into()],
            overrides: Vec::new(),
        }
    }

    fn daily(zone: Tz, handoff: (u32, u32), start: (i32, u32, u32)) -> Schedule {
        Schedule {
            rotation: Rotation::Daily,
            time_zone: zone,
            handoff: NaiveTime::from_hms_opt(handoff.0, handoff.1, 0).unwrap(),
            start: NaiveDate::from_ymd_opt(start.0, start.1, start.2).unwrap(),
            ..weekly()
        }
    }

    fn who(schedule: &Schedule, at: &str) -> Option<String> {
        schedule.on_call(utc(at)).map(ToString::to_string)
    }

    #[test]
    fn the_first_shift_begins_on_the_first_handoff_day() {
        let schedule = weekly();
        assert_eq!(who(&schedule, "2026-01-12T07:59:59Z"), None);
        assert_eq!(who(&schedule, "2026-01-12T08:00:00Z").as_deref(), Some("jun"));
        assert_eq!(who(&schedule, "2026-01-19T07:59:59Z").as_deref(), Some("jun"));
        assert_eq!(who(&schedule, "2026-01-19T08:00:00Z").as_deref(), Some("mara"));
        assert_eq!(who(&schedule, "2026-02-02T08:00:00Z").as_deref(), Some("jun"));
    }

    #[test]
    fn a_handoff_keeps_its_local_hour_over_the_clock_change() {
        let schedule = weekly();
        // Summer time began on 2026-03-29: 09:00 in Berlin is 07:00 UTC from then on.
        let boundaries: Vec<_> = schedule
            .spans(utc("2026-03-20T00:00:00Z"), utc("2026-04-08T00:00:00Z"))
            .into_iter()
            .map(|span| span.end.to_rfc3339())
            .collect();
        assert_eq!(
            boundaries,
            [
                "2026-03-23T08:00:00+00:00",
                "2026-03-30T07:00:00+00:00",
                "2026-04-06T07:00:00+00:00",
                "2026-04-08T00:00:00+00:00"
            ]
        );
    }

    #[test]
    fn a_handoff_that_the_clock_skips_is_at_the_change() {
        let schedule = daily(Europe::Berlin, (2, 30), (2026, 3, 28));
        // 02:00 becomes 03:00 at 01:00 UTC.
        assert_eq!(who(&schedule, "2026-03-29T00:59:59Z").as_deref(), Some("jun"));
        assert_eq!(who(&schedule, "2026-03-29T01:00:00Z").as_deref(), Some("mara"));
        assert_eq!(who(&schedule, "2026-03-30T00:29:59Z").as_deref(), Some("mara"));
        assert_eq!(who(&schedule, "2026-03-30T00:30:00Z").as_deref(), Some("sam"));
    }

    #[test]
    fn a_handoff_that_comes_twice_is_at_the_first() {
        let schedule = daily(America::New_York, (1, 30), (2026, 10, 31));
        // 01:30 is at 05:30 UTC and again at 06:30 UTC on 2026-11-01.
        assert_eq!(who(&schedule, "2026-11-01T05:29:59Z").as_deref(), Some("jun"));
        assert_eq!(who(&schedule, "2026-11-01T05:30:00Z").as_deref(), Some("mara"));
        assert_eq!(who(&schedule, "2026-11-01T06:30:00Z").as_deref(), Some("mara"));
        assert_eq!(who(&schedule, "2026-11-02T06:30:00Z").as_deref(), Some("sam"));
    }

    #[test]
    fn a_day_that_was_skipped_whole_gives_its_shift_to_nobody_else() {
        // Samoa went from 2011-12-29 to 2011-12-31 at 10:00 UTC on the 30th.
        let schedule = daily(Pacific::Apia, (0, 0), (2011, 12, 29));
        let spans = schedule.spans(utc("2011-12-29T10:00:00Z"), utc("2012-01-01T10:00:00Z"));
        let told: Vec<_> = spans
            .iter()
            .map(|span| (span.start.to_rfc3339(), span.person.as_deref().unwrap_or("-")))
            .collect();
        assert_eq!(
            told,
            [
                ("2011-12-29T10:00:00+00:00".to_owned(), "jun"),
                // Mara's day did not exist.
                ("2011-12-30T10:00:00+00:00".to_owned(), "sam"),
                ("2011-12-31T10:00:00+00:00".to_owned(), "jun"),
            ]
        );
    }

    #[test]
    fn a_stand_in_takes_exactly_its_span_and_the_later_one_wins() {
        let mut schedule = weekly();
        schedule.overrides = vec![
            Override {
                from: utc("2026-01-13T18:00:00Z"),
                to: utc("2026-01-14T06:00:00Z"),
                person: "sam".into(),
            },
            Override {
                from: utc("2026-01-14T00:00:00Z"),
                to: utc("2026-01-14T01:00:00Z"),
                person: "mara".into(),
            },
        ];
        let spans = schedule.spans(utc("2026-01-13T00:00:00Z"), utc("2026-01-15T00:00:00Z"));
        let told: Vec<&str> = spans.iter().filter_map(|span| span.person.as_deref()).collect();
        assert_eq!(told, ["jun", "sam", "mara", "sam", "jun"]);
        assert_eq!(spans[1].start, utc("2026-01-13T18:00:00Z"));
        assert_eq!(spans[3].end, utc("2026-01-14T06:00:00Z"));
    }

    prop_compose! {
        fn schedules()(
            zone in prop::sample::select(vec![
                Europe::Berlin, America::New_York, Asia::Kolkata, Australia::Lord_Howe, Pacific::Apia, Pacific::Chatham,
                America::Sao_Paulo, Asia::Gaza,
            ]),
            weekday in prop::option::of(0_u8..7),
            minute in 0_u32..1_440,
            year in 2009_i32..2030,
            day in 1_u32..366,
            people in 0_usize..5,
            overrides in prop::collection::vec((-30_i64..400, 0_i64..200, 0_usize..4), 0..4),
        ) -> Schedule {
            let names = ["jun", "mara", "sam", "ada"];
            let start = NaiveDate::from_yo_opt(year, day).unwrap();
            let base = start.and_time(NaiveTime::MIN).and_utc();
            Schedule {
                name: "primary".into(),
                time_zone: zone,
                rotation: weekday.map_or(Rotation::Daily, |day| Rotation::Weekly(Weekday::try_from(day).unwrap())),
                handoff: NaiveTime::from_hms_opt(minute / 60, minute % 60, 0).unwrap(),
                start,
                people: names.iter().cycle().take(people).map(|name| Arc::from(*name)).collect(),
                overrides: overrides
                    .into_iter()
                    .map(|(from, hours, who)| Override {
                        from: base + TimeDelta::days(from),
                        to: base + TimeDelta::days(from) + TimeDelta::hours(hours),
                        person: names[who].into(),
                    })
                    .collect(),
            }
        }
    }

    proptest! {
        #[test]
        fn spans_tile_what_was_asked_for_and_agree_with_the_moment(
            schedule in schedules(),
            offset in -40_i64..400,
            hours in 1_i64..1_500,
            moments in prop::collection::vec(0.0_f64..1.0, 8),
        ) {
            let from = schedule.start.and_time(NaiveTime::MIN).and_utc() + TimeDelta::days(offset);
            let to = from + TimeDelta::hours(hours);
            let spans = schedule.spans(from, to);
            prop_assert_eq!(spans.first().map(|span| span.start), Some(from));
            prop_assert_eq!(spans.last().map(|span| span.end), Some(to));
            for pair in spans.windows(2) {
                prop_assert_eq!(pair[0].end, pair[1].start);
                prop_assert_ne!(&pair[0].person, &pair[1].person);
            }
            for span in &spans {
                prop_assert!(span.start < span.end);
                prop_assert_eq!(schedule.on_call(span.start), span.person.as_ref());
            }
            for share in moments {
                let at = from + TimeDelta::seconds(((hours * 3_600) as f64 * share) as i64);
                let span = spans.iter().find(|span| span.start <= at && at < span.end).unwrap();
                prop_assert_eq!(schedule.on_call(at), span.person.as_ref());
            }
        }

        #[test]
        fn a_local_time_is_the_first_instant_that_shows_it_or_later(
            schedule in schedules(),
            days in 0_i64..800,
            minute in 0_i64..1_440,
        ) {
            let local = schedule.start.and_time(NaiveTime::MIN) + TimeDelta::days(days) + TimeDelta::minutes(minute);
            let at = instant(schedule.time_zone, local);
            let shown = |at: DateTime<Utc>| at.with_timezone(&schedule.time_zone).naive_local();
            prop_assert!(shown(at) >= local);
            prop_assert!(shown(at - TimeDelta::seconds(1)) < local);
        }
    }
}
