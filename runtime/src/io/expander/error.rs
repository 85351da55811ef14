//! Why a port expander cannot be had, in words that say what to do.

use std::fmt;

/// Why a port expander cannot be had when a run starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExpanderError {
    /// There is no such bus.
    NoBus {
        /// Name of the expander in the map.
        name: String,
        /// Device path.
        bus: String,
        /// Buses of its kind that exist.
        existing: String,
    },
    /// Nothing answers as this chip.
    Silent {
        /// Name of the expander in the map.
        name: String,
        /// Kind as in the map.
        kind: &'static str,
        /// Device path.
        bus: String,
        /// Address.
        address: u8,
        /// The system's own words.
        cause: String,
    },
    /// A driver of the kernel uses this address.
    Taken {
        /// Name of the expander in the map.
        name: String,
        /// Device path.
        bus: String,
        /// Address.
        address: u8,
    },
    /// The adapter knows too few transfers for this chip.
    Unable {
        /// Name of the expander in the map.
        name: String,
        /// Kind as in the map.
        kind: &'static str,
        /// Device path.
        bus: String,
    },
}

impl ExpanderError {
    /// The stable code, such as `L014`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoBus { .. } => "L013",
            Self::Silent { .. } => "L014",
            Self::Taken { .. } => "L015",
            Self::Unable { .. } => "L016",
        }
    }
}

impl fmt::Display for ExpanderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoBus { name, bus, existing } => write!(
                f,
                "expander `{name}`: there is no bus {bus}; this machine has {existing}: switch the bus on in the board's configuration, \
                 load i2c-dev or spidev, or correct `bus:` in the map"
            ),
            Self::Silent { name, kind, bus, address, cause } => write!(
                f,
                "expander `{name}`: no {kind} answers at address {address:#04x} of {bus} ({cause}): check supply, wiring and the chip's \
                 address pins, or correct `address:` in the map (`i2cdetect` lists what answers)"
            ),
            Self::Taken { name, bus, address } => write!(
                f,
                "expander `{name}`: a driver of the kernel uses address {address:#04x} of {bus}: take its lines by `gpio:` (they are a GPIO \
                 chip, see `gpioinfo`), or unload that driver"
            ),
            Self::Unable { name, kind, bus } => write!(
                f,
                "expander `{name}`: the adapter of {bus} cannot make the transfers that a {kind} needs: use another bus, or another kind \
                 of chip"
            ),
        }
    }
}

impl std::error::Error for ExpanderError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_expander_bus_address_and_remedy() {
        let (name, bus) = ("io1".to_owned(), "/dev/i2c-1".to_owned());
        let cause = "No such device or address (os error 6)".to_owned();
        let silent = ExpanderError::Silent { name, kind: "pca9555", bus, address: 0x20, cause };
        assert_eq!(silent.code(), "L014");
        let text = silent.to_string();
        assert!(
            text.starts_with("expander `io1`: no pca9555 answers at address 0x20 of /dev/i2c-1 (No such device"),
            "{text}"
        );
        assert!(text.contains("check supply, wiring and the chip's address pins"), "{text}");
    }
}
