//! The one table of what the doctor looks at.

macro_rules! doctor_codes {
    ($($name:ident $code:literal $title:literal $consequence:literal $remedy:literal;)*) => {
        /// What the doctor looks at. The title of each is its row.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code { $(#[doc = $title] $name,)* }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The stable code, such as `D001`.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// What is looked at, in a few words.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }

            /// What it leads to when it is not as it should be.
            #[must_use]
            pub const fn consequence(self) -> &'static str {
                match self { $(Self::$name => $consequence,)* }
            }

            /// What to do then.
            #[must_use]
            pub const fn remedy(self) -> &'static str {
                match self { $(Self::$name => $remedy,)* }
            }
        }
    };
}
doctor_codes! {
    Kernel "D001" "real-time kernel"
        "the kernel itself can delay a scan by some milliseconds under load; a period of 10 ms or more bears that"
        "install a kernel with PREEMPT_RT (package linux-image-rt-amd64 or linux-image-rt-arm64 on Debian) where the period is shorter";
    Priority "D002" "real-time priority"
        "other programs can delay a scan by tens of milliseconds"
        "run it by the service plcrun@NAME, which allows it, or add `@gpio - rtprio 99` to /etc/security/limits.d/plcrun.conf and log in again";
    Bandwidth "D003" "time for real-time programs"
        "the kernel refuses the real-time class, or takes the CPU away from the scan in each second"
        "give real-time programs time: `sysctl kernel.sched_rt_runtime_us=950000`, and a budget to the control group it runs in (cpu.rt_runtime_us)";
    MemoryLock "D004" "memory lock limit"
        "a page fault can delay a scan by the time of a disk access"
        "run it by the service plcrun@NAME, which lifts the limit, or add `@gpio - memlock unlimited` to /etc/security/limits.d/plcrun.conf and log in again";
    Swap "D005" "swap"
        "memory that could not be locked may be written out, and each way back costs milliseconds"
        "lift the memory lock limit (D004), or switch swap off";
    Governor "D010" "CPU frequency governor"
        "a CPU that clocked down takes several times as long for a scan, and changing its clock delays a scan by some ten microseconds"
        "switch to the governor `performance`: `cpupower frequency-set -g performance`, and make that permanent";
    IdleStates "D011" "CPU sleep states"
        "waking up from deep sleep delays a scan by that much"
        "let this user write /dev/cpu_dma_latency (the package's udev rule lets the group gpio), or limit the states at boot: processor.max_cstate=1 intel_idle.max_cstate=0";
    ScanCpu "D012" "CPU of the scan"
        "other work on the same CPU delays a scan by some ten microseconds"
        "keep a CPU free at boot, such as isolcpus=3, and name it in the map: `rt: { cpu: 3 }`";
    ClockSource "D013" "clock source"
        "reading the time is slow and coarse, and each scan does it several times"
        "look in the kernel's log why the better clock source was given up (`dmesg | grep -i clocksource`)";
    VirtualMachine "D014" "virtual machine or container"
        "the host can stop everything here for any time, and no setting inside prevents it"
        "drive machines from a box of its own; a virtual machine is for tests";
    Chips "D020" "GPIO chips"
        "the program does not start"
        "correct `chip:` in the map (`gpiodetect` lists the chips), or load the chip's driver";
    ChipAccess "D021" "permission for the GPIO chip"
        "the program does not start"
        "add the user to the group of the device (`usermod -aG gpio USER`) and log in again; the package's udev rule gives the chips to the group gpio";
    GpioAbi "D022" "GPIO interface, version 1"
        "the lines cannot be requested"
        "use a kernel with the option CONFIG_GPIO_CDEV_V1; the kernels of the usual distributions have it";
    LevelAfterDeath "D023" "what a line does after the process has died"
        "the guardian writes OFF when the scan dies, but a line keeps its last level when both processes die at once"
        "wire the drivers such that an undriven line means coil off, and let hardware cover this case: docs/deployment.md, `What only hardware covers`";
    Watchdog "D030" "hardware watchdog"
        "a box that hangs as a whole leaves the outputs as they are"
        "load the board's watchdog driver and name it in the map: `guardian: { watchdog: /dev/watchdog }`";
    StateDirectory "D040" "state directory"
        "retained values, latched faults and the fault log cannot be kept; the program does not start"
        "create it for the user the program runs as, or name another one with `--state`";
    StorageKind "D041" "medium of the state directory"
        "what it keeps may be lost by a power cut"
        "put the state directory on a file system with a journal on a medium of its own (ext4, on eMMC or SSD)";
    FreeSpace "D042" "free space of the state directory"
        "retained values cannot be written once the medium is full"
        "make room, or put the state directory on another medium";
    Service "D050" "service"
        "nobody starts the program at power-up, and nobody notices when it has gone"
        "install the package and enable an instance: `systemctl enable --now plcrun@NAME`";
    CoreDump "D051" "core dumps"
        "writing a dump delays the end of a process; plcrun switches the dumps of its own processes off"
        "nothing needs to be done";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_ordered_and_speak_in_full() {
        let codes: Vec<_> = Code::ALL.iter().map(|c| c.code()).collect();
        assert!(codes.is_sorted_by(|a, b| a < b), "{codes:?}");
        for code in Code::ALL {
            assert!(!code.title().is_empty() && !code.consequence().is_empty() && !code.remedy().is_empty());
            assert!(!code.remedy().ends_with('.'), "{}: callers set the full stop", code.code());
        }
    }
}
