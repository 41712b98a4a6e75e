//! The file of the termination message: its length, its old content, and refused paths.

use std::ffi::CString;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use crate::REPORTED;
use crate::files::Files;
use crate::harness::{End, skip};
use crate::read::{ended, text};

/// Both files have a longer old content.
#[test]
fn report_replaces_the_whole_earlier_content_of_its_files() {
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
    let name = &files.report().tasks[0].name;
    let head = format!("1 task has not returned: {name:?}");
    for text in [&message, text(&death)] {
        assert!(text.lines().next().unwrap().contains(&head), "{text}");
    }
}

#[test]
fn long_message_is_cut_at_4096_bytes_and_names_the_hung_task_first() {
    let files = Files::new();
    let death = ended(files.victim("out_hundred_tasks", REPORTED), REPORTED);
    let message = files.text("message");
    assert!(message.len() <= 4096, "{}", message.len());
    assert!(message.len() > 3000, "the message is too short: {message}");
    assert!(message[..200].contains("\"hold the gate\""), "{message}");
    assert!(
        message.contains("101 tasks have not returned: "),
        "{message}"
    );
    assert!(
        message.ends_with("deadstop: the report is cut off here\n"),
        "{message}"
    );
    assert!(
        text(&death).contains("101 tasks have not returned: "),
        "{death:?}"
    );
    let report = files.report();
    assert_eq!(
        (report.hung(), report.unlisted.running),
        (101, 37),
        "{death:?}"
    );
}

/// The error must say why the file is refused, and the file must keep its content.
#[test]
fn message_path_that_is_not_a_short_regular_file_is_refused() {
    let files = Files::new();
    let long = files.at("log");
    fs::write(&long, "a line\n".repeat(1500)).expect("a file");
    let fifo = files.at("fifo");
    make_fifo(&fifo);
    let folder = files.at("folder");
    fs::create_dir(&folder).expect("a folder");
    for (path, why) in [
        (
            long.clone(),
            "file is 10500 bytes, larger than a termination message (4096)",
        ),
        (fifo, "it is not a regular file"),
        (folder, "it is not a regular file"),
        ("/dev/full".into(), "it is not a regular file"),
        (files.at("nowhere/message"), "No such file or directory"),
    ] {
        let mut command = files.command("out_sink_refused", REPORTED);
        command.env("MESSAGE", &path);
        assert_refused(command, &path.display().to_string(), why);
    }
    assert_eq!(fs::read_to_string(long).unwrap(), "a line\n".repeat(1500));
}

#[test]
fn message_path_on_a_read_only_file_system_is_refused() {
    let files = Files::new();
    let mut command = files.command("out_sink_refused", REPORTED);
    command.env("READ_ONLY", "1");
    let path = files.at("message").display().to_string();
    assert_refused(command, &path, "Read-only file system");
}

fn assert_refused(command: std::process::Command, path: &str, why: &str) {
    let victim = crate::harness::Victim::start(command, "out_sink_refused", REPORTED);
    if victim.is_refused() {
        return;
    }
    let death = victim.wait();
    assert_eq!(death.end, End::Status(97), "{death:?}");
    let refusal = format!("refusal could not use {path} for hang reports: {why}");
    assert!(death.stdout.contains(&refusal), "{refusal}: {death:?}");
}

fn make_fifo(path: &std::path::Path) {
    let path = CString::new(path.as_os_str().as_bytes()).expect("the text has no zero byte");
    // SAFETY: the pointer is to a string that ends with a zero.
    let made = unsafe { libc::mkfifo(path.as_ptr(), 0o600) };
    if made != 0 {
        skip("this file system allows no fifo");
    }
}
