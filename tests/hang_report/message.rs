//! The files that a report is written over.

use std::ffi::CString;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use deadstop::{Ending, HangReport, TaskState};
use serde_json::Value;

use crate::files::Files;
use crate::harness::{End, skip};
use crate::read::{ended, last};
use crate::{REPORTED, read};

#[test]
fn nothing_of_what_was_there_before_is_left() {
    let files = Files::new();
    fs::write(files.at("message"), "x".repeat(4096)).expect("a file");
    fs::write(files.at("json"), "x".repeat(1 << 20)).expect("a file");
    let death = ended(files.victim("out_in_peace", REPORTED), REPORTED);
    let (message, json) = (files.text("message"), files.text("json"));
    assert!(message.starts_with("deadstop: deadline in "), "{message}");
    assert!(
        message.ends_with('\n') && !message.contains("xx"),
        "{message}"
    );
    assert!(!json.contains("xx"), "{json}");
    let (message, report) = (files.message(), last(&death));
    assert_eq!(message.tasks[0].name, report.tasks[0].name, "{death:?}");
    files.json();
}

#[test]
fn a_message_is_short_and_its_culprit_comes_first() {
    let files = Files::new();
    let death = ended(files.victim("out_hundred_tasks", REPORTED), REPORTED);
    let message = files.text("message");
    assert!(message.len() <= 4096, "{}", message.len());
    assert!(message.len() > 3000, "there is more to say: {message}");
    assert!(message[..200].contains("\"hold the gate\""), "{message}");
    let report = files.message();
    assert_eq!((report.hung, report.culprits.len()), (101, 3), "{death:?}");
    assert_eq!(report.ending, Ending::CutShort, "{death:?}");
    let whole = last(&death);
    let listed = whole.tasks.len() as u64;
    assert_eq!(listed + whole.unlisted.running, 101, "{death:?}");
    assert_eq!((whole.hung, listed), (101, 64), "{death:?}");
}

#[test]
fn the_object_says_what_the_text_says() {
    let files = Files::new();
    let death = ended(files.victim("out_in_peace", REPORTED), REPORTED);
    let (text, object) = (last(&death), files.json());
    assert_eq!(object["version"], 1);
    assert_eq!(object["kind"], "deadline");
    assert_eq!(object["complete"], true);
    assert_eq!(object["cause"], "request: \"a test\"");
    assert_eq!(object["grace"], REPORTED.as_secs_f64());
    let left = object["deadline_in"].as_f64().expect("a number");
    let at = left + object["now"].as_f64().expect("a number");
    assert!((at - REPORTED.as_secs_f64()).abs() < 0.002, "{object}");

    let names = |key: &str| -> Vec<_> {
        let of = |value: &Value| value["name"].as_str().expect("a name").to_owned();
        object[key]
            .as_array()
            .expect("a list")
            .iter()
            .map(of)
            .collect()
    };
    let tasks: Vec<_> = text.tasks.iter().map(|task| task.name.clone()).collect();
    assert_eq!(names("tasks"), tasks, "{death:?}");
    let phases: Vec<_> = text.phases.iter().map(|phase| phase.name.clone()).collect();
    assert_eq!(names("phases"), phases, "{death:?}");
    threads_are_the_same(&text, &object);
}

fn threads_are_the_same(text: &HangReport, object: &Value) {
    let task = &object["tasks"][0];
    let TaskState::Running { thread, .. } = &text.tasks[0].state else {
        panic!("{text}");
    };
    let thread = thread.as_ref().expect("it is known");
    assert_eq!(task["thread"], thread.id, "{object}");
    let threads = object["threads"].as_array().expect("a list");
    assert_eq!(threads.len(), text.threads.len() + 1, "{object}");
    for told in threads {
        let id = told["id"].as_u64().expect("a number") as u32;
        let thread = text.thread(id).unwrap_or_else(|| panic!("{id}: {text}"));
        let details = read::details(thread);
        assert_eq!(told["name"], details.name.as_str(), "{object}");
        assert_eq!(told["doing"], details.doing.as_str(), "{object}");
        assert_eq!(told["state"], details.state.to_string(), "{object}");
        let frames = told["stack"].as_array().into_iter().flatten();
        let functions = frames
            .filter_map(|frame| frame["function"].as_str())
            .filter(|function| !function.is_empty());
        // The end may come between the two.
        let is_cut_off = thread.functions().next().is_none();
        assert!(is_cut_off || functions.eq(thread.functions()), "{object}");
    }
}

/// A file that is none to be written over is refused, with what is wrong.
#[test]
fn what_is_no_message_is_refused() {
    let files = Files::new();
    let long = files.at("log");
    fs::write(&long, "a line\n".repeat(1500)).expect("a file");
    let fifo = files.at("fifo");
    make_fifo(&fifo);
    let folder = files.at("folder");
    fs::create_dir(&folder).expect("a folder");
    for (path, why) in [
        (long.clone(), "it has 10500 bytes, which a report has not"),
        (fifo, "it is not a regular file"),
        (folder, "it is not a regular file"),
        ("/dev/full".into(), "it is not a regular file"),
        (files.at("nowhere/message"), "No such file or directory"),
    ] {
        let mut command = files.command("out_sink_refused", REPORTED);
        command.env("MESSAGE", &path);
        is_refused(command, &path.display().to_string(), why);
    }
    assert_eq!(fs::read_to_string(long).unwrap(), "a line\n".repeat(1500));
}

#[test]
fn a_file_system_that_is_read_only_is_refused() {
    let files = Files::new();
    let mut command = files.command("out_sink_refused", REPORTED);
    command.env("READ_ONLY", "1");
    let path = files.at("message").display().to_string();
    is_refused(command, &path, "Read-only file system");
}

fn is_refused(command: std::process::Command, path: &str, why: &str) {
    let victim = crate::harness::Victim::start(command, "out_sink_refused", REPORTED);
    if victim.is_refused() {
        return;
    }
    let death = victim.wait();
    assert_eq!(death.end, End::Status(97), "{death:?}");
    let refusal = format!("refusal hang reports cannot be written to {path}: {why}");
    assert!(death.stdout.contains(&refusal), "{refusal}: {death:?}");
}

fn make_fifo(path: &std::path::Path) {
    let path = CString::new(path.as_os_str().as_bytes()).expect("no zero in it");
    // SAFETY: the pointer is to a string that ends with a zero.
    let made = unsafe { libc::mkfifo(path.as_ptr(), 0o600) };
    if made != 0 {
        skip("no fifo can be made here");
    }
}
