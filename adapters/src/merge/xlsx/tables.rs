//! Tables of a sheet: their ranges, their columns and the titles that they repeat.

use super::attached::Mover;
use crate::merge::{
    sheet::{
        address::{Reference, Syntax, cell_name},
        formula::with_tables,
        number, text,
    },
    xml::{Element, Node},
};
use std::collections::{HashMap, HashSet};

/// The elements whose text is a formula.
const FORMULAS: [&str; 6] = [
    "f",
    "formula",
    "formula1",
    "formula2",
    "calculatedColumnFormula",
    "totalsRowFormula",
];

/// Tables have names and numbers of their own over the whole workbook.
#[derive(Default)]
pub(super) struct Tables {
    names: HashSet<String>,
    last: usize,
    /// From the template's name to that of the sheet's own copy, in small letters, where they differ.
    renamed: HashMap<String, String>,
}

impl Tables {
    pub(super) fn write(
        &mut self,
        table: &mut Element,
        mover: &Mover<'_>,
        sheet: Option<&Element>,
    ) {
        self.last += 1;
        table.set_attribute("id", &self.last.to_string());
        for name in ["name", "displayName"] {
            if let Some(wanted) = table.attribute(name).map(str::to_owned) {
                let own = self.name(&wanted, name == "displayName");
                table.set_attribute(name, &own);
                if own != wanted {
                    self.renamed.insert(wanted.to_lowercase(), own);
                }
            }
        }
        let Some(range) = table.attribute("ref").map(str::to_owned) else {
            return;
        };
        let moved = mover.formula(&range);
        table.set_attribute("ref", &moved);
        let titles = match number(table, "headerRowCount") {
            Some(0) => None,
            _ => sheet.and_then(|sheet| titles(sheet, &moved)),
        };
        for child in &mut table.children {
            let Node::Element(child) = child else {
                continue;
            };
            match child.name.as_str() {
                "autoFilter" => {
                    if let Some(range) = child.attribute("ref") {
                        let range = mover.formula(range);
                        child.set_attribute("ref", &range);
                    }
                }
                "tableColumns" => columns(child, mover, &range, titles.as_deref()),
                _ => {}
            }
        }
        self.follow(table);
    }

    /// Makes the formulas of a sheet and of its tables read the sheet's own tables.
    pub(super) fn follow(&self, element: &mut Element) {
        for child in &mut element.children {
            let Node::Element(child) = child else {
                continue;
            };
            if FORMULAS.contains(&child.name.as_str()) {
                let change = |name: &str| self.renamed.get(&name.to_lowercase()).cloned();
                child.children = vec![Node::Text(with_tables(&text(child), &change))];
            } else {
                self.follow(child);
            }
        }
    }

    /// The tables of another sheet come next.
    pub(super) fn next_sheet(&mut self) {
        self.renamed.clear();
    }

    fn name(&mut self, wanted: &str, remember: bool) -> String {
        let free = |rank: usize| match rank {
            1 => wanted.to_owned(),
            _ => format!("{wanted}_{rank}"),
        };
        let name = (1..=self.names.len() + 1)
            .map(free)
            .find(|name| !self.names.contains(&name.to_lowercase()))
            .unwrap_or_default();
        if remember {
            self.names.insert(name.to_lowercase());
        }
        name
    }
}

/// A table has one column for each written one, named as its title says.
fn columns(list: &mut Element, mover: &Mover<'_>, range: &str, titles: Option<&[String]>) {
    let Some(first) = Reference::parse(range, Syntax::Ooxml).and_then(|range| range.first.column)
    else {
        return;
    };
    let mut written: Vec<(usize, Element)> = Vec::new();
    for (at, column) in list.elements().enumerate() {
        let line = first.number + at;
        let runs = mover.grid().columns().runs(line, line);
        let places = runs.into_iter().flat_map(|(from, to)| from..=to);
        written.extend(places.map(|place| (place, column.clone())));
    }
    written.sort_by_key(|(place, _)| *place);
    let mut taken = HashSet::new();
    list.children = written
        .into_iter()
        .enumerate()
        .map(|(at, (_, mut column))| {
            for child in &mut column.children {
                if let Node::Element(child) = child
                    && FORMULAS.contains(&child.name.as_str())
                {
                    child.children = vec![Node::Text(mover.formula(&text(child)))];
                }
            }
            let own = column.attribute("name").unwrap_or_default().to_owned();
            let wanted = titles
                .and_then(|titles| titles.get(at))
                .filter(|title| !title.is_empty());
            let wanted = wanted.unwrap_or(&own);
            let name = (1..=taken.len() + 1)
                .map(|rank| match rank {
                    1 => wanted.clone(),
                    _ => format!("{wanted}{rank}"),
                })
                .find(|name| taken.insert(name.to_lowercase()))
                .unwrap_or_default();
            column.set_attribute("id", &(at + 1).to_string());
            column.set_attribute("name", &name);
            Node::Element(column)
        })
        .collect();
    list.set_attribute("count", &list.elements().count().to_string());
}

/// The texts of the first row of a range, where they are in the cells themselves.
fn titles(sheet: &Element, range: &str) -> Option<Vec<String>> {
    let range = Reference::parse(range, Syntax::Ooxml)?;
    let row = range.first.row?.number;
    let (first, last) = (range.first.column?.number, range.last?.column?.number);
    let data = sheet.elements().find(|child| child.name == "sheetData")?;
    let line = data
        .elements()
        .find(|line| number(line, "r") == Some(row))?;
    let title = |column: usize| {
        let name = cell_name(row, column);
        let found = line
            .elements()
            .find(|one| one.attribute("r") == Some(&name));
        let own = found.filter(|one| one.attribute("t") == Some("inlineStr"));
        own.map(text).unwrap_or_default()
    };
    Some((first..=last).map(title).collect())
}
