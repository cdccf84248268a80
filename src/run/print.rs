//! What the program prints about itself.

use std::io::{IsTerminal, Write};

use clap::CommandFactory;

use crate::cli::{self, Cli, Print};
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
            let id = cli::lint(lint).map_err(Error::Usage)?;
            let page = explain::page(id).unwrap_or_default();
            // The page's own form is for those who read files of it.
            let plain = std::io::stdout().is_terminal();
            if plain { explain::plain(page).into_bytes() } else { page.as_bytes().to_vec() }
        }
        Print::GenConfig => EXAMPLE.as_bytes().to_vec(),
        Print::Completions { shell } => {
            let mut out = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), NAME, &mut out);
            out
        }
        Print::Man => {
            let mut out = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut out).map_err(Error::io("the manual page"))?;
            out
        }
    };
    terminal::output().and_then(|mut out| out.write_all(&text)).map_err(Error::io("standard output"))?;
    Ok(Exit::Fine)
}
