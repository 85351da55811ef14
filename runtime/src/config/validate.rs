//! Checks a map against the program it is for. Nothing stops at the first mistake.

use super::bank::{self, Bank};
use super::direct::{self, Spot};
use super::expanders;
use super::files::{Files, beside};
use super::guardian;
use super::inputs;
use super::keep::{self, KeepSettings};
use super::model::{self, Map};
use super::symbols::Symbols;
use super::yaml::{self, Key, Problem, ProblemKind};
use super::{BoolPlace, Code, Finding, Findings, Input, IoMap, Output, Place, ScanSettings, Severity, Source, Word};
use super::{HARD_OVERRUN_MIN_NS, OVERRUNS_IN_A_ROW_DEFAULT, PERIOD_DEFAULT_NS};
use crate::clock::NS_PER_MS;
use crate::guardian::GuardianSettings;
use crate::rt::{self, RtSettings};
use crate::scan::Plan;
use crate::scan::plan::{TICK_MAX_NS, TICK_MIN_NS};
use bytecode::image::{Place as ImagePlace, Symbol, SymbolRole};
use bytecode::types::{Elementary, TypeKind};
use bytecode::{Image, ScalarType};
use relay::contact::ContactModel;
use relay::{BankConfig, ChannelConfig, ChannelTable, DataSheet};
use std::path::Path;

/// What [`load`] found.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The map; `None` when one of the findings is an error.
    pub map: Option<IoMap>,
    /// Everything found, in the order of the text.
    pub findings: Vec<Finding>,
}

/// What checking works on.
pub(super) struct Checker<'a> {
    /// The map's file, as given.
    pub(super) file: &'a str,
    /// Variables of the program.
    pub(super) symbols: Symbols<'a>,
    /// Findings so far.
    pub(super) findings: Findings,
    /// Scan period that stands in for the map's, in nanoseconds.
    period_ns: Option<u64>,
}

impl Checker<'_> {
    /// Adds a finding about the map's own file.
    pub(super) fn add(&mut self, code: Code, place: Place, message: impl Into<String>, remedy: impl Into<String>) {
        self.findings.add(code, self.file, place, message, remedy);
    }

    fn problems(&mut self, file: &str, problems: Vec<Problem>) {
        for problem in problems {
            let code = match problem.kind {
                ProblemKind::Syntax => Code::NotYaml,
                ProblemKind::UnknownKey => Code::UnknownKey,
                ProblemKind::Value => Code::BadValue,
                ProblemKind::Missing => Code::MissingKey,
                ProblemKind::TooLarge => Code::TooLarge,
            };
            self.findings.add(code, file, problem.place, problem.message, problem.remedy);
        }
    }
}

/// Reads the map at `path` with its data sheets and checks it against the program.
///
/// Never fails: what is wrong is in the findings, all of it at once. The same text, image and sheets always give the
/// same result.
#[must_use]
pub fn load(path: &Path, files: &dyn Files, image: &Image) -> Loaded {
    load_at(path, files, image, None)
}

/// Like [`load`] with another scan period than the map's (timeline tests choose their own).
#[must_use]
pub fn load_at(path: &Path, files: &dyn Files, image: &Image, period_ns: Option<u64>) -> Loaded {
    let file = path.display().to_string();
    let mut checker = Checker { file: &file, symbols: Symbols::new(image), findings: Findings::new(), period_ns };
    let map = read(&mut checker, path, files).and_then(|(map, sheets)| check(&mut checker, &map, sheets));
    let refused = checker.findings.has_errors();
    Loaded { map: if refused { None } else { map }, findings: checker.findings.into_sorted() }
}

/// The sheets a map lists, each with the file it came from and the place of its entry in the map.
pub(super) struct Sheets {
    pub(super) rows: Vec<(DataSheet, String, Place)>,
}

