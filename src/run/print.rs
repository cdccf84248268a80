//! What the program prints about itself.

use std::io::{IsTerminal, Write};

use clap_complete::Shell;

use super::manual;
use crate::cli::{Cli, Print};
use crate::error::{Error, Exit};
use crate::{explain, terminal};

/// The name it is called by.
const NAME: &str = "redis-pooltop";

/// The example of a configuration file.
const EXAMPLE: &str = include_str!("../../assets/config.toml");

/// Prints it.
///
/// # Errors
/// [`Error::Usage`] for a lint that is none, and what standard output says.
pub fn print(what: &Print) -> Result<Exit, Error> {
    let text = match what {
        Print::Explain { lint: None } => explain::list().into_bytes(),
        Print::Explain { lint: Some(lint) } => {
            let id = explain::named(lint).map_err(Error::Usage)?;
            let page = explain::page(id).unwrap_or_default();
            // The page's own form is for those who read files of it.
            let plain = std::io::stdout().is_terminal();
            if plain { explain::plain(page).into_bytes() } else { page.as_bytes().to_vec() }
        }
        Print::GenConfig => EXAMPLE.as_bytes().to_vec(),
        Print::Completions { shell } => {
            let mut out = Vec::new();
            clap_complete::generate(*shell, &mut Cli::whole(), NAME, &mut out);
            if *shell == Shell::Bash { mended(out) } else { out }
        }
        Print::Man { page } => manual::page(page.as_deref()).map_err(Error::io("the manual page"))?,
    };
    terminal::output().and_then(|mut out| out.write_all(&text)).map_err(Error::io("standard output"))?;
    Ok(Exit::Fine)
}

/// `clap_complete` 4.6 spells the hyphen of a program's name in two ways, and then finds none of its subcommands.
fn mended(script: Vec<u8>) -> Vec<u8> {
    match String::from_utf8(script) {
        Ok(script) => script.replace("redis__subcmd__pooltop", "redis__pooltop").into_bytes(),
        Err(script) => script.into_bytes(),
    }
}
