//! The JSON schemas in io-config/ are what the code makes, and ask for exactly what the reader accepts.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use relay::DataSheet;
use runtime::config::schema;
use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};
use std::collections::BTreeSet;
use std::path::PathBuf;

fn in_step(name: &str, schema: &schemars::Schema) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../io-config").join(name);
    let made = format!("{}\n", serde_json::to_string_pretty(schema).unwrap());
    if std::env::var_os("PLCRUN_BLESS").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == made, "io-config/{name} is out of step: run the tests once with PLCRUN_BLESS=1 and commit it");
}

#[test]
fn schema_files_are_in_step() {
    in_step("io-map.schema.json", &schema::io_map());
    in_step("relay.schema.json", &schema::relay_sheet());
}

/// Asks a structure for the names of its keys.
struct Ask<'a>(&'a mut Vec<&'static str>);

impl<'de> Deserializer<'de> for Ask<'_> {
    type Error = de::value::Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
        Err(de::Error::custom("not a structure"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Self::Error> {
        self.0.extend(fields);
        Err(de::Error::custom("asked"))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

fn keys_of<'de, T: Deserialize<'de>>() -> BTreeSet<String> {
    let mut fields = Vec::new();
    let _ = T::deserialize(Ask(&mut fields));
    fields.into_iter().map(str::to_owned).collect()
}

#[test]
fn the_relay_schema_has_the_keys_of_the_data_sheet() {
    use relay::datasheet;
    let schema = serde_json::to_value(schema::relay_sheet()).unwrap();
    let keys = |schema: &serde_json::Value| -> BTreeSet<String> {
        schema["properties"].as_object().unwrap().keys().cloned().collect()
    };
    assert_eq!(keys(&schema), keys_of::<DataSheet>());
    let parts = [
        ("PercentRange", keys_of::<datasheet::PercentRange>()),
        ("TemperatureRange", keys_of::<datasheet::TemperatureRange>()),
        ("ContactMaterial", keys_of::<datasheet::ContactMaterial>()),
        ("VoltageCurrent", keys_of::<datasheet::GoldLimit>()),
        ("VoltageCurrent", keys_of::<datasheet::DcLimitPoint>()),
        ("MinimumLoad", keys_of::<datasheet::MinimumLoad>()),
        ("ElectricalLife", keys_of::<datasheet::ElectricalLife>()),
        ("SwitchingFrequency", keys_of::<datasheet::SwitchingFrequency>()),
        ("StatusIndication", keys_of::<datasheet::StatusIndication>()),
    ];
    for (name, expected) in parts {
        assert_eq!(keys(&schema["$defs"][name]), expected, "{name}");
    }
}

#[test]
fn the_shipped_sheet_has_every_key_the_schema_requires_and_no_other() {
    let schema = serde_json::to_value(schema::relay_sheet()).unwrap();
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../io-config/relays/wago-859-386.yaml"));
    let sheet: serde_json::Value = serde_yaml::from_str(&text.unwrap()).unwrap();
    let written: BTreeSet<&String> = sheet.as_object().unwrap().keys().collect();
    let known: BTreeSet<&String> = schema["properties"].as_object().unwrap().keys().collect();
    assert!(written.is_subset(&known), "{:?}", written.difference(&known));
    for key in schema["required"].as_array().unwrap() {
        assert!(sheet.get(key.as_str().unwrap()).is_some(), "{key}");
    }
}
