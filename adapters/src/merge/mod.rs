//! Merges data into ODT, ODS and DOCX templates.
//!
//! A template is an ordinary office file with Jinja tags. Compiling it reads its XML parts, puts back
//! together the tags that the word processor cut, moves block tags where they must stand, and makes one
//! minijinja template of each part; merging renders them and copies everything else as it is. Values
//! are always text. The same template and data give the same bytes.

pub(crate) mod archive;
mod blocks;
mod compare;
mod deflate;
mod encode;
mod engine;
mod fields;
mod filters;
mod french;
mod join;
mod listing;
pub(crate) mod package;
mod part;
mod pictures;
mod rich;
mod safety;
mod sheet;
mod source;
mod tag;
mod template;
mod values;
mod xml;

pub use pictures::{Image, Images, NoImages};
pub use template::Template;

#[cfg(test)]
mod tests;
