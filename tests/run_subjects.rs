//! `run` with what people run: `FastAPI` under uvicorn, Flask under gunicorn, a Celery worker, pytest. Each does its work
//! rightly and raises nothing, or wrongly and is named by its line.

mod app_support;
mod support;

use std::ffi::OsString;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;

use app_support::{JUDGED, Told, apps, run};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use support::{PATIENCE, RedisServer, subjects_python, wait_for};

/// `python -m` of these words.
fn module(words: &[&str]) -> Vec<OsString> {
    let python = subjects_python().into_os_string();
    [python, "-m".into()].into_iter().chain(words.iter().map(Into::into)).collect()
}

/// A server that is judged, on a unix socket.
struct Server {
    redis: RedisServer,
    socket: PathBuf,
    child: Option<Child>,
}

impl Server {
    /// Starts it, and waits until it answers.
    fn start(words: &[&str], bind: impl Fn(&str) -> [String; 2]) -> Self {
        let redis = RedisServer::start(&[]);
        let socket = redis.directory().join("http");
        let mut command = module(words);
        command.extend(bind(socket.to_str().expect("a path")).map(OsString::from));
        let mut run = run(&JUDGED, &command);
        run.env("REDIS_PORT", redis.port().to_string()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let server = Self { redis, child: Some(run.spawn().expect("it starts")), socket };
        wait_for("the server", || UnixStream::connect(&server.socket).ok());
        server
    }

    fn uvicorn() -> Self {
        Self::start(&["uvicorn", "web:app"], |path| ["--uds".to_owned(), path.to_owned()])
    }

    fn gunicorn(options: &[&str]) -> Self {
        let words = [&["gunicorn", "shop:app"], options].concat();
        Self::start(&words, |path| ["--bind".to_owned(), format!("unix:{path}")])
    }

    /// The status of an answer, and its document.
    fn get(&self, path: &str) -> (u16, Value) {
        let mut stream = UnixStream::connect(&self.socket).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a deadline");
        write!(stream, "GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        (status, serde_json::from_str(body.trim()).unwrap_or_default())
    }

    /// Asks for the same so many times at once. All of them succeed.
    fn all(&self, path: &str, count: usize) -> Vec<Value> {
        thread::scope(|scope| {
            let asked: Vec<_> = (0..count).map(|_| scope.spawn(|| self.get(path))).collect();
            let answers = asked.into_iter().map(|asked| asked.join().expect("an answer"));
            answers
                .map(|(status, body)| {
                    assert_eq!(status, 200, "{path}: {body}");
                    body
                })
                .collect()
        })
    }

    /// Asks so many workers at once: each waits until all have been asked. Their process ids.
    fn meet(&self, count: usize) -> Vec<u64> {
        thread::scope(|scope| {
            let met = scope.spawn(|| self.all("/meet", count));
            let blocked = format!("blocked_clients:{count}\r");
            wait_for("all to have come", || {
                self.redis.cli(&["INFO", "clients"]).contains(&blocked).then_some(())
            });
            for _ in 0..count {
                self.redis.cli(&["RPUSH", "go", "now"]);
            }
            let mut pids: Vec<_> =
                met.join().expect("they met").iter().filter_map(|met| met["pid"].as_u64()).collect();
            pids.sort_unstable();
            pids.dedup();
            pids
        })
    }

    /// Ends it as a person or a script would.
    fn end(mut self) -> Told {
        let child = self.child.take().expect("it runs");
        terminate(&child);
        Told::of(child.wait_with_output().expect("it ends"))
    }
}

impl Drop for Server {
    /// A test that fails leaves no server behind.
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            terminate(child);
            let _ = child.wait();
        }
    }
}

fn terminate(child: &Child) {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a pid");
    // One that has ended needs no signal.
    let _ = kill_process(pid, Signal::TERM);
}

/// uvicorn ends by the signal that it was sent, when it has ended its work.
const TERMINATED: Option<i32> = Some(128 + 15);

#[test]
fn a_fastapi_app_that_gives_all_back_raises_nothing() {
    let server = Server::uvicorn();
    server.all("/visit", 40);
    server.all("/hear", 10);
    let told = server.end();
    assert_eq!(told.code(), TERMINATED);
    told.raises_nothing();
    assert_eq!(told.processes().len(), 1, "{told:?}");
}

#[test]
fn a_fastapi_app_is_named_by_its_lines() {
    let server = Server::uvicorn();
    server.all("/visit", 10);
    server.all("/leak", 3);
    assert_eq!(server.get("/raise").0, 500);
    server.all("/drop", 2);
    server.all("/connect", 40);
    let told = server.end();
    assert_eq!(told.code(), TERMINATED, "what the command itself says goes first");
    assert_eq!(told.document["verdict"]["verdict"], "fail");
    assert!(told.names("unclosed", "web.py", "connect"), "{:#?}", told.findings());
    assert!(told.names("pubsub-held", "web.py", "drop"), "{:#?}", told.findings());
    assert!(told.has_left("web.py", "leak", "leak", "raw", 3), "{:#?}", told.left());
    assert!(told.has_left("web.py", "raise", "fail", "raw", 1), "{:#?}", told.left());
    assert!(told.has_left("web.py", "drop", "drop", "pubsub", 2), "{:#?}", told.left());
    assert_eq!(told.left().len(), 3, "{:#?}", told.left());
}

