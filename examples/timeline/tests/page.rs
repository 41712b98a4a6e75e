//! The HTML page.

use std::path::Path;
use std::process::{Command, Stdio};
use std::{env, fs};

use serde_json::json;

use super::any;
use crate::page;
use crate::report::Report;

const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/timeline.json");

fn demo() -> Report {
    Report::read(&fs::read_to_string(DEMO).expect("the report of the demo")).expect("a report")
}

#[test]
fn page_shows_culprits_with_their_innermost_frame_and_stacks() {
    let page = page::page(&demo());
    for part in [
        "<article class=\"culprit\">\n<h2>send the last traces</h2>",
        "<code>timeline::demo::service::{{closure}} (examples/timeline/demo.rs:",
        "<svg ",
        "<details id=\"t",
        "prefers-color-scheme: dark",
    ] {
        assert!(page.contains(part), "{part}");
    }
}

#[test]
fn page_needs_no_network_and_no_script() {
    let page = page::page(&demo());
    let page = page.replace("http://www.w3.org/2000/svg", "");
    for part in ["http:", "https:", "<script", "<link", "@import", "url("] {
        let is_fill = part == "url(";
        let found = page
            .match_indices(part)
            .any(|(at, _)| !(is_fill && page[at..].starts_with("url(#")));
        assert!(!found, "{part}");
    }
}

#[test]
fn names_cannot_add_elements() {
    let name = "<script>alert('x')</script>\" onload=\"";
    let report = any::hang(json!({"tasks": [any::hung_task(name, 9.0)], "cause": name}));
    let page = page::page(&Report::read(&report.to_string()).unwrap());
    assert!(!page.contains("<script"), "{page}");
    assert!(
        page.contains("&lt;/script&gt;&quot; onload=&quot;"),
        "{page}"
    );
}

/// A headless Chromium, where one is installed, opens the page, and finds each thread and no
/// error.
#[test]
fn page_opens_in_a_browser() {
    let browsers = ["chromium", "chromium-browser", "google-chrome"];
    let on_path = |name: &str| {
        let path = env::var_os("PATH").unwrap_or_default();
        env::split_paths(&path).any(|folder| folder.join(name).is_file())
    };
    let Some(browser) = browsers.into_iter().find(|name| on_path(name)) else {
        eprintln!("skipped: no Chromium is installed");
        return;
    };
    let folder = env::temp_dir().join(format!("timeline-page-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("report.html");
    fs::write(&file, page::page(&demo())).expect("a file");
    let dom = dump_dom(browser, &folder, &file);
    fs::remove_dir_all(&folder).expect("it is there");
    let Report::Hang(report) = demo() else {
        panic!("a hang report");
    };
    assert_eq!(
        dom.matches("<details").count(),
        report.threads.len(),
        "{dom}"
    );
    assert!(dom.contains("<svg"), "{dom}");
    assert_eq!(dom.matches("class=\"culprit\"").count(), 2, "{dom}");
}

fn dump_dom(browser: &str, folder: &Path, file: &Path) -> String {
    let output = Command::new("timeout")
        .args([
            "60",
            browser,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--dump-dom",
        ])
        .arg(format!(
            "--user-data-dir={}",
            folder.join("profile").display()
        ))
        .arg(format!("file://{}", file.display()))
        .stdin(Stdio::null())
        .output()
        .expect("the browser starts");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}
