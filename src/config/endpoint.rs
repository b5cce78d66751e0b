//! How one HTTP backend is reached: URL, auth, headers, parameters, TLS, proxy, limits.

use std::path::PathBuf;
use std::time::Duration;

use super::check::Findings;
use super::decode::Section;
use super::{Auth, Endpoint, Secret, TlsConfig};
use crate::backend::http::is_secret_name;

const TIMEOUT: Duration = Duration::from_secs(5);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const MAX_CONCURRENCY: usize = 4;

/// Decodes an endpoint whose `url` must be there. `None` only where it is not.
pub(super) fn endpoint(section: &Section<'_>, name: &str, findings: &mut Findings) -> Option<Endpoint> {
    section.demand("url", "write url = \"http://host:port\"", findings);
    Some(with_url(section, name, section.text("url")?, findings))
}

/// The same with its URL given: PagerDuty's own, where none is written.
pub(super) fn with_url(section: &Section<'_>, name: &str, url: String, findings: &mut Findings) -> Endpoint {
    let tls = tls(section, &url, findings);
    Endpoint {
        name: name.to_owned(),
        auth: auth(section, findings),
        headers: headers(section, findings),
        params: params(section, findings),
        tls,
        proxy: section.text("proxy"),
        timeout: section.duration("timeout").unwrap_or(TIMEOUT),
        connect_timeout: section.duration("connect_timeout").unwrap_or(CONNECT_TIMEOUT),
        max_concurrency: section.whole("max_concurrency").unwrap_or(MAX_CONCURRENCY),
        url,
    }
}

/// The references `PREFIX_env`, `PREFIX_file`, `PREFIX_command` of a table (`env`, … where there is no prefix).
pub(super) fn references(section: &Section<'_>, prefix: &str) -> Vec<(String, Secret)> {
    let key = |suffix: &str| {
        if prefix.is_empty() {
            suffix.to_owned()
        } else {
            format!("{prefix}_{suffix}")
        }
    };
    let (env, file, command) = (key("env"), key("file"), key("command"));
    let found = [
        section.text(&env).map(|name| (env, Secret::Env(name))),
        section.file(&file).map(|path| (file, Secret::File(path))),
        section
            .texts(&command)
            .filter(|argv| !argv.is_empty())
            .map(|argv| (command, Secret::Command(argv))),
    ];
    found.into_iter().flatten().collect()
}

fn auth(section: &Section<'_>, findings: &mut Findings) -> Auth {
    const MEND: &str = "write one of bearer_env, bearer_file, bearer_command, token_env, token_file, token_command, or basic = { user = \"…\", password_env = \"…\" }";
    let Some(auth) = section.section("auth") else {
        return Auth::None;
    };
    let mut ways: Vec<(String, Auth)> = Vec::new();
    ways.extend(
        references(&auth, "bearer")
            .into_iter()
            .map(|(key, secret)| (key, Auth::Bearer(secret))),
    );
    ways.extend(
        references(&auth, "token")
            .into_iter()
            .map(|(key, secret)| (key, Auth::Token(secret))),
    );
    if let Some(basic) = auth.section("basic") {
        basic.demand("user", "write user = \"…\"", findings);
        let mut passwords = references(&basic, "password");
        if passwords.len() != 1 && !wrongly_typed(&basic, "password") {
            findings.error(
                &basic.path,
                if passwords.is_empty() {
                    "says no password"
                } else {
                    "says more than one password"
                },
                "write one of password_env, password_file, password_command",
            );
        }
        if let (Some(user), Some((_, password))) = (basic.text("user"), passwords.pop()) {
            ways.push(("basic".to_owned(), Auth::Basic { user, password }));
        }
    }
    let keys: Vec<&str> = ways.iter().map(|(key, _)| key.as_str()).collect();
    if keys.len() > 1 {
        let what = format!("says more than one way to sign in: {}", keys.join(", "));
        findings.error(&auth.path, what, "leave one");
    } else if keys.is_empty() && auth.keys(findings).is_empty() {
        findings.error(&auth.path, "says no way to sign in", MEND);
    }
    ways.pop().map_or(Auth::None, |(_, auth)| auth)
}

/// Whether a reference is there but of the wrong type, which was said already.
pub(super) fn wrongly_typed(section: &Section<'_>, prefix: &str) -> bool {
    ["env", "file", "command"]
        .iter()
        .any(|suffix| section.has(&format!("{prefix}_{suffix}")))
        && references(section, prefix).is_empty()
}

fn headers(section: &Section<'_>, findings: &mut Findings) -> Vec<(String, Secret)> {
    let Some(headers) = section.section("headers") else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for name in headers.keys(findings) {
        let valid = !name.is_empty()
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b));
        if !valid {
            findings.error(
                &headers.at(name),
                "is no header's name",
                "write a name as X-Scope-OrgID",
            );
            continue;
        }
        if let Some(value) = headers.text(name) {
            if value.chars().any(char::is_control) {
                findings.error(
                    &headers.at(name),
                    "has a line break or control character in it",
                    "a header is one line of text",
                );
            }
            if is_secret_name(name) {
                findings.warn(
                    &headers.at(name),
                    "looks like a secret and stands in the file",
                    format!("write {name} = {{ env = \"…\" }}, or file or command"),
                );
            }
            found.push((name.to_owned(), Secret::Inline(value)));
        } else if let Some(reference) = headers.section(name) {
            let mut secrets = references(&reference, "");
            if secrets.len() != 1 {
                findings.error(
                    &reference.path,
                    "must say one place to read its value from",
                    "write one of env, file, command",
                );
            }
            found.extend(secrets.pop().map(|(_, secret)| (name.to_owned(), secret)));
        }
    }
    found
}

fn params(section: &Section<'_>, findings: &mut Findings) -> Vec<(String, String)> {
    let Some(params) = section.section("params") else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for name in params.keys(findings) {
        if is_secret_name(name) {
            findings.error(
                &params.at(name),
                "looks like a secret, and parameters stand in the URL",
                "secrets never stand in a URL: use auth or headers",
            );
        }
        found.extend(params.text(name).map(|value| (name.to_owned(), value)));
    }
    found
}

pub(super) fn tls(section: &Section<'_>, url: &str, findings: &mut Findings) -> TlsConfig {
    let Some(tls) = section.section("tls") else {
        return TlsConfig::default();
    };
    let mut file = |key: &str| -> Option<PathBuf> {
        let path = tls.file(key)?;
        if !path.exists() {
            findings.warn(
                &tls.at(key),
                format!("{} is not there", path.display()),
                "relative paths start at the configuration's directory",
            );
        }
        Some(path)
    };
    let decoded = TlsConfig {
        ca_file: file("ca_file"),
        client_cert_file: file("client_cert_file"),
        client_key_file: file("client_key_file"),
        insecure_skip_verify: tls.flag("insecure_skip_verify"),
    };
    if decoded.client_key_file.is_some() && decoded.client_cert_file.is_none() {
        findings.error(
            &tls.at("client_cert_file"),
            "is missing, and client_key_file is there",
            "a key is of use with its certificate only",
        );
    }
    if url.starts_with("http://") {
        findings.warn(
            &tls.path,
            "is not used: the URL says http://",
            "write https:// in the URL",
        );
    }
    if decoded.insecure_skip_verify {
        findings.warn(
            &tls.at("insecure_skip_verify"),
            "anybody between here and there can read and change everything",
            "set ca_file instead",
        );
    }
    decoded
}
