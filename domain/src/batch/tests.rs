//! Rules, one test each.
