//! SLOs into queries and answers back into readings: one PromQL union carries many SLOs.
//!
//! Each expression becomes a branch `label_replace(EXPR, "midwatch_slo", "12:e", "", "")` of one `or` chain. The
//! label tells whose it is and keeps every branch's label sets apart from every other's, so `or` drops nothing,
//! and an expression that yields several series shows as several samples with one tag: it is refused with the
//! count instead of silently taking the first. Nothing is asked twice to learn that. Absent branches are simply
//! not there; NaN comes as a value. Start at [`branches`], then [`union`], then [`reading`].

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::slo::{Reading, Sli, Slo, Window};

/// The label that tells a branch from the others.
pub const TAG: &str = "midwatch_slo";
/// SLOs that travel in one request at most.
pub const BATCH: usize = 50;

/// What an expression of an SLO stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// `errors`, per second or counted.
    Errors,
    /// `total`, likewise.
    Total,
    /// The error ratio itself.
    Ratio,
    /// Requests within the latency threshold, per second.
    Good,
    /// Bucket bounds of a histogram, one series a bound.
    Bounds,
}

impl Part {
    fn letter(self) -> char {
        match self {
            Self::Errors => 'e',
            Self::Total => 't',
            Self::Ratio => 'r',
            Self::Good => 'g',
            Self::Bounds => 'b',
        }
    }

    fn from_letter(letter: &str) -> Option<Self> {
        [Self::Errors, Self::Total, Self::Ratio, Self::Good, Self::Bounds]
            .into_iter()
            .find(|part| letter.chars().eq([part.letter()]))
    }
}

/// One expression of one SLO.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// What it stands for.
    pub part: Part,
    /// PromQL, window filled in.
    pub expr: String,
}

/// The expressions that give one window of an SLO; `le` is the matcher of the latency bucket, where that is
/// known. Empty where a recorded SLO has no such window.
pub fn branches(sli: &Sli, window: &Window, le: Option<&str>) -> Vec<Branch> {
    let fill = |template: &str| fill_window(template, window.name());
    match sli {
        Sli::Events { errors, total } => vec![
            Branch {
                part: Part::Errors,
                expr: fill(errors),
            },
            Branch {
                part: Part::Total,
                expr: fill(total),
            },
        ],
        Sli::Ratio { error_ratio } => vec![Branch {
            part: Part::Ratio,
            expr: fill(error_ratio),
        }],
        Sli::Latency {
            histogram, selector, ..
        } => {
            let Some(le) = le else { return Vec::new() };
            let comma = if selector.trim().is_empty() { "" } else { "," };
            let selector = selector.trim().trim_end_matches(',');
            vec![
                Branch {
                    part: Part::Good,
                    expr: format!("sum(rate({histogram}_bucket{{{selector}{comma}{le}}}[{window}]))"),
                },
                Branch {
                    part: Part::Total,
                    expr: format!("sum(rate({histogram}_count{{{selector}}}[{window}]))"),
                },
            ]
        }
        Sli::Recorded { by_window, .. } => by_window
            .get(window.name())
            .map(|expr| {
                vec![Branch {
                    part: Part::Ratio,
                    expr: expr.clone(),
                }]
            })
            .unwrap_or_default(),
    }
}

/// The expression that lists the bucket bounds of a latency SLO, one series a bound; none for other kinds.
pub fn bounds_branch(slo: &Slo) -> Option<Branch> {
    match &slo.sli {
        Sli::Latency {
            histogram, selector, ..
        } => Some(Branch {
            part: Part::Bounds,
            expr: format!("count by (le) ({histogram}_bucket{{{selector}}})"),
        }),
        Sli::Events { .. } | Sli::Ratio { .. } | Sli::Recorded { .. } => None,
    }
}

/// Where the exemplars of a latency SLO are kept: on its buckets.
pub fn exemplars_query(slo: &Slo) -> Option<String> {
    match &slo.sli {
        Sli::Latency {
            histogram, selector, ..
        } => Some(format!("{histogram}_bucket{{{selector}}}")),
        Sli::Events { .. } | Sli::Ratio { .. } | Sli::Recorded { .. } => None,
    }
}

