//! The metrics and the status report, read by parsers.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::probe::{self, get, wait_for};
use super::{park, serve};
use crate::{shutdown, victim};

const OPEN_METRICS: &str = "GET /metrics HTTP/1.1\r\n\
                            Accept: application/openmetrics-text; version=1.0.0\r\n\r\n";

/// A scenario with one object of each kind, with names that need escaping.
fn one_of_each() {
    let shutdown = shutdown();
    let health = serve(&shutdown, |health| health.check("data\"base", || true));
    health.set_ready();
    let gate = shutdown.gate("http \\ requests").open().expect("it opens");
    let _guard = gate.enter().expect("the gate is open");
    let pool = shutdown
        .pool("mailer")
        .threads(2)
        .start()
        .expect("it can be started");
    let job = pool.submit(|| 1).expect("the shutdown has not begun");
    job.join().expect("it is running");
    let beat = shutdown
        .heartbeat("consumer\nloop")
        .every(Duration::from_secs(60));
    let _beat = beat.start().expect("it can be started");
    // The same names again, and names with characters that need escaping in lines of text.
    let _same_gate = shutdown.gate("http \\ requests").open().expect("it opens");
    let same_pool = shutdown.pool("mailer").threads(2).start();
    let _same_pool = same_pool.expect("it can be started");
    let beat = |name: &str| {
        let beat = shutdown.heartbeat(name).every(Duration::from_secs(60));
        beat.start().expect("it can be started")
    };
    let _beats = ["consumer\nloop", "a\rb\tc", "\u{e9} {x=\"1\"} # 2"].map(beat);
    println!("ready");
    park();
}

/// The parser is `tests/health/parser`, which is strict about the rules of both formats.
#[test]
fn metrics_have_one_family_each_and_unique_samples() {
    let test = "server::metrics::metrics_have_one_family_each_and_unique_samples";
    let mut victim = victim::start(test, one_of_each);
    let address = probe::address(&mut victim);
    victim.hear("ready");
    // The check runs on a thread, and may return later than the first answer.
    let prometheus = wait_for(address, "/metrics", |answer| {
        answer
            .body
            .contains("deadstop_check_up{check=\"data\\\"base\"} 1\n")
    });
    assert!(
        prometheus.head.contains("text/plain; version=0.0.4"),
        "{prometheus:#?}"
    );
    prometheus
        .assert_says("deadstop_in_flight{gate=\"http \\\\ requests\"} 1\n")
        .assert_says("deadstop_pool_threads{pool=\"mailer\"} 1\n")
        .assert_says("deadstop_pool_jobs_total{pool=\"mailer\",outcome=\"done\"} 1\n")
        .assert_says("deadstop_heartbeat_limit_seconds{beat=\"consumer\\nloop\"} 60.000\n")
        .assert_says("deadstop_heartbeats{beat=\"consumer\\nloop\"} 2\n");
    let open_metrics = probe::try_ask(address, OPEN_METRICS).expect("the server answers");
    assert!(
        open_metrics
            .head
            .contains("application/openmetrics-text; version=1.0.0")
    );
    assert!(open_metrics.body.ends_with("\n# EOF\n"));
    for answer in [prometheus, open_metrics] {
        // Only a line feed ends a line; a name may have a carriage return.
        let lines = || answer.body.split_terminator('\n');
        let mut families: Vec<_> = lines().filter(|line| line.starts_with("# TYPE")).collect();
        let mut samples: Vec<_> = lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| line.rsplit_once(' ').expect("a value").0)
            .collect();
        for names in [&mut families, &mut samples] {
            let count = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), count, "{answer:#?}");
        }
    }
}

/// The parsers are those of Prometheus' Python client.
#[test]
fn metrics_are_parsed_by_the_python_client_of_prometheus() {
    if !has_python_client() {
        // `.ci/metrics` sets the variable.
        let reason = "skipped: python3 has no prometheus_client";
        assert!(std::env::var_os("PYTHON").is_none(), "{reason}");
        println!("{reason}");
        return;
    }
    let test = "server::metrics::metrics_are_parsed_by_the_python_client_of_prometheus";
    let mut victim = victim::start(test, one_of_each);
    let address = probe::address(&mut victim);
    victim.hear("ready");
    let prometheus = get(address, "/metrics");
    let open_metrics = probe::try_ask(address, OPEN_METRICS).expect("the server answers");
    for (module, text) in [
        ("prometheus_client.parser", prometheus.body),
        ("prometheus_client.openmetrics.parser", open_metrics.body),
    ] {
        let names = python_families(module, &text);
        for name in ["deadstop_state", "deadstop_in_flight", "deadstop_pool_jobs"] {
            assert!(names.contains(name), "{module} finds no {name}: {names}");
        }
    }
    // The control: the parser refuses an invalid text.
    let refused = python("prometheus_client.openmetrics.parser", "deadstop_state 1");
    assert!(!refused.0, "{}", refused.1);
}

fn interpreter() -> String {
    std::env::var("PYTHON").unwrap_or_else(|_| "python3".into())
}

fn has_python_client() -> bool {
    let found = Command::new(interpreter())
        .args(["-c", "import prometheus_client"])
        .stderr(Stdio::null())
        .status();
    found.is_ok_and(|status| status.success())
}

#[track_caller]
fn python_families(module: &str, text: &str) -> String {
    let (accepted, output) = python(module, text);
    assert!(accepted, "{module}: {output}\n{text}");
    output
}

fn python(module: &str, text: &str) -> (bool, String) {
    let script = format!(
        "import sys\n\
         from {module} import text_string_to_metric_families as parse\n\
         print([family.name for family in parse(sys.stdin.read())])"
    );
    let mut child = Command::new(interpreter())
        .args(["-c", &script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("python3 starts");
    let mut input = child.stdin.take().expect("standard input is piped");
    input
        .write_all(text.as_bytes())
        .expect("the other side reads");
    drop(input);
    let output = child.wait_with_output().expect("the process ends");
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&said).into(),
    )
}
