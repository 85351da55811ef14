//! What a machine says, gathered without judging it.
//!
//! A fact that cannot be had is `None`; the judges say what that means. Times are in the units of their names.

use super::machine::{ChipAnswer, Machine, Node, Space, folder_of, last_part};
use super::{Asked, drivers};

mod parse;

pub use parse::{Cpus, Limit};

/// Everything gathered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Release of the kernel, such as `6.6.31-rt31`.
    pub kernel_release: String,
    /// The kernel's words about its build, which name its kind of preemption.
    pub kernel_version: String,
    /// /sys/kernel/realtime says so.
    pub realtime: bool,
    /// Who asks.
    pub user: User,
    /// Limits of this process.
    pub limits: Limits,
    /// sched_rt_runtime_us: -1 for no limit.
    pub rt_runtime_us: Option<i64>,
    /// Budget of the control group for real-time programs, where the kernel has such budgets.
    pub group_rt_runtime_us: Option<i64>,
    /// Swap files and partitions in use.
    pub swaps: Vec<String>,
    /// Online CPUs.
    pub online: Cpus,
    /// CPUs that the kernel gives no work of its own choice to.
    pub isolated: Cpus,
    /// Governor of each CPU whose clock the kernel scales.
    pub governors: Vec<(u16, String)>,
    /// Longest wake-up among the idle states that are not disabled, in microseconds, with the state's name.
    pub deepest_idle_us: Option<(u64, String)>,
    /// /dev/cpu_dma_latency.
    pub dma_latency: Option<Node>,
    /// Current clock source.
    pub clock_source: Option<String>,
    /// Clock sources that could be chosen.
    pub clock_sources: String,
    /// What this machine runs inside of: a hypervisor, a container.
    pub inside: Vec<String>,
    /// GPIO chips.
    pub chips: Vec<Chip>,
    /// Watchdogs.
    pub watchdogs: Vec<Watchdog>,
    /// The state directory; `None` where none is asked for.
    pub storage: Option<Storage>,
    /// systemd runs this machine.
    pub systemd: bool,
    /// This process was started by a service manager.
    pub under_service_manager: bool,
    /// WATCHDOG_USEC of this process.
    pub service_watchdog_us: Option<u64>,
    /// The service template is installed.
    pub template_installed: bool,
    /// Enabled instances of the service.
    pub instances: Vec<String>,
    /// core_pattern.
    pub core_pattern: String,
}

/// Who asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// Effective user.
    pub uid: u32,
    /// Effective group and all others.
    pub groups: Vec<u32>,
    /// Effective capabilities.
    pub capabilities: u64,
}

/// Capability numbers of linux/capability.h.
const CAP_DAC_OVERRIDE: u32 = 1;
const CAP_IPC_LOCK: u32 = 14;
const CAP_SYS_NICE: u32 = 23;

impl User {
    const fn can(&self, capability: u32) -> bool {
        self.capabilities >> capability & 1 == 1
    }

    /// May use any priority.
    #[must_use]
    pub const fn may_set_priority(&self) -> bool {
        self.can(CAP_SYS_NICE)
    }

    /// May lock any amount of memory.
    #[must_use]
    pub const fn may_lock_memory(&self) -> bool {
        self.can(CAP_IPC_LOCK)
    }

    /// May read and write a node.
    #[must_use]
    pub fn may_write(&self, node: &Node) -> bool {
        const READ_WRITE: u32 = 0o6;
        let shift = if node.uid == self.uid {
            6
        } else if self.groups.contains(&node.gid) {
            3
        } else {
            0
        };
        self.can(CAP_DAC_OVERRIDE) || node.mode >> shift & READ_WRITE == READ_WRITE
    }
}

/// Limits of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Highest real-time priority.
    pub priority: Limit,
    /// Most bytes of locked memory.
    pub locked_bytes: Limit,
}

/// One GPIO chip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chip {
    /// Device path.
    pub path: String,
    /// Who may use it.
    pub node: Option<Node>,
    /// Group that owns it, by name.
    pub group: Option<String>,
    /// Driver of the device behind it.
    pub driver: Option<String>,
    /// The driver's parameter that decides what becomes of a released output.
    pub keeps_by_parameter: Option<bool>,
    /// What it said about itself, or the system's words.
    pub answer: Result<ChipAnswer, String>,
}

impl Chip {
    /// Device name, such as `gpiochip0`.
    #[must_use]
    pub fn name(&self) -> String {
        last_part(&self.path)
    }
}

/// One watchdog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watchdog {
    /// Device name, such as `watchdog0`.
    pub name: String,
    /// What it calls itself.
    pub identity: String,
    /// Its time limit in seconds.
    pub timeout_s: Option<u64>,
    /// Once started it cannot be stopped.
    pub no_way_out: bool,
    /// Somebody feeds it.
    pub active: bool,
    /// Who may use the device.
    pub node: Option<Node>,
}

