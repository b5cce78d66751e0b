//! `midwatch man`: the manual page, with one section a command.

use clap::CommandFactory as _;
use clap_mangen::Man;

use super::args::ManArgs;
use super::{Cli, CliError, Exit, Outcome, Session};

/// Prints the manual page as roff, or writes one file a command: `midwatch.1`, `midwatch-slo.1`, …
pub fn run(session: &mut Session, args: &ManArgs) -> Outcome {
    if let Some(dir) = &args.dir {
        let written =
            std::fs::create_dir_all(dir).and_then(|()| clap_mangen::generate_to(Cli::command(), dir));
        written.map_err(|error| CliError::Usage(format!("--dir {}: {error}", dir.display())))?;
        return Ok(Exit::Done);
    }
    let mut command = Cli::command();
    // Commands inherit the global flags only once they are built.
    command.build();
    let mut page = Vec::new();
    Man::new(command.clone()).render(&mut page)?;
    for below in command.get_subcommands() {
        let man = Man::new(below.clone());
        page.extend_from_slice(format!(".SH \"MIDWATCH {}\"\n", below.get_name().to_uppercase()).as_bytes());
        if let Some(about) = below.get_about() {
            page.extend_from_slice(format!("{about}\n.PP\n").as_bytes());
        }
        let mut synopsis = Vec::new();
        man.render_synopsis_section(&mut synopsis)?;
        let mut options = Vec::new();
        man.render_options_section(&mut options)?;
        for section in [synopsis, options] {
            // Their headings stand one level below the command's.
            page.extend_from_slice(
                String::from_utf8_lossy(&section)
                    .replace(".SH ", ".SS ")
                    .as_bytes(),
            );
        }
    }
    session.out.text(&String::from_utf8_lossy(&page))?;
    session.out.flush()?;
    Ok(Exit::Done)
}
