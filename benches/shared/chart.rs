//! Charts of a cost against a size, on logarithmic scales.
//!
//! The page around a chart may be light or dark, so it has no background, and its text
//! follows the reader's choice.

use plotters::prelude::*;

/// One chart.
pub(crate) struct Panel {
    pub(crate) title: String,
    /// The unit of the horizontal axis.
    pub(crate) sizes: &'static str,
    /// Writes a value beside the vertical axis.
    pub(crate) value: fn(&f64) -> String,
    pub(crate) lines: Vec<Line>,
}

/// The values of one subject, by size.
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) points: Vec<(f64, f64)>,
}

const WIDTH: u32 = 520;
const HEIGHT: u32 = 360;

/// Legible on white and on black. A viewer that applies the style below shows better colors.
const TEXT: RGBColor = RGBColor(0x76, 0x7c, 0x84);
const COLORS: [RGBColor; 5] = [
    RGBColor(0xd9, 0x54, 0x1e),
    RGBColor(0x3f, 0x86, 0xd6),
    RGBColor(0x2f, 0x9e, 0x63),
    RGBColor(0xa0, 0x6a, 0xcf),
    RGBColor(0xb5, 0x8a, 0x1b),
];

const STYLE: &str = "<style>\
    @media(prefers-color-scheme:light){text{fill:#3b4148}}\
    @media(prefers-color-scheme:dark){text{fill:#c9d1d9}}\
    </style>";

/// Draws the panels two by two, as SVG. A panel without points is left out.
pub(crate) fn draw(panels: &[Panel]) -> String {
    let has_points = |panel: &&Panel| panel.lines.iter().any(|line| !line.points.is_empty());
    let panels: Vec<_> = panels.iter().filter(has_points).collect();
    let rows = panels.len().div_ceil(2).max(1);
    let size = (2 * WIDTH, rows as u32 * HEIGHT);
    let mut svg = String::new();
    {
        let page = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        for (area, panel) in page.split_evenly((rows, 2)).iter().zip(panels) {
            draw_panel(area, panel);
        }
        page.present().expect("it is written to memory");
    }
    // The first `>` ends the opening tag.
    svg.replacen('>', &format!(">\n{STYLE}"), 1)
}

fn draw_panel(area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>, panel: &Panel) {
    let text = || ("sans-serif", 13).into_font().color(&TEXT);
    let points = || panel.lines.iter().flat_map(|line| &line.points);
    let sizes = range(points().map(|point| point.0));
    let values = decades(range(points().map(|point| point.1)));
    let mut chart = ChartBuilder::on(area)
        .caption(&panel.title, ("sans-serif", 15).into_font().color(&TEXT))
        .margin_right(24)
        .y_label_area_size(72)
        .x_label_area_size(44)
        .build_cartesian_2d(
            (sizes.0..sizes.1).log_scale(),
            (values.0..values.1).log_scale(),
        )
        .expect("neither range is empty");
    chart
        .configure_mesh()
        .x_desc(panel.sizes)
        .x_label_formatter(&|size: &f64| format!("{size}"))
        .y_label_formatter(&panel.value)
        .label_style(text())
        .axis_desc_style(text())
        .axis_style(TEXT)
        .bold_line_style(TEXT.mix(0.25))
        .light_line_style(TEXT.mix(0.0))
        .draw()
        .expect("it is written to memory");
    for (line, color) in panel.lines.iter().zip(COLORS.into_iter().cycle()) {
        let dots = line
            .points
            .iter()
            .map(|point| Circle::new(*point, 3, color.filled()));
        chart.draw_series(dots).expect("it is written to memory");
        let path = PathElement::new(line.points.clone(), color.stroke_width(2));
        chart
            .draw_series([path])
            .expect("it is written to memory")
            .label(&line.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], color.stroke_width(3)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .label_font(text())
        .background_style(TEXT.mix(0.0))
        .border_style(TEXT.mix(0.0))
        .draw()
        .expect("it is written to memory");
}

/// A range for the values that a logarithmic scale can show.
fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (mut least, mut most) = (f64::INFINITY, 0.0_f64);
    for value in values.filter(|value| *value > 0.0) {
        least = least.min(value);
        most = most.max(value);
    }
    match least < most {
        true => (least / 1.2, most * 1.5),
        false => (least.min(1.0) / 2.0, most.max(1.0) * 2.0),
    }
}

/// Extends a range to whole decades: in a part of one, each multiple of its tenth has a label.
fn decades((least, most): (f64, f64)) -> (f64, f64) {
    (
        10_f64.powf(least.log10().floor()),
        10_f64.powf(most.log10().ceil()),
    )
}

/// Writes nanoseconds in the unit that suits them.
pub(crate) fn time(nanos: &f64) -> String {
    match *nanos {
        ..1e3 => format!("{nanos:.0} ns"),
        1e3..1e6 => format!("{:.0} µs", nanos / 1e3),
        1e6..1e9 => format!("{:.0} ms", nanos / 1e6),
        _ => format!("{:.1} s", nanos / 1e9),
    }
}
