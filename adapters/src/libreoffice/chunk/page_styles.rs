//! The page styles of a letter, with its headers and footers.

use super::{
    letter::{Alone, Around},
    markup::{Attributes, Markup, Token},
    pieces::{Piece, Pieces},
};
use std::collections::BTreeMap;

/// The page styles of a letter.
pub(super) struct Styles {
    pub(super) around: Around,
    /// The pieces of each page style, with the name of the one that follows it.
    masters: BTreeMap<String, (Vec<Piece>, Option<String>)>,
    /// The tags that open them: their names and layouts.
    pub(super) heads: Vec<String>,
}

impl Styles {
    pub(super) fn read(text: &str, pictures: &BTreeMap<String, Vec<u8>>) -> Result<Self, Alone> {
        let mut styles = Self {
            around: Around::default(),
            masters: BTreeMap::new(),
            heads: Vec::new(),
        };
        let mut markup = Markup::new(text);
        let mut past = false;
        while let Some((token, raw)) = markup.next()? {
            if let Token::Start("style:master-page", attributes)
            | Token::Empty("style:master-page", attributes) = &token
            {
                styles.heads.push(raw.to_owned());
                let empty = matches!(token, Token::Empty(..));
                styles.master(attributes, empty, &mut markup, pictures)?;
                continue;
            }
            match &token {
                Token::Start("style:style", attributes)
                | Token::Empty("style:style", attributes)
                    if attributes
                        .get("style:master-page-name")
                        .is_some_and(|name| !name.is_empty()) =>
                {
                    return Err(Alone::PageStyle);
                }
                Token::Start(_, attributes) | Token::Empty(_, attributes) => {
                    let numbers_lines = attributes.get("text:number-lines") == Some("true");
                    if numbers_lines && raw.starts_with("<text:linenumbering-configuration") {
                        return Err(Alone::Element("text:linenumbering-configuration".into()));
                    }
                }
                _ => {}
            }
            if matches!(token, Token::End("office:master-styles")) {
                past = true;
            }
            if past {
                styles.around.after.push_str(raw);
            } else {
                styles.around.before.push_str(raw);
            }
        }
        Ok(styles)
    }

    fn master(
        &mut self,
        attributes: &Attributes,
        empty: bool,
        markup: &mut Markup<'_>,
        pictures: &BTreeMap<String, Vec<u8>>,
    ) -> Result<(), Alone> {
        let name = attributes.get("style:name").ok_or(Alone::Unreadable)?;
        let next = attributes.get("style:next-style-name").map(str::to_owned);
        let mut pieces = Pieces::new(pictures);
        pieces.xml("<style:master-page");
        for (key, value) in attributes.iter() {
            match key {
                "style:name" | "style:next-style-name" => {
                    pieces.xml(&format!(" {key}=\""));
                    pieces.done.push(Piece::Own(value.to_owned()));
                    pieces.xml("\"");
                }
                // What people call it: only one may be called so.
                "style:display-name" => {}
                _ => pieces.xml(&format!(" {key}=\"{value}\"")),
            }
        }
        pieces.xml(if empty { "/>" } else { ">" });
        let mut inside = !empty;
        while inside {
            let (token, raw) = markup.next()?.ok_or(Alone::Unreadable)?;
            if matches!(token, Token::End("style:master-page")) {
                pieces.xml(raw);
                inside = false;
            } else {
                pieces.token(&token, markup)?;
            }
        }
        self.masters.insert(name.to_owned(), (pieces.done, next));
        Ok(())
    }

    /// The page style `first` with those that follow it.
    pub(super) fn masters(&self, first: &str) -> Result<Vec<Piece>, Alone> {
        let mut pieces = Vec::new();
        let mut seen: Vec<&str> = Vec::new();
        let mut name = first;
        while !seen.contains(&name) {
            let (master, next) = self.masters.get(name).ok_or(Alone::PageStyle)?;
            pieces.extend(master.iter().cloned());
            seen.push(name);
            match next {
                Some(next) => name = next,
                None => break,
            }
        }
        Ok(pieces)
    }
}
