//! The picture: for each workspace a panel, in it a row for each cell, in it a mark for each contender at its median
//! time, with a line from the least to the most. Times are on a logarithmic scale, so equal ratios are equal lengths.

use std::fmt::Write as _;

use crate::{
    matrix::{Contender, Runner},
    summary::{Build, Key, Summary},
};

const WIDTH: f64 = 900.0;
const LEFT: f64 = 190.0;
const RIGHT: f64 = 30.0;
/// Of a contender's line within a row.
const LANE: f64 = 11.0;
const GAP: f64 = 10.0;
const HEAD: f64 = 58.0;
const FOOT: f64 = 34.0;

/// Colours that stay apart for the colour-blind (Okabe and Ito's), and in grey by their shapes.
fn colour(contender: Contender) -> &'static str {
    match contender {
        Contender::Plain => "#999999",
        Contender::Mounts => "#56b4e9",
        Contender::Chef => "#e69f00",
        Contender::Longshore => "#0b5d3b",
        Contender::Bundled => "#cc79a7",
        Contender::Apart => "#009e73",
        Contender::Local => "#d55e00",
    }
}

/// An SVG.
pub fn draw(summary: &Summary) -> String {
    let mut body = String::new();
    let mut top = 50.0;
    for name in &summary.workspaces {
        let builds: Vec<&Build> =
            summary.builds.iter().filter(|build| build.key.workspace == *name).collect();
        if !builds.is_empty() {
            top = panel(&mut body, name, &builds, top);
        }
    }
    let mut legend = String::new();
    let built = |one: &Contender| summary.builds.iter().any(|build| build.contender == *one);
    for (at, contender) in Contender::ALL.into_iter().filter(built).enumerate() {
        let x = LEFT + at as f64 * 120.0;
        mark(&mut legend, contender, x, 24.0);
        text(&mut legend, x + 12.0, 28.0, "start", "", contender.name());
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {top}\" width=\"{WIDTH}\" height=\"{top}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n{legend}{body}</svg>\n"
    )
}

/// Draws a panel, and returns where it ends.
fn panel(body: &mut String, name: &str, builds: &[&Build], top: f64) -> f64 {
    let mut keys: Vec<&Key> = builds.iter().map(|build| &build.key).collect();
    keys.dedup();
    let contenders: Vec<Contender> =
        Contender::ALL.into_iter().filter(|one| builds.iter().any(|build| build.contender == *one)).collect();
    let row = contenders.len() as f64 * LANE + GAP;
    let first = top + HEAD;
    let last = first + keys.len() as f64 * row;
    let scale = Scale::of(builds);

    text(body, 16.0, top + 20.0, "start", "font-size=\"16\" font-weight=\"bold\"", name);
    text(body, LEFT, top + 20.0, "start", "fill=\"#555\"", "seconds, median and range; logarithmic");
    for tick in scale.ticks() {
        let x = scale.x(tick);
        line(body, (x, first - 6.0), (x, last), "#dddddd", 1.0);
        text(body, x, first - 12.0, "middle", "fill=\"#555\"", &label(tick));
    }
    for (at, key) in keys.iter().enumerate() {
        let y = first + at as f64 * row;
        if at % 2 == 0 {
            writeln!(body, "<rect x=\"8\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{row:.1}\" fill=\"#000\" fill-opacity=\"0.04\"/>", WIDTH - 16.0)
                .expect("a string takes all");
        }
        let runner = match key.runner {
            Runner::Warm => "warm",
            Runner::Fresh => "fresh",
        };
        let middle = y + row / 2.0 + 4.0;
        text(body, LEFT - 14.0, middle, "end", "", &format!("{runner}: {}", key.cell.name()));
        for (lane, contender) in contenders.iter().enumerate() {
            let found = builds.iter().find(|build| build.key == **key && build.contender == *contender);
            let Some(found) = found else { continue };
            let y = y + GAP / 2.0 + (lane as f64 + 0.5) * LANE;
            let seconds = found.seconds;
            line(body, (scale.x(seconds.min), y), (scale.x(seconds.max), y), colour(*contender), 3.0);
            mark(body, *contender, scale.x(seconds.median), y);
        }
    }
    last + FOOT
}

