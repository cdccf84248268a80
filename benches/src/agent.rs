//! What the agent costs an app: benches/agent.py, with the environments that `tests/run` makes for the tests.

use std::path::Path;
use std::process::Command;

use crate::screen::Failure;

/// The versions of redis-py that the figures are given for.
const ENVIRONMENTS: [&str; 2] = ["redis-8.1", "redis-5.3"];

pub(crate) fn run(options: impl Iterator<Item = String>) -> Result<(), Failure> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let tools = std::env::var_os("POOLTOP_TEST_TOOLS");
    let tools = tools.map_or_else(|| root.join("target/test-tools"), Into::into);
    let mut command = Command::new("python3");
    command.arg(root.join("benches/agent.py"));
    for name in ENVIRONMENTS {
        let python = tools.join("py").join(name).join("bin/python");
        if !python.exists() {
            return Err(format!("no {}: `tests/run --test agent_python` makes it", python.display()).into());
        }
        command.arg("--python").arg(python);
    }
    let status = command.args(options).status()?;
    if status.success() { Ok(()) } else { Err(format!("benches/agent.py: {status}").into()) }
}
