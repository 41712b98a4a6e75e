//! Colors, by day and by night.

/// The colors of the drawing's parts.
pub(crate) struct Theme {
    page: &'static str,
    /// A phase's background, and the background of the time that it took.
    panel: &'static str,
    window: &'static str,
    grid: &'static str,
    text: &'static str,
    /// Less important text.
    quiet: &'static str,
    /// A budget: its inside, and its outline.
    budget: &'static str,
    outline: &'static str,
    phase: &'static str,
    done: &'static str,
    failed: &'static str,
    late: &'static str,
    running: &'static str,
    culprit: &'static str,
}

pub(crate) const LIGHT: Theme = Theme {
    page: "#ffffff",
    panel: "#f4f6f9",
    window: "#e7ecf3",
    grid: "#d5dbe3",
    text: "#1b2129",
    quiet: "#57616d",
    budget: "#ffffff",
    outline: "#aab4c0",
    phase: "#6b7785",
    done: "#2b68ad",
    failed: "#9a5300",
    late: "#7b4fc9",
    running: "#0e7352",
    culprit: "#cb1f2d",
};

pub(crate) const DARK: Theme = Theme {
    page: "#0d1117",
    panel: "#151b23",
    window: "#1d2631",
    grid: "#2d3643",
    text: "#e8edf3",
    quiet: "#9aa5b2",
    budget: "#0d1117",
    outline: "#566170",
    phase: "#8793a1",
    done: "#4f94dd",
    failed: "#e09b3d",
    late: "#a98bea",
    running: "#3fb68b",
    culprit: "#ff6166",
};

/// The style sheet of a drawing.
pub(crate) fn style() -> String {
    let (light, dark) = (LIGHT.rules(), DARK.rules());
    format!("{SHAPES}{light}@media (prefers-color-scheme: dark) {{\n{dark}}}")
}

/// The rules that both themes share.
const SHAPES: &str = "\
text { font-family: system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif; font-size: 13px; dominant-baseline: central; font-variant-numeric: tabular-nums; }
.title { font-size: 19px; font-weight: 600; }
.small, .note, .number { font-size: 12px; }
.phase-name, .culprit .name, .culprit .state { font-weight: 600; }
.end { text-anchor: end; }
.middle { text-anchor: middle; }
.sign, .mark, .grid { fill: none; }
.sign { stroke-width: 1.8; stroke-linecap: round; stroke-linejoin: round; }
.mark { stroke-width: 1.5; }
.mark.report { stroke-dasharray: 4 3; }
.name-of-deadline { font-weight: 600; }
.budget { stroke-width: 1; }
.stripe { stroke-width: 2.6; }
";

impl Theme {
    /// Colors in which something is written.
    #[cfg(test)]
    pub(crate) fn of_letters(&self) -> [&'static str; 7] {
        [
            self.text,
            self.quiet,
            self.done,
            self.failed,
            self.late,
            self.running,
            self.culprit,
        ]
    }

    /// Colors on which something is written.
    #[cfg(test)]
    pub(crate) fn behind_letters(&self) -> [&'static str; 3] {
        [self.page, self.panel, self.window]
    }

    /// The rules that have colors in them.
    pub(crate) fn rules(&self) -> String {
        let Self {
            page,
            panel,
            window,
            grid,
            text,
            quiet,
            budget,
            outline,
            phase,
            done,
            failed,
            late,
            running,
            culprit,
        } = self;
        let mut rules = format!(
            "\
.page {{ fill: {page}; }}
.panel {{ fill: {panel}; }}
.window {{ fill: {window}; }}
.grid {{ stroke: {grid}; }}
text {{ fill: {text}; }}
.quiet, .number, .name-of-report {{ fill: {quiet}; }}
.budget {{ fill: {budget}; stroke: {outline}; }}
.stripe {{ stroke: {budget}; }}
.phase {{ fill: {phase}; }}
.mark {{ stroke: {quiet}; }}
.mark.deadline {{ stroke: {text}; }}
.bar {{ fill: {quiet}; }}
.sign {{ stroke: {quiet}; }}
.still {{ fill: {text}; }}
"
        );
        let states = [
            ("done", done),
            ("failed", failed),
            ("late", late),
            ("running", running),
            ("culprit", culprit),
        ];
        for (class, color) in states {
            rules += &format!(
                ".{class} .bar {{ fill: {color}; }}\n.{class} .sign {{ stroke: {color}; }}\n.{class} .state {{ fill: {color}; }}\n"
            );
        }
        rules += &format!(".culprit .name {{ fill: {culprit}; }}\n");
        rules
    }
}
