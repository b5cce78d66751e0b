//! A command with every place filled, and how it is shown.

use std::fmt::{self, Write as _};

use super::characters::is_plain;

/// One argument with its places filled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument {
    /// What the program is handed.
    pub text: String,
    /// The labels whose values stand in it.
    pub from: Vec<String>,
}

impl Argument {
    /// As it is shown to whoever says yes: typed as [`fmt::Display`] does, and what is not ASCII by its number
    /// (`<U+2013>`), for there are letters that look like others, and terminals that draw one for the other.
    pub fn exposed(&self) -> String {
        exposed(&self.to_string())
    }

    /// Whether something of it is shown by its number.
    pub fn is_ascii(&self) -> bool {
        self.text.is_ascii()
    }
}

/// A text with what is not ASCII by its number.
pub fn exposed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            let _ = write!(out, "<U+{:04X}>", u32::from(c)); // a String takes it
        }
    }
    out
}

impl fmt::Display for Argument {
    /// As it could be typed: in single quotes where it is not plain, so that where it ends is seen.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.text.is_empty() && self.text.chars().all(is_plain) {
            f.write_str(&self.text)
        } else {
            write!(f, "'{}'", self.text.replace('\'', r"'\''"))
        }
    }
}

/// A command with every place filled: the program, then its arguments. What is shown is what is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argv(pub(super) Vec<Argument>);

impl Argv {
    /// The program.
    pub fn program(&self) -> &str {
        self.0.first().map_or("", |program| program.text.as_str())
    }

    /// All of it on one line, as it is shown to whoever says yes: [`Argument::exposed`].
    pub fn exposed(&self) -> String {
        exposed(&self.to_string())
    }

    /// Its arguments.
    pub fn arguments(&self) -> &[Argument] {
        self.0.get(1..).unwrap_or_default()
    }
}

impl fmt::Display for Argv {
    /// On one line, as it could be typed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, argument) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(" ")?;
            }
            argument.fmt(f)?;
        }
        Ok(())
    }
}
