//! The layers together: what overrides what, and what the environment may set.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::domain::service_map::Caller;

const FILE: &str = r#"
read_only = false
[contexts.prod-eu.metrics]
url = "http://127.0.0.1:9090"
headers = { "X-Scope-OrgID" = "team-a" }
[contexts.staging]
metrics = { url = "http://127.0.0.1:9091" }
[contexts.aaa]
metrics = { url = "http://127.0.0.1:9092" }
"#;

fn env(variables: &[(&str, &str)]) -> Environment {
    variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn decoded(text: &str, variables: &[(&str, &str)]) -> Result<Loaded, ConfigError> {
    decode_text(
        text,
        Some(Path::new("/etc/midwatch/config.toml")),
        &env(variables),
    )
}

fn problems(result: Result<Loaded, ConfigError>) -> Vec<String> {
    match result {
        Err(ConfigError::Invalid(problems)) => problems.iter().map(ToString::to_string).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn pagerduty_is_asked_one_request_at_a_time_and_as_whom_the_file_says() {
    let text = "[contexts.p.metrics]\nurl = \"http://h\"\n[contexts.p.incidents]\nkind = \"pagerduty\"\n";
    let of = |more: &str| {
        let config = decoded(&format!("{text}{more}"), &[]).expect("valid").config;
        config.contexts["p"].incidents.clone().expect("incidents")
    };
    let plain = of("");
    let endpoint = plain.endpoint.clone().expect("an endpoint");
    assert_eq!(
        (endpoint.max_concurrency, endpoint.url.as_str()),
        (1, "https://api.pagerduty.com")
    );
    assert_eq!(
        (plain.poll(), plain.whose()),
        (Duration::from_secs(20), Whose::Team)
    );
    let told = of(
        "from = \"jun@example.com\"\nwhose = \"mine\"\npoll = \"30s\"\nmax_concurrency = 2\n\
                   services = { search = \"PSVC2\", checkout = \"Checkout (prod)\" }\n",
    );
    assert_eq!(
        (told.poll(), told.whose()),
        (Duration::from_secs(30), Whose::Mine)
    );
    assert_eq!(told.endpoint.expect("an endpoint").max_concurrency, 2);
    assert_eq!(told.services["checkout"], "Checkout (prod)");
    let wrong = format!("{text}from = \"jun\"\nwhose = \"everybody\"\n");
    let problems = problems(decoded(&wrong, &[]));
    assert!(
        problems
            .iter()
            .any(|problem| problem.contains("is no e-mail address")),
        "{problems:?}"
    );
    assert!(
        problems.iter().any(|problem| problem.contains("mine, team, all")),
        "{problems:?}"
    );
}

#[test]
fn defaults_are_those_that_are_documented() {
    let config = decoded(
        "[contexts.p.metrics]\nurl = \"http://h\"",
        &[("HOME", "/home/jun"), ("USER", "jun")],
    )
    .expect("valid")
    .config;
    let metrics = config.contexts["p"].metrics.clone().expect("metrics");
    assert_eq!(metrics.poll, Duration::from_secs(15));
    assert_eq!(metrics.endpoint.timeout, Duration::from_secs(5));
    assert_eq!(metrics.endpoint.connect_timeout, Duration::from_secs(3));
    assert_eq!(metrics.endpoint.max_concurrency, 4);
    assert_eq!(config.default_context.as_deref(), Some("p"));
    assert_eq!(
        config.state_dir,
        Some(PathBuf::from("/home/jun/.local/state/midwatch"))
    );
    assert!(config.identity.starts_with("jun@") && config.identity.len() > 4);
    assert_eq!(config.silence_max, Duration::from_secs(86_400));
    assert!(config.mouse && !config.read_only);
    assert_eq!(config.grace, Duration::from_secs(5));
    assert_eq!(config.nudges, Nudges::default());
    assert_eq!(config.severities, Severities::default());
}

#[test]
fn who_is_on_call_is_decoded_with_its_references() {
    let text = include_str!("../../tests/suite/configs/valid/oncall.toml");
    let config = decoded(text, &[("HOME", "/home/jun")]).expect("valid").config;
    let context = &config.contexts["prod"];
    let primary = context.on_call.schedule("primary").expect("the schedule");
    assert_eq!(primary.people, [Arc::from("jun"), Arc::from("mara")]);
    // 18:00 in Berlin in winter.
    assert_eq!(
        primary.overrides[0].from.to_rfc3339(),
        "2026-12-24T17:00:00+00:00"
    );
    let payments = context.on_call.policy("payments").expect("the policy");
    let delays: Vec<_> = payments.levels.iter().map(|level| level.delay).collect();
    // Ninety seconds as written, five minutes where nothing is, none on the last.
    let seconds = |s| Some(Duration::from_secs(s));
    assert_eq!(delays, [seconds(90), seconds(300), None]);
    let sev1 = config.severities.of(crate::domain::incident::Severity::Sev1);
    assert_eq!(sev1.acknowledge, Duration::from_secs(180));
    assert_eq!(sev1.resolve, Duration::from_secs(4 * 3_600));
    assert_eq!(context.notify[1].people, [Arc::from("jun")]);
    assert_eq!(context.declare[1].policy.as_deref(), Some("payments"));
}

#[test]
fn without_a_home_there_is_no_state_directory() {
    let config = decoded(FILE, &[]).expect("valid").config;
    assert_eq!(config.state_dir, None);
}

#[test]
fn contexts_keep_the_order_of_the_file() {
    let config = decoded(FILE, &[]).expect("valid").config;
    assert_eq!(
        config.contexts.keys().collect::<Vec<_>>(),
        ["prod-eu", "staging", "aaa"]
    );
}

#[test]
fn the_environment_overrides_the_file_with_the_types_of_the_keys() {
    let variables = [
        ("MIDWATCH__READ_ONLY", "true"),
        ("midwatch__contexts__prod_eu__metrics__max_concurrency", "7"),
        (
            "MIDWATCH__CONTEXTS__PROD_EU__METRICS__HEADERS__X_SCOPE_ORGID",
            "team-b",
        ),
        ("MIDWATCH__CONTEXTS__PROD_EU__METRICS__AUTH__BEARER_ENV", "T"),
        ("MIDWATCH__CONTEXTS__PROD_EU__SERVICE_LABELS", "app, job"),
        ("MIDWATCH__CONTEXTS__NEW__METRICS__URL", "http://127.0.0.1:1"),
        ("MIDWATCH_THEME", "ignored"),
    ];
    let config = decoded(FILE, &variables).expect("valid").config;
    assert!(config.read_only);
    let context = &config.contexts["prod-eu"];
    assert_eq!(context.service_labels, ["app", "job"]);
    assert_eq!(context.service_map.labels, ["app", "job"]);
    let endpoint = &context.metrics.as_ref().expect("metrics").endpoint;
    assert_eq!(endpoint.max_concurrency, 7);
    assert_eq!(
        endpoint.headers,
        [("X-Scope-OrgID".to_owned(), Secret::Inline("team-b".into()))]
    );
    assert_eq!(endpoint.auth, Auth::Bearer(Secret::Env("T".into())));
    assert!(config.contexts.contains_key("new"));
    assert_eq!(config.theme, "auto");
}

#[test]
fn a_bad_variable_is_named() {
    let variables = [
        ("MIDWATCH__READ_ONLY", "yes"),
        ("MIDWATCH__CONTEXTS__STAGING__METRCS__URL", "http://h"),
        ("MIDWATCH__CONTEXTS__STAGING__ALERTMANAGERS__0__URL", "http://h"),
        ("MIDWATCH__THEME__X", "y"),
    ];
    let said = problems(decoded(FILE, &variables));
    let expected = [
        "environment MIDWATCH__READ_ONLY: key read_only: is text",
        "did you mean METRICS?",
        "is an array",
        "has no keys below it",
    ];
    assert_eq!(said.len(), expected.len(), "{said:#?}");
    for words in expected {
        assert!(said.iter().any(|line| line.contains(words)), "{words}: {said:#?}");
    }
}

#[test]
fn a_configuration_may_come_from_the_environment_alone() {
    let environment = env(&[
        ("MIDWATCH__CONTEXTS__P__METRICS__URL", "http://127.0.0.1:9090"),
        ("XDG_CONFIG_HOME", "/nonexistent"),
    ]);
    let loaded = load(&Flags::default(), &environment).expect("valid");
    assert_eq!(loaded.config.path, None);
    assert!(loaded.config.contexts.contains_key("p"));
}

#[test]
fn files_are_looked_for_in_the_documented_order() {
    let home = env(&[("HOME", "/home/jun")]);
    let found = candidates(&Flags::default(), &home);
    assert_eq!(
        found.first(),
        Some(&PathBuf::from("/home/jun/.config/midwatch/config.toml"))
    );
    assert!(found.contains(&PathBuf::from("/etc/midwatch/config.toml")));
    let xdg = env(&[("HOME", "/home/jun"), ("XDG_CONFIG_HOME", "/xdg")]);
    assert_eq!(
        candidates(&Flags::default(), &xdg).first(),
        Some(&PathBuf::from("/xdg/midwatch/config.toml"))
    );
    let variable = env(&[("HOME", "/home/jun"), ("MIDWATCH_CONFIG", "/srv/m.toml")]);
    assert_eq!(
        candidates(&Flags::default(), &variable),
        [PathBuf::from("/srv/m.toml")]
    );
    let flags = Flags {
        config: Some("/flag.yaml".into()),
        ..Flags::default()
    };
    assert_eq!(candidates(&flags, &variable), [PathBuf::from("/flag.yaml")]);
}

#[test]
fn a_file_that_was_asked_for_and_is_not_there_is_an_error() {
    let flags = Flags {
        config: Some("/nonexistent/m.toml".into()),
        ..Flags::default()
    };
    let error = load(&flags, &env(&[])).expect_err("no file");
    assert!(matches!(&error, ConfigError::Unreadable { .. }));
    assert!(error.to_string().contains("/nonexistent/m.toml"));
}

#[test]
fn an_unknown_context_names_the_nearest() {
    let config = decoded(FILE, &[]).expect("valid").config;
    let error = config
        .context(Some("stagin"))
        .expect_err("no such context")
        .to_string();
    assert!(error.contains("did you mean `staging`?"), "{error}");
    let error = config.context(None).expect_err("none chosen").to_string();
    assert!(error.contains("prod-eu, staging, aaa"), "{error}");
}

#[test]
fn no_secret_is_shown_anywhere() {
    let text = r#"
[contexts.p.metrics]
url = "http://h"
headers = { "X-Api-Key" = "inline-s3cret" }
auth = { bearer_env = "PROM_TOKEN" }
"#;
    let loaded = decoded(text, &[("PROM_TOKEN", "env-s3cret")]).expect("valid");
    let shown = format!("{}{:?}", show(&loaded.config), loaded);
    assert!(!shown.contains("s3cret"), "{shown}");
    assert!(shown.contains("***") && shown.contains("PROM_TOKEN"));
}

#[test]
fn default_rules_are_the_workbooks_for_the_slos_own_period() {
    let text = |window: &str| {
        format!(
            "[contexts.p.metrics]\nurl = \"http://h\"\n[[contexts.p.slos]]\nname = \"a\"\nobjective = 99.9\n\
             window = \"{window}\"\nerror_ratio = \"x{{{{window}}}}\"\n"
        )
    };
    for (window, factors) in [("30d", [14.4, 6.0, 3.0, 1.0]), ("28d", [13.44, 5.6, 2.8, 0.933])] {
        let config = decoded(&text(window), &[]).expect("valid").config;
        let rules = &config.contexts["p"].slos[0].rules;
        for (rule, factor) in rules.iter().zip(factors) {
            assert!(
                (rule.factor - factor).abs() < 5e-4,
                "{window}: {} is not {factor}",
                rule.factor
            );
        }
        let windows: Vec<_> = rules.iter().map(|r| (r.long.name(), r.short.name())).collect();
        assert_eq!(windows, [("1h", "5m"), ("6h", "30m"), ("1d", "2h"), ("3d", "6h")]);
    }
}

#[test]
fn a_factor_that_cannot_be_reached_is_said() {
    let text = "[contexts.p.metrics]\nurl = \"http://h\"\n[[contexts.p.slos]]\nname = \"a\"\nobjective = 90\n\
                error_ratio = \"x{{window}}\"\n";
    let loaded = decoded(text, &[]).expect("valid");
    assert_eq!(loaded.warnings.len(), 1, "{:#?}", loaded.warnings);
    assert!(loaded.warnings[0].to_string().contains("can never fire"));
    assert_eq!(
        loaded.config.contexts["p"].slos[0].notes.len(),
        1,
        "the report says it too"
    );
}

#[test]
fn marks_are_deploys_by_their_tags_and_kinds_are_checked() {
    let at = |rest: &str| {
        format!(
            "[contexts.a.annotations]\nurl = \"http://127.0.0.1:3000\"\n{rest}[contexts.a.metrics]\nurl = \"http://127.0.0.1:9090\"\n"
        )
    };
    let tags = |text: &str| -> Vec<String> {
        let config = decoded(text, &[]).unwrap().config;
        config.contexts["a"].annotations.as_ref().unwrap().tags.clone()
    };
    assert_eq!(tags(&at("kind = \"grafana\"\n")), ["deploy"]);
    let own = at("kind = \"grafana\"\ntags = [\"release\", \"rollback\"]\n");
    assert_eq!(tags(&own), ["release", "rollback"]);
    let shown = show(&decoded(&own, &[]).unwrap().config);
    assert_eq!(tags(&shown), ["release", "rollback"], "{shown}");
    let wrong = problems(decoded(&at("kind = \"grafna\"\n"), &[]));
    assert!(wrong[0].contains("did you mean \"grafana\"?"), "{wrong:?}");
    assert_eq!(problems(decoded(&at(""), &[])).len(), 1, "a kind must be said");
}

#[test]
fn a_service_map_says_what_each_backend_calls_a_service() {
    let text = r#"
[contexts.prod.metrics]
url = "http://127.0.0.1:1"
[contexts.prod.service_map]
labels = ["team_service", "job"]
logs = { checkout = "checkout-api" }
[contexts.prod.service_map.traces]
checkout = "checkoutservice"
cart = "cartservice"
"#;
    let config = decoded(text, &[]).expect("valid").config;
    let context = &config.contexts["prod"];
    assert_eq!(context.service_labels, ["team_service", "job"]);
    let map = &context.service_map;
    assert_eq!(map.theirs(Caller::Logs, "checkout"), "checkout-api");
    assert_eq!(map.ours(Caller::Traces, "cartservice"), "cart");
    assert_eq!(map.theirs(Caller::Alerts, "checkout"), "checkout");

    let twice = text.replace("cartservice", "checkoutservice");
    let why = decoded(&twice, &[]).expect_err("ambiguous").to_string();
    assert!(why.contains("a name there stands for one service here"), "{why}");
    let both = text.replace(
        "[contexts.prod.service_map]",
        "[contexts.prod]\nservice_labels = [\"app\"]\n[contexts.prod.service_map]",
    );
    let why = decoded(&both, &[]).expect_err("said twice").to_string();
    assert!(why.contains("keep one of them"), "{why}");
    let unknown = text.replace(
        "[contexts.prod.service_map.traces]",
        "[contexts.prod.service_map.trace]",
    );
    let why = decoded(&unknown, &[]).expect_err("unknown").to_string();
    assert!(why.contains("traces"), "{why}");
}

#[test]
fn the_other_settings_of_the_readme_are_read_and_are_the_defaults() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let (_, rest) = readme.split_once("### Other settings").expect("README has them");
    let (_, block) = rest.split_once("```toml\n").unwrap();
    let (block, _) = block.split_once("```").unwrap();
    let read = |text: &str| {
        let loaded = decode_text(text, None, &Environment::default()).unwrap();
        assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
        loaded.config
    };
    let (told, plain) = (
        read(block),
        read("[contexts.prod.metrics]\nurl = \"http://127.0.0.1:9090\"\n"),
    );
    assert_eq!(
        (
            told.mouse,
            told.silence_max,
            told.ack_lease,
            told.ack_max,
            told.ack_idle,
            told.grace
        ),
        (
            plain.mouse,
            plain.silence_max,
            plain.ack_lease,
            plain.ack_max,
            plain.ack_idle,
            plain.grace
        )
    );
    assert_eq!(told.severities, plain.severities);
    let endpoint = |config: &Config| config.contexts["prod"].metrics.as_ref().unwrap().endpoint.clone();
    assert_eq!(endpoint(&told), endpoint(&plain));
    assert_eq!(told.contexts["prod"].slos[0].low_traffic, Some(100.0));
}
