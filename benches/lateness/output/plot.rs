//! The distributions: a panel for each condition, a line for each row, a dot for each sample, on
//! a logarithmic scale. Rows that may end before the deadline have shares of the teardown
//! instead.
//!
//! The page around it may be light or dark, so the picture has no background, and its colors
//! follow the reader's.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::conditions::{self, Condition};
use crate::plan::Cell;
use crate::sampling::Sample;
use crate::statistics::Summary;
use crate::victims::{AT_DEADLINE, Table, Whose};

const WIDTH: u32 = 1200;
const LINE: u32 = 20;
const LABELS: u32 = 190;
/// Title and axis of a panel.
const MARGIN: u32 = 70;

/// The horizontal axis of a panel, and the position of a lateness on it.
struct Axis {
    from: f64,
    to: f64,
    /// The position of an end exactly at the deadline.
    deadline: Option<f64>,
    place: Box<dyn Fn(i64) -> f64>,
    label: fn(&f64) -> String,
}

impl Axis {
    /// From ten microseconds to a second, in powers of ten.
    fn of_time() -> Self {
        Self {
            from: 1.0,
            to: 6.0,
            deadline: None,
            place: Box::new(|nanos| (nanos.max(1) as f64 / 1e3).log10()),
            label: |power| scale(10_f64.powf(*power)),
        }
    }

    /// From half a teardown before the deadline to one and a half after it, in percent.
    /// percent.
    fn of_teardown(teardown: i64) -> Self {
        Self {
            from: -50.0,
            to: 150.0,
            deadline: Some(0.0),
            place: Box::new(move |nanos| 100.0 * nanos as f64 / teardown as f64),
            label: |percent| format!("{percent:.0} %"),
        }
    }

    /// A value beyond a side is drawn at that side.
    fn at(&self, nanos: i64) -> f64 {
        (self.place)(nanos).clamp(self.from, self.to)
    }
}

/// Legible on white and on black, for viewers that ignore the style below.
const TEXT: RGBColor = RGBColor(0x76, 0x7c, 0x84);
const OURS: RGBColor = RGBColor(0xd9, 0x54, 0x1e);
const BARE: RGBColor = RGBColor(0x2f, 0x9e, 0x63);
const OTHERS: RGBColor = RGBColor(0x3f, 0x86, 0xd6);

const STYLE: &str = "<style>\
    @media(prefers-color-scheme:light){text{fill:#3b4148}}\
    @media(prefers-color-scheme:dark){text{fill:#c9d1d9}}\
    </style>";

/// All panels.
pub(crate) fn plot(cells: &[Cell]) -> String {
    let tables = [
        Table::Ends,
        Table::Beginnings,
        Table::Reports,
        Table::Memory,
    ];
    draw(cells, &tables, &conditions::ALL)
}

/// The panels of the short picture.
pub(crate) fn short(cells: &[Cell]) -> String {
    draw(cells, &[Table::Ends], &conditions::FEW)
}

