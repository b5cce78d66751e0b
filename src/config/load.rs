//! Finds the file, reads the environment, merges the layers, and hands the tree to the strict walk.
//!
//! defaults ← file ← environment ← flags. The `config` crate merges; types, places and problems are ours,
//! because it would coerce types, stop at the first mistake, and knows no lines. Start at [`load`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use config::{Map, Source, Value, ValueKind};

use super::Config;
use super::check::{self, Findings};
use super::decode::{Surroundings, decode};
use super::problem::{ConfigError, Gravity, Place, Problem, nearest};
use super::schema::{self, Group, Kind, TOP};
use super::slo_paths;
use super::tree::{KeyPath, Language, Places, Tree, parse};

/// What every setting variable begins with.
const PREFIX: &str = "MIDWATCH__";

/// The process's environment, read once at start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Of this process. What is no text is left out.
    pub fn of_process() -> Self {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// Names of the variables of this process, those included whose values are no text.
    pub fn names_of_process() -> impl Iterator<Item = String> {
        std::env::vars_os().filter_map(|(name, _)| name.into_string().ok())
    }

    /// A variable; `None` where it is unset or empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// A directory, which must be absolute (XDG base directory specification).
    fn directory(&self, name: &str) -> Option<PathBuf> {
        self.get(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    }

    /// The home directory, where there is one.
    pub fn home(&self) -> Option<PathBuf> {
        self.directory("HOME")
    }

    /// `$XDG_CONFIG_HOME/midwatch` or `~/.config/midwatch`.
    pub fn config_dir(&self) -> Option<PathBuf> {
        self.directory("XDG_CONFIG_HOME")
            .or_else(|| Some(self.home()?.join(".config")))
            .map(|dir| dir.join("midwatch"))
    }

    /// `$XDG_STATE_HOME/midwatch` or `~/.local/state/midwatch`.
    pub fn state_dir(&self) -> Option<PathBuf> {
        self.directory("XDG_STATE_HOME")
            .or_else(|| Some(self.home()?.join(".local/state")))
            .map(|dir| dir.join("midwatch"))
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        Self(variables.into_iter().collect())
    }
}

/// What the command line says about the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flags {
    /// `--config`
    pub config: Option<PathBuf>,
    /// `--context`
    pub context: Option<String>,
    /// `--theme`
    pub theme: Option<String>,
    /// `--keymap`
    pub keymap: Option<String>,
    /// `--read-only`
    pub read_only: bool,
}

/// A configuration, with what is worth a look in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// Decoded.
    pub config: Config,
    /// Worth a look. The errors among them are an SLO file's: they keep nobody from opening the console.
    pub warnings: Vec<Problem>,
}

/// A configuration with everything that is wrong with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Examined {
    /// As far as it could be decoded: what is wrong is left out, or stands as it does by default.
    pub config: Config,
    /// Of the file itself: with an error among them the console does not open.
    pub problems: Vec<Problem>,
    /// Of the SLO files that it names.
    pub of_slo_files: Vec<Problem>,
}

impl Examined {
    /// Whether the console would open with it.
    pub fn opens(&self) -> bool {
        self.problems
            .iter()
            .all(|problem| problem.gravity == Gravity::Warning)
    }

    fn loaded(self) -> Result<Loaded, ConfigError> {
        if !self.opens() {
            return Err(ConfigError::Invalid(self.problems));
        }
        let mut warnings = self.problems;
        warnings.extend(self.of_slo_files);
        Ok(Loaded {
            config: self.config,
            warnings,
        })
    }
}

/// Where a configuration is looked for, first one first: one path only where it was asked for.
pub fn candidates(flags: &Flags, env: &Environment) -> Vec<PathBuf> {
    let mut directories = Vec::new();
    directories.extend(env.config_dir());
    directories.push(PathBuf::from("/etc/midwatch"));
    match asked_for(flags, env) {
        Some(path) => vec![path],
        None => directories
            .iter()
            .flat_map(|dir| {
                ["toml", "yaml", "yml", "json"].map(|ending| dir.join(format!("config.{ending}")))
            })
            .collect(),
    }
}