/// The matcher of the bucket at `threshold` seconds, in the server's own spelling (`0.2`, `0.20`, `1` or `1.0`),
/// or what is wrong, with the bounds that exist. `None` where there is no bucket at all: that is no data.
pub fn bucket(threshold: f64, bounds: &[String]) -> Option<Result<String, String>> {
    if bounds.is_empty() {
        return None;
    }
    let same = |bound: &&String| {
        bound
            .parse::<f64>()
            .is_ok_and(|value| (value - threshold).abs() <= 1e-9 * threshold.abs().max(1e-9))
    };
    let spellings: Vec<&String> = bounds.iter().filter(same).collect();
    Some(match spellings.as_slice() {
        [] => {
            let mut known: Vec<(f64, &String)> = bounds
                .iter()
                .filter_map(|bound| bound.parse().ok().map(|value| (value, bound)))
                .collect();
            known.sort_by(|a, b| a.0.total_cmp(&b.0));
            known.dedup_by(|a, b| a.0.total_cmp(&b.0).is_eq());
            let list: Vec<&str> = known.iter().map(|(_, b)| b.as_str()).collect();
            Err(format!(
                "the threshold {threshold} s is no bucket bound of the histogram; it has {}",
                list.join(", ")
            ))
        }
        [one] => Ok(format!("le={}", quote(one))),
        several => {
            let alternatives: Vec<String> = several.iter().map(|s| regex::escape(s)).collect();
            Ok(format!("le=~{}", quote(&alternatives.join("|"))))
        }
    })
}

/// Many SLOs' branches as one query; the number is the SLO's place in the batch.
pub fn union<'a>(items: impl IntoIterator<Item = &'a [Branch]>) -> String {
    let mut query = String::new();
    for (index, branches) in items.into_iter().enumerate() {
        for branch in branches {
            if !query.is_empty() {
                query.push_str(" or ");
            }
            // The line break ends a comment that a template may end in. A String takes everything.
            let _ = write!(
                query,
                "label_replace({}\n, \"{TAG}\", \"{index}:{}\", \"\", \"\")",
                branch.expr,
                branch.part.letter()
            );
        }
    }
    query
}

/// Whose sample it is: the place in the batch and the part.
pub fn owner(tag: &str) -> Option<(usize, Part)> {
    let (index, letter) = tag.split_once(':')?;
    Some((index.parse().ok()?, Part::from_letter(letter)?))
}

/// The values that came back for one SLO, by part.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Values(Vec<(Part, f64)>);

impl Values {
    /// Adds one series' value.
    pub fn push(&mut self, part: Part, value: f64) {
        self.0.push((part, value));
    }

    /// The value of a part: none without a series, an error with the count where there are several.
    fn one(&self, part: Part, name: &str) -> Result<Option<f64>, String> {
        let mut of = self.0.iter().filter(|(p, _)| *p == part);
        let first = of.next();
        let more = of.count();
        match (first, more) {
            (None, _) => Ok(None),
            (Some((_, value)), 0) => Ok(Some(*value)),
            (Some(_), more) => Err(format!(
                "{name} yields {} series, it must yield one; wrap it in sum(…)",
                more + 1
            )),
        }
    }

    /// `errors` has no series while `total` has one.
    pub fn errors_missing(&self) -> bool {
        let has = |part| self.0.iter().any(|(p, _)| *p == part);
        has(Part::Total) && !has(Part::Errors)
    }
}

/// What the values of one window say. Rates become events by the window's length; an `increase()` template
/// counts already.
pub fn reading(slo: &Slo, window: Duration, values: &Values) -> Reading {
    read(slo, window, values).unwrap_or_else(|why| Reading::Error(Arc::from(why)))
}

fn read(slo: &Slo, window: Duration, values: &Values) -> Result<Reading, String> {
    match &slo.sli {
        Sli::Events { total, .. } => {
            let errors = values.one(Part::Errors, "`errors`")?;
            let all = values.one(Part::Total, "`total`")?;
            let Some(all) = all else {
                return Ok(Reading::NoData);
            };
            events(errors.unwrap_or(0.0), all, per_event(total, window))
        }
        Sli::Latency { .. } => {
            let good = values.one(Part::Good, "the bucket")?;
            let all = values.one(Part::Total, "the count")?;
            let (Some(good), Some(all)) = (good, all) else {
                return Ok(Reading::NoData);
            };
            events((all - good).max(0.0), all, window.as_secs_f64())
        }
        Sli::Ratio { .. } | Sli::Recorded { .. } => Ok(match values.one(Part::Ratio, "the expression")? {
            None => Reading::NoData,
            Some(ratio) if ratio.is_nan() => Reading::NoTraffic,
            Some(ratio) if ratio.is_infinite() => return Err("the error ratio is infinite".to_owned()),
            Some(error_ratio) => Reading::Ratio {
                error_ratio,
                events: None,
            },
        }),
    }
}

