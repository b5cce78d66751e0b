//! A Markdown document as a list of blocks, some of them steps to be ticked, some commands to be offered.
//!
//! `CommonMark` with GitHub's task lists, read by `pulldown-cmark`. Steps are the items of task lists; where a document
//! has none, the items of numbered lists; where it has none of those either, every item of a list. Start at
//! [`Checklist::read`].

use std::collections::HashMap;
use std::fmt::Write as _;

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::command::{NotRunnable, Template};
use super::script;

/// The longest document that is read, in bytes; the rest is left out, and said.
pub const LONGEST: usize = 256 * 1024;

/// The most blocks that are read, and the most links; the rest is left out, and said.
pub const MOST: usize = 2_000;

/// A runbook to go through.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checklist {
    /// In the order of the document.
    pub blocks: Vec<Block>,
    /// Where its links lead, each once; the text says `[1]` for the first.
    pub links: Vec<String>,
    /// Whether the document went on past [`LONGEST`] or [`MOST`].
    pub cut: bool,
}

/// A runbook that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Where it was found: a path, or the address that answered in the end; remote text, not yet safe.
    pub from: String,
    /// How far its commands can be believed to be what somebody wrote.
    pub origin: Origin,
    /// What it says.
    pub checklist: Checklist,
}

/// How a document came here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// From a file, or from an address by https all the way.
    Kept,
    /// By plain http, some of the way: it is read, and nothing of it is run.
    Plaintext,
}

impl Document {
    /// One of its commands as it may be offered.
    ///
    /// # Errors
    /// Why it is for reading only.
    pub fn template<'a>(&self, offer: &'a Offer) -> Result<&'a Template, NotRunnable> {
        match (&offer.template, self.origin) {
            (Err(why), _) => Err(why.clone()),
            (Ok(_), Origin::Plaintext) => Err(NotRunnable::Plaintext),
            (Ok(template), Origin::Kept) => Ok(template),
        }
    }
}

/// One block of a document, its text unsanitised as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// How many lists it stands in, less one; 0 outside of lists.
    pub depth: usize,
    /// What it is.
    pub kind: Kind,
}

/// What a block is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A heading, from 1.
    Heading(u8, String),
    /// A paragraph, a quotation, a table's row.
    Text(String),
    /// An item of a list that is no step.
    Item(String),
    /// A step to be ticked.
    Step(StepId, String),
    /// Lines that are not for running.
    Code(String),
    /// A line that could be run, and why it can't where it can't.
    Command(Offer),
    /// A line across.
    Rule,
}

/// A step, as the timeline knows it: its number in the document, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepId(pub u16);

/// A command of the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// As it was written, continued lines joined.
    pub line: String,
    /// What is run, or why it is for reading only.
    pub template: Result<Template, NotRunnable>,
}

/// Which items are steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Steps {
    Tasks,
    Numbered,
    Items,
}

/// An item of a list while it is being read.
#[derive(Debug, Clone, Copy)]
struct Item {
    task: bool,
    numbered: bool,
    /// Whether a block of it was written: what follows is text below it.
    begun: bool,
}

impl Checklist {
    /// Reads a document. Whatever it holds, this ends in a list of blocks.
    pub fn read(document: &str) -> Self {
        let mut end = document.len().min(LONGEST);
        while !document.is_char_boundary(end) {
            end -= 1;
        }
        let text = document.get(..end).unwrap_or_default();
        let options = Options::ENABLE_TASKLISTS | Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
        let events: Vec<Event> = Parser::new_ext(text, options).collect();
        let steps = if events
            .iter()
            .any(|event| matches!(event, Event::TaskListMarker(_)))
        {
            Steps::Tasks
        } else if events
            .iter()
            .any(|event| matches!(event, Event::Start(Tag::List(Some(_)))))
        {
            Steps::Numbered
        } else {
            Steps::Items
        };
        let mut writer = Writer {
            steps,
            blocks: Vec::new(),
            text: String::new(),
            lists: Vec::new(),
            items: Vec::new(),
            code: None,
            link: None,
            links: Vec::new(),
            known: HashMap::new(),
            full: false,
            next: 1,
        };
        for event in events {
            writer.take(event);
        }
        writer.flush();
        Self {
            blocks: writer.blocks,
            links: writer.links,
            cut: writer.full || end < document.len(),
        }
    }

