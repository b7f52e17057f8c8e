//! Builds a rich text from what a reader of HTML or Markdown meets, in order.

use super::{Block, DEEPEST_LIST, Item, Look, Rich, Run};

#[derive(Default)]
pub(super) struct Builder {
    blocks: Vec<Block>,
    runs: Vec<Run>,
    bold: usize,
    italic: usize,
    underline: usize,
    lists: Vec<List>,
    /// How many lists were begun.
    begun: usize,
    /// The place of the next paragraph, once an item has begun.
    item: Option<Item>,
    table: Option<Table>,
    /// Tables inside the table, whose cells are cells of it.
    inner_tables: usize,
    links: Vec<Link>,
}

struct List {
    id: usize,
    next: Option<u64>,
}

#[derive(Default)]
struct Table {
    rows: Vec<Vec<Vec<Run>>>,
    in_cell: bool,
    /// Bold, italic and underline as they were before the cell.
    looks: [usize; 3],
}

struct Link {
    address: String,
    text: String,
}

/// What changes the look of text.
#[derive(Clone, Copy)]
pub(super) enum Change {
    Bold,
    Italic,
    Underline,
}

impl Builder {
    fn depth_of(&mut self, change: Change) -> &mut usize {
        match change {
            Change::Bold => &mut self.bold,
            Change::Italic => &mut self.italic,
            Change::Underline => &mut self.underline,
        }
    }

    pub(super) fn begin(&mut self, change: Change) {
        *self.depth_of(change) += 1;
    }

    pub(super) fn end(&mut self, change: Change) {
        let depth = self.depth_of(change);
        *depth = depth.saturating_sub(1);
    }

    /// Adds text as it is.
    pub(super) fn text(&mut self, text: &str) {
        if text.is_empty() || self.is_between_cells() {
            return;
        }
        for link in &mut self.links {
            link.text.push_str(text);
        }
        let look = Look {
            bold: self.bold > 0,
            italic: self.italic > 0,
            underline: self.underline > 0,
        };
        match self.runs.last_mut() {
            Some(run) if run.look == look => run.text.push_str(text),
            _ => self.runs.push(Run {
                text: text.into(),
                look,
            }),
        }
    }

    /// Adds text whose white space counts for one space, and for none where a line begins.
    pub(super) fn flowing_text(&mut self, text: &str) {
        let mut flowing = String::with_capacity(text.len());
        let mut spaced = self
            .runs
            .last()
            .is_none_or(|run| run.text.ends_with([' ', '\n']));
        for character in text.chars() {
            let space = character.is_ascii_whitespace();
            if !space {
                flowing.push(character);
            } else if !spaced {
                flowing.push(' ');
            }
            spaced = space;
        }
        self.text(&flowing);
    }

    pub(super) fn line_break(&mut self) {
        self.trim_end();
        self.text("\n");
    }

    fn trim_end(&mut self) {
        if let Some(run) = self.runs.last_mut() {
            run.text.truncate(run.text.trim_end_matches(' ').len());
        }
    }

    /// Ends the paragraph under way, if it holds anything; in a cell, ends a line.
    pub(super) fn end_paragraph(&mut self) {
        self.trim_end();
        if self.table.is_some() {
            let ended = self.runs.last().is_none_or(|run| run.text.ends_with('\n'));
            if !ended {
                self.text("\n");
            }
            return;
        }
        let runs = without_end(std::mem::take(&mut self.runs));
        if runs.is_empty() {
            return;
        }
        self.blocks.push(Block::Paragraph {
            runs,
            item: self.item,
        });
        if let Some(item) = &mut self.item {
            item.first = false;
        }
    }

    pub(super) fn begin_list(&mut self, first: Option<u64>) {
        self.end_paragraph();
        self.begun += 1;
        self.lists.push(List {
            id: self.begun,
            next: first,
        });
    }

    pub(super) fn end_list(&mut self) {
        self.end_paragraph();
        self.lists.pop();
        self.item = self.outer_item();
    }

    /// The item that surrounds what follows: its mark was written, or has nothing to stand before.
    fn outer_item(&self) -> Option<Item> {
        let list = self.lists.last()?;
        Some(Item {
            list: list.id,
            depth: self.depth(),
            number: list.next,
            first: false,
        })
    }

