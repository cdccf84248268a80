//! The agent's own tests, in Python, with each version of redis-py and valkey-py that `tests/run` installs.

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A test for each environment, and the list of them all.
macro_rules! environments {
    ($($test:ident: $name:literal),* $(,)?) => {
        const ENVIRONMENTS: &[&str] = &[$($name),*];
        $(#[test]
        fn $test() {
            suite($name);
        })*
    };
}

environments! {
    redis_4_5: "redis-4.5",
    redis_4_6: "redis-4.6",
    redis_5_0: "redis-5.0",
    redis_5_3: "redis-5.3",
    redis_6_4: "redis-6.4",
    redis_7_4: "redis-7.4",
    redis_8_1: "redis-8.1",
    valkey_6_2: "valkey-6.2",
}

/// Where the tests in Python are.
fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/agent")
}

/// Runs every module beside the others, each with a server of its own: they wait far more than they work.
fn suite(name: &str) {
    let python = support::agent_python(name);
    let found = std::fs::read_dir(directory()).expect("the tests in Python");
    let modules: Vec<String> = found
        .filter_map(|entry| entry.expect("an entry").file_name().into_string().ok())
        .filter(|file| file.starts_with("test_"))
        .filter_map(|file| Some(file.strip_suffix(".py")?.to_owned()))
        .collect();
    assert!(!modules.is_empty(), "no tests in {}", directory().display());
    let running: Vec<_> = modules
        .iter()
        .map(|module| {
            Command::new(&python)
                .args(["-B", "-m", "unittest", module])
                .current_dir(directory())
                .env_remove("PYTHONPATH")
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .expect("a Python")
        })
        .collect();
    let mut failures = Vec::new();
    for (module, child) in modules.iter().zip(running) {
        let output = child.wait_with_output().expect("its output");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        // Python 3.12 and later fail where nothing was found; older ones say so only.
        if !output.status.success() || told.contains("Ran 0 tests") {
            failures.push(format!("{module} with {name}:\n{told}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_environment_has_its_test() {
    let listed = include_str!("requirements-agent.txt");
    let names: Vec<_> = listed
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert_eq!(names, ENVIRONMENTS);
}