/// What the state directory stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorageKind {
    /// A disk or flash with a file system that keeps what was synced.
    Durable,
    /// An SD card.
    SdCard,
    /// Memory: gone at power-off.
    Memory,
    /// An overlay, whose upper layer may be memory.
    Overlay,
    /// A file system without a journal that loses whole files when power fails in a write.
    Fat,
    /// Another machine's.
    Network,
}

/// The state directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Storage {
    /// As asked for.
    pub path: String,
    /// It exists.
    pub exists: bool,
    /// The nearest folder that exists: itself, or the one it would be made in.
    pub nearest: String,
    /// Who may write there.
    pub node: Option<Node>,
    /// File system type.
    pub file_system: String,
    /// What that means.
    pub kind: StorageKind,
    /// Mounted read-only.
    pub read_only: bool,
    /// Room.
    pub space: Option<Space>,
}

impl Facts {
    /// Asks a machine.
    #[must_use]
    pub fn gather(machine: &dyn Machine, asked: &Asked) -> Self {
        let line = |path: &str| machine.text(path).map(|t| t.trim().to_owned()).filter(|t| !t.is_empty());
        let number = |path: &str| line(path).and_then(|t| t.parse::<i64>().ok());
        let environment = parse::environment(&machine.text("/proc/self/environ").unwrap_or_default());
        let variable = |name: &str| environment.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        let status = machine.text("/proc/self/status").unwrap_or_default();
        let limits = machine.text("/proc/self/limits").unwrap_or_default();
        let cpus = |path: &str| Cpus::read(&line(path).unwrap_or_default());
        let online = cpus("/sys/devices/system/cpu/online");
        Self {
            kernel_release: line("/proc/sys/kernel/osrelease").unwrap_or_default(),
            kernel_version: line("/proc/sys/kernel/version").unwrap_or_default(),
            realtime: number("/sys/kernel/realtime") == Some(1),
            user: parse::user(&status),
            limits: Limits {
                priority: parse::limit(&limits, "Max realtime priority"),
                locked_bytes: parse::limit(&limits, "Max locked memory"),
            },
            rt_runtime_us: number("/proc/sys/kernel/sched_rt_runtime_us"),
            group_rt_runtime_us: group_budget(machine),
            swaps: parse::swaps(&machine.text("/proc/swaps").unwrap_or_default()),
            governors: governors(machine, &online),
            deepest_idle_us: deepest_idle(machine, &online),
            online,
            isolated: cpus("/sys/devices/system/cpu/isolated"),
            dma_latency: machine.node("/dev/cpu_dma_latency"),
            clock_source: line("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
            clock_sources: line("/sys/devices/system/clocksource/clocksource0/available_clocksource")
                .unwrap_or_default(),
            inside: inside(machine, variable("container")),
            chips: chips(machine),
            watchdogs: watchdogs(machine),
            storage: asked.state.as_deref().map(|path| storage(machine, path)),
            systemd: line("/proc/1/comm").is_some_and(|name| name == "systemd"),
            under_service_manager: variable("INVOCATION_ID").is_some() || variable("NOTIFY_SOCKET").is_some(),
            service_watchdog_us: variable("WATCHDOG_USEC").and_then(|v| v.parse().ok()),
            template_installed: ["/lib", "/usr/lib", "/etc"]
                .iter()
                .any(|base| machine.text(&format!("{base}/systemd/system/plcrun@.service")).is_some()),
            instances: instances(machine),
            core_pattern: line("/proc/sys/kernel/core_pattern").unwrap_or_default(),
        }
    }
}

/// Budget of this process's control group, in the older hierarchy that has one per group.
fn group_budget(machine: &dyn Machine) -> Option<i64> {
    let groups = machine.text("/proc/self/cgroup")?;
    let path = groups.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':');
        let (_, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        controllers.split(',').any(|c| c == "cpu").then(|| path.to_owned())
    })?;
    let folder = format!("/sys/fs/cgroup/cpu{}", path.trim_end_matches('/'));
    machine.text(&format!("{folder}/cpu.rt_runtime_us"))?.trim().parse().ok()
}

fn governors(machine: &dyn Machine, online: &Cpus) -> Vec<(u16, String)> {
    let of = |cpu: u16| {
        let path = format!("/sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_governor");
        machine.text(&path).map(|name| (cpu, name.trim().to_owned()))
    };
    online.iter().filter_map(of).collect()
}

fn deepest_idle(machine: &dyn Machine, online: &Cpus) -> Option<(u64, String)> {
    let states = online.iter().flat_map(|cpu| {
        let folder = format!("/sys/devices/system/cpu/cpu{cpu}/cpuidle");
        machine.names(&folder).into_iter().map(move |name| format!("{folder}/{name}"))
    });
    let wakeup = |state: String| {
        let text = |file: &str| machine.text(&format!("{state}/{file}")).map(|t| t.trim().to_owned());
        if text("disable").is_some_and(|t| t != "0") {
            return None;
        }
        Some((text("latency")?.parse::<u64>().ok()?, text("name").unwrap_or_default()))
    };
    states.filter_map(wakeup).max()
}

