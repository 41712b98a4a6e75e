//! A report as one HTML page: the drawing, the culprits, and stacks that unfold.
//!
//! The page needs no network and no script. It follows the reader's choice of
//! light or dark.

use std::fmt::Write;

use deadstop::report::{
    FrameSource, HangReport, HoldKind, HungTask, HungThread, ReportKind, StackFrame,
    StalledHeartbeat,
};

use crate::draw;
use crate::report::Report;
use crate::text::{self, visible};
use crate::timeline::{Timeline, count};

const STYLE: &str = include_str!("page.css");

/// Writes the page.
pub(crate) fn page(report: &Report) -> String {
    let timeline = Timeline::of(report);
    let title = escape(&timeline.title);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <main>\n<h1>{title}</h1>\n<p class=\"quiet\">{}</p>\n",
        escape(&timeline.subtitle)
    );
    if let Report::Hang(report) = report {
        culprits(&mut page, report);
    }
    page += "<figure>\n";
    page += &draw::draw(&timeline);
    page += "</figure>\n";
    if let Report::Hang(report) = report {
        threads(&mut page, report);
    }
    page += "</main>\n</body>\n</html>\n";
    page
}

fn culprits(page: &mut String, report: &HangReport) {
    let hung: Vec<_> = report.hung_tasks().collect();
    if hung.is_empty() && report.stalls.is_empty() {
        return;
    }
    *page += "<section class=\"culprits\">\n";
    for task in hung {
        culprit(page, report, task);
    }
    for stall in &report.stalls {
        heartbeat(page, report, stall);
    }
    *page += "</section>\n";
}

fn culprit(page: &mut String, report: &HangReport, task: &HungTask) {
    let _ = write!(
        page,
        "<article class=\"culprit\">\n<h2>{}</h2>\n<dl>\n",
        escape(&task.name)
    );
    let mut entry = |term: &str, value: String| {
        let _ = writeln!(page, "<dt>{term}</dt><dd>{value}</dd>");
    };
    let ran = task.took.map_or_else(String::new, |took| {
        let took = text::seconds(took.as_secs_f64());
        match task.budget {
            Some(budget) => format!(", {took} of {}", text::seconds(budget.as_secs_f64())),
            None => format!(", {took}"),
        }
    });
    entry("phase", format!("{}{ran}", escape(&task.phase)));
    if !task.says.is_empty() {
        entry("it says", escape(&task.says));
    }
    if let Some(thread) = report.thread_of(task) {
        of_thread(report, thread, &mut entry);
    }
    entry(
        "registered at",
        format!("{}:{}", escape(&task.file), task.line),
    );
    *page += "</dl>\n</article>\n";
}

/// A heartbeat that is missing.
fn heartbeat(page: &mut String, report: &HangReport, stall: &StalledHeartbeat) {
    let _ = write!(
        page,
        "<article class=\"culprit\">\n<h2>{}</h2>\n<dl>\n",
        escape(&stall.name)
    );
    let mut entry = |term: &str, value: String| {
        let _ = writeln!(page, "<dt>{term}</dt><dd>{value}</dd>");
    };
    let age = text::seconds(stall.age.as_secs_f64());
    entry(
        "heartbeat",
        match stall.limit {
            Some(limit) => format!(
                "no tick for {age} of {}",
                text::seconds(limit.as_secs_f64())
            ),
            None => format!("no tick for {age}"),
        },
    );
    if let Some(thread) = stall.thread.and_then(|id| report.thread(id)) {
        of_thread(report, thread, &mut entry);
    }
    *page += "</dl>\n</article>\n";
}

