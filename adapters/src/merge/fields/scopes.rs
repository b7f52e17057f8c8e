//! What names stand for where a tag is: those bound by `for`, `set` and `with`, and those that an `if`
//! found to have a value.

use super::{
    super::tag::{Kind, Tag},
    Bound, Field, Usage,
};
use std::collections::HashMap;

/// One block that is open.
#[derive(Default)]
struct Scope {
    /// Whether it is an `if`.
    condition: bool,
    /// The paths that its names stand for; nothing for what is no field.
    names: HashMap<String, Option<String>>,
    /// Names that its condition looks at, and whether they have a value in it.
    tested: Vec<(String, bool)>,
}

#[derive(Default)]
pub(super) struct Scopes {
    /// Names set outside of any block.
    outside: HashMap<String, Option<String>>,
    open: Vec<Scope>,
}

impl Scopes {
    /// The fields that names stand for.
    pub(super) fn fields(&self, usages: &[Usage]) -> Vec<Field> {
        usages
            .iter()
            .filter_map(|usage| self.field(usage))
            .collect()
    }

    fn field(&self, usage: &Usage) -> Option<Field> {
        let guarded = self
            .open
            .iter()
            .flat_map(|scope| &scope.tested)
            .any(|(name, present)| *present && *name == usage.name);
        Some(Field {
            written: usage.name.clone(),
            path: self.path(&usage.name)?,
            role: usage.role.clone(),
            filters: usage.filters.clone(),
            foreseen: usage.foreseen || usage.tested.is_some() || guarded,
            excused: usage.excused,
        })
    }

    fn path(&self, name: &str) -> Option<String> {
        let end = name.find(['.', '[']).unwrap_or(name.len());
        let (root, rest) = name.split_at(end);
        let scopes = self.open.iter().rev().map(|scope| &scope.names);
        match scopes
            .chain([&self.outside])
            .find_map(|names| names.get(root))
        {
            Some(alias) => alias.as_ref().map(|alias| format!("{alias}{rest}")),
            None => Some(name.to_owned()),
        }
    }

    /// Goes past a tag that gives these names.
    pub(super) fn follow(&mut self, tag: &Tag, usages: &[Usage], bound: Vec<Bound>) {
        let paths = |(name, stands_for): Bound| {
            let path = stands_for.and_then(|stands_for| self.path(&stands_for));
            (name, path)
        };
        let names: HashMap<String, Option<String>> = bound.into_iter().map(paths).collect();
        let tested = || {
            let presence = |usage: &Usage| Some((usage.name.clone(), usage.tested?));
            usages.iter().filter_map(presence).collect()
        };
        match (tag.kind, tag.keyword()) {
            // A name set under a condition remains after it.
            (Kind::Alone, _) => match self.open.iter_mut().rev().find(|scope| !scope.condition) {
                Some(scope) => scope.names.extend(names),
                None => self.outside.extend(names),
            },
            (Kind::Open, keyword) => self.open.push(Scope {
                condition: keyword == "if",
                names,
                tested: tested(),
            }),
            (Kind::Middle, keyword) => {
                if let Some(scope) = self.open.last_mut() {
                    // What was looked at and found is not there in the other branch, and the reverse.
                    for (_, present) in &mut scope.tested {
                        *present = !*present;
                    }
                    if keyword == "elif" {
                        scope.tested.extend(tested());
                    }
                }
            }
            (Kind::Close, _) => {
                self.open.pop();
            }
            _ => {}
        }
    }
}