fn read(checker: &mut Checker<'_>, path: &Path, files: &dyn Files) -> Option<(Map, Sheets)> {
    let text = match files.read(path) {
        Ok(text) => text,
        Err(why) => {
            checker.add(Code::Unreadable, Place::default(), why, "check the path given with `--io`");
            return None;
        }
    };
    let (map, problems) = yaml::read::<Map>(&text);
    let file = checker.file.to_owned();
    checker.problems(&file, problems);
    let map = map?;
    let mut sheets = Sheets { rows: Vec::new() };
    for entry in map.relays.get().into_iter().flatten() {
        let (Some(place), Some(relative)) = (entry.place(), entry.get()) else { continue };
        let sheet_path = beside(path, relative);
        let sheet_file = sheet_path.display().to_string();
        match files.read(&sheet_path) {
            Ok(text) => {
                let (sheet, problems) = yaml::read::<DataSheet>(&text);
                let unreadable = sheet.is_none();
                checker.problems(&sheet_file, problems);
                if unreadable {
                    let message = format!("the data sheet `{relative}` cannot be read");
                    checker.add(Code::BadSheet, place, message, "see the findings about that file");
                }
                sheets.rows.extend(sheet.map(|sheet| (sheet, sheet_file, place)));
            }
            Err(why) => {
                let message = format!("cannot read the data sheet `{sheet_file}`: {why}");
                checker.add(Code::Unreadable, place, message, "paths under `relays` are relative to this map");
            }
        }
    }
    Some((map, sheets))
}

fn check(checker: &mut Checker<'_>, map: &Map, sheets: Sheets) -> Option<IoMap> {
    let (plan, scan) = scan_settings(checker, map.scan.get())?;
    let rt = rt_settings(checker, map.rt.get());
    let keep = keep::check(checker, map);
    let guardian = guardian::check(checker, map.guardian.get(), &scan);
    let mut bound = inputs::Bound::new(expanders::check(checker, map));
    let real = inputs::has_gpio(map);
    let inputs = inputs::check(checker, map, real, &mut bound);
    let bank = bank::check(checker, map, sheets, &inputs, real, plan.tick_ns, &mut bound);
    expanders::check_unused(checker, map, &bound.expanders);
    inputs::check_shared_lines(checker, map);
    let words = located(checker, map, real, &bound);
    direct::check(checker);
    let Bank { outputs, table, supply, sheets } = bank;
    let inputs = inputs::finish(checker, inputs, table.as_ref(), map, plan.tick_ns);
    Some(IoMap {
        file: checker.file.to_owned(),
        live: map.live.or(false),
        scan,
        plan,
        rt,
        keep,
        guardian,
        expanders: bound.expanders.rows,
        inputs,
        outputs,
        channels: table?,
        supply,
        words,
        sheets,
    })
}

/// Scan settings with defaults, and the plan; `None` with a finding when there is no plan.
fn scan_settings(checker: &mut Checker<'_>, scan: Option<&model::Scan>) -> Option<(Plan, ScanSettings)> {
    let none = model::Scan::default();
    let scan = scan.unwrap_or(&none);
    let mut period_ns = checker.period_ns.or(scan.period.get().map(|d| d.ns)).unwrap_or(PERIOD_DEFAULT_NS);
    if !(TICK_MIN_NS..=TICK_MAX_NS).contains(&period_ns) {
        let place = scan.period.place().unwrap_or_default();
        checker.add(Code::ScanRange, place, "a scan period outside 100 us to 10 s", "10 ms suits relays; 1 ms is fast");
        period_ns = PERIOD_DEFAULT_NS;
    }
    let plan = match Plan::new(checker.symbols.image(), period_ns) {
        Ok(plan) => plan,
        Err(error) => {
            // Without a period in the map the intervals are the program's alone; where they stand the image does not say.
            let image = checker.symbols.image();
            let (file, place) = match scan.period.place() {
                Some(place) => (checker.file.to_owned(), place),
                None => (image.debug.files.first().cloned().unwrap_or_default(), Place::default()),
            };
            let remedy = "change the TASK intervals or `scan: period`";
            checker.findings.add(Code::ScanRange, &file, place, error.to_string(), remedy);
            return None;
        }
    };
    let mut settings = ScanSettings::for_tick(period_ns, plan.tick_ns, checker.symbols.image().code.len());
    if let Some(budget) = scan.budget.get() {
        settings.budget = *budget;
        if *budget == 0 {
            let place = scan.budget.place().unwrap_or_default();
            checker.add(Code::ScanRange, place, "a budget of 0 stops every loop", "leave it out for the default");
        }
    }
    if let Some(limit) = scan.hard_overrun.get() {
        settings.hard_overrun_ns = limit.ns;
        if limit.ns < plan.tick_ns {
            let place = scan.hard_overrun.place().unwrap_or_default();
            let default = relay::quantity::Duration::from_ns(HARD_OVERRUN_MIN_NS);
            let message = format!("a hard overrun of {limit} is shorter than one scan ({} ns)", plan.tick_ns);
            checker.add(Code::ScanRange, place, message, format!("give it several periods, such as {default}"));
        }
    }
    settings.overruns_in_a_row = scan.overruns_in_a_row.or(OVERRUNS_IN_A_ROW_DEFAULT);
    Some((plan, settings))
}

