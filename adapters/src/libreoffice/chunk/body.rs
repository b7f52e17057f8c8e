//! The text of a letter, with its automatic styles.

use super::{
    letter::{Alone, Around},
    markup::{Attributes, Markup, Token},
    pieces::{Piece, Pieces},
};
use std::{collections::BTreeMap, fmt::Write as _};

/// The body of a letter, with its automatic styles.
pub(super) struct Content<'a> {
    pub(super) around: Around,
    pieces: Pieces<'a>,
    markup: Markup<'a>,
    /// The automatic styles by name: where each stands in `around.before`.
    styles: BTreeMap<String, AutomaticStyle>,
    first: Option<(&'static str, String)>,
}

#[derive(Debug, Clone, Default)]
struct AutomaticStyle {
    xml: String,
    master: String,
}

impl<'a> Content<'a> {
    /// Reads up to the body.
    pub(super) fn read(
        text: &'a str,
        pictures: &'a BTreeMap<String, Vec<u8>>,
    ) -> Result<Self, Alone> {
        let mut content = Self {
            around: Around::default(),
            pieces: Pieces::new(pictures),
            markup: Markup::new(text),
            styles: BTreeMap::new(),
            first: None,
        };
        let mut style: Option<(String, AutomaticStyle, usize)> = None;
        let mut within_styles = false;
        let mut past_styles = false;
        while let Some((token, raw)) = content.markup.next()? {
            match &token {
                Token::Start("office:automatic-styles", _) => within_styles = true,
                Token::End("office:automatic-styles") => {
                    within_styles = false;
                    past_styles = true;
                }
                Token::Start("style:style", attributes) if within_styles => {
                    let master = attributes.get("style:master-page-name");
                    let found = AutomaticStyle {
                        xml: String::new(),
                        master: master.unwrap_or_default().to_owned(),
                    };
                    let name = attributes.get("style:name").unwrap_or_default();
                    style = Some((name.to_owned(), found, content.around.before.len()));
                }
                Token::Empty("style:style", attributes) if within_styles => {
                    let found = AutomaticStyle {
                        xml: raw.to_owned(),
                        master: (attributes.get("style:master-page-name"))
                            .unwrap_or_default()
                            .to_owned(),
                    };
                    let name = attributes.get("style:name").unwrap_or_default();
                    content.styles.insert(name.to_owned(), found);
                }
                _ => {}
            }
            let starts_text = matches!(token, Token::Start("office:text", _));
            let ends_style = matches!(token, Token::End("style:style"));
            if past_styles {
                content.around.between.push_str(raw);
            } else {
                content.around.before.push_str(raw);
            }
            if ends_style && let Some((name, mut found, start)) = style.take() {
                content.around.before[start..].clone_into(&mut found.xml);
                content.styles.insert(name, found);
            }
            if starts_text {
                return if past_styles {
                    Ok(content)
                } else {
                    Err(Alone::Unreadable)
                };
            }
        }
        Err(Alone::Unreadable)
    }

    pub(super) fn take_body(&mut self) -> Result<Vec<Piece>, Alone> {
        let mut depth = 0_usize;
        // Whether the mark of the start is still to be put, in the first paragraph.
        let mut unmarked = true;
        while let Some((token, raw)) = self.markup.next()? {
            if depth == 0 && matches!(token, Token::End("office:text")) {
                self.around.after.push_str(raw);
                while let Some((_, raw)) = self.markup.next()? {
                    self.around.after.push_str(raw);
                }
                return if unmarked {
                    Err(Alone::Start("nothing".into()))
                } else {
                    Ok(std::mem::take(&mut self.pieces.done))
                };
            }
            let name = match &token {
                Token::Start(name, attributes) | Token::Empty(name, attributes) => {
                    self.check_page_style(attributes)?;
                    Some(*name)
                }
                _ => None,
            };
            let visible = !matches!(
                name,
                Some("text:sequence-decls" | "office:forms" | "text:soft-page-break") | None
            );
            let first_block = depth == 0 && visible && self.first.is_none();
            let starts = matches!(token, Token::Start(..));
            let skipped = matches!(name, Some("text:sequence-decls" | "text:page-count"));
            let token = if first_block {
                self.first_block(token)?
            } else {
                token
            };
            if unmarked && name == Some("text:p") {
                unmarked = false;
                self.open_marked(&token)?;
            } else {
                self.pieces.token(&token, &mut self.markup)?;
            }
            match token {
                _ if starts && !skipped => depth += 1,
                Token::End(_) => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        Err(Alone::Unreadable)
    }

    /// A later block that starts pages of its own leaves the letter's.
    fn check_page_style(&self, attributes: &Attributes) -> Result<(), Alone> {
        let named = ["text:style-name", "table:style-name"];
        let style = named.iter().find_map(|name| attributes.get(name));
        let styled = style.and_then(|style| self.styles.get(style));
        match styled {
            Some(style) if self.first.is_some() && !style.master.is_empty() => {
                Err(Alone::PageStyle)
            }
            _ => Ok(()),
        }
    }

    /// The first block under the style that starts the letter's pages.
    fn first_block<'t>(&mut self, token: Token<'t>) -> Result<Token<'t>, Alone> {
        let (name, mut attributes, empty) = match token {
            Token::Start(name, attributes) => (name, attributes, false),
            Token::Empty(name, attributes) => (name, attributes, true),
            other => return Ok(other),
        };
        let (family, key) = match name {
            "text:p" => ("paragraph", "text:style-name"),
            "table:table" => ("table", "table:style-name"),
            other => return Err(Alone::Start(other.to_owned())),
        };
        let style = attributes.get(key).unwrap_or("Standard").to_owned();
        self.first = Some((family, style));
        attributes.set(key, OWN_STYLE);
        Ok(if empty {
            Token::Empty(name, attributes)
        } else {
            Token::Start(name, attributes)
        })
    }

