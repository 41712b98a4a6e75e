//! The metrics, as Prometheus' text format 0.0.4 and as `OpenMetrics` 1.0.
//!
//! The two differ in the names of counters in `# TYPE` lines, and in the last line.

use std::time::Duration;

use super::super::check::Verdict;
use super::facts::{Facts, NO_END};
use super::output::Output;

/// The format of the metrics.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Format {
    Prometheus,
    OpenMetrics,
}

impl Format {
    pub(super) fn of(wants_open_metrics: bool) -> Self {
        match wants_open_metrics {
            true => Self::OpenMetrics,
            false => Self::Prometheus,
        }
    }

    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// The last line of `OpenMetrics`.
const EOF: &str = "# EOF\n";

/// Renders all metrics. If they do not fit, the last families are left out.
pub(super) fn render(facts: &Facts, format: Format, out: &mut Output) {
    let mut page = Page {
        out,
        format,
        complete: 0,
    };
    state(facts, &mut page);
    shutdown(facts, &mut page);
    gates(facts, &mut page);
    pools(facts, &mut page);
    heartbeats(facts, &mut page);
    checks(facts, &mut page);
    server(facts, &mut page);
    page.end();
}

fn state(facts: &Facts, page: &mut Page<'_>) {
    let current = match (&facts.stop, facts.is_ready, facts.was_ready) {
        (Some(_), ..) => "stopping",
        (None, true, _) => "ready",
        (None, false, true) => "not_ready",
        (None, false, false) => "starting",
    };
    page.gauge("state", "State of the program; one of them is 1.");
    for state in ["starting", "ready", "not_ready", "stopping"] {
        page.sample("state", &[("state", state)]);
        page.count((state == current).into());
    }
}

fn shutdown(facts: &Facts, page: &mut Page<'_>) {
    let left = facts.stop.as_ref().and_then(|stop| stop.deadline);
    let left = left.map(|deadline| deadline.since(facts.now));
    if let Some(left) = left.filter(|left| *left < NO_END) {
        page.gauge(
            "deadline_seconds",
            "Time until the deadline ends the process.",
        );
        page.sample("deadline_seconds", &[]);
        page.seconds(left);
    }
    if !facts.phases.is_empty() {
        page.gauge(
            "phase_seconds",
            "Time that a phase of the shutdown has taken so far.",
        );
        for phase in &facts.phases {
            page.sample("phase_seconds", &[("phase", phase.name.as_str())]);
            page.seconds(phase.length);
        }
        page.gauge("phase_active", "Whether a phase of the shutdown runs.");
        for phase in &facts.phases {
            page.sample("phase_active", &[("phase", phase.name.as_str())]);
            page.count((!phase.is_over).into());
        }
    }
    page.gauge(
        "tasks",
        "Tasks of the shutdown that has begun, by state; zero before.",
    );
    let tasks = &facts.tasks;
    for (state, count) in [
        ("pending", tasks.pending),
        ("running", tasks.running),
        ("abandoned", tasks.abandoned),
    ] {
        page.sample("tasks", &[("state", state)]);
        page.count(count.into());
    }
}

fn gates(facts: &Facts, page: &mut Page<'_>) {
    if facts.gates.is_empty() {
        return;
    }
    page.gauge("in_flight", "Requests that a gate has let in.");
    for gate in &facts.gates {
        page.sample("in_flight", &[("gate", gate.name)]);
        page.count(gate.in_flight);
    }
    page.gauge("streams_in_flight", "Streams that a gate has let in.");
    for gate in &facts.gates {
        page.sample("streams_in_flight", &[("gate", gate.name)]);
        page.count(gate.streams);
    }
    page.gauge("gate_closed", "Whether a gate refuses work.");
    for gate in &facts.gates {
        page.sample("gate_closed", &[("gate", gate.name)]);
        page.count(gate.is_closed.into());
    }
    page.counter("refused", "Requests and streams that a gate has refused.");
    for gate in &facts.gates {
        page.sample("refused_total", &[("gate", gate.name)]);
        page.count(gate.refused);
    }
}

fn pools(facts: &Facts, page: &mut Page<'_>) {
    if facts.pools.is_empty() {
        return;
    }
    page.gauge("pool_threads", "Threads of a pool.");
    for pool in &facts.pools {
        page.sample("pool_threads", &[("pool", pool.name)]);
        page.count(pool.threads);
    }
    page.gauge("pool_running", "Jobs of a pool that run.");
    for pool in &facts.pools {
        page.sample("pool_running", &[("pool", pool.name)]);
        page.count(pool.running);
    }
    page.gauge("pool_queued", "Jobs of a pool that wait for a thread.");
    for pool in &facts.pools {
        page.sample("pool_queued", &[("pool", pool.name)]);
        page.count(pool.queued);
    }
    page.counter(
        "pool_jobs",
        "Jobs of a pool that are over, by what became of them.",
    );
    for pool in &facts.pools {
        for (outcome, count) in pool.outcomes {
            page.sample(
                "pool_jobs_total",
                &[("pool", pool.name), ("outcome", outcome)],
            );
            page.count(count);
        }
    }
}

fn heartbeats(facts: &Facts, page: &mut Page<'_>) {
    let beats = &facts.beats;
    if beats.is_empty() {
        return;
    }
    page.gauge("heartbeat_age_seconds", "Time since a tick was last seen.");
    for beat in beats {
        page.sample("heartbeat_age_seconds", &[("beat", beat.name)]);
        page.seconds(beat.age);
    }
    if beats.iter().any(|beat| beat.limit.is_some()) {
        page.gauge(
            "heartbeat_limit_seconds",
            "Longest allowed time between two ticks.",
        );
        for beat in beats {
            if let Some(limit) = beat.limit {
                page.sample("heartbeat_limit_seconds", &[("beat", beat.name)]);
                page.seconds(limit);
            }
        }
    }
    page.gauge("heartbeats", "Heartbeats of one name.");
    for beat in beats {
        page.sample("heartbeats", &[("beat", beat.name)]);
        page.count(beat.watched.into());
    }
    page.gauge(
        "heartbeat_stalled",
        "Heartbeats of one name that are stalled.",
    );
    for beat in beats {
        page.sample("heartbeat_stalled", &[("beat", beat.name)]);
        page.count(beat.stalled.into());
    }
    page.counter("heartbeat_late", "Stalls of the heartbeats of one name.");
    for beat in beats {
        page.sample("heartbeat_late_total", &[("beat", beat.name)]);
        page.count(beat.stalls.into());
    }
}

fn checks(facts: &Facts, page: &mut Page<'_>) {
    if facts.checks.is_empty() {
        return;
    }
    page.gauge("check_up", "Whether a check of readiness passes.");
    for check in &facts.checks {
        page.sample("check_up", &[("check", check.name)]);
        page.count((check.verdict == Verdict::Passed).into());
    }
}

fn server(facts: &Facts, page: &mut Page<'_>) {
    page.counter("health_connections", "Connections of the health server.");
    for (outcome, count) in [
        ("answered", facts.served.answered),
        ("dropped", facts.served.dropped),
    ] {
        page.sample("health_connections_total", &[("outcome", outcome)]);
        page.count(count);
    }
}

/// The metrics under way.
struct Page<'a> {
    out: &'a mut Output,
    format: Format,
    /// The length up to the end of the last complete family.
    complete: usize,
}

