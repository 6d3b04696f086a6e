//! The arithmetic of `benches/compare`, which a benchmark's own program can't test.
#![allow(clippy::cast_precision_loss, dead_code, missing_docs)]

#[path = "../benches/compare/statistics.rs"]
mod statistics;
#[path = "../benches/compare/table.rs"]
mod table;

use statistics::{Rounds, figure, quantile};
use table::Table;

fn rounds(figures: &[f64]) -> Rounds {
    figures.iter().copied().collect()
}

#[test]
fn the_median_is_the_middle_whatever_the_order() {
    assert_eq!(rounds(&[3.0, 100.0, 1.0]).median().to_string(), "3");
    assert_eq!(rounds(&[4.0, 1.0, 2.0, 100.0]).median().to_string(), "3");
    assert!(Rounds::default().median().is_nan());
}

#[test]
fn rounds_are_shown_with_their_spread() {
    assert_eq!(rounds(&[6.0, 5.84, 6.4]).to_string(), "6.00 (5.84–6.40)");
    assert_eq!(rounds(&[120.4]).to_string(), "120");
    assert_eq!(Rounds::default().to_string(), "–");
}

#[test]
fn a_ratio_is_taken_round_by_round() {
    let slow_second_round = (rounds(&[2.0, 20.0, 3.0]), rounds(&[1.0, 10.0, 1.0]));
    assert_eq!(slow_second_round.0.over(&slow_second_round.1), rounds(&[2.0, 2.0, 3.0]));
}

#[test]
fn a_figure_has_three_digits_that_mean_something() {
    let figures = [0.000_1, 0.012_34, 0.123_4, 1.234, 12.34, 123.4, 1234.0, -1.5].map(figure);
    assert_eq!(figures, ["0", "0.012", "0.12", "1.23", "12.3", "123", "1234", "-1.50"]);
}

#[test]
fn a_quantile_is_one_of_the_values() {
    let values: Vec<u32> = (0..1000).collect();
    assert_eq!(quantile(&values, 0.5), Some(500));
    assert_eq!(quantile(&values, 0.99), Some(990));
    assert_eq!(quantile(&values, 1.0), Some(999));
    assert_eq!(quantile::<u32>(&[], 0.5), None);
}

#[test]
fn a_table_is_aligned_and_is_markdown() {
    let mut table = Table::new("Cost", &["", "ms a task"]);
    table.row(["ours".to_owned(), "1.20 (1.10–1.30)".to_owned()]);
    table.row(["a plain loop".to_owned(), "0.40".to_owned()]);
    let expected = "\
**Cost**

|              | ms a task        |
| ------------ | ---------------- |
| ours         | 1.20 (1.10–1.30) |
| a plain loop | 0.40             |
";
    assert_eq!(table.to_string(), expected);
}
