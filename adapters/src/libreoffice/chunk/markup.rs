//! XML token by token, with the text of each, so that what is not looked at is copied as it stands.

use quick_xml::{Reader, events::Event};

/// Not XML.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unreadable;

/// One token of XML.
#[derive(Debug, Clone)]
pub(super) enum Token<'a> {
    Start(&'a str, Attributes),
    Empty(&'a str, Attributes),
    End(&'a str),
    /// Text, references, comments, the declaration: as they stand.
    Other(&'a str),
}

/// The attributes of an element, in order, their values ready to stand between double quotes.
#[derive(Debug, Clone, Default)]
pub(super) struct Attributes(Vec<(String, String)>);

impl Attributes {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    }

    pub(super) fn set(&mut self, name: &str, value: &str) {
        match self.0.iter_mut().find(|(key, _)| key == name) {
            Some((_, old)) => value.clone_into(old),
            None => self.0.push((name.to_owned(), value.to_owned())),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

/// A text of XML being read.
pub(super) struct Markup<'a> {
    text: &'a str,
    reader: Reader<&'a [u8]>,
    at: usize,
}

impl<'a> Markup<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let mut reader = Reader::from_str(text);
        reader.config_mut().check_end_names = false;
        Self {
            text,
            reader,
            at: 0,
        }
    }

    /// The next token, and its text.
    pub(super) fn next(&mut self) -> Result<Option<(Token<'a>, &'a str)>, Unreadable> {
        let event = self.reader.read_event().map_err(|_| Unreadable)?;
        let end = usize::try_from(self.reader.buffer_position()).map_err(|_| Unreadable)?;
        let raw = self.text.get(self.at..end).ok_or(Unreadable)?;
        self.at = end;
        let token = match &event {
            Event::Eof => return Ok(None),
            Event::Start(element) => Token::Start(name_in(raw, 1), attributes(element)?),
            Event::Empty(element) => Token::Empty(name_in(raw, 1), attributes(element)?),
            Event::End(_) => Token::End(name_in(raw, 2)),
            _ => Token::Other(raw),
        };
        Ok(Some((token, raw)))
    }

    /// Passes over the rest of the element that was just opened.
    pub(super) fn skip(&mut self) -> Result<(), Unreadable> {
        let mut depth = 1_usize;
        while depth > 0 {
            match self.next()?.ok_or(Unreadable)?.0 {
                Token::Start(..) => depth += 1,
                Token::End(_) => depth -= 1,
                _ => {}
            }
        }
        Ok(())
    }
}

/// The name in the text of a tag, which starts after `<` or `</`.
fn name_in(raw: &str, start: usize) -> &str {
    let name = raw.get(start..).unwrap_or_default();
    let ends = |character: char| character.is_ascii_whitespace() || "/>".contains(character);
    name.split(ends).next().unwrap_or_default()
}

fn attributes(element: &quick_xml::events::BytesStart<'_>) -> Result<Attributes, Unreadable> {
    element
        .attributes()
        .map(|attribute| {
            let attribute = attribute.map_err(|_| Unreadable)?;
            let value = attribute.value.replace('"', "&quot;");
            Ok((attribute.key.as_ref().to_owned(), value))
        })
        .collect::<Result<_, _>>()
        .map(Attributes)
}