impl Page<'_> {
    fn gauge(&mut self, name: &str, help: &str) {
        self.family(name, "gauge", "", help);
        // A name that ends with its unit says so.
        if self.format == Format::OpenMetrics && name.ends_with("_seconds") {
            self.out
                .add(format_args!("# UNIT deadstop_{name} seconds\n"));
        }
    }

    /// Begins a counter. Its samples are called `{name}_total`.
    fn counter(&mut self, name: &str, help: &str) {
        let suffix = match self.format {
            Format::Prometheus => "_total",
            Format::OpenMetrics => "",
        };
        self.family(name, "counter", suffix, help);
    }

    fn family(&mut self, name: &str, kind: &str, suffix: &str, help: &str) {
        // The last line must fit after it.
        if self.out.free() >= EOF.len() {
            self.complete = self.out.body_len();
        }
        self.out.add(format_args!(
            "# HELP deadstop_{name}{suffix} {help}\n# TYPE deadstop_{name}{suffix} {kind}\n"
        ));
    }

    /// Begins a sample. Its value follows.
    fn sample(&mut self, name: &str, labels: &[(&str, &str)]) {
        self.out.add(format_args!("deadstop_{name}"));
        for (index, (label, value)) in labels.iter().enumerate() {
            self.out.text(if index == 0 { "{" } else { "," });
            self.out.add(format_args!("{label}=\""));
            for c in value.chars() {
                match c {
                    '\\' => self.out.text("\\\\"),
                    '"' => self.out.text("\\\""),
                    '\n' => self.out.text("\\n"),
                    // The Go scanner of Prometheus takes it for the end of the page.
                    '\0' => self.out.text("\u{fffd}"),
                    c => self.out.text(c.encode_utf8(&mut [0; 4])),
                };
            }
            self.out.text("\"");
        }
        self.out.text(if labels.is_empty() { " " } else { "} " });
    }

    fn count(&mut self, value: u64) {
        self.out.add(format_args!("{value}\n"));
    }

    fn seconds(&mut self, length: Duration) {
        self.out.seconds(length).text("\n");
    }

    fn end(self) {
        let last = match self.format {
            Format::Prometheus => "",
            Format::OpenMetrics => EOF,
        };
        self.out.text(last);
        if self.out.is_full() {
            self.out.truncate(self.complete);
            self.out.text(last);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::facts::BeatFacts;
    use super::*;

    fn facts(beats: usize) -> Facts {
        let mut facts = Facts::with_room(beats, 0, 0, 0);
        for _ in 0..beats {
            facts.beats.push(BeatFacts {
                name: "a \"b\"\\\nc",
                age: Duration::from_millis(1_500),
                limit: None,
                is_stalled: true,
                is_alive: false,
                watched: 4,
                stalled: 2,
                stalls: 3,
                tid: 1,
                listed: 0,
            });
        }
        facts
    }

    fn rendered(facts: &Facts, format: Format, capacity: usize) -> String {
        let mut out = Output::with_capacity(capacity);
        render(facts, format, &mut out);
        out.body().into()
    }

    #[test]
    fn formats_differ_in_the_names_of_counters_and_in_the_end() {
        let prometheus = rendered(&facts(1), Format::Prometheus, 64 * 1024);
        let open_metrics = rendered(&facts(1), Format::OpenMetrics, 64 * 1024);
        assert!(prometheus.contains("# TYPE deadstop_heartbeat_late_total counter\n"));
        assert!(open_metrics.contains("# TYPE deadstop_heartbeat_late counter\n"));
        assert!(open_metrics.ends_with("\n# EOF\n") && !prometheus.contains("EOF"));
        for text in [&prometheus, &open_metrics] {
            let sample = "deadstop_heartbeat_late_total{beat=\"a \\\"b\\\"\\\\\\nc\"} 3\n";
            assert!(text.contains(sample), "{text}");
            assert!(text.contains("} 1.500\n"), "{text}");
        }
    }

    /// Prometheus reads no page that has one.
    #[test]
    fn name_with_a_nul_is_a_label_without() {
        let mut facts = facts(1);
        facts.beats[0].name = "a\0b";
        let page = rendered(&facts, Format::Prometheus, 64 * 1024);
        assert!(page.contains("{beat=\"a\u{fffd}b\"} 3\n"), "{page}");
        assert!(!page.contains('\0'), "{page}");
    }

    #[test]
    fn metrics_that_do_not_fit_end_with_a_complete_family() {
        let whole = rendered(&facts(10), Format::OpenMetrics, 64 * 1024);
        for capacity in 100..whole.len() {
            let cut = rendered(&facts(10), Format::OpenMetrics, capacity);
            let families = cut.strip_suffix(EOF).expect("it has its end");
            assert!(whole.starts_with(families), "{capacity} bytes");
            let rest = &whole[families.len()..];
            assert!(
                rest.starts_with("# HELP") || rest == EOF,
                "{capacity} bytes: {rest}"
            );
        }
    }
}
