//! The stack of a checkout's caller, captured at once and put into words only when somebody looks.

use std::backtrace::Backtrace;
use std::panic::Location;
use std::sync::{Arc, OnceLock};

/// Frames that are kept: what is further out is the runtime's.
const FRAMES: usize = 32;

/// Where the caller's frames end, by function or file: what is further out is the runtime's.
const RUNTIME: [&str; 4] =
    ["tokio::runtime::", "std::sys::backtrace::__rust_begin_short", "test::run_test", "std::rt::"];

#[derive(Debug)]
pub(crate) struct Stack {
    trace: Backtrace,
    text: OnceLock<Arc<str>>,
}

impl Stack {
    /// The stack of whoever calls this: some microseconds, and no look at the debug information yet.
    pub(crate) fn here() -> Arc<Self> {
        Arc::new(Self { trace: Backtrace::force_capture(), text: OnceLock::new() })
    }

    /// A frame a line, from the call at `caller` on.
    pub(crate) fn text(&self, caller: Option<&Location<'_>>) -> Arc<str> {
        let words = || {
            let place = caller.map(|at| format!("{}:{}:", at.file(), at.line()));
            frames(&self.trace.to_string(), place.as_deref()).into()
        };
        self.text.get_or_init(words).clone()
    }
}

/// `function at path:line:column`, from the frames as the standard library writes them: `  4: function`, and below it
/// `at path:line:column` where that is known. What is above the frame at `place` is ours and of no use to anybody.
fn frames(trace: &str, place: Option<&str>) -> String {
    let mut frames = Vec::new();
    let mut lines = trace.lines().map(str::trim).peekable();
    while let Some(line) = lines.next() {
        let Some((number, function)) = line.split_once(": ") else { continue };
        let at = lines.next_if(|next| next.starts_with("at ")).unwrap_or_default();
        if number.bytes().all(|byte| byte.is_ascii_digit()) {
            frames.push(format!("{function} {at}").trim_end().to_owned());
        }
    }
    let first = place.and_then(|place| frames.iter().position(|frame| frame.contains(place)));
    let own = frames.iter().skip(first.unwrap_or_default()).take_while(|frame| !is_runtime(frame));
    own.take(FRAMES).map(String::as_str).collect::<Vec<_>>().join("\n")
}

/// By name, or by file where the name has no path, as that of a generic function.
fn is_runtime(frame: &str) -> bool {
    RUNTIME.iter().any(|start| frame.trim_start_matches('<').starts_with(start))
        || (frame.contains("/tokio-") && frame.contains("/src/runtime/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "\
   0: std::backtrace_rs::backtrace::trace
             at /rustc/library/std/src/backtrace.rs:66:5
   1: checkout<app::Conn>
             at /registry/redis-pooltop/src/pool.rs:30:30
   2: app::jobs::fetch
             at ./src/jobs.rs:88:9
   3: app::main::{{closure}}
   4: block_on<app::main::{{closure}}>
             at /registry/tokio-1.54.1/src/runtime/park.rs:1:1
   5: main
";

    #[test]
    fn a_stack_is_the_callers_own_part_of_it() {
        let own = "app::jobs::fetch at ./src/jobs.rs:88:9\napp::main::{{closure}}";
        assert_eq!(frames(TRACE, Some("src/jobs.rs:88:")), own);
        assert!(frames(TRACE, None).ends_with(own) && frames(TRACE, Some("src/gone.rs:1:")).ends_with(own));
        assert_eq!(frames("disabled backtrace", None), "");
    }

    #[test]
    fn an_endless_recursion_is_cut() {
        let deep = "   7: app::again\n".repeat(1_000);
        assert_eq!(frames(&deep, None).lines().count(), FRAMES);
    }
}
