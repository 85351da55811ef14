//! JSON schema of the I/O map and of relay data sheets, for completion and checking in editors.
//!
//! The schema of the map is made from the structures the reader fills ([`super::model`]). Types of the relay room carry
//! no schema of their own (that room knows no JSON); the stand-ins here describe how they are written, and tests hold
//! them against what the reader accepts.

use super::yaml::{Entries, Key};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;

impl<T: JsonSchema> JsonSchema for Key<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<T>()
    }
}

impl<T: JsonSchema> JsonSchema for Entries<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("EntriesOf{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let value = generator.subschema_for::<T>();
        json_schema!({ "type": "object", "additionalProperties": value })
    }
}

macro_rules! texts {
    ($($name:ident $doc:literal { $($body:tt)* })*) => {$(
        #[doc = $doc]
        #[derive(Clone, Copy, Debug)]
        pub struct $name;

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ $($body)* })
            }
        }
    )*};
}

texts! {
    DurationText "A length of time such as `25 ms`, `1 min 30 s` or `T#2s`." { "type": "string", "pattern": "^([Ll]?[Tt]([Ii][Mm][Ee])?#)?([0-9._]+ *(d|h|min|m|s|ms|us|µs|ns) *)+$", "examples": ["25 ms", "2 s"] }
    VoltageText "A voltage such as `24 VDC`." { "type": "string", "pattern": "^[0-9._]+ *[mk]?V *(DC|AC)?$", "examples": ["24 VDC", "230 VAC"] }
    CurrentText "A current such as `40 mA`." { "type": "string", "pattern": "^[0-9._]+ *[mu]?A$", "examples": ["40 mA", "5 A"] }
    PowerText "A power such as `1250 VA`." { "type": "string", "pattern": "^[0-9._]+ *(mW|W|kW|VA|kVA)$", "examples": ["1250 VA", "1 mW"] }
    TemperatureText "A temperature such as `-40 degC`." { "type": "string", "pattern": "^-?[0-9._]+ *(degC|°C)$", "examples": ["-40 degC", "70 degC"] }
    PercentText "A share such as `50 %`." { "type": "string", "pattern": "^-?[0-9._]+ *%$", "examples": ["50 %"] }
    PerMinuteText "A frequency such as `6 /min`." { "type": "string", "pattern": "^[0-9_]+ *(/min|1/min|per minute)$", "examples": ["6 /min"] }
    LineText "A line by number or by name." { "type": ["integer", "string"], "examples": [17, "GPIO17"] }
    Contact "Contact of a changeover." { "enum": ["no", "nc"] }
    AuxContact "Auxiliary contact used for read-back." { "enum": ["no", "mirror_nc"] }
    Kind "Kind of load." { "enum": ["resistive", "inductive", "lamp", "capacitive"] }
    SuppressionKind "What quenches an inductive load." { "enum": ["none", "diode", "varistor", "rc", "tvs"] }
    Rate "Policy at too many operations." { "enum": ["warn", "enforce"] }
    Stop "The load while the program is stopped." { "enum": ["off", "on", "hold"] }
    Safe "The load after a fault." { "enum": ["off", "on"] }
    RestartPolicy "Whether an ON from before a refusal counts." { "enum": ["manual", "auto"] }
    Category "Overvoltage category (IEC 60664-1)." { "enum": ["I", "II", "III", "IV"] }
    Follows "What an indicator follows." { "enum": ["coil", "contact"] }
    PlatingKind "Plating of a contact." { "enum": ["Au"] }
}

/// The JSON schema of an I/O map, as `io-config/io-map.schema.json` holds it.
#[must_use]
pub fn io_map() -> Schema {
    schemars::schema_for!(super::model::Map)
}

/// The JSON schema of a relay data sheet, as `io-config/relay.schema.json` holds it.
#[must_use]
pub fn relay_sheet() -> Schema {
    schemars::schema_for!(super::sheet_schema::Sheet)
}
