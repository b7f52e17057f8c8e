//! The files of one account: every node has a number for life and a mark (ETag) that changes with its
//! content, and with the content of anything beneath it.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;

/// The content of a file.
#[derive(Debug, Clone)]
pub(super) struct File {
    pub(super) bytes: Bytes,
    /// The client's `OC-Checksum`: stored, never verified.
    pub(super) checksum: Option<String>,
}

/// A file, or a folder when it has no content.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) id: u64,
    /// Without quotes, as the approval app compares it; WebDAV quotes it.
    pub(super) etag: String,
    pub(super) modified: DateTime<Utc>,
    pub(super) file: Option<File>,
}

/// Paths have no slash at either end; the root is the empty path.
#[derive(Debug)]
pub(super) struct Tree {
    nodes: BTreeMap<String, Node>,
    last_id: u64,
    last_mark: u64,
}

impl Tree {
    pub(super) fn new() -> Self {
        let mut tree = Self {
            nodes: BTreeMap::new(),
            last_id: 40,
            last_mark: 0,
        };
        tree.make_folder("");
        tree
    }

    pub(super) fn get(&self, path: &str) -> Option<&Node> {
        self.nodes.get(path)
    }

    pub(super) fn is_folder(&self, path: &str) -> bool {
        self.get(path).is_some_and(|node| node.file.is_none())
    }

    /// The path of the node numbered `id`.
    pub(super) fn path_of(&self, id: u64) -> Option<&str> {
        let mut nodes = self.nodes.iter();
        let (path, _) = nodes.find(|(_, node)| node.id == id)?;
        Some(path)
    }

    /// The files' paths.
    pub(super) fn files(&self) -> impl Iterator<Item = &str> {
        let files = self.nodes.iter().filter(|(_, node)| node.file.is_some());
        files.map(|(path, _)| path.as_str())
    }

    /// The node itself and, with `children`, what lies right beneath it.
    pub(super) fn listing(&self, path: &str, children: bool) -> Vec<(&str, &Node)> {
        let listed = self.nodes.iter().filter(|(candidate, _)| {
            *candidate == path
                || (children && !candidate.is_empty() && parent(candidate) == Some(path))
        });
        listed.map(|(path, node)| (path.as_str(), node)).collect()
    }

    /// The bytes of all files.
    pub(super) fn used(&self) -> usize {
        let files = self.nodes.values().filter_map(|node| node.file.as_ref());
        files.map(|file| file.bytes.len()).sum()
    }

    /// Writes a file whose parent exists; its number survives the writing.
    pub(super) fn write(&mut self, path: &str, file: File) -> &Node {
        self.upsert(path, Some(file))
    }

    /// Makes one folder whose parent exists.
    pub(super) fn make_folder(&mut self, path: &str) {
        self.upsert(path, None);
    }

    /// The missing folders above `path`, from the top.
    pub(super) fn missing_parents(&self, path: &str) -> Vec<String> {
        let mut missing = Vec::new();
        let mut above = parent(path);
        while let Some(folder) = above.filter(|folder| !self.nodes.contains_key(*folder)) {
            missing.insert(0, folder.to_owned());
            above = parent(folder);
        }
        missing
    }

    /// Moves one file; its number does not change.
    pub(super) fn rename(&mut self, from: &str, to: &str) -> bool {
        let Some(node) = self.nodes.remove(from) else {
            return false;
        };
        self.nodes.insert(to.to_owned(), node);
        self.mark_ancestors(from);
        self.mark_ancestors(to);
        true
    }

    /// Removes a node and everything beneath it.
    pub(super) fn remove(&mut self, path: &str) -> bool {
        let beneath = format!("{path}/");
        let before = self.nodes.len();
        self.nodes
            .retain(|candidate, _| candidate != path && !candidate.starts_with(&beneath));
        self.mark_ancestors(path);
        self.nodes.len() < before
    }

    fn upsert(&mut self, path: &str, file: Option<File>) -> &Node {
        self.mark_ancestors(path);
        let etag = self.mark();
        self.last_id += 1;
        let node = Node {
            id: self.nodes.get(path).map_or(self.last_id, |node| node.id),
            etag,
            modified: Utc::now(),
            file,
        };
        let entry = self.nodes.entry(path.to_owned());
        entry.insert_entry(node).into_mut()
    }

    fn mark_ancestors(&mut self, path: &str) {
        let mut above = parent(path);
        while let Some(folder) = above {
            let etag = self.mark();
            if let Some(node) = self.nodes.get_mut(folder) {
                node.etag = etag;
            }
            above = parent(folder);
        }
    }

    fn mark(&mut self) -> String {
        self.last_mark += 1;
        format!("{:032x}", self.last_mark)
    }
}

/// The folder that holds `path`; the root is held by nothing.
pub(super) fn parent(path: &str) -> Option<&str> {
    if path.is_empty() {
        return None;
    }
    Some(path.rsplit_once('/').map_or("", |(folder, _)| folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(content: &'static str) -> File {
        File {
            bytes: Bytes::from(content),
            checksum: None,
        }
    }

    fn etag(tree: &Tree, path: &str) -> Option<String> {
        tree.get(path).map(|node| node.etag.clone())
    }

    #[test]
    fn writing_a_file_marks_every_folder_above_it_and_no_other() {
        let mut tree = Tree::new();
        tree.make_folder("a");
        tree.make_folder("a/b");
        tree.make_folder("c");
        let before: Vec<_> = ["", "a", "a/b", "c"].map(|p| etag(&tree, p)).into();
        tree.write("a/b/x.pdf", file("x"));
        let after: Vec<_> = ["", "a", "a/b", "c"].map(|p| etag(&tree, p)).into();
        let changed: Vec<_> = before.iter().zip(&after).map(|(b, a)| b != a).collect();
        assert_eq!(changed, [true, true, true, false]);
    }

    #[test]
    fn a_number_survives_writing_and_renaming_but_not_deletion() {
        let mut tree = Tree::new();
        let id = tree.write("x.pdf", file("x")).id;
        assert_eq!(tree.write("x.pdf", file("y")).id, id);
        assert!(tree.rename("x.pdf", "y.pdf"));
        assert_eq!(tree.path_of(id), Some("y.pdf"));
        assert!(tree.remove("y.pdf"));
        assert_ne!(tree.write("y.pdf", file("y")).id, id);
    }
}
