//! Finds and reads the files that `slo_files` names, and adds what they say to a decoded configuration.
//!
//! What a file means is `slo_files`'. One that is wrong never keeps the console from opening: its problems are
//! said in the pane, and `config check` counts them as errors. Start at [`attach`].

use std::path::{Path, PathBuf};

use super::decode::Surroundings;
use super::problem::{Gravity, Place, Problem};
use super::slo_files::{SloFile, SloFiles, read_slo_files};
use super::{BurnRuleConfig, Config, Context};

/// Reads every context's SLO files into it. What is wrong comes back; blocks on the files.
pub(super) fn attach(config: &mut Config, around: &Surroundings<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let Config {
        path,
        burn_rules,
        contexts,
        ..
    } = config;
    for context in contexts.values_mut() {
        let key = format!("contexts.{}.slo_files", context.name);
        let said = |(gravity, words): (Gravity, String)| {
            let (what, mend) = words.rsplit_once("; ").unwrap_or((&words, ""));
            Problem {
                gravity,
                file: path.clone(),
                place: Place::Somewhere,
                key: key.clone(),
                what: what.to_owned(),
                mend: mend.to_owned(),
            }
        };
        problems.extend(attach_to(context, burn_rules, around).into_iter().map(said));
    }
    problems
}

fn attach_to(
    context: &mut Context,
    burn_rules: &[BurnRuleConfig],
    around: &Surroundings<'_>,
) -> Vec<(Gravity, String)> {
    let mut said = Vec::new();
    let mut files = Vec::new();
    for pattern in &context.slo_files {
        match find(pattern, around) {
            Ok(paths) if paths.is_empty() => said.push((
                Gravity::Warning,
                format!("\"{pattern}\" matches no file; paths are relative to the configuration file"),
            )),
            Ok(paths) => files.extend(paths),
            Err(why) => said.push((Gravity::Error, format!("\"{pattern}\": {why}"))),
        }
    }
    // A file that two patterns match is read once.
    files.sort();
    files.dedup();
    let mut texts = Vec::new();
    for file in files {
        let path = around.shown(&file);
        match std::fs::read_to_string(&file) {
            Ok(text) => texts.push(SloFile { path, text }),
            Err(why) => said.push((
                Gravity::Error,
                format!("{path}: {why}; check that it is a text file and that you may read it"),
            )),
        }
    }
    let SloFiles { slos, problems } = read_slo_files(&texts, burn_rules);
    said.extend(problems.into_iter().map(|words| (Gravity::Error, words)));
    context
        .slo_warnings
        .extend(said.iter().map(|(_, words)| words.clone()));
    for slo in slos {
        if context.slos.iter().any(|other| other.name == slo.name) {
            let words = format!(
                "the SLO {} stands in the configuration and in a file; the configuration's is kept, rename one",
                slo.name
            );
            context.slo_warnings.push(words.clone());
            said.push((Gravity::Error, words));
            continue;
        }
        // These the report itself says, so the pane need not say them twice.
        let notes = slo
            .notes
            .iter()
            .map(|note| (Gravity::Warning, format!("{}: {note}", slo.name)));
        said.extend(notes);
        context.slos.push(slo);
    }
    if !context.slos.is_empty() && context.metrics.is_none() && !context.slo_files.is_empty() {
        let words = "cannot be measured: the context has no metrics; add metrics = { url = \"http://…\" }";
        said.push((Gravity::Warning, words.to_owned()));
    }
    said
}

/// The files of one pattern, in the order of their names.
fn find(pattern: &str, around: &Surroundings<'_>) -> Result<Vec<PathBuf>, String> {
    let paths = glob::glob(&around.pattern(pattern)).map_err(|error| {
        format!(
            "is no pattern: {}; * ? [a-z] and ** stand for parts of a path",
            error.msg
        )
    })?;
    let mut found = Vec::new();
    for path in paths {
        let path = path.map_err(|error| {
            let dir = around.shown(error.path());
            format!("{dir}: {}; check that you may read it", error.error())
        })?;
        if !path.is_dir() {
            found.push(path);
        }
    }
    Ok(found)
}