/// Longshore's is a circle, the others' are squares.
fn mark(body: &mut String, contender: Contender, x: f64, y: f64) {
    let colour = colour(contender);
    let shape = match contender.is_ours() {
        true => format!("circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"5\""),
        false => format!("rect x=\"{:.1}\" y=\"{:.1}\" width=\"8\" height=\"8\"", x - 4.0, y - 4.0),
    };
    writeln!(body, "<{shape} fill=\"{colour}\"/>").expect("a string takes all");
}

fn line(body: &mut String, from: (f64, f64), to: (f64, f64), colour: &str, width: f64) {
    writeln!(
        body,
        "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"{colour}\" stroke-width=\"{width}\"/>",
        from.0, from.1, to.0, to.1
    )
    .expect("a string takes all");
}

fn text(body: &mut String, x: f64, y: f64, anchor: &str, more: &str, words: &str) {
    let words = words.replace('&', "&amp;").replace('<', "&lt;");
    writeln!(body, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" {more}>{words}</text>")
        .expect("a string takes all");
}

/// A logarithmic scale from left to right.
struct Scale {
    min: f64,
    max: f64,
}

impl Scale {
    fn of(builds: &[&Build]) -> Self {
        let min = builds.iter().map(|build| build.seconds.min).fold(f64::INFINITY, f64::min);
        let max = builds.iter().map(|build| build.seconds.max).fold(0.0, f64::max);
        // Room beside the outermost marks.
        Self { min: min.max(0.01) / 1.15, max: max.max(0.02) * 1.15 }
    }

    fn x(&self, seconds: f64) -> f64 {
        let part = (seconds.max(self.min) / self.min).ln() / (self.max / self.min).ln();
        LEFT + part * (WIDTH - LEFT - RIGHT)
    }

    /// 1, 2 and 5 of each power of ten.
    fn ticks(&self) -> Vec<f64> {
        let powers = (-2..5).map(|power| 10f64.powi(power));
        let all = powers.flat_map(|power| [power, 2.0 * power, 5.0 * power]);
        all.filter(|tick| (self.min..=self.max).contains(tick)).collect()
    }
}

fn label(tick: f64) -> String {
    if tick < 1.0 { format!("{tick:.2}").trim_end_matches('0').to_owned() } else { format!("{tick:.0}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::series;

    #[test]
    fn every_build_has_a_mark_within_the_picture() {
        let drawn = draw(&Summary::of(&series()));
        let document = roxmltree::Document::parse(&drawn).unwrap();
        let number =
            |node: roxmltree::Node<'_, '_>, name: &str| node.attribute(name).unwrap().parse::<f64>().unwrap();
        let circles: Vec<f64> = document
            .descendants()
            .filter(|node| node.has_tag_name("circle"))
            .map(|node| number(node, "cx"))
            .collect();
        // One in the legend, one for each of Longshore's four rows.
        assert_eq!(circles.len(), 5);
        assert!(circles.iter().all(|x| (LEFT..WIDTH).contains(x)), "{circles:?}");
        let squares = document
            .descendants()
            .filter(|node| node.has_tag_name("rect") && node.attribute("width") == Some("8"))
            .count();
        // The same for the only other that built, once for two of the rows.
        assert_eq!(squares, 1 + 3);
        assert!(drawn.contains(">fresh: leaf</text>"));
    }

    #[test]
    fn equal_ratios_are_equal_lengths() {
        let scale = Scale { min: 1.0, max: 100.0 };
        let length = |from: f64, to: f64| scale.x(to) - scale.x(from);
        assert!((length(1.0, 10.0) - length(10.0, 100.0)).abs() < 1e-9);
        assert_eq!(scale.ticks(), [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0]);
        assert_eq!([0.05, 0.2, 1.0, 20.0].map(label), ["0.05", "0.2", "1", "20"]);
    }
}