fn draw(cells: &[Cell], tables: &[Table], conditions: &[&Condition]) -> String {
    let mut panels = Vec::new();
    for &table in tables {
        for &condition in conditions {
            let of = |cell: &&Cell| {
                cell.condition == condition && cell.row.table == table && !cell.samples.is_empty()
            };
            let rows: Vec<_> = cells.iter().filter(of).collect();
            let name = condition.name;
            let time = Axis::of_time;
            let (title, axis) = match table {
                Table::Ends | Table::Reports => {
                    (format!("{name}: from the deadline to the end"), time())
                }
                Table::Beginnings => (format!("{name}: from the signal to armed"), time()),
                Table::Memory => {
                    let begins = rows.iter().find(|cell| cell.row.name == AT_DEADLINE);
                    let teardown =
                        begins.and_then(|cell| Summary::of(cell.counted().map(Sample::lateness)));
                    let Some(teardown) = teardown else { continue };
                    (
                        format!("{name}: from the deadline to the end, of the teardown"),
                        Axis::of_teardown(teardown.median),
                    )
                }
            };
            if !rows.is_empty() {
                panels.push((title, axis, rows));
            }
        }
    }
    // Two panels side by side, as high as the higher one.
    let height = |pair: &[(String, Axis, Vec<&Cell>)]| {
        let rows = pair
            .iter()
            .map(|(_, _, rows)| rows.len())
            .max()
            .unwrap_or(0);
        rows as u32 * LINE + MARGIN
    };
    let total: u32 = panels.chunks(2).map(height).sum();
    let mut svg = String::new();
    {
        let mut rest = SVGBackend::with_string(&mut svg, (WIDTH, total.max(1))).into_drawing_area();
        for pair in panels.chunks(2) {
            let (these, below) = rest.split_vertically(height(pair));
            for (area, (title, axis, rows)) in these.split_evenly((1, 2)).iter().zip(pair) {
                panel(area, title, axis, rows);
            }
            rest = below;
        }
        rest.present().unwrap();
    }
    // The first `>` ends the opening tag.
    svg.replacen('>', &format!(">\n{STYLE}"), 1)
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

fn panel(area: &Area<'_>, title: &str, axis: &Axis, rows: &[&Cell]) {
    let text = ("sans-serif", 13).into_font().color(&TEXT);
    let lines = rows.len() as f64;
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 15).into_font().color(&TEXT))
        .margin_right(20)
        .y_label_area_size(LABELS)
        .x_label_area_size(28)
        // The first row on top.
        .build_cartesian_2d(axis.from..axis.to, lines..0.0)
        .unwrap();
    chart
        .configure_mesh()
        .disable_y_mesh()
        .y_labels(0)
        .x_labels(6)
        .x_label_formatter(&axis.label)
        .label_style(text.clone())
        .axis_style(TEXT)
        .bold_line_style(TEXT.mix(0.35))
        .light_line_style(TEXT.mix(0.0))
        .draw()
        .unwrap();
    if let Some(at) = axis.deadline {
        let line = PathElement::new([(at, 0.0), (at, lines)], TEXT.stroke_width(1));
        chart.draw_series([line]).unwrap();
    }
    for (line, cell) in rows.iter().enumerate() {
        let middle = line as f64 + 0.5;
        let color = color(cell);
        let late =
            |cell: &Cell| -> Vec<i64> { cell.counted().filter_map(|sample| sample.late).collect() };
        let late = late(cell);
        let dots = late.iter().enumerate().map(|(place, &nanos)| {
            // Dots lie side by side. The offset is not random, so the same samples make the same
            // picture.
            let aside = (place as f64 * 0.618_034).fract() - 0.5;
            let at = (axis.at(nanos), middle + aside * 0.6);
            Circle::new(at, 2, color.mix(0.45).filled())
        });
        chart.draw_series(dots).unwrap();
        if let Some(summary) = Summary::of(late) {
            let at = axis.at(summary.median);
            let median = PathElement::new(
                [(at, middle - 0.42), (at, middle + 0.42)],
                color.stroke_width(3),
            );
            chart.draw_series([median]).unwrap();
        }
        let (left, y) = chart.backend_coord(&(axis.from, middle));
        let (x, origin) = (left, area.get_base_pixel());
        let right = text.clone().pos(Pos::new(HPos::Right, VPos::Center));
        let at = (x - origin.0 - 8, y - origin.1);
        area.draw_text(cell.row.name, &right.color(&TEXT), at)
            .unwrap();
        if cell.never() > 0 {
            let (right, y) = chart.backend_coord(&(axis.to, middle));
            let at = (right - origin.0, y - origin.1);
            let style = text.clone().pos(Pos::new(HPos::Right, VPos::Center));
            area.draw_text("alive when given up", &style.color(&TEXT), at)
                .unwrap();
        }
    }
}

fn color(cell: &Cell) -> RGBColor {
    match cell.row.whose {
        Whose::C => BARE,
        Whose::Deadstop => OURS,
        Whose::Others => OTHERS,
    }
}

fn scale(micros: f64) -> String {
    match micros {
        ..1e3 => format!("{micros:.0} µs"),
        1e3..1e6 => format!("{:.0} ms", micros / 1e3),
        _ => format!("{:.0} s", micros / 1e6),
    }
}
