//! The answer to a query as lines: every series whole, and what a chart shows in words; why there is none.

use crate::app::Model;
use crate::app::focus::{Detail, Page};
use crate::app::query::{QueryAnswer, QueryAsk, QuerySeries, QueryTrouble};
use crate::text::SafeText;
use crate::time::{Now, prometheus_duration};
use crate::view::{moment, number};

/// The open page of a query that was answered or refused, top to bottom; nothing of any other.
pub(super) fn lines(model: &Model, now: Now) -> Option<Vec<String>> {
    let pane = &model.query;
    let (Some(Detail::Page(Page::Query)), Some(asked), Some((_, answer))) =
        (model.detail(), &pane.asked, &pane.answer)
    else {
        return None;
    };
    let lines = match answer {
        Ok(answer) => answered(asked, answer, model, now),
        Err(trouble) => refused(asked, trouble),
    };
    let safe = lines.iter().map(|line| SafeText::line(line).into_string());
    Some(safe.collect())
}

/// Why there is no answer. The place is told in numbers: lines that are heard have no column to point below.
fn refused(asked: &QueryAsk, trouble: &QueryTrouble) -> Vec<String> {
    let mut lines = vec!["Query".to_owned(), asked.text.clone()];
    lines.push(format!("not answered: {}", trouble.words));
    if let Some((line, column)) = trouble.place {
        lines.push(format!("at line {line}, column {column}"));
    }
    lines.extend(trouble.mend.map(str::to_owned));
    lines.push("query and the mended text ask again".to_owned());
    lines
}

fn answered(asked: &QueryAsk, answer: &QueryAnswer, model: &Model, now: Now) -> Vec<String> {
    let all = answer.series.len() + answer.left_out;
    let mut lines = vec!["Query".to_owned(), asked.text.clone()];
    lines.push(format!("{}, {all} series", over(asked, model, now)));
    lines.extend(answer.notices.iter().map(|notice| format!("! {notice}")));
    if answer.series.is_empty() {
        lines.push("no series: nothing matched within that time".to_owned());
    }
    if !answer.common.is_empty() {
        lines.push(format!("all of {}", answer.common));
    }
    lines.extend(answer.series.iter().map(|series| told(series, model, now)));
    if answer.left_out > 0 {
        lines.push(format!(
            "{} more series are not told: narrow it with labels, or topk(…) picks some",
            answer.left_out
        ));
    }
    lines
}

fn over(asked: &QueryAsk, model: &Model, now: Now) -> String {
    let at = |at| moment(at, now.utc, model.zone);
    let step = prometheus_duration(asked.step);
    format!("from {} to {}, a point each {step}", at(asked.from), at(asked.to))
}

fn told(series: &QuerySeries, model: &Model, now: Now) -> String {
    let name = match series.short.as_str() {
        "" => "no labels",
        name => name,
    };
    let QuerySeries { last, min, max, .. } = series;
    let is_whole = || series.values.iter().all(|value| !value.is_nan());
    if min.total_cmp(max).is_eq() && is_whole() {
        return format!("{name}: {} all the time", number(*last));
    }
    let ended = series.ended.map_or_else(String::new, |at| {
        format!("ended {}, ", moment(at, now.utc, model.zone))
    });
    let [newest, min, max] = [*last, *min, *max].map(number);
    format!("{name}: {ended}last {newest}, least {min}, most {max}")
}