fn asked_for(flags: &Flags, env: &Environment) -> Option<PathBuf> {
    flags
        .config
        .clone()
        .or_else(|| env.get("MIDWATCH_CONFIG").map(PathBuf::from))
}

/// The file that is used, if there is one.
pub fn find(flags: &Flags, env: &Environment) -> Option<PathBuf> {
    asked_for(flags, env).or_else(|| candidates(flags, env).into_iter().find(|path| path.exists()))
}

/// Finds, reads, merges, checks and decodes. No network; blocks on the file.
pub fn load(flags: &Flags, env: &Environment) -> Result<Loaded, ConfigError> {
    let mut loaded = examine(flags, env)?.loaded()?;
    if let Some(name) = &flags.context {
        loaded.config.context(Some(name))?;
        loaded.config.default_context = Some(name.clone());
    }
    Ok(loaded)
}

/// The same for whoever looks for mistakes: of a file that reads, the configuration is there with all of them, so that
/// what it names beside them can be looked at too.
pub fn examine(flags: &Flags, env: &Environment) -> Result<Examined, ConfigError> {
    let path = find(flags, env);
    let text = match &path {
        Some(path) => std::fs::read_to_string(path).map_err(|error| ConfigError::Unreadable {
            path: path.clone(),
            why: error.to_string(),
        })?,
        None if env.0.keys().any(|name| is_setting(name)) => String::new(),
        None => {
            return Err(ConfigError::NotFound {
                tried: candidates(flags, env),
            });
        }
    };
    let mut examined = examine_text(&text, path.as_deref(), env)?;
    let around = Surroundings::new(path, env);
    let config = &mut examined.config;
    examined.of_slo_files = slo_paths::attach(config, &around);
    if let Some(theme) = &flags.theme {
        config.theme.clone_from(theme);
    }
    if let Some(keymap) = &flags.keymap {
        config.keymap.clone_from(keymap);
    }
    config.read_only |= flags.read_only;
    Ok(examined)
}

/// The same as [`load`] for a text at hand: what it does after reading, SLO files aside.
pub fn decode_text(text: &str, path: Option<&Path>, env: &Environment) -> Result<Loaded, ConfigError> {
    examine_text(text, path, env)?.loaded()
}

fn examine_text(text: &str, path: Option<&Path>, env: &Environment) -> Result<Examined, ConfigError> {
    let language = match path.and_then(Path::extension).and_then(|ending| ending.to_str()) {
        Some("yaml" | "yml") => Language::Yaml,
        Some("json") => Language::Json,
        Some(_) | None => Language::Toml,
    };
    let file = path.map(Path::to_path_buf);
    let Tree { values, mut places } = parse(text, language).map_err(|mut errors| {
        errors.sort_by_key(|error| order(&error.place));
        ConfigError::Invalid(
            errors
                .into_iter()
                .map(|error| Problem {
                    gravity: Gravity::Error,
                    file: file.clone(),
                    place: error.place,
                    key: String::new(),
                    what: error.what,
                    mend: "the file cannot be read before this is mended".to_owned(),
                })
                .collect(),
        )
    })?;
    let (settings, mut problems) = settings(env, &values, &mut places);
    let merged = merge(values, settings).map_err(|why| {
        ConfigError::Invalid(vec![Problem {
            gravity: Gravity::Error,
            file: file.clone(),
            place: Place::Somewhere,
            key: String::new(),
            what: why,
            mend: String::new(),
        }])
    })?;
    let mut findings = Findings::new(file.clone(), places);
    check::table(&merged, TOP, &KeyPath::default(), &mut findings);
    let config = decode(&merged, &Surroundings::new(file, env), &mut findings);
    problems.append(&mut findings.problems);
    // Merging lost the order of keys: what stands at one place is told by its key.
    problems.sort_by_cached_key(|problem| {
        let variable = match &problem.place {
            Place::Env(name) => name.clone(),
            Place::At { .. } | Place::Somewhere => String::new(),
        };
        (order(&problem.place), variable, problem.key.clone())
    });
    Ok(Examined {
        config,
        problems,
        of_slo_files: Vec::new(),
    })
}