fn events(errors: f64, total: f64, scale: f64) -> Result<Reading, String> {
    if total == 0.0 || total.is_nan() {
        return Ok(Reading::NoTraffic);
    }
    let error_ratio = errors / total;
    if !error_ratio.is_finite() || total.is_infinite() {
        return Err(format!("errors is {errors} while total is {total}: no ratio"));
    }
    Ok(Reading::Ratio {
        error_ratio,
        events: Some(total * scale),
    })
}

/// What turns the template's value into events: the window's seconds for a rate, 1 for a count.
fn per_event(template: &str, window: Duration) -> f64 {
    if counts(template) {
        1.0
    } else {
        window.as_secs_f64()
    }
}

/// Whether a template counts events within the window rather than gives a rate.
pub fn counts(template: &str) -> bool {
    ["increase", "count_over_time", "sum_over_time"]
        .iter()
        .any(|name| {
            template.match_indices(name).any(|(at, _)| {
                let before = template.get(..at).and_then(|s| s.chars().next_back());
                let after = template.get(at + name.len()..).unwrap_or_default().trim_start();
                after.starts_with('(') && !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
            })
        })
}

/// Fills `{{window}}` and Sloth's `{{.window}}`, spaces allowed.
pub fn fill_window(template: &str, window: &str) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        match after.split_once("}}") {
            Some((name, tail)) if matches!(name.trim(), "window" | ".window") => {
                out.push_str(window);
                rest = tail;
            }
            Some(_) | None => {
                out.push_str("{{");
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

/// Whether a template takes the window at all.
pub fn takes_window(template: &str) -> bool {
    fill_window(template, "") != template
}

/// What a local parser has against a template: a warning only, the server decides (it may know MetricsQL or a
/// newer PromQL).
pub fn local_warning(template: &str) -> Option<String> {
    promql_parser::parser::parse(&fill_window(template, "5m"))
        .err()
        .map(|why| why.lines().next().unwrap_or_default().to_owned())
}

/// The same with scalar templates lifted to vectors, because `label_replace` takes no scalar. Parses: done once
/// an SLO, not once a request.
pub fn lifted(sli: &Sli) -> Sli {
    match sli {
        Sli::Events { errors, total } => Sli::Events {
            errors: lift(errors),
            total: lift(total),
        },
        Sli::Ratio { error_ratio } => Sli::Ratio {
            error_ratio: lift(error_ratio),
        },
        Sli::Latency { .. } | Sli::Recorded { .. } => sli.clone(),
    }
}

fn lift(template: &str) -> String {
    use promql_parser::parser::value::ValueType;
    match promql_parser::parser::parse(&fill_window(template, "5m")) {
        Ok(parsed) if parsed.value_type() == ValueType::Scalar => format!("vector({template}\n)"),
        Ok(_) | Err(_) => template.to_owned(),
    }
}

/// A PromQL string literal.
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::domain::slo::{Objective, SloOrigin};

    fn slo(sli: Sli) -> Slo {
        Slo {
            name: "s".into(),
            service: String::new(),
            objective: Objective::from_percent(99.9).unwrap(),
            period: Window::named("30d").unwrap(),
            sli,
            rules: Vec::new(),
            origin: SloOrigin::Config,
            low_traffic: None,
            notes: Vec::new(),
        }
    }

    fn events_slo(total: &str) -> Slo {
        slo(Sli::Events {
            errors: "sum(rate(e[{{window}}]))".into(),
            total: total.into(),
        })
    }

    fn values(of: &[(Part, f64)]) -> Values {
        Values(of.to_vec())
    }

    const HOUR: Duration = Duration::from_secs(3_600);

    #[rstest]
    #[case("rate(x[{{window}}])", "rate(x[5m])")]
    #[case("rate(x[{{ .window }}])", "rate(x[5m])")]
    #[case("a{{other}}b{{.window}}", "a{{other}}b5m")]
    #[case("open {{window", "open {{window")]
    fn windows_are_filled_in(#[case] template: &str, #[case] filled: &str) {
        assert_eq!(fill_window(template, "5m"), filled);
    }

    #[test]
    fn a_union_parses_and_tells_whose_branch_is_whose() {
        let of = events_slo("sum(rate(t[{{window}}])) # all of it");
        let window = Window::named("5m").unwrap();
        let one = branches(&of.sli, &window, None);
        let scalar = branches(
            &lifted(&Sli::Ratio {
                error_ratio: "0.5".into(),
            }),
            &window,
            None,
        );
        let query = union([one.as_slice(), scalar.as_slice()]);
        assert!(promql_parser::parser::parse(&query).is_ok(), "{query}");
        assert!(
            query.contains("\"0:e\"") && query.contains("\"1:r\"") && query.contains("vector(0.5"),
            "{query}"
        );
        assert_eq!(owner("1:r"), Some((1, Part::Ratio)));
        assert_eq!(owner("1:x"), None);
        assert_eq!(owner("x"), None);
    }

    #[test]
    fn errors_without_a_series_are_none_while_total_has_one() {
        let of = events_slo("sum(rate(t[{{window}}]))");
        let healthy = values(&[(Part::Total, 2.0)]);
        assert!(healthy.errors_missing());
        assert_eq!(
            reading(&of, HOUR, &healthy),
            Reading::Ratio {
                error_ratio: 0.0,
                events: Some(7_200.0)
            }
        );
        assert_eq!(reading(&of, HOUR, &values(&[])), Reading::NoData);
        assert_eq!(
            reading(&of, HOUR, &values(&[(Part::Errors, 1.0)])),
            Reading::NoData
        );
        assert_eq!(
            reading(&of, HOUR, &values(&[(Part::Total, 0.0)])),
            Reading::NoTraffic
        );
        assert_eq!(
            reading(&of, HOUR, &values(&[(Part::Total, f64::NAN)])),
            Reading::NoTraffic
        );
    }

    #[test]
    fn several_series_are_an_error_with_the_count() {
        let of = events_slo("t");
        let many = values(&[(Part::Total, 1.0), (Part::Total, 2.0), (Part::Total, 3.0)]);
        let Reading::Error(why) = reading(&of, HOUR, &many) else {
            panic!("refused")
        };
        assert!(why.contains("`total` yields 3 series"), "{why}");
    }

    #[test]
    fn an_increase_counts_and_a_rate_is_multiplied() {
        assert!(counts("sum(increase(x[5m]))") && counts("increase (x[5m])"));
        assert!(!counts("sum(rate(increase_total[5m]))") && !counts("rate(my_increase(x))"));
        let of = events_slo("sum(increase(t[{{window}}]))");
        let Reading::Ratio { events, .. } = reading(&of, HOUR, &values(&[(Part::Total, 50.0)])) else {
            panic!("measured")
        };
        assert_eq!(events, Some(50.0));
    }

    #[test]
    fn a_threshold_is_found_in_the_servers_spelling_or_refused_with_the_bounds() {
        let bounds = ["0.1", "0.2", "1.0", "1", "+Inf"].map(str::to_owned);
        assert_eq!(bucket(0.2, &bounds), Some(Ok("le=\"0.2\"".to_owned())));
        assert_eq!(bucket(1.0, &bounds), Some(Ok("le=~\"1\\\\.0|1\"".to_owned())));
        let why = bucket(0.25, &bounds).unwrap().unwrap_err();
        assert!(why.contains("0.1, 0.2, 1.0, +Inf"), "{why}");
        assert_eq!(bucket(0.2, &[]), None);
    }

    #[test]
    fn a_latency_objective_counts_what_is_slower_than_its_bucket() {
        let of = slo(Sli::Latency {
            histogram: "h".into(),
            selector: "service=\"a\"".into(),
            threshold: 0.2,
        });
        let window = Window::named("1h").unwrap();
        let exprs = branches(&of.sli, &window, Some("le=\"0.2\""));
        assert_eq!(exprs[0].expr, "sum(rate(h_bucket{service=\"a\",le=\"0.2\"}[1h]))");
        let got = reading(&of, HOUR, &values(&[(Part::Good, 9.0), (Part::Total, 10.0)]));
        assert_eq!(
            got,
            Reading::Ratio {
                error_ratio: 0.1,
                events: Some(36_000.0)
            }
        );
        assert!(branches(&of.sli, &window, None).is_empty());
    }

    proptest::proptest! {
        #[test]
        fn templates_never_panic(template in ".{0,80}") {
            let _ = fill_window(&template, "5m");
            let _ = counts(&template);
            let _ = lift(&quote(&template));
        }
    }
}
