//! What must be refused before anything is energised, on lines that really are in use or do not exist.

use super::bench::Bench;
use super::product::{Product, Start};
use super::{Stop, require};

pub fn line_in_use(bench: &mut Bench) -> Result<(), Stop> {
    let mut first = Product::start(bench, Start::motor("reverse.io.yaml"))?;
    let second = Start { number: 1, ..Start::motor("in-use.io.yaml") };
    refused(bench, second, &["L007", "line 0 of gpiochip0", "plcrun"])?;
    require(first.ended()?.is_none(), || "the controller that has the lines was disturbed".to_owned())
}

pub fn unknown_line(bench: &mut Bench) -> Result<(), Stop> {
    refused(bench, Start::motor("unknown-line.io.yaml"), &["L005", "no_such_line"])
}

pub fn unknown_chip(bench: &mut Bench) -> Result<(), Stop> {
    refused(bench, Start::motor("unknown-chip.io.yaml"), &["L002", "no-such-chip", "lab-out"])
}

/// Starts a product that must end by itself with exit code 1 and these words, having switched nothing on.
fn refused(bench: &mut Bench, start: Start<'_>, words: &[&str]) -> Result<(), Stop> {
    bench.look()?;
    bench.events.clear();
    let mut product = Product::spawn(bench, start)?;
    let code = product.wait(bench)?;
    require(code == Some(1), || format!("exit code {code:?} instead of 1"))?;
    let log = product.log();
    for word in words {
        require(log.contains(word), || format!("the refusal does not say `{word}`:\n{log}"))?;
    }
    let on = bench.edges().find(|event| event.on && event.line.ends_with(&start.number.to_string()));
    require(on.is_none(), || format!("a refused start switched a line on: {on:?}"))?;
    bench.facts.push(log.lines().find(|line| line.contains("error[")).unwrap_or_default().to_owned());
    Ok(())
}
