//! Drawing instructions, word by word.

use super::NotSplit;
use crate::pdf::NotAPdf;
use std::ops::Range;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Name,
    /// A string.
    Text,
    Other,
    Operator,
}

/// A word of the instructions: where it stands, and what it becomes.
pub(super) struct Operand {
    pub(super) kind: Kind,
    pub(super) range: Range<usize>,
    pub(super) text: Option<Vec<u8>>,
}

/// Instructions, word by word.
pub(super) struct Words<'a> {
    content: &'a [u8],
    at: usize,
}

impl<'a> Words<'a> {
    pub(super) fn new(content: &'a [u8]) -> Self {
        Self { content, at: 0 }
    }

    /// The next word, until there is none.
    pub(super) fn next(&mut self) -> Result<Option<Operand>, NotSplit> {
        while self.peek(0).is_some_and(is_space) {
            self.at += 1;
        }
        let start = self.at;
        let Some(first) = self.peek(0) else {
            return Ok(None);
        };
        let kind = match first {
            b'/' => {
                self.at += 1;
                self.regular();
                Kind::Name
            }
            b'(' => self.literal()?,
            b'<' if self.peek(1) == Some(b'<') => self.pass(2),
            b'>' if self.peek(1) == Some(b'>') => self.pass(2),
            b'<' => {
                let end = self.content[self.at..]
                    .iter()
                    .position(|byte| *byte == b'>');
                self.at += end.ok_or(NotAPdf::Damaged)? + 1;
                Kind::Text
            }
            b'[' | b']' => self.pass(1),
            b'%' => return Err(NotSplit::Unknown("a comment among instructions")),
            b'0'..=b'9' | b'+' | b'-' | b'.' => {
                self.regular();
                Kind::Other
            }
            _ => {
                self.regular();
                match &self.content[start..self.at] {
                    b"" => return Err(NotAPdf::Damaged.into()),
                    b"true" | b"false" | b"null" => Kind::Other,
                    _ => Kind::Operator,
                }
            }
        };
        Ok(Some(Operand {
            kind,
            range: start..self.at,
            text: None,
        }))
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.content.get(self.at + ahead).copied()
    }

    fn pass(&mut self, length: usize) -> Kind {
        self.at += length;
        Kind::Other
    }

    fn regular(&mut self) {
        let ends = |byte: u8| is_space(byte) || b"()<>[]{}/%".contains(&byte);
        while self.peek(0).is_some_and(|byte| !ends(byte)) {
            self.at += 1;
        }
    }

    fn literal(&mut self) -> Result<Kind, NotSplit> {
        let mut depth = 0_usize;
        loop {
            match self.peek(0).ok_or(NotAPdf::Damaged)? {
                b'\\' => self.at += 1,
                b'(' => depth += 1,
                b')' => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return Ok(Kind::Text);
            }
        }
    }
}

fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0
}

/// The bytes of a string, written between `<>` or parentheses.
pub(super) fn decoded(string: &[u8]) -> Result<Vec<u8>, NotSplit> {
    let inner = string
        .get(1..string.len().saturating_sub(1))
        .unwrap_or_default();
    if string.starts_with(b"<") {
        let digit = |byte: &u8| char::from(*byte).to_digit(16);
        let digits: Vec<u32> = inner.iter().filter_map(digit).collect();
        return digits
            .chunks(2)
            .map(|pair| {
                let value = pair[0] * 16 + pair.get(1).copied().unwrap_or(0);
                u8::try_from(value).map_err(|_| NotAPdf::Damaged.into())
            })
            .collect();
    }
    if inner.contains(&b'\\') {
        return Err(NotSplit::Unknown("an escape in a string"));
    }
    Ok(inner.to_vec())
}