    fn depth(&self) -> usize {
        (self.lists.len().max(1) - 1).min(DEEPEST_LIST - 1)
    }

    pub(super) fn begin_item(&mut self) {
        self.end_paragraph();
        let depth = self.depth();
        // An item outside of any list is one of a bulleted list.
        let (list, number) = match self.lists.last_mut() {
            Some(list) => {
                let number = list.next;
                list.next = number.map(|number| number.saturating_add(1));
                (list.id, number)
            }
            None => (0, None),
        };
        let item = Item {
            list,
            depth,
            number,
            first: true,
        };
        if self.table.is_some() {
            self.text(&item.lead());
        } else {
            self.item = Some(item);
        }
    }

    pub(super) fn end_item(&mut self) {
        self.end_paragraph();
        self.item = self.outer_item();
    }

    pub(super) fn begin_table(&mut self) {
        if self.table.is_some() {
            self.inner_tables += 1;
        } else {
            self.end_paragraph();
            self.table = Some(Table::default());
        }
    }

    pub(super) fn begin_row(&mut self) {
        self.end_cell();
        if let Some(table) = &mut self.table {
            table.rows.push(Vec::new());
        }
    }

    pub(super) fn begin_cell(&mut self) {
        self.end_cell();
        if let Some(table) = &mut self.table {
            table.in_cell = true;
            table.looks = [self.bold, self.italic, self.underline];
        }
    }

    pub(super) fn end_cell(&mut self) {
        let Some(table) = &mut self.table else {
            return;
        };
        if std::mem::take(&mut table.in_cell) {
            // What a cell leaves open ends with it.
            [self.bold, self.italic, self.underline] = table.looks;
            let cell = without_end(std::mem::take(&mut self.runs));
            if table.rows.is_empty() {
                table.rows.push(Vec::new());
            }
            if let Some(row) = table.rows.last_mut() {
                row.push(cell);
            }
        }
    }

    pub(super) fn end_table(&mut self) {
        if self.inner_tables > 0 {
            self.inner_tables -= 1;
        } else {
            self.end_outer_table();
        }
    }

    fn end_outer_table(&mut self) {
        self.end_cell();
        let Some(mut table) = self.table.take() else {
            return;
        };
        table.rows.retain(|row| !row.is_empty());
        let width = table.rows.iter().map(Vec::len).max().unwrap_or_default();
        for row in &mut table.rows {
            row.resize_with(width, Vec::new);
        }
        if !table.rows.is_empty() {
            self.blocks.push(Block::Table(table.rows));
        }
    }

    fn is_between_cells(&self) -> bool {
        self.table.as_ref().is_some_and(|table| !table.in_cell)
    }

    pub(super) fn begin_link(&mut self, address: &str) {
        self.links.push(Link {
            address: address.trim().to_owned(),
            text: String::new(),
        });
    }

    /// Writes the address after the link's text, unless it is that text.
    pub(super) fn end_link(&mut self) {
        let Some(link) = self.links.pop() else {
            return;
        };
        let scheme = link.address.split(':').next().unwrap_or_default();
        let shown = match scheme.to_ascii_lowercase().as_str() {
            "http" | "https" => link.address.as_str(),
            "mailto" | "tel" => &link.address[scheme.len() + 1..],
            _ => return,
        };
        let text = link.text.trim();
        let same = |text: &str| {
            shown
                .trim_end_matches('/')
                .ends_with(text.trim_end_matches('/'))
        };
        if text.is_empty() {
            self.text(shown);
        } else if !same(text) {
            self.text(&format!(" ({shown})"));
        }
    }

    pub(super) fn finish(mut self) -> Rich {
        self.end_outer_table();
        self.end_paragraph();
        Rich {
            blocks: self.blocks,
        }
    }
}

/// The runs without the white space they end with.
fn without_end(mut runs: Vec<Run>) -> Vec<Run> {
    while let Some(last) = runs.last_mut() {
        last.text
            .truncate(last.text.trim_end_matches([' ', '\n']).len());
        if !last.text.is_empty() {
            break;
        }
        runs.pop();
    }
    runs
}