impl Surroundings<'_> {
    /// A pattern as written, made absolute as a path is; what stands before it is no pattern.
    fn pattern(&self, written: &str) -> String {
        let beside = |dir: &Path, rest: &str| {
            let dir = glob::Pattern::escape(&dir.to_string_lossy());
            if dir.is_empty() {
                rest.to_owned()
            } else {
                format!("{dir}/{rest}")
            }
        };
        if Path::new(written).is_absolute() {
            return written.to_owned();
        }
        match (written.strip_prefix("~/"), self.home(), self.dir()) {
            (Some(rest), Some(home), _) => beside(&home, rest),
            (Some(_) | None, _, Some(dir)) => beside(dir, written),
            (Some(_) | None, _, None) => written.to_owned(),
        }
    }

    /// A path as messages name it: beside the configuration file without its directory.
    fn shown(&self, path: &Path) -> String {
        let short = self.dir().and_then(|dir| path.strip_prefix(dir).ok());
        short.unwrap_or(path).to_string_lossy().into_owned()
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{Environment, Flags, Gravity, Loaded, load};

    const CONFIG: &str = "\
[contexts.p]
slo_files = [\"slos/*.yaml\", \"more/a?.toml\"]
[contexts.p.metrics]
url = \"http://127.0.0.1:1\"
[[contexts.p.slos]]
name = \"own\"
objective = 99
error_ratio = 'x[{{window}}]'
";

    const ONE: &str = "slos:\n- {name: one, objective: 99.9, error_ratio: 'y[{{window}}]'}\n";

    fn loaded(files: &[(&str, &str)]) -> Loaded {
        let dir = tempfile::tempdir().expect("a directory");
        // What stands before a pattern is no pattern, whatever it is called.
        let home = dir.path().join("odd [a*]");
        for (name, text) in files {
            let path = home.join(name);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            std::fs::write(path, text).expect("written");
        }
        let config = home.join("config.toml");
        std::fs::write(&config, CONFIG).expect("written");
        let flags = Flags {
            config: Some(config),
            ..Flags::default()
        };
        load(&flags, &Environment::default()).expect("a bad SLO file keeps nobody out")
    }

    fn names(loaded: &Loaded) -> Vec<&str> {
        loaded.config.contexts["p"]
            .slos
            .iter()
            .map(|slo| slo.name.as_str())
            .collect()
    }

    #[test]
    fn files_are_found_beside_the_configuration_and_added_to_its_own() {
        let two = "[[slos]]\nname = \"two\"\nobjective = 99\nerror_ratio = 'z[{{window}}]'\n";
        let loaded = loaded(&[
            ("slos/one.yaml", ONE),
            ("more/a1.toml", two),
            ("more/b1.toml", "not read"),
        ]);
        assert_eq!(names(&loaded), ["own", "two", "one"], "{:?}", loaded.warnings);
        assert!(loaded.config.contexts["p"].slo_warnings.is_empty());
        assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    }

    #[test]
    fn a_wrong_file_gives_the_others_and_is_an_error_of_the_check() {
        let loaded = loaded(&[
            ("slos/bad.yaml", "slos: [{name: x}]"),
            ("slos/one.yaml", ONE),
            ("slos/twin.yaml", &ONE.replace("one", "own")),
        ]);
        assert_eq!(names(&loaded), ["own", "one"]);
        let said = &loaded.config.contexts["p"].slo_warnings;
        let has = |words: &str| said.iter().any(|s| s.contains(words));
        assert!(
            has("slos/bad.yaml: slos x: ") && has("the SLO own stands"),
            "{said:?}"
        );
        assert!(has("\"more/a?.toml\" matches no file"), "{said:?}");
        let gravity = |words: &str| {
            let problem = loaded.warnings.iter().find(|p| p.to_string().contains(words));
            problem.map(|problem| (problem.gravity, problem.key.as_str()))
        };
        let key = "contexts.p.slo_files";
        assert_eq!(gravity("slos/bad.yaml"), Some((Gravity::Error, key)));
        assert_eq!(gravity("matches no file"), Some((Gravity::Warning, key)));
    }
}
