//! The mischief that most tests want: something goes wrong once, on the first call of an operation.

use super::wire::{Call, Delivery, Fate, Mischief};
use std::sync::atomic::{AtomicBool, Ordering};

/// Meddles with the first call of one operation, then does its work.
#[derive(Debug)]
pub struct Once {
    operation: &'static str,
    /// What becomes of the request; when it is served, its answer is lost.
    fate: Fate,
    done: AtomicBool,
}

impl Once {
    /// The first `operation` is done, and its answer lost.
    pub fn loses(operation: &'static str) -> Self {
        Self::meets(operation, Fate::Serve)
    }

    /// The first `operation` finds the neighbour down.
    pub fn finds_down(operation: &'static str) -> Self {
        Self::meets(operation, Fate::Unavailable)
    }

    fn meets(operation: &'static str, fate: Fate) -> Self {
        Self {
            operation,
            fate,
            done: AtomicBool::new(false),
        }
    }

    fn is_now(&self, call: &Call) -> bool {
        call.operation == self.operation && !self.done.swap(true, Ordering::SeqCst)
    }
}

impl Mischief for Once {
    fn before(&self, call: &Call) -> Fate {
        if self.fate != Fate::Serve && self.is_now(call) {
            return self.fate;
        }
        Fate::Serve
    }

    fn applied(&self, call: &Call) -> Delivery {
        if self.fate == Fate::Serve && self.is_now(call) {
            return Delivery::Lose;
        }
        Delivery::Answer
    }
}
