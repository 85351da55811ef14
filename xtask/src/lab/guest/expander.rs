//! A port expander on the kernel's simulated I2C device, which knows SMBus transfers only. It keeps 16-bit words, so that what the
//! product reads as a word must be written as one.

use super::bench::Bench;
use super::product::{Product, Start};
use super::running::{REACTION, all_off, stop};
use super::{Stop, require, run_tool};
use rustix::process::Signal;
use std::time::Duration;

/// Registers of the MCP23017 as it starts (BANK = 0), both ports: directions, levels, latch.
const DIRECTIONS: &str = "0x00";
const LEVELS: &str = "0x12";
const LATCH: &str = "0x14";
/// The lamp is line 8: the first of port B.
const LAMP: u16 = 1 << 8;

pub fn on_the_bus(bench: &mut Bench) -> Result<(), Stop> {
    let module = bench.shared.join("i2c-stub.ko");
    run_tool("insmod", &[&module.display().to_string(), "chip_addr=0x20"])?;
    let result = button_and_lamp(bench);
    let _ = run_tool("rmmod", &["i2c-stub"]);
    result
}

fn button_and_lamp(bench: &mut Bench) -> Result<(), Stop> {
    let mut product = Product::start(bench, Start::motor("expander.io.yaml"))?;
    bench.wait_for("the lamp", REACTION, |_| Ok(get(LATCH)? & LAMP != 0))?;
    require(get(DIRECTIONS)? & LAMP == 0, || "the lamp's line is no output".to_owned())?;
    set(LEVELS, 1)?;
    bench.wait_for("fwd by a button on the expander", REACTION, |bench| Ok(bench.is_on("fwd0")))?;
    set(LEVELS, 0)?;
    bench.wait_for("fwd off", REACTION, |bench| Ok(!bench.is_on("fwd0")))?;
    // As after a loss of supply: every line is an input, the latch is empty.
    set(LATCH, 0)?;
    set(DIRECTIONS, u16::MAX)?;
    bench.wait_for("the device to be started anew", REACTION, |_| {
        Ok(get(DIRECTIONS)? & LAMP == 0 && get(LATCH)? & LAMP != 0)
    })?;
    bench.pause(Duration::from_millis(100))?;
    stop(bench, &mut product, Signal::TERM)?;
    require(get(LATCH)? & LAMP == 0, || "the lamp is on after an ordered stop".to_owned())?;
    bench.facts.push("button, lamp, start anew after a reset, OFF at the stop: by SMBus transfers".to_owned());
    all_off(bench)
}

fn set(register: &str, value: u16) -> Result<(), String> {
    run_tool("i2cset", &["-y", "0", "0x20", register, &format!("0x{value:04x}"), "w"]).map(|_| ())
}

fn get(register: &str) -> Result<u16, String> {
    let text = run_tool("i2cget", &["-y", "0", "0x20", register, "w"])?;
    let digits = text.strip_prefix("0x").unwrap_or(&text);
    u16::from_str_radix(digits, 16).map_err(|_| format!("i2cget says `{text}`"))
}
