use super::*;
use crate::domain::slo::Severity;

fn read(path: &str, text: &str) -> SloFiles {
    read_slo_files(
        &[SloFile {
            path: path.to_owned(),
            text: text.to_owned(),
        }],
        &[],
    )
}

#[test]
fn sloth_files_keep_their_id_their_windows_and_what_is_disabled() {
    let files = read(
        "sloth.yaml",
        r#"
version: "prometheus/v1"
service: "myservice"
slos:
  - name: "requests-availability"
    objective: 99.9
    sli:
      events:
        error_query: sum(rate(http{code=~"5.."}[{{.window}}]))
        total_query: sum(rate(http[{{.window}}]))
    alerting:
      page_alert: {disable: true}
---
apiVersion: sloth.slok.dev/v1
kind: AlertWindows
spec:
  sloPeriod: 30d
  page:
    quick: {errorBudgetPercent: 2, shortWindow: 5m, longWindow: 1h}
    slow: {errorBudgetPercent: 5, shortWindow: 30m, longWindow: 6h}
  ticket:
    quick: {errorBudgetPercent: 20, shortWindow: 2h, longWindow: 1d}
    slow: {errorBudgetPercent: 10, shortWindow: 6h, longWindow: 3d}
"#,
    );
    assert_eq!(files.problems, Vec::<String>::new());
    let slo = &files.slos[0];
    assert_eq!(slo.name, "myservice-requests-availability");
    assert!(slo.rules.iter().all(|r| r.severity == Severity::Ticket));
    assert!((slo.rules[0].factor - 6.0).abs() < 1e-9, "20 % × 30 d / 1 d");
}

#[test]
fn pyrra_files_scale_their_own_table() {
    let files = read(
        "pyrra.yaml",
        r#"
apiVersion: pyrra.dev/v1alpha1
kind: ServiceLevelObjective
metadata: {name: api-errors, labels: {pyrra.dev/team: core}}
spec:
  target: "99"
  window: 2w
  indicator:
    ratio:
      errors: {metric: 'http_requests_total{code=~"5.."}'}
      total: {metric: http_requests_total}
"#,
    );
    assert_eq!(files.problems, Vec::<String>::new());
    let slo = &files.slos[0];
    let rules: Vec<(f64, &str, &str)> = slo
        .rules
        .iter()
        .map(|r| (r.factor, r.long.name(), r.short.name()))
        .collect();
    assert_eq!(
        rules,
        [
            (14.0, "30m", "3m"),
            (7.0, "3h", "15m"),
            (2.0, "12h", "1h"),
            (1.0, "2d", "3h")
        ]
    );
    let Sli::Events { total, .. } = &slo.sli else {
        panic!("events")
    };
    assert_eq!(total, "sum(rate(http_requests_total[{{window}}]))");
}

#[test]
fn openslo_reads_references_and_policies() {
    let files = read(
        "openslo.yaml",
        r"
apiVersion: openslo/v1
kind: SLO
metadata: {name: web}
spec:
  service: web
  indicatorRef: web-good
  timeWindow: [{duration: 1M, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{target: 0.995}]
  alertPolicies: [fast]
---
apiVersion: openslo/v1
kind: SLI
metadata: {name: web-good}
spec:
  ratioMetric:
    counter: true
    good: {metricSource: {type: Prometheus, spec: {query: 'sum(rate(good[{{window}}]))'}}}
    total: {metricSource: {type: Prometheus, spec: {query: 'sum(rate(all[{{window}}]))'}}}
---
apiVersion: openslo/v1
kind: AlertPolicy
metadata: {name: fast}
spec:
  conditions: [{conditionRef: burn}]
---
apiVersion: openslo/v1
kind: AlertCondition
metadata: {name: burn}
spec:
  severity: page
  condition: {kind: burnrate, op: gt, threshold: 10, lookbackWindow: 1h, alertAfter: 5m}
",
    );
    assert_eq!(files.problems, Vec::<String>::new());
    let slo = &files.slos[0];
    assert_eq!((slo.period.name(), slo.objective.fraction()), ("30d", 0.995));
    assert_eq!(slo.rules.len(), 1);
    assert_eq!(
        (slo.rules[0].factor, slo.rules[0].origin),
        (10.0, RuleOrigin::OpenSlo)
    );
    assert_eq!(slo.rules[0].long, slo.rules[0].short);
    let Sli::Events { errors, .. } = &slo.sli else {
        panic!("events")
    };
    assert!(plan::local_warning(errors).is_none(), "{errors}");
}

#[test]
fn the_own_form_reads_as_toml_and_says_every_problem_at_once() {
    let good = read(
        "a.toml",
        "[[slos]]\nname = \"lat\"\nobjective = 99\nwindow = \"7d\"\nlatency = { histogram = \"h_seconds\", selector = 'service=\"a\"', threshold = \"200ms\" }\nburn_rules = [{ severity = \"page\", factor = 10, long = \"30m\", short = \"30m\" }]\n",
    );
    assert_eq!(good.problems, Vec::<String>::new());
    assert_eq!(good.slos[0].rules.len(), 1);
    assert_eq!(good.slos[0].rules[0].factor, 10.0);
    let bad = read(
        "b.yaml",
        "slos:\n- {name: x, objective: 120, window: 3 weeks, objectiv: 9}\n- {name: ok, objective: 99, error_ratio: 'r[{{window}}]'}\n",
    );
    assert_eq!(bad.slos.len(), 1, "the other SLO stays");
    assert_eq!(bad.problems.len(), 4, "{:?}", bad.problems);
    for word in [
        "objectiv;",
        "objective must be per cent",
        "window:",
        "exactly one of",
    ] {
        assert!(
            bad.problems.iter().any(|p| p.contains(word)),
            "{word}: {:?}",
            bad.problems
        );
    }
}

#[test]
fn what_is_no_slo_file_is_said() {
    for text in [
        "a: [",
        "kind: Deployment\napiVersion: apps/v1\n",
        "just text",
        "\u{0}",
    ] {
        let files = read("x.yaml", text);
        assert!(files.slos.is_empty());
        assert_eq!(files.problems.len(), 1, "{text:?}: {:?}", files.problems);
        assert!(files.problems[0].starts_with("x.yaml: "), "{:?}", files.problems);
    }
}

proptest::proptest! {
    #[test]
    fn no_file_panics(text in "[ -~\n]{0,200}") {
        let _ = read("x.yaml", &text);
        let _ = read("x.toml", &text);
    }
}