    /// The steps, in order.
    pub fn steps(&self) -> impl Iterator<Item = (StepId, &str)> {
        self.blocks.iter().filter_map(|block| match &block.kind {
            Kind::Step(id, text) => Some((*id, text.as_str())),
            Kind::Heading(..)
            | Kind::Text(_)
            | Kind::Item(_)
            | Kind::Code(_)
            | Kind::Command(_)
            | Kind::Rule => None,
        })
    }
}

struct Writer {
    steps: Steps,
    blocks: Vec<Block>,
    /// Of the block that is being read.
    text: String,
    /// Whether each open list is numbered, outermost first.
    lists: Vec<bool>,
    items: Vec<Item>,
    /// Of an open block of code: whether its lines may be commands.
    code: Option<Shell>,
    /// Where an open link leads.
    link: Option<String>,
    links: Vec<String>,
    /// Their numbers.
    known: HashMap<String, usize>,
    /// Whether something was left out.
    full: bool,
    next: u16,
}

/// What the lines of a block of code are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shell {
    /// None of them commands.
    No,
    /// Commands.
    Lines,
    /// Commands behind a prompt, their output without one.
    Session,
}

impl Writer {
    fn take(&mut self, event: Event) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(end) => self.end(end),
            Event::Text(text) => self.text.push_str(&text),
            Event::Code(code) => {
                self.text.push('`');
                self.text.push_str(&code);
                self.text.push('`');
            }
            Event::TaskListMarker(_) => {
                if let Some(item) = self.items.last_mut() {
                    item.task = true;
                }
            }
            Event::SoftBreak | Event::HardBreak => self.text.push(' '),
            Event::Rule => {
                self.flush();
                self.push(Kind::Rule);
            }
            Event::Html(html) | Event::InlineHtml(html) => self.text.push_str(&html),
            Event::FootnoteReference(_) | Event::InlineMath(_) | Event::DisplayMath(_) => {}
        }
    }

    fn start(&mut self, tag: Tag) {
        match tag {
            Tag::Heading { .. } | Tag::Paragraph | Tag::TableRow | Tag::TableHead | Tag::HtmlBlock => {
                self.flush();
            }
            Tag::List(first) => {
                self.flush();
                self.lists.push(first.is_some());
            }
            Tag::Item => {
                self.flush();
                self.items.push(Item {
                    task: false,
                    numbered: self.lists.last().copied().unwrap_or_default(),
                    begun: false,
                });
            }
            Tag::CodeBlock(kind) => {
                self.flush();
                self.code = Some(shell_of(&kind));
            }
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => {
                self.link = Some(dest_url.into_string());
            }
            _ => {}
        }
    }

    fn end(&mut self, end: TagEnd) {
        match end {
            TagEnd::Heading(level) => {
                let text = std::mem::take(&mut self.text);
                self.push(Kind::Heading(level_of(level), text.trim().to_owned()));
            }
            TagEnd::Item => {
                self.flush();
                self.items.pop();
            }
            TagEnd::List(_) => {
                self.lists.pop();
            }
            TagEnd::CodeBlock => self.code_ends(),
            TagEnd::Link | TagEnd::Image => {
                if let Some(url) = self.link.take() {
                    let number = match self.known.get(&url) {
                        Some(number) => *number,
                        None if self.links.len() == MOST => {
                            self.full = true;
                            return;
                        }
                        None => {
                            self.links.push(url.clone());
                            self.known.insert(url, self.links.len());
                            self.links.len()
                        }
                    };
                    let _ = write!(self.text, " [{number}]"); // a String takes it
                }
            }
            TagEnd::TableCell => self.text.push_str("  "),
            TagEnd::Paragraph | TagEnd::TableRow | TagEnd::TableHead | TagEnd::HtmlBlock => self.flush(),
            _ => {}
        }
    }

    fn push(&mut self, kind: Kind) {
        if self.blocks.len() == MOST {
            self.full = true;
            return;
        }
        let depth = self.items.len().saturating_sub(1);
        self.blocks.push(Block { depth, kind });
    }

    /// Ends the text that is being read.
    fn flush(&mut self) {
        if self.code.is_some() {
            return;
        }
        let text = std::mem::take(&mut self.text);
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        let text = text.to_owned();
        let kind = match self.items.last_mut() {
            Some(item) if !item.begun => {
                item.begun = true;
                let is_step = match self.steps {
                    Steps::Tasks => item.task,
                    Steps::Numbered => item.numbered,
                    Steps::Items => true,
                };
                if is_step && self.blocks.len() < MOST {
                    let id = StepId(self.next);
                    self.next = self.next.saturating_add(1);
                    Kind::Step(id, text)
                } else {
                    Kind::Item(text)
                }
            }
            Some(_) | None => Kind::Text(text),
        };
        self.push(kind);
    }

    fn code_ends(&mut self) {
        let shell = self.code.take().unwrap_or(Shell::No);
        let text = std::mem::take(&mut self.text);
        if shell == Shell::No {
            self.push(Kind::Code(text.trim_end().to_owned()));
            return;
        }
        let lines = script::joined(&text);
        let is_command = |line: &str| shell == Shell::Lines || line.trim_start().starts_with("$ ");
        let commands = lines.iter().map(|line| is_command(line).then_some(line.as_str()));
        let script = script::of(commands);
        for line in lines {
            let comment = line.trim_start().starts_with('#');
            if line.trim().is_empty() {
                continue;
            }
            if is_command(&line) && !comment {
                let template = match &script {
                    Some(script) => Err(script.clone()),
                    None => Template::read(&line),
                };
                self.push(Kind::Command(Offer { line, template }));
            } else {
                self.push(Kind::Code(line));
            }
        }
    }
}

