//! What the daemon costs, beside what people would use instead: `cargo bench --bench compare`.
//!
//! Measures the released binary from outside, as its users meet it, and prints tables of ratios: whatever is compared is
//! measured in the same run, in rounds of alternating order. The figures go into `docs/benchmarks.md`, section by section;
//! `-- tasks http` measures only those. Judges nothing: machines are noisy, and no test depends on a time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::cast_precision_loss,
    clippy::print_stdout,
    clippy::print_stderr,
    missing_docs,
    reason = "a benchmark stops where it fails, and its figures are for people"
)]

mod bare;
mod connection;
mod contender;
mod context;
mod daemon;
mod document;
mod footprint;
mod growth;
mod history;
mod listening;
mod load;
mod machine;
mod output;
mod peers;
mod printer;
mod reaction;
mod serving;
mod stand_in;
mod statistics;
mod table;
mod tasks;
mod watched;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Instant;

use context::{Context, HUGE, KEEP, QUICK};
use table::Table;

/// What cargo tells a benchmark, and not a test.
const BENCH: &str = "--bench";

/// A part of the document that can be measured by itself.
pub struct Section {
    pub name: &'static str,
    pub title: &'static str,
    /// How it is measured.
    pub method: &'static str,
    pub measure: fn(&Context) -> Vec<Table>,
}

const SECTIONS: [Section; 6] = [
    tasks::SECTION,
    reaction::SECTION,
    serving::SECTION,
    growth::SECTION,
    footprint::SECTION,
    output::SECTION,
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["print", kind, bytes, pace, ..] => {
            let kind = printer::Kind::named(kind).unwrap();
            let pace = Some(pace.parse().unwrap()).filter(|pace| *pace > 0);
            printer::print(kind, bytes.parse().unwrap(), pace, &mut std::io::stdout()).unwrap();
        }
        ["plain-loop", folder, program, tasks] => {
            bare::plain_loop(Path::new(folder), Path::new(program), tasks.parse().unwrap());
        }
        ["durable-loop", folder, program, tasks] => {
            bare::durable_loop(Path::new(folder), Path::new(program), tasks.parse().unwrap());
        }
        ["bare-axum", database, port] => bare::bare_axum(Path::new(database), port.parse().unwrap()),
        _ if words.contains(&BENCH) => compare(&words),
        _ => println!("a benchmark, not a test: cargo bench --bench compare"),
    }
}

/// Does what may fail without the rest being for nothing; whatever fails has said why.
pub fn attempt<T>(what: &str, work: impl FnOnce() -> T) -> Option<T> {
    let done = catch_unwind(AssertUnwindSafe(work)).ok();
    if done.is_none() {
        eprintln!("left out: {what} failed");
    }
    done
}

/// Why a call can't be taken, if it can't: a slip would otherwise cost minutes, and figures that were to be kept.
fn refusal(words: &[&str]) -> Option<String> {
    let sections = SECTIONS.map(|section| section.name);
    let unknown = |(kind, known): (&str, &[&str]), is_option: bool| {
        let mut words = words.iter().filter(|word| **word != BENCH && word.starts_with("--") == is_option);
        let unknown = words.find(|word| !known.contains(word))?;
        Some(format!("there is no {kind} {unknown:?}: they are {}", known.join(", ")))
    };
    let binary = daemon::binary();
    unknown(("section", &sections), false)
        .or_else(|| unknown(("option", &[QUICK, HUGE, KEEP]), true))
        .or_else(|| (!binary.is_file()).then(|| format!("BENCH_BINARY: there is no {}", binary.display())))
}

fn compare(words: &[&str]) {
    if let Some(refusal) = refusal(words) {
        eprintln!("{refusal}");
        std::process::exit(2);
    }
    let context = Context::new(words);
    let named: Vec<&str> = words.iter().copied().filter(|word| !word.starts_with("--")).collect();
    println!("{}\n", machine::described());
    let began = Instant::now();
    let mut failed = Vec::new();
    for section in SECTIONS.iter().filter(|section| named.is_empty() || named.contains(&section.name)) {
        let (its_own, machine) = (Instant::now(), machine::described());
        let Some(tables) = attempt(section.name, || (section.measure)(&context)) else {
            failed.push(section.name);
            continue;
        };
        println!("## {}\n", section.title);
        for table in &tables {
            println!("{table}");
        }
        println!("{}: {:.0} s\n", section.name, its_own.elapsed().as_secs_f64());
        if context.keeps_figures {
            document::replace(section, &tables, &machine);
        }
    }
    drop(context);
    contender::clean_up();
    println!("all of it in {:.0} s", began.elapsed().as_secs_f64());
    if !failed.is_empty() {
        eprintln!("not measured: {}", failed.join(", "));
        std::process::exit(1);
    }
}
