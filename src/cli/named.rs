//! An option whose values have names: a shell completes them, and the parser's own sentence stands for any other.

use std::ffi::OsStr;

use clap::builder::{PossibleValue, TypedValueParser};
use clap::{Arg, Command, Error};

/// What a word means, with the words there are.
#[derive(Clone)]
pub(super) struct Named<P> {
    parse: P,
    names: Vec<&'static str>,
}

/// A parser that can say which names it takes.
pub(super) fn named<P>(parse: P, names: impl IntoIterator<Item = &'static str>) -> Named<P> {
    Named { parse, names: names.into_iter().collect() }
}

impl<P: TypedValueParser> TypedValueParser for Named<P> {
    type Value = P::Value;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<P::Value, Error> {
        self.parse.parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.names.iter().map(PossibleValue::new)))
    }
}