fn inside(machine: &dyn Machine, container: Option<String>) -> Vec<String> {
    let mut found = Vec::new();
    let flags = machine.text("/proc/cpuinfo").unwrap_or_default();
    let virtual_cpu =
        flags.lines().any(|l| l.starts_with("flags") && l.split_whitespace().any(|flag| flag == "hypervisor"));
    let maker = machine.text("/sys/class/dmi/id/sys_vendor").map(|t| t.trim().to_owned());
    if virtual_cpu {
        found.push(maker.map_or_else(|| "a virtual machine".to_owned(), |m| format!("a virtual machine ({m})")));
    } else if let Some(kind) = machine.text("/sys/hypervisor/type") {
        found.push(format!("a virtual machine ({})", kind.trim()));
    }
    let noted = machine.text("/run/systemd/container").map(|t| t.trim().to_owned());
    if let Some(kind) = container.filter(|c| !c.is_empty()).or(noted) {
        found.push(format!("a container ({kind})"));
    } else if machine.text("/.dockerenv").is_some() || machine.text("/run/.containerenv").is_some() {
        found.push("a container".to_owned());
    }
    found
}

fn chips(machine: &dyn Machine) -> Vec<Chip> {
    let groups = machine.text("/etc/group").unwrap_or_default();
    let is_chip = |name: &String| {
        name.strip_prefix("gpiochip").is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    };
    let chip = |name: String| {
        let path = format!("/dev/{name}");
        let node = machine.node(&path);
        let device = machine.resolve(&format!("/sys/bus/gpio/devices/{name}")).map(|real| folder_of(&real));
        let driver = device.and_then(|d| machine.resolve(&format!("{d}/driver"))).map(|d| last_part(&d));
        let parameter = driver.as_deref().and_then(drivers::find).and_then(|d| match d.release {
            drivers::Release::Parameter(name) => Some(format!("{}/parameters/{name}", d.name.replace('-', "_"))),
            drivers::Release::Input | drivers::Release::SimulatedPull | drivers::Release::Keeps => None,
        });
        let keeps = parameter.and_then(|p| machine.text(&format!("/sys/module/{p}")));
        Chip {
            answer: machine.chip(&path),
            group: node.and_then(|n| parse::group_name(&groups, n.gid)),
            path,
            node,
            driver,
            keeps_by_parameter: keeps.map(|value| matches!(value.trim(), "Y" | "y" | "1")),
        }
    };
    machine.names("/dev").into_iter().filter(is_chip).map(chip).collect()
}

fn watchdogs(machine: &dyn Machine) -> Vec<Watchdog> {
    let watchdog = |name: String| {
        let text =
            |file: &str| machine.text(&format!("/sys/class/watchdog/{name}/{file}")).map(|t| t.trim().to_owned());
        Watchdog {
            identity: text("identity").unwrap_or_default(),
            timeout_s: text("timeout").and_then(|t| t.parse().ok()),
            no_way_out: text("nowayout").is_some_and(|t| t == "1"),
            active: text("state").is_some_and(|t| t == "active"),
            node: machine.node(&format!("/dev/{name}")),
            name,
        }
    };
    machine.names("/sys/class/watchdog").into_iter().map(watchdog).collect()
}

fn instances(machine: &dyn Machine) -> Vec<String> {
    let names = machine.names("/etc/systemd/system/multi-user.target.wants");
    names.into_iter().filter(|n| n.starts_with("plcrun@") && n.ends_with(".service")).collect()
}

fn storage(machine: &dyn Machine, path: &str) -> Storage {
    let mut nearest = path.to_owned();
    while machine.node(&nearest).is_none() && nearest != "/" && !nearest.is_empty() {
        nearest = folder_of(&nearest);
    }
    let real = machine.resolve(&nearest).unwrap_or_else(|| nearest.clone());
    let mounts = machine.text("/proc/self/mountinfo").unwrap_or_default();
    let mount = parse::mount_of(&mounts, &real);
    let disk = mount.source.strip_prefix("/dev/").unwrap_or_default().to_owned();
    let whole = disk.rsplit_once('p').map_or(disk.as_str(), |(whole, _)| whole);
    let card = machine.text(&format!("/sys/block/{whole}/device/type")).is_some_and(|t| t.trim() == "SD");
    Storage {
        exists: nearest == path,
        node: machine.node(&nearest),
        kind: parse::storage_kind(&mount.file_system, card),
        file_system: mount.file_system,
        read_only: mount.read_only,
        space: machine.space(&nearest),
        path: path.to_owned(),
        nearest,
    }
}
