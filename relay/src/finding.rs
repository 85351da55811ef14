//! Findings: what is wrong or doubtful in a bank before anything is energised (rule 11).
//!
//! One table gives each finding its stable code, severity, title and explanation; `docs/relays.md` is checked against it. The caller that read the I/O map
//! adds file, line and column by `channel`, `group` and `key`.

use std::fmt;

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing; changes no exit code.
    Note,
    /// Doubtful: the bank runs, `plcrun check` reports it.
    Warning,
    /// The bank is refused.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

macro_rules! finding_codes {
    ($($variant:ident, $code:literal, $severity:ident, $title:literal, $explanation:literal;)*) => {
        /// What kind of finding it is. The code never changes its meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum FindingCode {
            $(#[doc = $title] #[doc = ""] #[doc = $explanation] $variant,)*
        }

        impl FindingCode {
            /// Every code, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable code, such as `R210`.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// Its severity.
            #[must_use]
            pub fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)* }
            }

            /// Its title in a few words.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }

            /// What it means and why it matters.
            #[must_use]
            pub fn explanation(self) -> &'static str {
                match self { $(Self::$variant => $explanation,)* }
            }
        }
    };
}

finding_codes! {
    SheetContradiction, "R001", Error, "data sheet contradicts itself", "A row of the data sheet is impossible or does not fit another row; nothing may be calculated from it.";
    SheetTwice, "R002", Error, "two data sheets of one name", "Channels refer to sheets by name, so a name must be unique.";
    SheetUnknown, "R003", Error, "unknown data sheet", "The channel names a relay whose data sheet was not given under `relays:`.";
    ChannelNameBad, "R010", Error, "channel name missing or used twice", "Channels are addressed by name, without regard to capital letters.";
    GroupNameBad, "R011", Error, "group name missing or used twice", "Groups are addressed by name, without regard to capital letters.";
    TooMany, "R012", Error, "too many channels or groups", "A bank is limited so that the work per scan and the state stay bounded.";
    TimeImplausible, "R013", Error, "time beyond the limit", "A configured time is longer than the guard handles (24 h), or the scan period is zero.";
    MarginImplausible, "R014", Error, "margin beyond the limit", "The margin on typical times is limited to 1000 %.";
    MarginThin, "R015", Warning, "margin below the default", "The sheet's times are typical, not worst case: a margin below 50 % may let a wait end before the contact has moved.";
    ReasonMissing, "R020", Error, "written reason missing", "The setting gives up a protection; who comes after must be able to read why.";
    SafeNeedsCoil, "R021", Warning, "safe state needs the coil energised", "A power loss or a dead process releases the coil, so this safe state cannot be held then.";
    GroupStopValue, "R022", Error, "group member is not off when stopped or safe", "A member of an interlock group may only be off in stop and safe state; two such members could conduct together.";
    CutoffStopValue, "R023", Error, "cut-off channel is not off when stopped or safe", "The channel that cuts off a welded group must be able to stay off.";
    StartsDark, "R024", Note, "plain output waits to be commanded off first", "By rule 3 an output that is commanded on in the first scan, or after a stop or fault, stays off until it was commanded off once. That is right for a drive enable; a lamp stays dark.";
    GroupMemberUnknown, "R030", Error, "unknown group member or cut-off", "The group names a channel that does not exist.";
    GroupMemberTwice, "R031", Error, "channel named twice in a group", "A channel cannot exclude itself: it is a member once, and is not the cut-off of its own group.";
    GroupSize, "R032", Error, "group is too small", "An interlock group needs two members; a single channel may form a group only to have a cut-off.";
    GroupNc, "R033", Error, "normally closed contact in a group", "Two de-energised members would conduct together at every power loss.";
    GroupNcAccepted, "R034", Warning, "no exclusion at power loss", "A normally closed member was accepted with a written reason: at power loss its load is on whatever the others do.";
    GroupDirect, "R035", Error, "group member without data sheet", "Without a data sheet or actuator times nobody knows when this member's contact has opened.";
    GroupNoFeedback, "R036", Warning, "group member without feedback", "A welded contact of this member cannot be seen, and the other member would be switched onto it.";
    GroupDeadTime, "R037", Warning, "dead time shorter than the sheets need", "The configured dead time alone does not cover drop-out and bounce with margin. The guard adds those times, so the lock is longer than written.";
    SupplyNotSensed, "R040", Warning, "neither supply nor feedback sensed", "A loss of coil supply would not be seen, and relays would close again by themselves when it returns.";
    SupplyOutOfWindow, "R041", Error, "rack supply outside the coil's window", "At this voltage the relay may not pull in, or its coil overheats.";
    SupplyOverloaded, "R042", Error, "coil currents exceed the rack supply", "All channels on together draw more than the supply is rated for.";
    IndicatorCoil, "R044", Note, "indicator does not show the contact", "The light on the module follows the coil voltage; a welded or burnt contact looks healthy.";
    LoadCurrent, "R050", Error, "load current above the limit", "The contact overheats.";
    LoadVoltage, "R051", Error, "load voltage above the limit", "The contact cannot break this voltage, or its insulation is not rated for it.";
    LoadPower, "R052", Error, "switching power above the limit", "The arc destroys the contact.";
    LoadPoles, "R053", Error, "more poles than contacts", "The load needs more switched poles than the module has changeover contacts.";
    LoadKindUnknown, "R054", Error, "load voltage neither DC nor AC", "Direct and alternating voltage have different limits: the load must say which it is.";
    LoadSmall, "R055", Warning, "load below the recommended minimum", "Below the minimum load the contact resistance is not reliable.";
    LoadGold, "R056", Warning, "load above the gold limit", "The gold layer evaporates for good, and its deposits may shorten life: this contact is never again fit for dry signals.";
    LoadDcCurve, "R057", Warning, "DC load not compared with the load limit curve", "The sheet gives a curve for DC that is not in the file.";
    LoadDcLimit, "R058", Error, "DC load above the load limit curve", "The contact cannot break this direct current at this voltage.";
    LoadSuppression, "R059", Warning, "inductive load without suppression", "Breaking a coil without a diode, varistor or RC element burns the contact; it counts as above the gold limit.";
    LoadSuppressionAc, "R060", Error, "diode across an AC load", "A diode across an alternating voltage is a short circuit in every second half wave.";
    LifeGuide, "R061", Note, "life figure was stated for other conditions", "The electrical life holds for the contact, load and temperature in the sheet; here it is only a guide.";
    ImpulseVoltage, "R070", Error, "impulse voltage below the installation's", "The overvoltage category at this load voltage demands a higher rated impulse voltage (IEC 60664-1, table F.1).";
    PollutionDegree, "R071", Error, "pollution degree above the module's", "The insulation is not rated for this dirt and moisture.";
    AmbientRange, "R072", Error, "installation is colder or hotter than the module may be", "Outside the sheet's range no figure holds.";
    VoltageTest, "R073", Error, "insulation below the machine's voltage test", "The control side may not be connected to this load: the machine's voltage test is twice the rated voltage or 1000 V, whichever is more (EN 60204-1, 18.4).";
    VoltageTestContact, "R074", Note, "open contact below the machine's voltage test", "Link the open contact during the voltage test; an open relay contact is no isolation for work on the load.";
    StandardMissing, "R075", Error, "standard not listed in the data sheet", "The installation asks for a standard the module was not tested to.";
}

