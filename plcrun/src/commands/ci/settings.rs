//! The section `ci` of `plcrun.yaml`.

use crate::args::CiStep;
use crate::exit::Refusal;
use crate::settings::Settings;
use bytecode::near::did_you_mean;
use runtime::config::files::beside;
use runtime::config::yaml::{Node, Value};
use std::path::{Path, PathBuf};

/// What a project asks of `plcrun ci`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct CiSettings {
    /// The steps it takes; `None`: all but `mutate`, and that too where `mutants` is set.
    pub(super) steps: Option<Vec<CiStep>>,
    /// Where reports go.
    pub(super) reports: Option<PathBuf>,
    /// The least share of each program's mutants that its tests have to notice, in percent.
    pub(super) mutants: Option<u8>,
}

const KEYS: [&str; 3] = ["steps", "reports", "mutants"];

impl CiSettings {
    /// Of a project.
    ///
    /// # Errors
    /// Mistakes in the section, with line and column.
    pub(super) fn of(settings: &Settings) -> Result<Self, Refusal> {
        let (Some(node), Some(file)) = (settings.section("ci"), settings.file.as_deref()) else {
            return Ok(Self::default());
        };
        Self::read(node, file).map_err(|(at, what)| {
            let place = at.place;
            let what = format!("{what}\n  --> {}:{}:{}", file.display(), place.line, place.column);
            Refusal::wrong_use(what, format!("`ci` has the keys {}", KEYS.join(", ")))
        })
    }

    fn read<'n>(node: &'n Node, file: &Path) -> Result<Self, (&'n Node, String)> {
        let mut read = Self::default();
        let rows = match &node.value {
            Value::Map(rows) => rows.as_slice(),
            Value::Null => &[],
            Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) | Value::List(_) => {
                return Err((node, format!("`ci` has keys with values, here stands {}", node.value.kind())));
            }
        };
        for (key, value) in rows {
            match (key.value.word().as_ref(), &value.value) {
                ("steps", Value::List(items)) => {
                    read.steps = Some(items.iter().map(step).collect::<Result<_, _>>()?);
                }
                ("reports", Value::Text(folder)) => read.reports = Some(beside(file, folder)),
                ("mutants", Value::Int(percent)) => {
                    let percent = u8::try_from(*percent).ok().filter(|percent| *percent <= 100);
                    read.mutants = Some(percent.ok_or((value, "`mutants` is a percentage, 0 to 100".to_owned()))?);
                }
                (known, other) if KEYS.contains(&known) => {
                    let wants = match known {
                        "steps" => "a list of steps",
                        "reports" => "a folder",
                        _ => "a percentage",
                    };
                    return Err((value, format!("`{known}` is {wants}, here stands {}", other.kind())));
                }
                (other, _) => return Err((key, format!("`ci` has no key `{other}`{}", did_you_mean(other, KEYS)))),
            }
        }
        Ok(read)
    }
}

fn step(node: &Node) -> Result<CiStep, (&Node, String)> {
    let names = CiStep::ALL.map(CiStep::name);
    let word = node.value.word();
    let found = CiStep::ALL.into_iter().find(|step| step.name() == word);
    found.ok_or_else(|| (node, format!("there is no step `{word}`{}", did_you_mean(&word, names))))
}