/// As the eye goes through the file; the environment comes last.
fn order(place: &Place) -> (u8, usize, usize) {
    match place {
        Place::At { line, column } => (0, *line, *column),
        Place::Somewhere => (1, 0, 0),
        Place::Env(_) => (2, 0, 0),
    }
}

/// One layer, for the `config` crate.
#[derive(Debug, Clone)]
struct Layer(Map<String, Value>);

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, config::ConfigError> {
        Ok(self.0.clone())
    }

    /// As a whole: key by key, the crate would read a dot in a top-level key as a path.
    fn collect_to(&self, merged: &mut Value) -> Result<(), config::ConfigError> {
        overlay(merged, &self.0);
        Ok(())
    }
}

fn overlay(below: &mut Value, above: &Map<String, Value>) {
    if !matches!(below.kind, ValueKind::Table(_)) {
        below.kind = ValueKind::Table(Map::new());
    }
    let ValueKind::Table(entries) = &mut below.kind else {
        return;
    };
    for (key, value) in above {
        match (&value.kind, entries.get_mut(key)) {
            (ValueKind::Table(above), Some(below)) => overlay(below, above),
            (_, Some(below)) => *below = value.clone(),
            (_, None) => {
                entries.insert(key.clone(), value.clone());
            }
        }
    }
}

fn merge(file: Map<String, Value>, env: Map<String, Value>) -> Result<Map<String, Value>, String> {
    let merged = config::Config::builder()
        .add_source(Layer(file))
        .add_source(Layer(env))
        .build()
        .map_err(|error| error.to_string())?;
    match merged.cache.kind {
        ValueKind::Table(values) => Ok(values),
        _ => Ok(Map::new()),
    }
}

/// Whether a variable of the environment is a setting of this program.
pub(super) fn is_setting(name: &str) -> bool {
    name.get(..PREFIX.len())
        .is_some_and(|head| head.eq_ignore_ascii_case(PREFIX))
}

/// The environment's settings as a layer, with their places; and those that name no key.
fn settings(
    env: &Environment,
    file: &Map<String, Value>,
    places: &mut Places,
) -> (Map<String, Value>, Vec<Problem>) {
    let mut layer = Value::new(None, ValueKind::Table(Map::new()));
    let mut problems = Vec::new();
    for (name, text) in env.0.iter().filter(|(name, _)| is_setting(name)) {
        let segments: Vec<&str> = name.get(PREFIX.len()..).unwrap_or_default().split("__").collect();
        match resolve(&segments, file) {
            Ok((keys, kind)) => {
                let mut path = KeyPath::default();
                for key in &keys {
                    path = path.key(key);
                    places
                        .entry(path.clone())
                        .or_insert_with(|| Place::Env(name.clone()));
                }
                places.insert(path, Place::Env(name.clone()));
                let mut value = read(text, kind);
                for key in keys.into_iter().rev() {
                    value = Value::new(None, ValueKind::Table(Map::from_iter([(key, value)])));
                }
                if let ValueKind::Table(values) = &value.kind {
                    overlay(&mut layer, values);
                }
            }
            Err((what, mend)) => problems.push(Problem {
                gravity: Gravity::Error,
                file: None,
                place: Place::Env(name.clone()),
                key: String::new(),
                what,
                mend,
            }),
        }
    }
    match layer.kind {
        ValueKind::Table(values) => (values, problems),
        _ => (Map::new(), problems),
    }
}

fn folded(name: &str) -> String {
    name.to_lowercase().replace(['-', '.'], "_")
}

