//! Merges data into ODT, ODS, DOCX and XLSX templates.
//!
//! A template is an ordinary office file with Jinja tags. Compiling it reads its XML parts, puts back
//! together the tags that the word processor cut, moves block tags where they must stand, and makes one
//! minijinja template of each part; merging renders them and copies everything else as it is. Values
//! are always text. The same template and data give the same bytes.

mod annotate;
pub(crate) mod archive;
mod blocks;
mod body;
mod cells;
mod check;
mod columns;
mod compare;
mod condition;
mod cut;
mod data;
mod deflate;
mod encode;
mod engine;
mod faults;
mod fields;
mod filters;
mod fonts;
mod french;
mod glue;
mod include;
mod join;
mod listing;
pub(crate) mod package;
mod part;
mod pictures;
mod printing;
mod rich;
mod rows;
mod safety;
mod settings;
mod sheet;
mod source;
mod tag;
mod template;
mod unwrap;
mod values;
mod xlsx;
mod xml;

pub use annotate::annotate;
pub use body::{body, body_faults};
pub use condition::{Weighed, condition_faults, weigh};
pub use fields::{Checked, FieldUse};
pub use fonts::fonts;
pub use include::{Includes, NoIncludes};
pub use pictures::{Image, Images, NoImages};
pub use template::{Review, Template};

#[cfg(test)]
mod tests;
