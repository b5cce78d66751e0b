//! Where a trace is shown in a web browser: an address with the id in it.

use crate::config::SignalConfig;
use crate::domain::trace::TraceId;

/// What stands for the id in an address.
pub const ID: &str = "{trace}";

/// The address of any trace, with [`ID`] in it: as configured, else where the source itself shows it. Jaeger's UI is at
/// its base path, Zipkin's under `/zipkin`; Tempo has none, nor do others that speak Jaeger's API (VictoriaTraces).
pub fn template(config: &SignalConfig) -> Option<String> {
    let own = config
        .endpoint
        .as_ref()
        .map(|endpoint| endpoint.url.trim_end_matches('/'));
    let base = config.settings.get("ui_url").map(|url| url.trim_end_matches('/'));
    if let Some(whole) = base.filter(|url| url.contains(ID)) {
        return Some(whole.to_owned());
    }
    match (config.kind.as_str(), base, own) {
        ("jaeger", Some(base), _) => Some(format!("{base}/trace/{ID}")),
        ("jaeger", None, Some(own)) if !own.ends_with("/select/jaeger") => Some(format!("{own}/trace/{ID}")),
        ("zipkin", base, own) => {
            let base = base.or(own)?;
            let base = base.strip_suffix("/zipkin").unwrap_or(base);
            Some(format!("{base}/zipkin/traces/{ID}"))
        }
        _ => None,
    }
}

/// The address of a trace.
pub fn link(template: &str, id: TraceId) -> String {
    template.replace(ID, &id.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::decode_text;

    fn of(table: &str) -> Option<String> {
        let text =
            format!("[contexts.prod.metrics]\nurl = \"http://p:9090\"\n[contexts.prod.traces]\n{table}");
        let loaded = decode_text(&text, None, &crate::config::Environment::default()).unwrap();
        let config = loaded.config.contexts["prod"].traces.clone().unwrap();
        Some(link(&template(&config)?, TraceId([0xab; 16])))
    }

    #[test]
    fn a_trace_is_shown_where_its_source_shows_it_unless_another_place_is_configured() {
        let id = "ab".repeat(16);
        let jaeger = of("kind = \"jaeger\"\nurl = \"http://j:16686/ui/\"");
        assert_eq!(jaeger, Some(format!("http://j:16686/ui/trace/{id}")));
        let zipkin = of("kind = \"zipkin\"\nurl = \"http://z:9411\"");
        assert_eq!(zipkin, Some(format!("http://z:9411/zipkin/traces/{id}")));
        let other =
            of("kind = \"jaeger\"\nurl = \"http://j:16686\"\nui_url = \"https://traces.example.com/\"");
        assert_eq!(other, Some(format!("https://traces.example.com/trace/{id}")));
        let under =
            of("kind = \"zipkin\"\nurl = \"http://z:9411\"\nui_url = \"https://z.example.com/zipkin\"");
        assert_eq!(under, Some(format!("https://z.example.com/zipkin/traces/{id}")));
        let grafana = of(
            "kind = \"tempo\"\nurl = \"http://t:3200\"\nui_url = \"https://g.example.com/explore?q={trace}&orgId=1\"",
        );
        assert_eq!(
            grafana,
            Some(format!("https://g.example.com/explore?q={id}&orgId=1"))
        );
    }

    #[test]
    fn no_place_is_made_up_where_a_source_has_none() {
        assert_eq!(of("kind = \"tempo\"\nurl = \"http://t:3200\""), None);
        assert_eq!(
            of("kind = \"jaeger\"\nurl = \"http://v:10428/select/jaeger\""),
            None
        );
    }
}
