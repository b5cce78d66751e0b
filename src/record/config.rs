//! The configuration in a recording: what a replay needs to open the same context, and no credential.

use toml::{Table, Value};

use crate::config::{self, Config, ConfigError, Environment};

/// Keys of the top that are of the recording host alone.
const OF_THE_HOST: [&str; 6] = [
    "state_dir",
    "journal",
    "audit_forward",
    "playbooks",
    "theme",
    "keymap",
];
/// Keys that say how to be let in, wherever they stand.
const CREDENTIALS: [&str; 4] = ["auth", "headers", "tls", "proxy"];
/// Keys of a context: who is woken how, what may be run, and files of the host (what SLOs were read from them stands here
/// by itself).
const OF_A_CONTEXT: [&str; 4] = ["notify", "runbooks", "playbooks", "slo_files"];

/// The configuration as it is kept.
pub fn keepable(config: &Config) -> String {
    let mut tree: Table = toml::from_str(&config::show(config)).unwrap_or_default();
    for key in OF_THE_HOST {
        tree.remove(key);
    }
    if let Some(Value::Table(contexts)) = tree.get_mut("contexts") {
        for context in contexts
            .iter_mut()
            .filter_map(|(_, context)| context.as_table_mut())
        {
            for key in OF_A_CONTEXT {
                context.remove(key);
            }
            // Lines of files do not pass a transport.
            let of_files = |logs: &Value| logs.get("kind").and_then(Value::as_str) == Some("file");
            if context.get("logs").is_some_and(of_files) {
                context.remove("logs");
            }
            // Sloth's files spell it otherwise, and are read by a rule of their own.
            if let Some(Value::Array(slos)) = context.get_mut("slos") {
                for (_, value) in slos
                    .iter_mut()
                    .filter_map(Value::as_table_mut)
                    .flat_map(Table::iter_mut)
                {
                    if let Value::String(query) = value {
                        *query = query
                            .replace("{{.window}}", "{{window}}")
                            .replace("{{ .window }}", "{{window}}");
                    }
                }
            }
            if let Some(Value::Array(people)) = context.get_mut("people") {
                for person in people.iter_mut().filter_map(Value::as_table_mut) {
                    person.remove("phone");
                }
            }
        }
    }
    without_credentials(&mut tree);
    toml::to_string(&tree).unwrap_or_default()
}

fn without_credentials(table: &mut Table) {
    for key in CREDENTIALS {
        table.remove(key);
    }
    for (key, value) in table.iter_mut() {
        match value {
            Value::Table(below) => without_credentials(below),
            Value::Array(list) => list
                .iter_mut()
                .filter_map(Value::as_table_mut)
                .for_each(without_credentials),
            Value::String(text) if key == "url" => *text = super::key::url(text).0,
            Value::String(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Boolean(_)
            | Value::Datetime(_) => {}
        }
    }
}

/// Reads what was kept. Nothing of this host's environment is looked at.
pub fn readable(text: &str) -> Result<Config, ConfigError> {
    Ok(config::decode_text(text, None, &Environment::default())?.config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_opens_the_same_contexts_and_holds_no_credential() {
        let text = include_str!("../../tests/suite/configs/valid/everything.toml");
        let config = config::decode_text(text, None, &Environment::default())
            .expect("valid")
            .config;
        let kept = keepable(&config);
        for gone in [
            "PROM_TOKEN",
            "token",
            "KEY",
            "pass",
            "audit.example",
            "/srv/oncall",
            "/var/lib/jun",
        ] {
            assert!(!kept.contains(gone), "{gone}: {kept}");
        }
        let read = readable(&kept).expect("it reads");
        let (old, new) = (&config.contexts["prod"], &read.contexts["prod"]);
        assert_eq!(new.slos, old.slos);
        assert_eq!(new.alertmanagers.len(), old.alertmanagers.len());
        assert_eq!(
            new.metrics.as_ref().map(|m| &m.endpoint.url),
            old.metrics.as_ref().map(|m| &m.endpoint.url)
        );
        assert!(new.danger && new.notify.is_empty() && read.audit_forward.is_none());
        assert_eq!(read.identity, config.identity);
    }

    #[test]
    fn the_queries_of_a_sloth_file_are_read_as_our_own() {
        let text = "[contexts.prod.metrics]\nurl = \"http://127.0.0.1:9090\"\n[[contexts.prod.slos]]\nname = \"a\"\n\
                    objective = 99\nerror_ratio = 'x{{window}}'\n";
        let mut config = config::decode_text(text, None, &Environment::default())
            .expect("valid")
            .config;
        let slos = &mut config.contexts["prod"].slos;
        slos[0].sli = crate::domain::slo::Sli::Events {
            errors: "sum(rate(e[{{.window}}]))".to_owned(),
            total: "sum(rate(t[{{ .window }}]))".to_owned(),
        };
        let read = readable(&keepable(&config)).expect("it reads");
        let crate::domain::slo::Sli::Events { errors, total } = &read.contexts["prod"].slos[0].sli else {
            panic!("{read:?}");
        };
        assert_eq!(
            (errors.as_str(), total.as_str()),
            ("sum(rate(e[{{window}}]))", "sum(rate(t[{{window}}]))")
        );
    }

    #[test]
    fn the_phones_of_people_stay_here() {
        let text = "[contexts.prod.metrics]\nurl = \"http://127.0.0.1:9090/x\"\nparams = { dedup = \"true\" }\n\
                    [[contexts.prod.people]]\nname = \"Jun\"\nid = \"jun\"\nphone = \"+1 555 0100\"\n";
        let config = config::decode_text(text, None, &Environment::default())
            .expect("valid")
            .config;
        let kept = keepable(&config);
        assert!(kept.contains("dedup") && !kept.contains("555"), "{kept}");
        assert!(readable(&kept).is_ok());
    }
}