fn rt_settings(checker: &mut Checker<'_>, rt: Option<&model::Rt>) -> RtSettings {
    let settings = rt_as_written(rt);
    let Some(rt) = rt else { return settings };
    if settings.priority > 98 {
        let place = rt.priority.place().unwrap_or_default();
        checker.add(
            Code::RtRange,
            place,
            "a priority above 98",
            "98 is the highest; 99 belongs to the kernel's own threads",
        );
    }
    if rt.cpu_latency.get().is_some_and(|latency| latency.ns > 1000 * NS_PER_MS) {
        let place = rt.cpu_latency.place().unwrap_or_default();
        checker.add(
            Code::RtRange,
            place,
            "a CPU latency above 1 s limits nothing",
            "leave the key out, or write `0 us`",
        );
    }
    settings
}

/// The real-time settings a map asks for, with defaults, unchecked.
pub(super) fn rt_as_written(rt: Option<&model::Rt>) -> RtSettings {
    let mut settings = RtSettings::default();
    let Some(rt) = rt else { return settings };
    settings.priority = rt.priority.or(settings.priority);
    settings.cpu = rt.cpu.get().copied();
    settings.lock_memory = rt.lock_memory.or(true);
    if let Some(latency) = rt.cpu_latency.get() {
        settings.cpu_latency_us = rt::latency_us(latency.ns);
    }
    settings
}

/// Place of a finding about something that the map leaves out together with its whole section.
const WHOLE_FILE: Place = Place { line: 1, column: 1 };

/// Checks that every located BOOL is bound, and collects the located variables that are none.
fn located(checker: &mut Checker<'_>, map: &Map, real: bool, bound: &inputs::Bound) -> Vec<Word> {
    let mut words = Vec::new();
    let located: Vec<&Symbol> = checker.symbols.located().collect();
    for symbol in located {
        let (section, at, unreadable) = if symbol.role == SymbolRole::Input {
            ("inputs", map.inputs.place(), matches!(map.inputs, Key::Bad(_)))
        } else {
            ("outputs", map.outputs.place(), matches!(map.outputs, Key::Bad(_)))
        };
        let at = at.unwrap_or(WHOLE_FILE);
        if let Some(place) = checker.symbols.bool_place(symbol) {
            let name = checker.symbols.short_name(symbol);
            if !unreadable && !bound.has(place) && !bound.is_meant(name) && !bound.is_meant(&symbol.path) {
                let message = format!("`{}` ({}) is bound to nothing", symbol.path, symbol.address);
                let remedy =
                    format!("add `{name}:` under `{section}`, or take `AT {}` out of the program", symbol.address);
                checker.add(Code::Unbound, at, message, remedy);
            }
            continue;
        }
        let Some(word) = word(&checker.symbols, symbol) else { continue };
        let code = if real { Code::WordOnLines } else { Code::WordSimulated };
        let message = format!("`{}` ({}) is no BOOL; a line carries one BOOL", symbol.path, symbol.address);
        let remedy = match (real, symbol.role == SymbolRole::Input) {
            (true, true) => {
                "nothing would ever set it: this version reads BOOLs only; take its `AT` out, or run it on a map without real lines"
            }
            (true, false) => {
                "nothing would ever leave the machine: write one located BOOL for each line, or take its `AT` out"
            }
            (false, _) => "on the simulated rack it can be set and read by name",
        };
        checker.add(code, at, message, remedy);
        words.push(word);
    }
    words
}

fn word<'i>(symbols: &Symbols<'i>, symbol: &'i Symbol) -> Option<Word> {
    let full = symbols.image().ty(symbol.ty)?;
    let ty = full.scalar()?;
    let ImagePlace::Byte(offset) = symbol.place else { return None };
    let elementary = match full.kind {
        TypeKind::Elementary(elementary) => elementary,
        TypeKind::Enumeration { .. } => plain(ty),
        TypeKind::Array { .. } | TypeKind::Instance { .. } | TypeKind::Structure { .. } | TypeKind::Text { .. } => {
            return None;
        }
    };
    let name = symbols.short_name(symbol).to_owned();
    Some(Word { name, offset, ty, elementary, input: symbol.role == SymbolRole::Input })
}