/// The keys that a variable's segments mean, matched case-blind and with `_` for `-`, and what the last takes.
fn resolve(segments: &[&str], file: &Map<String, Value>) -> Result<(Vec<String>, Kind), (String, String)> {
    let mut kind = Kind::Table(TOP);
    let mut here = Some(file);
    let mut keys = Vec::with_capacity(segments.len());
    for segment in segments {
        let wanted = folded(segment);
        if let Kind::SecretText = kind {
            kind = Kind::Table(&[schema::SECRET]);
        }
        let (key, below) = match kind {
            Kind::Table(groups) => {
                let key = schema::names(groups)
                    .find(|name| folded(name) == wanted)
                    .and_then(|name| schema::find(groups, name))
                    .ok_or_else(|| unknown(&wanted, groups))?;
                (key.name.to_owned(), key.kind)
            }
            Kind::Map(below) => {
                let key = here
                    .and_then(|here| here.keys().find(|name| folded(name) == wanted))
                    .cloned()
                    // A name nobody has written yet: header names have dashes, contexts and parameters none.
                    .unwrap_or_else(|| match below {
                        Kind::SecretText => wanted.replace('_', "-"),
                        _ => wanted.clone(),
                    });
                (key, *below)
            }
            Kind::Tables(_) | Kind::Texts | Kind::Wholes => {
                return Err((
                    format!("{} is an array", keys.join(".")),
                    "what is inside an array is set in the file".to_owned(),
                ));
            }
            Kind::Text
            | Kind::Flag
            | Kind::Whole
            | Kind::Number
            | Kind::Duration
            | Kind::Size
            | Kind::Day
            | Kind::TimeOfDay
            | Kind::Moment
            | Kind::Url
            | Kind::Proxy
            | Kind::SecretText => {
                return Err((
                    format!("{} has no keys below it", keys.join(".")),
                    "a double underscore separates keys, a single one stands for itself".to_owned(),
                ));
            }
        };
        here = here
            .and_then(|here| here.get(&key))
            .and_then(|value| match &value.kind {
                ValueKind::Table(values) => Some(values),
                _ => None,
            });
        keys.push(key);
        kind = below;
    }
    if let Kind::Tables(_) = kind {
        return Err((
            format!("{} is an array", keys.join(".")),
            "arrays of tables are set in the file".to_owned(),
        ));
    }
    Ok((keys, kind))
}

fn unknown(wanted: &str, groups: &[Group]) -> (String, String) {
    let mend = match nearest(wanted, schema::names(groups)) {
        Some(near) => format!("did you mean {}?", near.to_uppercase()),
        None => format!(
            "known here: {}",
            schema::names(groups)
                .map(str::to_uppercase)
                .collect::<Vec<_>>()
                .join(", ")
        ),
    };
    (format!("{} is no key", wanted.to_uppercase()), mend)
}

/// Reads a variable's text as what its key takes; what does not read stays text, and the walk says so.
fn read(text: &str, kind: Kind) -> Value {
    let as_text = || ValueKind::String(text.to_owned());
    let kind = match kind {
        Kind::Flag => match text {
            "true" => ValueKind::Boolean(true),
            "false" => ValueKind::Boolean(false),
            _ => as_text(),
        },
        Kind::Whole => text.parse().map_or_else(|_| as_text(), ValueKind::I64),
        Kind::Number => text.parse().map_or_else(|_| as_text(), ValueKind::Float),
        Kind::Texts => ValueKind::Array(
            text.split(',')
                .map(|element| Value::new(None, ValueKind::String(element.trim().to_owned())))
                .collect(),
        ),
        Kind::Wholes => ValueKind::Array(
            text.split(',')
                .map(|element| {
                    let element = element.trim();
                    let number = element.parse().map(ValueKind::I64);
                    Value::new(
                        None,
                        number.unwrap_or_else(|_| ValueKind::String(element.to_owned())),
                    )
                })
                .collect(),
        ),
        Kind::Text
        | Kind::Duration
        | Kind::Size
        | Kind::Day
        | Kind::TimeOfDay
        | Kind::Moment
        | Kind::Url
        | Kind::Proxy
        | Kind::SecretText
        | Kind::Table(_)
        | Kind::Map(_)
        | Kind::Tables(_) => as_text(),
    };
    Value::new(None, kind)
}
