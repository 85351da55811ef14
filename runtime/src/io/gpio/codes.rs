//! What each code of a line error means: the table of `docs/io.md`, for `plcrun explain`.

/// One row: the meaning of an [`super::OpenError`]'s code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineErrorRow {
    /// Stable code, such as `L007`.
    pub code: &'static str,
    /// What is wrong.
    pub what: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
}

/// Every line error, in the order of the codes.
pub const LINE_ERRORS: &[LineErrorRow] = &[
    LineErrorRow {
        code: "L001",
        what: "the machine has no GPIO chip",
        remedy: "run on a map without `gpio`, or load the chip's driver",
    },
    LineErrorRow {
        code: "L002",
        what: "no chip of this name, path or label",
        remedy: "correct `chip:`; the message lists what there is",
    },
    LineErrorRow {
        code: "L003",
        what: "this user may not open the chip",
        remedy: "join the group the message names, or add the udev rule above",
    },
    LineErrorRow { code: "L004", what: "the chip has no line of this number", remedy: "correct `line:`" },
    LineErrorRow { code: "L005", what: "no line has this name", remedy: "`gpioinfo` lists the names" },
    LineErrorRow { code: "L006", what: "several lines have this name", remedy: "add `chip:` or give the number" },
    LineErrorRow { code: "L007", what: "the line is in use", remedy: "end the program or driver the message names" },
    LineErrorRow { code: "L008", what: "one line meant by two entries", remedy: "take one out" },
    LineErrorRow {
        code: "L009",
        what: "more than 64 lines of one chip in one direction",
        remedy: "the kernel's version 1 interface holds no more in one request",
    },
    LineErrorRow {
        code: "L010",
        what: "version 1 of the interface is missing",
        remedy: "the kernel needs CONFIG_GPIO_CDEV_V1",
    },
    LineErrorRow { code: "L011", what: "anything else the system said", remedy: "its own words are in the message" },
    LineErrorRow {
        code: "L012",
        what: "the file of a file chip cannot be used",
        remedy: "the message says why; give an absolute path to a file chip, or to nothing: then it is made",
    },
    LineErrorRow {
        code: "L013",
        what: "an expander's bus is not there",
        remedy: "switch the bus on in the board's configuration, load i2c-dev or spidev, or correct `bus:`",
    },
    LineErrorRow {
        code: "L014",
        what: "no such expander answers at the address",
        remedy: "check supply, wiring and address pins, or correct `address:`; `i2cdetect` lists what answers",
    },
    LineErrorRow {
        code: "L015",
        what: "a driver of the kernel uses the expander",
        remedy: "take its lines by `gpio:`, or unload that driver",
    },
    LineErrorRow {
        code: "L016",
        what: "the bus adapter cannot make the transfers the expander needs",
        remedy: "use another bus, or another kind of chip",
    },
];