fn shell_of(kind: &CodeBlockKind) -> Shell {
    let language = match kind {
        CodeBlockKind::Indented => return Shell::Session,
        CodeBlockKind::Fenced(words) => words
            .split([' ', ',', '{'])
            .next()
            .unwrap_or_default()
            .to_lowercase(),
    };
    match language.as_str() {
        "sh" | "bash" | "shell" | "zsh" => Shell::Lines,
        // Without a word it may as well be output: a prompt says which lines are typed.
        "" | "console" | "shell-session" | "sh-session" | "terminal" => Shell::Session,
        _ => Shell::No,
    }
}

fn level_of(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kinds(document: &str) -> Vec<(usize, String)> {
        Checklist::read(document)
            .blocks
            .into_iter()
            .map(|block| {
                let said = match block.kind {
                    Kind::Heading(level, text) => format!("h{level} {text}"),
                    Kind::Text(text) => format!("text {text}"),
                    Kind::Item(text) => format!("item {text}"),
                    Kind::Step(id, text) => format!("step {} {text}", id.0),
                    Kind::Code(text) => format!("code {text}"),
                    Kind::Command(offer) => {
                        format!(
                            "{} {}",
                            if offer.template.is_ok() { "run" } else { "read" },
                            offer.line
                        )
                    }
                    Kind::Rule => "rule".to_owned(),
                };
                (block.depth, said)
            })
            .collect()
    }

    fn words(document: &str) -> Vec<String> {
        kinds(document).into_iter().map(|(_, said)| said).collect()
    }

    #[test]
    fn a_runbook_is_read_as_a_checklist_with_its_commands() {
        let document = "# Pool exhausted\n\nSee the [dashboard](https://grafana.example/d/1).\n\n\
            - [ ] Look at `pool_in_use`\n- [ ] Roll back:\n\n  ```sh\n  kubectl rollout undo \\\n    deploy/{{ labels.service }}\n  \
            kubectl get pods | grep x\n  ```\n\n  and wait\n\n---\n- just an item\n";
        assert_eq!(
            words(document),
            [
                "h1 Pool exhausted",
                "text See the dashboard [1].",
                "step 1 Look at `pool_in_use`",
                "step 2 Roll back:",
                "run kubectl rollout undo deploy/{{ labels.service }}",
                "read kubectl get pods | grep x",
                "text and wait",
                "rule",
                "item just an item",
            ]
        );
    }

    #[test]
    fn steps_are_tasks_else_numbers_else_items() {
        assert_eq!(words("- a\n- [x] b\n1. c"), ["item a", "step 1 b", "item c"]);
        assert_eq!(words("- a\n\n1. b\n2. c"), ["item a", "step 1 b", "step 2 c"]);
        assert_eq!(words("- a\n- b"), ["step 1 a", "step 2 b"]);
    }

    #[test]
    fn nested_steps_keep_their_depth() {
        assert_eq!(
            kinds("1. a\n   1. b\n2. c"),
            [
                (0, "step 1 a".into()),
                (1, "step 2 b".into()),
                (0, "step 3 c".into())
            ]
        );
    }

    #[test]
    fn of_a_session_only_what_stands_behind_a_prompt_is_a_command() {
        assert_eq!(
            words("```console\n$ uptime\n 03:14 up 2 days\n```\n```json\n{}\n```"),
            ["run $ uptime", "code  03:14 up 2 days", "code {}"]
        );
    }

    #[test]
    fn without_a_language_only_what_stands_behind_a_prompt_is_a_command() {
        assert_eq!(
            words("```\n$ uptime\nreboot\n```\n\n    reboot\n"),
            ["run $ uptime", "code reboot", "code reboot"]
        );
    }

    #[test]
    fn a_script_is_for_reading_as_a_whole() {
        assert_eq!(
            words("```sh\nif true; then\n  kubectl delete ns shop\nfi\n```"),
            ["read if true; then", "read   kubectl delete ns shop", "read fi"]
        );
        let document = "```console\n$ uptime\nif it says so\n```";
        assert_eq!(
            words(document),
            ["run $ uptime", "code if it says so"],
            "output is no script"
        );
    }

    #[test]
    fn blocks_and_links_past_the_cap_are_left_out_and_that_is_said() {
        let many = "- a\n".repeat(70_000);
        let read = Checklist::read(&many);
        assert!(read.cut);
        assert_eq!(read.blocks.len(), MOST);
        let numbers: Vec<u16> = read.steps().map(|(id, _)| id.0).collect();
        assert!(
            numbers.iter().copied().eq(1..=MOST as u16),
            "no number comes twice"
        );
        let links: Vec<String> = (0..3_000).map(|n| format!("[a](b{n})")).collect();
        let links = links.join(" ");
        let read = Checklist::read(&links);
        assert!(read.cut);
        assert_eq!(read.links.len(), MOST);
    }

    #[test]
    fn a_document_past_the_cap_is_cut_and_says_so() {
        let long = "é ".repeat(LONGEST);
        let read = Checklist::read(&long);
        assert!(read.cut);
        assert!(!Checklist::read("short").cut);
    }

    proptest! {
        #[test]
        fn no_document_breaks_it(document in "[-#`*\\[\\]() \n\t>x1.|~$]{0,200}") {
            let read = Checklist::read(&document);
            let numbers: Vec<u16> = read.steps().map(|(id, _)| id.0).collect();
            prop_assert!(numbers.iter().copied().eq(1..=numbers.len() as u16));
        }
    }
}