/// The type a value of this width is shown in where the program names none.
const fn plain(ty: ScalarType) -> Elementary {
    match ty {
        ScalarType::Bool => Elementary::Bool,
        ScalarType::I8 => Elementary::Sint,
        ScalarType::I16 => Elementary::Int,
        ScalarType::I32 => Elementary::Dint,
        ScalarType::I64 => Elementary::Lint,
        ScalarType::U8 => Elementary::Byte,
        ScalarType::U16 => Elementary::Word,
        ScalarType::U32 => Elementary::Dword,
        ScalarType::U64 => Elementary::Lword,
        ScalarType::F32 => Elementary::Real,
        ScalarType::F64 => Elementary::Lreal,
    }
}

fn simulated_input(name: String, variable: String, place: BoolPlace) -> Input {
    Input { name, variable, place, source: Source::Sim { initial: false }, debounce_ns: 0, stop: false }
}

/// An output without a relay, and its channel.
fn simulated_output(bank: &mut BankConfig, name: String, variable: String, place: BoolPlace) -> Output {
    let mut channel = ChannelConfig::new(name.clone());
    bank::restart_by_itself(&mut channel);
    let model = ContactModel::new(&channel, None);
    bank.channels.push(channel);
    Output { name, variable, place, gpio: None, expander: None, feedback: None, model }
}

/// The map of a program without one: every located BOOL on the simulated rack, outputs without
/// relays and therefore without rule 3 (`restart: auto`).
///
/// # Errors
/// The findings, where the program's own tasks fit no scan.
pub fn simulated(image: &Image) -> Result<IoMap, Vec<Finding>> {
    simulated_at(image, None)
}

/// Like [`simulated`] with a scan period.
///
/// # Errors
/// As [`simulated`].
pub fn simulated_at(image: &Image, period_ns: Option<u64>) -> Result<IoMap, Vec<Finding>> {
    let mut checker = Checker { file: "", symbols: Symbols::new(image), findings: Findings::new(), period_ns };
    let Some((plan, scan)) = scan_settings(&mut checker, None) else {
        return Err(checker.findings.into_sorted());
    };
    if checker.findings.has_errors() {
        return Err(checker.findings.into_sorted());
    }
    let symbols = &checker.symbols;
    let mut bank = BankConfig::new(plan.tick_ns);
    let (mut inputs, mut outputs, mut words) = (Vec::new(), Vec::<Output>::new(), Vec::new());
    let mut seen = inputs::Bound::default();
    for symbol in symbols.located() {
        let Some(place) = symbols.bool_place(symbol) else {
            words.extend(word(symbols, symbol));
            continue;
        };
        if !seen.insert(place) {
            continue;
        }
        let (name, variable) = (symbols.short_name(symbol).to_owned(), symbol.path.clone());
        if symbol.role == SymbolRole::Input {
            inputs.push(simulated_input(name, variable, place));
        } else {
            outputs.push(simulated_output(&mut bank, name, variable, place));
        }
    }
    for direct in direct::find(image) {
        let name = direct.address.clone();
        match direct.spot {
            Spot::Bytes(offset, _, ty) => {
                words.push(Word { name, offset, ty, elementary: plain(ty), input: direct.input })
            }
            Spot::Bit(offset, bit) => {
                let place = BoolPlace::Bit(offset, bit);
                if direct.input {
                    inputs.push(simulated_input(name, direct.address, place));
                } else {
                    outputs.push(simulated_output(&mut bank, name, direct.address, place));
                }
            }
        }
    }
    let built = ChannelTable::build(&bank);
    let Some(channels) = built.table else {
        let refused = built.findings.iter().map(|f| bank::converted(f, "", Place::default()));
        return Err(refused.filter(|f| f.severity == Severity::Error).collect());
    };
    let (rt, guardian) = (RtSettings::default(), GuardianSettings::default());
    Ok(IoMap {
        file: String::new(),
        live: false,
        scan,
        plan,
        rt,
        keep: KeepSettings::default(),
        guardian,
        expanders: Vec::new(),
        inputs,
        outputs,
        channels,
        supply: None,
        words,
        sheets: Vec::new(),
    })
}