#[test]
fn a_flask_app_with_four_workers_that_give_all_back_raises_nothing() {
    for options in [&["--workers=4"][..], &["--workers=4", "--preload"], &["--workers=4", "--threads=4"]] {
        let server = Server::gunicorn(options);
        let met = server.meet(4);
        server.all("/buy", 20);
        server.all("/count", 20);
        let told = server.end();
        assert_eq!(told.code(), Some(0), "{told:?}");
        told.raises_nothing();
        for pid in &met {
            let process = told.processes().iter().find(|process| process["pid"] == *pid);
            assert!(process.is_some(), "{pid} did not report: {:#?}", told.processes());
        }
        // With threads one worker may have met itself.
        assert!(met.len() == 4 || options.contains(&"--threads=4"), "{met:?}");
    }
}

#[test]
fn a_flask_app_is_named_by_its_lines_whichever_worker_it_is() {
    let server = Server::gunicorn(&["--workers=4"]);
    server.meet(4);
    server.all("/leak", 8);
    assert_eq!(server.get("/raise").0, 500);
    server.all("/watch", 2);
    let told = server.end();
    assert_eq!(told.code(), Some(4), "{told:?}");
    assert!(told.has_left("shop.py", "leak", "leak", "raw", 8), "{:#?}", told.left());
    assert!(told.has_left("shop.py", "raise", "fail", "raw", 1), "{:#?}", told.left());
    assert!(told.has_left("shop.py", "watch", "watch", "pipeline", 2), "{:#?}", told.left());
    assert_eq!(told.left().len(), 3, "{:#?}", told.left());
}

#[test]
fn greenlets_are_told_as_threads_are() {
    let server = Server::gunicorn(&["--workers=2", "--worker-class=gevent"]);
    server.meet(8);
    server.all("/buy", 20);
    server.all("/count", 20);
    let told = server.end();
    assert_eq!(told.code(), Some(0), "{told:?}");
    told.raises_nothing();

    let server = Server::gunicorn(&["--workers=2", "--worker-class=gevent"]);
    server.all("/leak", 8);
    assert_eq!(server.get("/raise").0, 500);
    let told = server.end();
    assert_eq!(told.code(), Some(4), "{told:?}");
    assert!(told.has_left("shop.py", "leak", "leak", "raw", 8), "{:#?}", told.left());
    assert!(told.has_left("shop.py", "raise", "fail", "raw", 1), "{:#?}", told.left());
}

/// A Celery worker that does these tasks, and ends.
fn celery(tasks: &str) -> Told {
    let redis = RedisServer::start(&[]);
    let port = redis.port().to_string();
    let worker = module(&["celery", "--app=jobs", "worker", "--concurrency=2", "--loglevel=WARNING"]);
    let mut run = run(&JUDGED, &worker);
    run.env("REDIS_PORT", &port).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = run.spawn().expect("it starts");
    let asked = Command::new(subjects_python())
        .args(["-c", ASKING, tasks])
        .env("REDIS_PORT", &port)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .current_dir(apps())
        .output()
        .expect("a Python");
    assert!(asked.status.success(), "{asked:?}");
    terminate(&child);
    Told::of(child.wait_with_output().expect("it ends"))
}

const ASKING: &str = "
import sys, jobs
asked = [getattr(jobs, name).delay(*([1, 2] if name == 'add' else [])) for name in sys.argv[1].split()]
for one in asked:
    one.get(timeout=60, propagate=False)
";

#[test]
fn a_celery_worker_that_gives_all_back_raises_nothing() {
    let told = celery("add add add add add add");
    assert_eq!(told.code(), Some(0), "{told:?}");
    told.raises_nothing();
    assert_eq!(told.processes().len(), 3, "{told:?}");
}

#[test]
fn a_celery_worker_is_named_by_its_lines() {
    let told = celery("add leak fail leak add");
    assert_eq!(told.code(), Some(4), "{told:?}");
    assert!(told.has_left("jobs.py", "leak", "leak", "raw", 2), "{:#?}", told.left());
    assert!(told.has_left("jobs.py", "fail", "fail", "raw", 1), "{:#?}", told.left());
    assert_eq!(told.left().len(), 2, "{:#?}", told.left());
}

/// A suite of tests.
fn pytest(suite: &str) -> Told {
    let redis = RedisServer::start(&[]);
    let words = module(&["pytest", "--quiet", "-p", "no:cacheprovider", suite]);
    Told::of(run(&JUDGED, &words).env("REDIS_PORT", redis.port().to_string()).output().expect("it runs"))
}

#[test]
fn a_suite_that_gives_all_back_raises_nothing() {
    let told = pytest("suite/test_good.py");
    assert_eq!(told.code(), Some(0), "{told:?}");
    told.raises_nothing();
}

#[test]
fn a_suite_that_passes_and_leaks_fails_and_its_tests_are_named() {
    let told = pytest("suite/test_bad.py");
    assert_eq!(told.code(), Some(4), "{told:?}");
    let file = "test_bad.py";
    let all = [
        ("leak", "test_that_passes_and_leaks", "raw"),
        ("fresh", "test_that_leaks_what_its_fixture_closes", "raw"),
        ("raise", "give_up", "raw"),
        ("watch", "test_that_forgets_what_it_watched", "pipeline"),
    ];
    for (mark, function, how) in all {
        assert!(
            told.has_left(&format!("suite/{file}"), mark, function, how, 1),
            "{mark}: {:#?}",
            told.left()
        );
    }
    assert_eq!(told.left().len(), all.len(), "{:#?}", told.left());
}
