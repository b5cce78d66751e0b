//! `midwatch --plain`: the console as lines, for screen readers and pipes.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _};
use std::sync::Arc;

use tokio::sync::mpsc;

use super::console::{self, runbooks, settings};
use super::opening::{Opener, Threads};
use super::{Outcome, Session, closing};
use crate::app::Model;
use crate::app::focus::Layout;
use crate::config::{Config, Context};
use crate::keymap;
use crate::plain::{Plain, SIZE, Stamp};
use crate::runtime::console::{Ended, World as _};
use crate::runtime::kept_file;
use crate::runtime::plain::Lines;
use crate::terminal::Input;

/// Lines that wait to be taken in. When full, whoever types waits.
const TYPED: usize = 16;
/// A longer line is cut: no command is so long.
const LONGEST: u64 = 4_096;

/// Opens the console as lines.
pub fn run(session: &mut Session) -> Outcome {
    let (config, context) = session.context()?;
    open(session, config, context)
}

fn open(session: &Session, config: Config, context: Context) -> Outcome {
    let means = console::means(session);
    let keymap = Arc::new(keymap::load(&config.keymap, config.config_dir.as_deref())?);
    let threads = Threads::start()?;
    let mut signals = threads.signals()?;
    // Closed by `typed` being dropped, or by the end of what is typed where that is a terminal's.
    let (hands, typed) = mpsc::channel(TYPED);
    let keep = hands.clone();
    std::thread::Builder::new()
        .name("typed".to_owned())
        .spawn(move || read(&hands))?;
    // One: what is told while it is full is told later, as it is then.
    let (out, told) = mpsc::channel(1);
    let printing = std::thread::Builder::new()
        .name("told".to_owned())
        .spawn(move || print(told))?;

    let mut model = Model::new(
        settings(&config, &context, runbooks(session, &context)),
        keymap,
        Layout::default(),
        SIZE,
        session.clock.now(),
    );
    model.kept = kept_file::load(config.state_dir.as_deref(), &context.name);
    model.news.whose = config.ui.bell;
    let stamp = if io::stdout().is_terminal() {
        Stamp::Time
    } else {
        Stamp::Moment
    };
    let mut lines = Lines {
        model,
        plain: Plain::new(stamp),
        clock: session.clock,
        wish: None,
        typed,
        out,
    };
    let config = Arc::new(config);
    let opener = Opener {
        session,
        threads: &threads,
        config: Arc::clone(&config),
        wires: Arc::default(),
        means,
        lines: None,
    };
    let mut context = Arc::new(context);
    let ended = threads.run(async {
        loop {
            let mut world = opener.open(&context, signals);
            let ended = lines.run(&mut world).await;
            world.rest().await;
            signals = world.close();
            match ended {
                Ended::Quit | Ended::Failed => return ended,
                Ended::SwitchContext(name) => {
                    if let Some((next, model)) = opener.next(&name, &mut lines.model) {
                        (context, lines.model) = (next, model);
                        lines.plain = Plain::new(stamp);
                    }
                }
            }
        }
    });
    drop(keep);
    let outbox = &lines.model.outbox;
    let someone_is_to_be_told = !(outbox.under_way.is_empty() && outbox.unreached.is_empty());
    // The last lines leave; a reader that takes none any more is not waited for.
    let is_read = !lines.out.is_closed();
    drop(lines);
    if is_read {
        let _ = printing.join();
    }
    if someone_is_to_be_told {
        for words in threads.run(closing::left_behind(&config, &context)) {
            // With standard error gone there is nobody left to tell.
            let _ = writeln!(io::stderr(), "warning: {}", crate::text::SafeText::line(&words));
        }
    }
    threads.end();
    console::outcome(&ended)
}

/// Hands on what is typed, line by line. The end of a terminal's lines (ctrl-d) ends all; that of a file or of nothing
/// only means that no more is typed.
fn read(hands: &mpsc::Sender<Input>) {
    let stdin = io::stdin();
    let is_terminal = stdin.is_terminal();
    let mut lines = stdin.lock();
    loop {
        let mut line = Vec::new();
        let taken = (&mut lines).take(LONGEST).read_until(b'\n', &mut line);
        let input = match taken {
            Ok(0) | Err(_) if is_terminal => Input::Closed,
            Ok(0) | Err(_) => return,
            Ok(_) => Input::Paste(String::from_utf8_lossy(&line).trim_end().to_owned()),
        };
        let is_last = input == Input::Closed;
        if hands.blocking_send(input).is_err() || is_last {
            return;
        }
    }
}

/// Prints what is told, until nobody tells or nobody reads any more.
fn print(mut told: mpsc::Receiver<Vec<String>>) {
    let mut out = io::stdout().lock();
    while let Some(lines) = told.blocking_recv() {
        let mut text = lines.join("\n");
        text.push('\n');
        if out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_err() {
            return;
        }
    }
}
