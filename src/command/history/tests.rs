use std::fs::File;
use std::path::Path;
use std::sync::mpsc::channel;

use super::*;

/// How long a test waits for something that should happen at once.
const SOON: Duration = Duration::from_secs(30);

fn open(path: &Path) -> (HistoryFile, FileHistory) {
    let mut history = configured();
    let (file, opened) = HistoryFile::open(Some(path.to_owned()), &mut history);
    opened.unwrap();
    (file, history)
}

/// Adds a line and waits until it is written.
fn add((file, history): &mut (HistoryFile, FileHistory), line: &str) {
    file.add(line, history, |error| panic!("{error}"));
    assert!(file.settle(SOON));
}

fn lines(path: &Path) -> Vec<String> {
    open(path).1.iter().cloned().collect()
}

#[test]
fn lines_outlive_the_program_but_passwords_do_not() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a/b/history");
    let mut kept = open(&path);
    for line in [
        "get a",
        "get a",
        "auth hunter2",
        " hidden",
        "  ",
        "set b \"x\ny\"",
        "CONFIG SET requirepass hunter2",
    ] {
        add(&mut kept, line);
    }
    assert_eq!(kept.1.len(), 2);
    assert_eq!(lines(&path), ["get a", "set b \"x\ny\""]);
    assert!(!std::fs::read_to_string(&path).unwrap().contains("hunter2"));
}

#[cfg(unix)]
#[test]
fn nobody_else_can_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state/history");
    let mut kept = open(&path);
    add(&mut kept, "get a");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    open(&path);
    assert_eq!(mode(&path), 0o600);
}

#[test]
fn two_programs_at_once_keep_each_others_lines() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("history");
    let mut one = open(&path);
    let mut two = open(&path);
    add(&mut one, "get 1");
    add(&mut two, "get 2");
    add(&mut one, "get 3");
    assert_eq!(lines(&path), ["get 1", "get 2", "get 3"]);
}

#[test]
fn a_file_that_cannot_be_kept_is_said_once_and_does_no_harm() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    std::fs::write(&path, "").unwrap();
    let mut history = configured();
    let (mut file, opened) = HistoryFile::open(Some(path.join("history")), &mut history);
    let error = opened.unwrap_err().to_string();
    assert!(error.starts_with("the history is not kept: "), "{error}");
    file.add("get a", &mut history, |error| panic!("{error}"));
    assert!(file.settle(SOON));
    assert_eq!(history.len(), 1);
}

/// Opens what is no history, adds a line all the same, and gives what was said.
fn refused(path: &Path) -> String {
    let (say, said) = channel();
    let path = path.to_owned();
    std::thread::spawn(move || {
        let mut history = configured();
        let (mut file, opened) = HistoryFile::open_within(SOON, Some(path), &mut history);
        file.add("get a", &mut history, |error| panic!("{error}"));
        file.settle(SOON);
        assert_eq!(history.len(), 1);
        say.send(opened.unwrap_err().to_string()).unwrap();
    });
    // Had it opened a pipe, it would wait for ever.
    said.recv_timeout(SOON * 2).expect("it ends")
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_not_touched() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    assert!(std::process::Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
    std::os::unix::fs::symlink("/dev/zero", at("zero")).unwrap();
    std::os::unix::fs::symlink(at("pipe"), at("link")).unwrap();
    std::fs::create_dir(at("directory")).unwrap();
    for name in ["pipe", "zero", "link", "directory"] {
        let said = refused(&at(name));
        assert_eq!(said, format!("the history is not kept: {} is no file", at(name).display()));
    }
}

#[cfg(unix)]
#[test]
fn a_link_to_a_file_is_as_good_as_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let link = dir.path().join("link");
    std::fs::write(dir.path().join("file"), "#V2\nget a\n").unwrap();
    std::os::unix::fs::symlink("file", &link).unwrap();
    add(&mut open(&link), "get b");
    assert_eq!(lines(&link), ["get a", "get b"]);
    assert!(link.is_symlink());
}

#[cfg(unix)]
#[test]
fn a_pipe_that_takes_its_place_is_not_written_to() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("history");
    let mut kept = open(&path);
    add(&mut kept, "get a");
    std::fs::remove_file(&path).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    let (say, said) = channel();
    kept.0.add("get b", &mut kept.1, move |error| say.send(error.to_string()).unwrap());
    assert!(said.recv_timeout(SOON).unwrap().ends_with("is no file"));
    // It is said once.
    kept.0.add("get c", &mut kept.1, |error| panic!("{error}"));
    assert!(kept.0.settle(SOON));
}

#[test]
fn what_is_too_large_is_left_alone_and_a_long_line_is_left_out() {
    let dir = tempfile::tempdir().unwrap();
    let (large, long) = (dir.path().join("large"), dir.path().join("long"));
    // All of it a hole.
    File::create(&large).unwrap().set_len(40_000_000).unwrap();
    let said = refused(&large);
    assert!(said.starts_with("the history is too large (40 MB) and is left alone: "), "{said}");
    assert_eq!(std::fs::metadata(&large).unwrap().len(), 40_000_000);
    std::fs::write(&long, format!("#V2\nget a\n{}\nget b\n", "x".repeat(MAX_LINE_LEN + 1))).unwrap();
    assert_eq!(lines(&long), ["get a", "get b"]);
}

#[test]
fn a_lock_of_another_program_holds_nobody_up_and_no_line_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("history");
    let mut kept = open(&path);
    add(&mut kept, "get a");
    let other = File::open(&path).unwrap();
    other.lock().unwrap();
    let (file, history) = &mut kept;
    file.add("get b", history, |error| panic!("{error}"));
    assert!(!file.settle(Duration::from_millis(1)), "it is locked");
    assert!(!file.settle(SOON * 1000), "the first wait was in vain, so this is none");
    // Nor does one who starts now wait for long.
    let mut late = configured();
    let (_late, opened) = HistoryFile::open_within(Duration::from_millis(1), Some(path.clone()), &mut late);
    let said = opened.unwrap_err().to_string();
    assert!(said.starts_with("the history is not read: another program has "), "{said}");
    other.unlock().unwrap();
    // What is owed is written now, whenever that is.
    while !file.settle(SOON) {
        std::thread::yield_now();
    }
    assert_eq!(lines(&path), ["get a", "get b"]);
}

#[test]
fn lines_that_wait_are_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("history");
    let (mut file, mut history) = open(&path);
    file.add("first", &mut history, |error| panic!("{error}"));
    assert!(file.settle(SOON));
    let other = File::open(&path).unwrap();
    other.lock().unwrap();
    let (say, said) = channel();
    for n in 0..MAX_WAITING + 5 {
        let say = say.clone();
        file.add(&format!("get {n}"), &mut history, move |error| say.send(error.to_string()).unwrap());
    }
    drop(say);
    let said = said.recv_timeout(SOON).unwrap();
    assert!(said.starts_with("the history is not kept: too many lines wait"), "{said}");
}
