//! `midwatch themes`: the themes and the roles they colour; and whether the one that is used can be read.

use super::{CliError, Exit, Outcome, Session};
use crate::theme::{self, ColorDepth, Glyphs, Means};

/// Runs the command. A configuration is not needed: without one it is the theme asked for, or the default.
pub fn run(session: &mut Session) -> Outcome {
    let dress = session.dress()?;
    let means = Means {
        depth: ColorDepth::TrueColor,
        glyphs: Glyphs::Unicode,
    };
    theme::load(&dress.theme, dress.config_dir.as_deref(), means).map_err(CliError::Files)?;
    if session.globals.json {
        session.out.json(&theme::document())?;
    } else {
        session.out.text(&theme::text())?;
    }
    session.out.flush()?;
    Ok(Exit::Done)
}
