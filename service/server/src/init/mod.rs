//! `trainyard init`: what a file of data tells of a pipeline, and the files of that pipeline, from templates in the binary.

pub(crate) mod choose;
pub(crate) mod data;
mod files;
mod pattern;
pub(crate) mod sample;
mod template;

pub(crate) use files::{NewFile, write};
pub(crate) use template::{Answers, Trainer, flights};
