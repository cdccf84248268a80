//! The manual's pages, in roff: one for the program and one for each subcommand.

use std::io;

use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use crate::cli::{Cli, ENVIRONMENT, EXIT_CODES};

/// The page of a subcommand, or the program's.
pub(super) fn page(subcommand: Option<&str>) -> io::Result<Vec<u8>> {
    let mut command = Cli::whole();
    if let Some(name) = subcommand {
        let within = command.find_subcommand(name).cloned();
        command = within.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        // As man finds it: redis-pooltop-shell(1).
        let full = command.get_display_name().unwrap_or(name).to_owned();
        command = command.name(full.clone()).bin_name(full.replacen("pooltop-", "pooltop ", 1));
    }
    let has_subcommands = command.has_subcommands();
    let man = Man::new(command);
    let mut out = Vec::new();
    man.render_title(&mut out)?;
    man.render_name_section(&mut out)?;
    man.render_synopsis_section(&mut out)?;
    man.render_description_section(&mut out)?;
    man.render_options_section(&mut out)?;
    if has_subcommands {
        man.render_subcommands_section(&mut out)?;
    }
    ours().to_writer(&mut out)?;
    Ok(out)
}

/// What holds for every form of the command.
fn ours() -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["EXIT STATUS"]);
    for (code, meaning) in EXIT_CODES {
        roff.control("TP", []);
        roff.text([bold(code)]);
        roff.text([roman(meaning)]);
    }
    roff.control("SH", ["ENVIRONMENT"]);
    for (name, meaning) in ENVIRONMENT {
        roff.control("TP", []);
        roff.text([bold(name)]);
        roff.text([roman(meaning)]);
    }
    roff.control("SH", ["SEE ALSO"]);
    roff.text([roman(
        "In the screen and in shell, HELP lists the words, and HELP pool those of the pool; ? shows the keys. \
         redis-pooltop gen-config prints every setting.",
    )]);
    roff
}
