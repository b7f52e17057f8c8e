//! Chains that would start each other for ever.

use std::collections::{HashMap, HashSet, VecDeque};

/// A trigger by which the end of one chain starts another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// What people call the trigger.
    pub trigger: String,
    /// The code of the chain that ends.
    pub after: String,
    /// The code of the chain that starts.
    pub starts: String,
}

/// The other triggers by which what `new` starts would come back to what it starts after: none of them when it
/// starts the very chain that ends, and nothing at all when nothing comes back.
pub fn circle(new: &Link, others: &[Link]) -> Option<Vec<String>> {
    let mut known = HashSet::from([new.starts.as_str()]);
    let mut came_by: HashMap<&str, &Link> = HashMap::new();
    let mut reached = VecDeque::from([new.starts.as_str()]);
    while let Some(chain) = reached.pop_front() {
        if chain == new.after {
            let mut way: Vec<String> = vec![];
            let mut at = chain;
            while let Some(link) = came_by.get(at) {
                way.push(link.trigger.clone());
                at = &link.after;
            }
            way.reverse();
            return Some(way);
        }
        for link in others.iter().filter(|link| link.after == chain) {
            if known.insert(&link.starts) {
                came_by.insert(&link.starts, link);
                reached.push_back(&link.starts);
            }
        }
    }
    None
}
