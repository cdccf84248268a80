//! The pool beside its peers, in one run, so that a busy machine is busy for all of them.
//!
//! `cargo run --release -p pooltop-benches -- [checkout|model|clients|gets|cold|screen|all] [ADDRESS]`, or `pictures` for those of the README,
//! `agents` for what the screen of many processes takes, `agent [OPTION...]` for what the agent costs an app: benches/agent.py
//!
//! Each comparison is a number of rounds in which every candidate runs once, in turn; what is printed is each one's
//! median, and the median of the rounds' ratios. Without an address it starts a redis-server of its own on a free port. `ONLY=bb8` in the
//! environment runs one candidate alone, for a profile of it.

mod agent;
mod agents;
mod checkout;
mod clients;
mod commands;
mod frames;
mod model;
mod pictures;
mod rounds;
mod screen;
mod server;
mod took;
mod watched;

use std::process::ExitCode;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let what = args.next().unwrap_or_else(|| "all".to_owned());
    if what == "pictures" {
        let assets = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/pictures"));
        return match pictures::make(assets).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{error}");
                ExitCode::FAILURE
            }
        };
    }
    if what == "agent" || what == "agents" {
        let done = if what == "agent" { agent::run(args) } else { agents::run() };
        return match done {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{error}");
                ExitCode::FAILURE
            }
        };
    }
    if !["checkout", "model", "clients", "gets", "cold", "screen", "all"].contains(&what.as_str()) {
        eprintln!(
            "usage: pooltop-benches [checkout|model|clients|gets|cold|screen|all] [HOST:PORT] | pictures | agents | agent [OPTION...]"
        );
        return ExitCode::from(2);
    }
    let runs = |part: &str| what == part || what == "all";
    if runs("checkout") {
        checkout::run().await;
    }
    if runs("model")
        && let Err(error) = model::run()
    {
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    if runs("clients")
        && let Err(error) = clients::reading()
    {
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    if ["checkout", "model"].contains(&what.as_str()) {
        return ExitCode::SUCCESS;
    }
    let server = match args.next().as_deref().map_or_else(server::Server::start, server::Server::at) {
        Ok(server) => server,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(3);
        }
    };
    if runs("clients")
        && let Err(error) = clients::watching(&server).await
    {
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    if runs("gets") {
        commands::gets(server.address()).await;
    }
    if runs("cold") {
        commands::cold(server.address()).await;
    }
    if runs("screen")
        && let Err(error) = screen::run(&server)
    {
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