/// Adds a culprit's thread: its activity, and the other ends of its wait.
fn of_thread(report: &HangReport, thread: &HungThread, entry: &mut impl FnMut(&str, String)) {
    if let Some(frame) = innermost(thread) {
        entry("it is in", format!("<code>{}</code>", frame_text(frame)));
    }
    entry("it does", escape(&thread.doing));
    if let Some(still) = thread.still_for {
        let still = text::seconds(still.as_secs_f64());
        entry("has not moved for", still);
    }
    if let Some(holder) = &thread.waits_for {
        let name = escape(&holder.name);
        let link = match (holder.kind, report.thread(holder.id)) {
            (HoldKind::OwnDescriptor, _) => {
                format!(
                    "this process: the other end is its descriptor {}",
                    holder.id
                )
            }
            (HoldKind::Process, _) | (_, None) => format!("process {} {name}", holder.id),
            (_, Some(_)) => format!("<a href=\"#t{0}\">thread {0} {name}</a>", holder.id),
        };
        entry("waits for", link);
    }
    if !thread.waits_with.is_empty() {
        let link = |id: &u32| format!("<a href=\"#t{id}\">thread {id}</a>");
        let links: Vec<_> = thread.waits_with.iter().map(link).collect();
        entry("waits for the same as", links.join(", "));
    }
}

fn threads(page: &mut String, report: &HangReport) {
    *page += "<section>\n<h2>Threads</h2>\n";
    for thread in &report.threads {
        let is_culprit = report
            .hung_tasks()
            .any(|task| task.thread == Some(thread.id));
        let open = if is_culprit { " open" } else { "" };
        let _ = writeln!(
            page,
            "<details id=\"t{}\"{open}>\n<summary><b>{}</b> <span class=\"quiet\">{} · {} · {}</span></summary>",
            thread.id,
            escape(&thread.name),
            thread.id,
            escape(&thread.state.to_string()),
            escape(&thread.doing),
        );
        stack(page, thread);
        *page += "</details>\n";
    }
    if report.unlisted.threads > 0 {
        let more = count(report.unlisted.threads, "more thread", "more threads");
        let _ = writeln!(page, "<p class=\"quiet\">and {more}</p>");
    }
    if report.kind == ReportKind::Status {
        *page += "<p class=\"quiet\">status report: the process went on</p>\n";
    }
    *page += "</section>\n";
}

fn stack(page: &mut String, thread: &HungThread) {
    if let Some(why) = &thread.no_stack {
        let _ = writeln!(page, "<p class=\"quiet\">no stack: {}</p>", escape(why));
        return;
    }
    *page += "<ol class=\"stack\">\n";
    for frame in &thread.stack {
        let class = if is_application(frame) {
            "own"
        } else {
            "quiet"
        };
        let _ = writeln!(
            page,
            "<li class=\"{class}\"><code>{}</code></li>",
            frame_text(frame)
        );
    }
    *page += "</ol>\n";
    if thread.frames_left_out > 0 {
        let more = thread.frames_left_out;
        let _ = writeln!(page, "<p class=\"quiet\">and {more} more frames</p>");
    }
}

fn frame_text(frame: &StackFrame) -> String {
    let place = match (&frame.site, &frame.module) {
        (Some(site), _) => site.clone(),
        (None, Some(module)) => format!("{module}+{:#x}", frame.offset),
        (None, None) => format!("{:#x}", frame.offset),
    };
    match &frame.function {
        Some(function) => format!("{} ({})", escape(function), escape(&place)),
        None => escape(&place),
    }
}

fn innermost(thread: &HungThread) -> Option<&StackFrame> {
    thread.stack.iter().find(|frame| is_application(frame))
}

/// Returns `true` if the frame is application code, by the rule of the report's text.
pub(crate) fn is_application(frame: &StackFrame) -> bool {
    if let Some(source) = frame.source {
        return source == FrameSource::Application;
    }
    let Some(function) = &frame.function else {
        return false;
    };
    let path = function.trim_start_matches(['<', '&', '*', '_']);
    const OTHERS: [&str; 12] = [
        "std::",
        "core::",
        "alloc::",
        "deadstop::",
        "tokio::",
        "rayon",
        "crossbeam",
        "futures",
        "parking_lot",
        "lock_api",
        "hyper",
        "rust_",
    ];
    path.contains("::") && !OTHERS.iter().any(|other| path.starts_with(other))
}

/// Text that may stand in an element and in an attribute.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in visible(text).chars() {
        match letter {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\'' => escaped += "&#39;",
            letter => escaped.push(letter),
        }
    }
    escaped
}