    /// The letter's first paragraph, with the mark that tells where it starts.
    fn open_marked(&mut self, token: &Token<'_>) -> Result<(), Alone> {
        let (Token::Start(name, attributes) | Token::Empty(name, attributes)) = token else {
            return Err(Alone::Unreadable);
        };
        let opened = Token::Start(name, attributes.clone());
        self.pieces.token(&opened, &mut self.markup)?;
        self.pieces.done.push(Piece::Start);
        if matches!(token, Token::Empty(..)) {
            self.pieces.xml(&format!("</{name}>"));
        }
        Ok(())
    }

    /// The page style of the first block.
    pub(super) fn master(&self) -> &str {
        let style = self
            .first
            .as_ref()
            .and_then(|(_, style)| self.styles.get(style));
        match style {
            Some(style) if !style.master.is_empty() => &style.master,
            _ => "Standard",
        }
    }

    /// The style of the first block again, starting pages of the letter's own at number 1.
    pub(super) fn first_style(&self) -> Result<Vec<Piece>, Alone> {
        let Some((family, first)) = &self.first else {
            return Err(Alone::Start("nothing".into()));
        };
        let properties = format!("style:{family}-properties");
        let master = Piece::Own(self.master().to_owned());
        let Some(style) = self.styles.get(first) else {
            return Ok(vec![
                Piece::Xml(format!(
                    "<style:style style:name=\"{OWN_STYLE}\" style:family=\"{family}\" \
                     style:parent-style-name=\"{first}\" style:master-page-name=\""
                )),
                master,
                Piece::Xml(format!(
                    "\"><{properties} style:page-number=\"1\"/></style:style>"
                )),
            ]);
        };
        let mut pieces = Vec::new();
        let mut xml = String::new();
        let mut numbered = false;
        let mut markup = Markup::new(&style.xml);
        while let Some((token, raw)) = markup.next()? {
            match token {
                Token::Start("style:style", attributes)
                | Token::Empty("style:style", attributes) => {
                    xml.push_str("<style:style");
                    for (key, value) in attributes.iter() {
                        let value = if key == "style:name" {
                            OWN_STYLE
                        } else {
                            value
                        };
                        if key != "style:master-page-name" {
                            let _ = write!(xml, " {key}=\"{value}\"");
                        }
                    }
                    xml.push_str(" style:master-page-name=\"");
                    pieces.push(Piece::Xml(std::mem::take(&mut xml)));
                    pieces.push(master.clone());
                    xml.push_str("\">");
                    if raw.ends_with("/>") {
                        let _ =
                            write!(xml, "<{properties} style:page-number=\"1\"/></style:style>");
                        numbered = true;
                    }
                }
                Token::Start(name, attributes) | Token::Empty(name, attributes)
                    if name == properties =>
                {
                    numbered = true;
                    if !matches!(
                        attributes.get("style:page-number"),
                        None | Some("auto" | "0" | "1")
                    ) {
                        return Err(Alone::Attribute("style:page-number".into()));
                    }
                    let _ = write!(xml, "<{name} style:page-number=\"1\"");
                    for (key, value) in attributes.iter() {
                        if !matches!(key, "style:page-number" | "fo:break-before") {
                            let _ = write!(xml, " {key}=\"{value}\"");
                        }
                    }
                    xml.push_str(if raw.ends_with("/>") { "/>" } else { ">" });
                }
                Token::End("style:style") if !numbered => {
                    let _ = write!(xml, "<{properties} style:page-number=\"1\"/></style:style>");
                }
                _ => xml.push_str(raw),
            }
        }
        pieces.push(Piece::Xml(xml));
        Ok(pieces)
    }
}

/// The name of the style of first blocks, before each letter's is told from the others'.
pub(super) const OWN_STYLE: &str = "navette_first";
