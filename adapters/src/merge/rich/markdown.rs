//! Reads Markdown (CommonMark, with tables). HTML inside it stays as text.

use super::{
    Rich,
    build::{Builder, Change},
};
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

pub(super) fn read(text: &str) -> Rich {
    let mut builder = Builder::default();
    for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
        match event {
            Event::Start(tag) => open(&mut builder, &tag),
            Event::End(tag) => close(&mut builder, tag),
            Event::Text(text) | Event::Code(text) | Event::Html(text) | Event::InlineHtml(text) => {
                builder.text(&text);
            }
            Event::SoftBreak => builder.text(" "),
            Event::HardBreak => builder.line_break(),
            Event::Rule => builder.end_paragraph(),
            // Of extensions that are not asked for.
            Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::FootnoteReference(_)
            | Event::TaskListMarker(_) => {}
        }
    }
    builder.finish()
}

fn open(builder: &mut Builder, tag: &Tag<'_>) {
    match tag {
        Tag::Paragraph | Tag::HtmlBlock | Tag::BlockQuote(_) => builder.end_paragraph(),
        Tag::CodeBlock(CodeBlockKind::Indented | CodeBlockKind::Fenced(_)) => {
            builder.end_paragraph();
        }
        Tag::Heading { .. } => {
            builder.end_paragraph();
            builder.begin(Change::Bold);
        }
        Tag::List(first) => builder.begin_list(*first),
        Tag::Item => builder.begin_item(),
        Tag::Strong => builder.begin(Change::Bold),
        Tag::Emphasis => builder.begin(Change::Italic),
        Tag::Link { dest_url, .. } => builder.begin_link(dest_url),
        Tag::Table(_) => builder.begin_table(),
        Tag::TableHead => {
            builder.begin_row();
            builder.begin(Change::Bold);
        }
        Tag::TableRow => builder.begin_row(),
        Tag::TableCell => builder.begin_cell(),
        _ => {}
    }
}

fn close(builder: &mut Builder, tag: TagEnd) {
    match tag {
        TagEnd::Paragraph | TagEnd::HtmlBlock | TagEnd::BlockQuote(_) | TagEnd::CodeBlock => {
            builder.end_paragraph();
        }
        TagEnd::Heading(_) => {
            builder.end_paragraph();
            builder.end(Change::Bold);
        }
        TagEnd::List(_) => builder.end_list(),
        TagEnd::Item => builder.end_item(),
        TagEnd::Strong => builder.end(Change::Bold),
        TagEnd::Emphasis => builder.end(Change::Italic),
        TagEnd::Link => builder.end_link(),
        TagEnd::Table => builder.end_table(),
        TagEnd::TableHead => {
            builder.end_cell();
            builder.end(Change::Bold);
        }
        TagEnd::TableCell => builder.end_cell(),
        _ => {}
    }
}
