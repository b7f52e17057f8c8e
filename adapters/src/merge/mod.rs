//! The native merge.
pub(crate) mod archive;
mod safety;
