//! Custom resource definitions, generated from the typed specs.

mod lenient;

pub(crate) use lenient::{IntOrText, TextOrList};
