//! What the drivers of GPIO chips do with an output when its last user has gone.
//!
//! From the sources of the kernel (6.1 where nothing else is said): when a line is released, the kernel calls the driver's
//! `free` function, or that of its pin controller (`gpio_disable_free`, pinmux `free`). A driver with neither, or with one that
//! touches neither direction nor level, leaves the line as it stands. A driver that is not in the table is unknown: try it.

/// What becomes of a driven line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// It turns into an input: the pull resistors decide.
    Input,
    /// It takes the level of the simulated pull.
    SimulatedPull,
    /// It stays driven as it was.
    Keeps,
    /// It stays driven while the named parameter of the driver's module is set, else it turns into an input.
    Parameter(&'static str),
}

/// One driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Driver {
    /// Name under /sys/bus/*/drivers.
    pub name: &'static str,
    /// What becomes of a driven line.
    pub release: Release,
    /// What the chip is and where this stands.
    pub source: &'static str,
}

const fn row(name: &'static str, release: Release, source: &'static str) -> Driver {
    Driver { name, release, source }
}

/// The parameter of Raspberry Pi's pin controllers: upstream since June 2024 with default off; Raspberry Pi's own kernels
/// have it on by default.
const PERSIST: Release = Release::Parameter("persist_gpio_outputs");

/// Every driver whose behaviour is known.
pub const DRIVERS: &[Driver] = &[
    row("pinctrl-bcm2835", PERSIST, "Raspberry Pi to 4: pinctrl-bcm2835.c, bcm2835_pmx_free"),
    row("pinctrl-rp1", PERSIST, "Raspberry Pi 5: pinctrl-rp1.c of Raspberry Pi's kernel, rp1_pmx_free"),
    row("gpio-sim", Release::SimulatedPull, "simulator: gpio-sim.c, gpio_sim_free"),
    row("gpio-mockup", Release::SimulatedPull, "simulator: gpio-mockup.c, gpio_mockup_free"),
    row("omap_gpio", Release::Input, "TI AM335x and relatives: gpio-omap.c, omap_gpio_free"),
    row("gpio_rcar", Release::Input, "Renesas R-Car and RZ/G: gpio-rcar.c, gpio_rcar_free"),
    row("pca953x", Release::Keeps, "I2C expanders PCA953x, PCA9555, TCA6424: gpio-pca953x.c has no free"),
    row("pcf857x", Release::Keeps, "I2C expanders PCF8574, PCF8575: gpio-pcf857x.c has no free"),
    row("mcp230xx", Release::Keeps, "I2C expanders MCP23008, MCP23017: pinctrl-mcp23s08.c has no free"),
    row("mcp23s08", Release::Keeps, "SPI expanders MCP23S08, MCP23S17: pinctrl-mcp23s08.c has no free"),
    row("max732x", Release::Keeps, "I2C expanders MAX732x: gpio-max732x.c has no free"),
    row("max7300", Release::Keeps, "I2C expander MAX7300: gpio-max730x.c has no free"),
    row("max7301", Release::Keeps, "SPI expander MAX7301: gpio-max730x.c has no free"),
    row("tpic2810", Release::Keeps, "I2C driver TPIC2810: gpio-tpic2810.c has no free"),
    row("74x164", Release::Keeps, "shift register 74x164, 74HC595: gpio-74x164.c has no free"),
    row("sx150x-pinctrl", Release::Keeps, "I2C expanders SX150x: pinctrl-sx150x.c has no free"),
    row("gpio-mxc", Release::Keeps, "NXP i.MX: gpio-mxc.c and pinctrl-imx.c; the pin controller has no free"),
    row(
        "rockchip-gpio",
        Release::Keeps,
        "Rockchip: gpio-rockchip.c and pinctrl-rockchip.c; the pin controller has no free",
    ),
    row("zynq-gpio", Release::Keeps, "Xilinx Zynq: gpio-zynq.c, zynq_gpio_free touches no line"),
    row("gpio-dwapb", Release::Keeps, "Synopsys DesignWare: gpio-dwapb.c has no free"),
    row("gpio-f7188x", Release::Keeps, "Fintek Super-I/O of industrial PCs: gpio-f7188x.c has no free"),
    row("gpio-mm", Release::Keeps, "PC/104 card GPIO-MM: gpio-gpio-mm.c has no free"),
    row("ws16c48", Release::Keeps, "PC/104 card WS16C48: gpio-ws16c48.c has no free"),
    row("pci-idio-16", Release::Keeps, "PCI card ACCES PCI-IDIO-16: gpio-pci-idio-16.c has no free"),
];

/// The row of a driver.
pub(super) fn find(name: &str) -> Option<&'static Driver> {
    DRIVERS.iter().find(|d| d.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_driver_stands_there_once() {
        let mut names: Vec<_> = DRIVERS.iter().map(|d| d.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), DRIVERS.len());
        assert_eq!(find("pca953x").map(|d| d.release), Some(Release::Keeps));
        assert_eq!(find("something-new"), None);
    }
}