/// One thing found in a bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What kind it is; gives severity and explanation.
    pub code: FindingCode,
    /// The channel concerned, as named in the configuration.
    pub channel: Option<String>,
    /// The group concerned, as named in the configuration.
    pub group: Option<String>,
    /// The data sheet concerned, by name, where the finding is about the sheet itself.
    pub sheet: Option<String>,
    /// The configuration key concerned, such as `dead_time`, for finding the place in the file.
    pub key: Option<&'static str>,
    /// What was found, with the figures.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

impl Finding {
    pub(crate) fn new(code: FindingCode, message: impl Into<String>) -> Self {
        Self { code, channel: None, group: None, sheet: None, key: None, message: message.into(), help: String::new() }
    }

    pub(crate) fn channel(mut self, name: &str) -> Self {
        self.channel = Some(name.to_owned());
        self
    }

    pub(crate) fn group(mut self, name: &str) -> Self {
        self.group = Some(name.to_owned());
        self
    }

    pub(crate) fn sheet(mut self, name: &str) -> Self {
        self.sheet = Some(name.to_owned());
        self
    }

    pub(crate) fn key(mut self, key: &'static str) -> Self {
        self.key = Some(key);
        self
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }

    /// Its severity, from the code.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]: ", self.severity(), self.code.code())?;
        if let Some(channel) = &self.channel {
            write!(f, "channel `{channel}`: ")?;
        }
        if let Some(group) = &self.group {
            write!(f, "group `{group}`: ")?;
        }
        write!(f, "{}", self.message)?;
        if !self.help.is_empty() {
            write!(f, "\n  help: {}", self.help)?;
        }
        Ok(())
    }
}
