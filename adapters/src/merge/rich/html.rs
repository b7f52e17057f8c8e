//! Reads HTML with a tokenizer of the WHATWG standard.

use super::{
    Rich,
    build::{Builder, Change},
};
use html5gum::{StartTag, State, Token, Tokenizer};

/// Elements of which nothing is kept, their content neither.
const DROPPED: [&str; 16] = [
    "script", "style", "head", "title", "template", "iframe", "object", "noscript", "textarea",
    "select", "svg", "math", "noembed", "noframes", "xmp", "audio",
];

pub(super) fn read(text: &str) -> Rich {
    let mut builder = Builder::default();
    // The element whose content is dropped, and how many of its kind are open.
    let mut dropped: Option<(String, usize)> = None;
    let mut tokens = Tokenizer::new(text);
    while let Some(Ok(token)) = tokens.next() {
        match (token, &mut dropped) {
            (Token::StartTag(tag), Some((name, open))) => {
                *open += usize::from(lossy(&tag.name) == *name && !tag.self_closing);
            }
            (Token::EndTag(tag), Some((name, open))) => {
                *open -= usize::from(lossy(&tag.name) == *name);
                if *open == 0 {
                    dropped = None;
                }
            }
            (Token::StartTag(tag), None) => {
                let name = lossy(&tag.name);
                if DROPPED.contains(&name.as_str()) {
                    // Their content is no markup: the tokenizer must know.
                    if let Some(state) = state(&name) {
                        tokens.set_state(state);
                    }
                    if !tag.self_closing {
                        dropped = Some((name, 1));
                    }
                } else {
                    open(&mut builder, &name, &tag);
                }
            }
            (Token::EndTag(tag), None) => close(&mut builder, &lossy(&tag.name)),
            (Token::String(text), None) => builder.flowing_text(&lossy(&text)),
            (_, Some(_)) | (Token::Comment(_) | Token::Doctype(_) | Token::Error(_), None) => {}
        }
    }
    builder.finish()
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn state(name: &str) -> Option<State> {
    Some(match name {
        "script" => State::ScriptData,
        "style" | "iframe" | "noembed" | "noframes" | "xmp" => State::RawText,
        "title" | "textarea" => State::RcData,
        _ => return None,
    })
}

fn open(builder: &mut Builder, name: &str, tag: &StartTag<()>) {
    let attribute = |name: &str| {
        tag.attributes
            .get(name.as_bytes())
            .map(|value| lossy(value))
    };
    match name {
        "b" | "strong" => builder.begin(Change::Bold),
        "i" | "em" => builder.begin(Change::Italic),
        "u" | "ins" => builder.begin(Change::Underline),
        "br" => builder.line_break(),
        "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
            builder.end_paragraph();
            builder.begin(Change::Bold);
        }
        "ul" => builder.begin_list(None),
        "ol" => {
            let start = attribute("start").and_then(|start| start.trim().parse().ok());
            builder.begin_list(Some(start.unwrap_or(1)));
        }
        "li" => builder.begin_item(),
        "table" => builder.begin_table(),
        "tr" => builder.begin_row(),
        "td" => builder.begin_cell(),
        "th" => {
            builder.begin_cell();
            builder.begin(Change::Bold);
        }
        "a" => builder.begin_link(&attribute("href").unwrap_or_default()),
        _ if is_block(name) => builder.end_paragraph(),
        _ => {}
    }
}

fn close(builder: &mut Builder, name: &str) {
    match name {
        "b" | "strong" => builder.end(Change::Bold),
        "i" | "em" => builder.end(Change::Italic),
        "u" | "ins" => builder.end(Change::Underline),
        "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
            builder.end_paragraph();
            builder.end(Change::Bold);
        }
        "ul" | "ol" => builder.end_list(),
        "li" => builder.end_item(),
        "table" => builder.end_table(),
        "td" | "th" => builder.end_cell(),
        "a" => builder.end_link(),
        _ if is_block(name) => builder.end_paragraph(),
        _ => {}
    }
}

fn is_block(name: &str) -> bool {
    matches!(
        name,
        "p" | "div"
            | "section"
            | "article"
            | "blockquote"
            | "pre"
            | "hr"
            | "header"
            | "footer"
            | "main"
            | "address"
            | "dl"
            | "dt"
            | "dd"
            | "figure"
            | "figcaption"
            | "center"
    )
}
