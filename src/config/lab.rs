//! What `lab` was asked for.

use super::usage;
use crate::cli::{Common, Format, Lab, TWO_ADDRESSES, looks_like_url, refused};
use crate::error::Error;
use crate::lab::{self, Experiment};

/// `lab` and its options.
#[derive(Clone, Debug)]
pub struct LabSettings {
    /// What to run, in this order, each once; nothing lists them all.
    pub experiments: Vec<&'static dyn Experiment>,
    /// The form of the outcome.
    pub format: Format,
}

/// The experiments, and the URL among the words, if there is one.
pub(super) fn settings(asked: &Lab, common: &Common) -> Result<(LabSettings, Option<String>), Error> {
    if let Some(option) = refused(common) {
        return Err(usage(format!("--{option} is not for lab: each experiment sets up pools of its own")));
    }
    let (urls, names): (Vec<_>, Vec<_>) = asked.words.iter().partition(|word| looks_like_url(word));
    let url = match urls.as_slice() {
        [] => None,
        [url] => Some((*url).clone()),
        _ => return Err(usage(TWO_ADDRESSES)),
    };
    let experiments = lab::named(names).map_err(usage)?;
    Ok((LabSettings { experiments, format: asked.format.unwrap_or_default() }, url))
}
