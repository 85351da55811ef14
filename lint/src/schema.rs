//! The JSON schema of `plcrun.yaml`, for completion in editors. The sections `ci` and `mutate` are read by their commands and described here.

use crate::codes;
use crate::rule::OptionDefault;
use crate::rules;
use serde_json::{Map, Value, json};

/// The text of io-config/settings.schema.json; a test keeps the file in step.
#[must_use]
pub fn settings_schema() -> String {
    let level = json!({
        "enum": ["off", "note", "warning", "error"],
        "description": "How findings of this code count; off: they are not reported.",
    });
    let mut settings = Map::new();
    for code in codes::all() {
        let Some(known) = codes::find(code).filter(codes::Known::is_negotiable) else { continue };
        settings.insert(code.to_owned(), setting(&known, &level));
    }
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "plcrun settings",
        "description": "Settings of a project (plcrun.yaml), in its folder or the root of its repository.",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "programs": {
                "description": "Programs of several files, or with a map of another name.",
                "type": "array",
                "items": {
                    "type": "object",
                    "additionalProperties": false,
                    "required": ["files"],
                    "properties": {
                        "files": {
                            "description": "Source files, relative to this file.",
                            "type": "array", "minItems": 1, "items": { "type": "string" },
                        },
                        "io": { "description": "I/O map, relative to this file.", "type": "string" },
                    },
                },
            },
            "check": {
                "description": "Settings of plcrun check.",
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "baseline": { "description": "Baseline file, relative to this file.", "type": "string" },
                    "rules": {
                        "description": "Severity and options by code.",
                        "type": "object", "additionalProperties": false, "properties": settings,
                    },
                },
            },
            "ci": {
                "description": "Settings of plcrun ci.",
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "steps": {
                        "description": "The steps it takes; left out: all, and mutate where mutants is set.",
                        "type": "array", "items": { "enum": ["format", "check", "test", "prove", "mutate"] },
                    },
                    "reports": { "description": "Folder for the reports, relative to this file.", "type": "string" },
                    "mutants": {
                        "description": "The least share of each program's mutants that its tests and proofs have to notice, in percent.",
                        "type": "integer", "minimum": 0, "maximum": 100,
                    },
                },
            },
            "mutate": {
                "description": "Settings of plcrun mutate.",
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "explained": {
                        "description": "Survivors that somebody has looked at, and why nothing need notice them.",
                        "type": "array",
                        "items": {
                            "type": "object",
                            "additionalProperties": false,
                            "required": ["file", "change", "reason"],
                            "properties": {
                                "file": { "description": "The source file, relative to this file.", "type": "string" },
                                "change": { "description": "The change as `plcrun mutate` lists it, such as NC(fwd) -> WIRE().", "type": "string" },
                                "reason": { "description": "Why nothing need notice it.", "type": "string" },
                            },
                        },
                    },
                },
            },
        },
    });
    format!("{schema:#}\n")
}

fn setting(known: &codes::Known, level: &Value) -> Value {
    let options = rules::find(known.code).map_or(&[][..], |rule| rule.options);
    if options.is_empty() {
        let mut plain = level.clone();
        if let Some(object) = plain.as_object_mut() {
            object.insert("description".to_owned(), json!(known.title));
        }
        return plain;
    }
    let mut properties = Map::new();
    properties.insert("severity".to_owned(), level.clone());
    for option in options {
        let of = match option.default {
            OptionDefault::Number(number) => {
                json!({ "type": "integer", "minimum": 0, "default": number, "description": option.meaning })
            }
            OptionDefault::Pattern(text) => json!({ "type": "string", "default": text, "description": option.meaning }),
        };
        properties.insert(option.name.to_owned(), of);
    }
    let object = json!({ "type": "object", "additionalProperties": false, "properties": properties });
    json!({ "description": known.title, "anyOf": [level, object] })
}
