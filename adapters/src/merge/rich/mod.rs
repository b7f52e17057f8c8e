//! Rich text: what a safe subset of HTML or Markdown says, as paragraphs and runs, and how each format
//! writes it.
//!
//! Paragraphs, line breaks, bold, italic, underline, nested lists, headings (as bold paragraphs) and simple
//! tables are kept. A link becomes its text and its address, since what an applicant typed must not become
//! something to click in an official letter. All the rest is dropped, or stays as text: never markup.

mod build;
mod host;
mod html;
mod markdown;
mod odf;
mod word;

use minijinja::value::{Object, ObjectRepr};
use std::{fmt, sync::Arc};

pub(super) use host::{Host, asks_for_rich_text};
pub(super) use odf::add_styles;

/// The longest text that is read as HTML or Markdown.
const LONGEST: usize = 1 << 20;
/// Deeper lists are written at this depth.
const DEEPEST_LIST: usize = 6;

/// A rich text.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Rich {
    blocks: Vec<Block>,
}

#[derive(Debug, PartialEq, Eq)]
enum Block {
    Paragraph {
        runs: Vec<Run>,
        item: Option<Item>,
    },
    /// Rows of cells, each row as long as the others.
    Table(Vec<Vec<Vec<Run>>>),
}

/// A paragraph's place in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Item {
    /// Which list: two that follow one another count apart.
    list: usize,
    /// From 0.
    depth: usize,
    /// Its number in a numbered list.
    number: Option<u64>,
    /// Whether it is the first paragraph of its item, which bears the mark.
    first: bool,
}

/// A piece of text of one look; its line breaks are `\n`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Run {
    text: String,
    look: Look,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Look {
    bold: bool,
    italic: bool,
    underline: bool,
}

impl Rich {
    /// Reads HTML; `None` when it is too long.
    pub(super) fn from_html(text: &str) -> Option<Self> {
        (text.len() <= LONGEST).then(|| html::read(text))
    }

    /// Reads Markdown; `None` when it is too long.
    pub(super) fn from_markdown(text: &str) -> Option<Self> {
        (text.len() <= LONGEST).then(|| markdown::read(text))
    }

    /// A text that is not rich.
    pub(super) fn of_text(text: &str) -> Self {
        let run = Run {
            text: text.into(),
            look: Look::default(),
        };
        Self {
            blocks: vec![Block::Paragraph {
                runs: vec![run],
                item: None,
            }],
        }
    }

    /// The whole as runs of one paragraph: blocks become lines, items keep their marks.
    fn in_line(&self) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        for block in &self.blocks {
            match block {
                Block::Paragraph { runs: more, item } => {
                    push_line(&mut runs);
                    if let Some(item) = item {
                        push(&mut runs, &item.lead());
                    }
                    runs.extend(more.iter().cloned());
                }
                Block::Table(rows) => {
                    for row in rows {
                        push_line(&mut runs);
                        for (index, cell) in row.iter().enumerate() {
                            if index > 0 {
                                push(&mut runs, "\t");
                            }
                            runs.extend(cell.iter().cloned());
                        }
                    }
                }
            }
        }
        runs
    }

    /// The whole as plain text.
    pub(super) fn plain(&self) -> String {
        self.in_line().into_iter().map(|run| run.text).collect()
    }
}

fn push_line(runs: &mut Vec<Run>) {
    if !runs.is_empty() {
        push(runs, "\n");
    }
}

fn push(runs: &mut Vec<Run>, text: &str) {
    runs.push(Run {
        text: text.into(),
        look: Look::default(),
    });
}

impl Item {
    /// `•` or `2.`
    fn mark(&self) -> String {
        match self.number {
            Some(number) => format!("{number}."),
            None => "•".into(),
        }
    }

    /// What stands before the item's text where there are no paragraphs to indent.
    fn lead(&self) -> String {
        let indent = "\u{a0}".repeat(4 * self.depth);
        if self.first {
            format!("{indent}{}\u{a0}", self.mark())
        } else {
            indent
        }
    }
}

impl Object for Rich {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn is_true(self: &Arc<Self>) -> bool {
        !self.blocks.is_empty()
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.plain())
    }
}

#[cfg(test)]
mod tests;
