//! Which pages of the trouble were taken, and when: one that waits too long goes on to the next level, whatever became of
//! the others.

use chrono::{DateTime, TimeDelta, Utc};

use super::score::{ACK, ACK_LATE, ACK_WELL, Part, length, timed};
use super::{DeedKind, Page, Run};

/// What became of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Taking<'a> {
    page: &'a Page,
    /// How long it waited; nothing where it went on to the next level.
    after: Option<TimeDelta>,
}

impl Run {
    /// By the page that waited longest of those that were taken, less the share of those that were not.
    pub(super) fn ack(&self) -> Part {
        let takings = self.takings();
        let waited: Vec<TimeDelta> = takings.iter().filter_map(|taking| taking.after).collect();
        let slowest = waited.iter().max().copied();
        let mut part = timed(
            "acknowledge",
            ACK,
            slowest,
            (ACK_WELL, ACK_LATE),
            "not acknowledged",
        );
        let count = |of: usize| u32::try_from(of).unwrap_or(u32::MAX);
        part.points = part.points * count(waited.len()) / count(takings.len()).max(1);
        if slowest.is_some() && takings.len() > 1 {
            part.words = match slowest {
                Some(slowest) if waited.len() > 1 => {
                    format!("{} after its page, the last that was taken", length(slowest))
                }
                Some(_) | None => part.words,
            };
            let lost: Vec<&str> = takings
                .iter()
                .filter(|taking| taking.after.is_none())
                .map(|taking| taking.page.service.as_str())
                .collect();
            if !lost.is_empty() {
                part.words = format!("{}; not in time: {}", part.words, lost.join(", "));
            }
        }
        part
    }

    /// When pages went on to the next level, and for which services.
    pub(super) fn went_on(&self) -> Vec<(DateTime<Utc>, String)> {
        let lost = self.takings().into_iter().filter(|taking| taking.after.is_none());
        lost.map(|taking| (taking.page.at + ACK_LATE, taking.page.service.clone()))
            .filter(|(at, _)| *at <= self.truth.mended)
            .collect()
    }

    /// Every page that there was time to take.
    fn takings(&self) -> Vec<Taking<'_>> {
        let until = self.ended.min(self.truth.mended);
        let mut pages: Vec<&Page> = self.truth.pages.iter().filter(|page| page.at <= until).collect();
        pages.sort_by_key(|page| page.at);
        let takings = pages.into_iter().map(|page| Taking {
            page,
            after: self.taken_after(page),
        });
        takings
            .enumerate()
            .filter(|(index, taking)| {
                *index == 0 || taking.after.is_some() || until - taking.page.at >= ACK_WELL
            })
            .map(|(_, taking)| taking)
            .collect()
    }

    fn taken_after(&self, page: &Page) -> Option<TimeDelta> {
        let own = |service: &str| self.truth.pages.iter().any(|page| page.service == service);
        let takes = |kind: &DeedKind| match kind {
            DeedKind::Acknowledged { service } => {
                service.as_ref().is_none_or(|service| *service == page.service)
            }
            // What is merged into another is over; that other still waits.
            DeedKind::Merged { service, .. } => *service != page.service && own(service),
            DeedKind::Silenced { .. }
            | DeedKind::Escalated { .. }
            | DeedKind::Noted { .. }
            | DeedKind::Updated { .. }
            | DeedKind::Other { .. } => false,
        };
        let first = self
            .deeds
            .iter()
            .find(|deed| deed.at >= page.at && takes(&deed.kind));
        first
            .map(|deed| deed.at - page.at)
            .filter(|after| *after < ACK_LATE)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{ack_of, at, idle, points};
    use super::*;

    fn page(seconds: i64, service: &str) -> Page {
        Page {
            at: at(seconds),
            service: service.to_owned(),
        }
    }

    #[test]
    fn every_page_of_the_trouble_is_to_be_taken_and_the_last_one_counts() {
        let all = ["checkout", "storefront", "payment"];
        // (acknowledged when and for whom, points, words)
        let table = [
            (vec![], 0, "not acknowledged"),
            (
                vec![(120, 0)],
                6,
                "30s after the page; not in time: storefront, payment",
            ),
            (
                vec![(120, 0), (130, 1), (150, 2)],
                20,
                "50s after its page, the last that was taken",
            ),
            (
                vec![(120, 0), (130, 1), (400, 2)],
                10,
                "5m after its page, the last that was taken",
            ),
            (
                vec![(120, 0), (130, 1), (700, 2)],
                13,
                "40s after its page, the last that was taken; not in time: payment",
            ),
        ];
        for (acks, expected, words) in table {
            let mut run = idle();
            run.truth.pages = vec![page(90, all[0]), page(90, all[1]), page(100, all[2])];
            run.deeds = acks.iter().map(|(when, of)| ack_of(*when, all[*of])).collect();
            assert_eq!(points(&run, "acknowledge"), expected, "{acks:?}");
            assert_eq!(run.ack().words, words, "{acks:?}");
        }
    }

    #[test]
    fn what_goes_on_to_the_next_level_stands_in_the_timeline() {
        let mut run = idle();
        run.truth.pages.push(page(100, "storefront"));
        run.deeds = vec![ack_of(120, "checkout")];
        let told = |run: &Run| {
            let timeline = run.score().timeline;
            let found = timeline.iter().find(|moment| moment.words.contains("next level"));
            found.map(|moment| (moment.at, moment.words.clone()))
        };
        let words = "nobody took the page of storefront: it goes on to the next level".to_owned();
        assert_eq!(told(&run), Some((at(580), words)));
        run.deeds.push(ack_of(300, "storefront"));
        assert_eq!(told(&run), None);
    }

    #[test]
    fn a_page_is_taken_by_merging_it_and_is_not_asked_for_where_no_time_was_left() {
        let mut run = idle();
        run.truth.pages.push(page(100, "storefront"));
        let merged = DeedKind::Merged {
            service: "checkout".to_owned(),
            words: "merged others into checkout".to_owned(),
        };
        run.deeds = vec![ack_of(120, "checkout")];
        assert_eq!(points(&run, "acknowledge"), 10);
        run.deeds.push(super::super::Deed {
            at: at(130),
            kind: merged,
        });
        assert_eq!(points(&run, "acknowledge"), 20);
        run.deeds.pop();
        run.truth.pages[1].at = at(850);
        assert_eq!(points(&run, "acknowledge"), 20);
    }
}
