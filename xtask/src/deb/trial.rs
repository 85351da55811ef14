//! What is tried of the package: installing, its unit under a real systemd, upgrading, removing, purging.
//!
//! Nothing is gated on how long something takes, only on what happened in the end.

use super::FOLDER;
use super::scratch::{Said, Scratch};
use super::udev::{self, Given};
use crate::command;
use std::path::{Path, PathBuf};

/// Most exposure `systemd-analyze security` may find, in tenths (0 is best, 100 worst).
const EXPOSURE_TENTHS_MAX: u32 = 15;
/// Where each capability that stands in for a limit is needed.
const CAPABILITIES: &str = "CAP_SYS_NICE CAP_IPC_LOCK";

/// A step, and what it does.
type Step = (&'static str, fn(&Trial) -> Result<String, String>);

const STEPS: &[Step] = &[
    ("installs", installs),
    ("udev rule gives the chips to the group", udev_rule),
    ("unit is understood", verify),
    ("unit is hardened", exposure),
    ("hardening allows what the program needs", probe),
    ("example starts, is watched and stops", example),
    ("a refused controller is not restarted", no_restart),
    ("a killed controller leaves its lines off and waits", killed),
    ("upgrades without stopping or losing anything", upgrade),
    ("is removed in order", remove),
    ("is purged", purge),
];

struct Trial {
    scratch: Scratch,
    package: String,
    next: String,
}

/// Tries a package, and an upgrade to the next one.
///
/// # Errors
/// Names the first step that failed, with what was seen.
pub fn run(package: &Path, next: &Path) -> Result<(), String> {
    let probe = PathBuf::from(FOLDER).join("probe");
    let probe_source = PathBuf::from(FOLDER).join("probe.c");
    std::fs::write(&probe_source, include_str!("probe.c")).map_err(|e| e.to_string())?;
    command("cc", &["-static", "-O1", "-o", &probe.display().to_string(), &probe_source.display().to_string()], &[])?;
    println!("== trial in a scratch root");
    let scratch = Scratch::boot(&[package, next, &probe])?;
    let inside = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        format!("/root/trial/{name}")
    };
    let trial = Trial { package: inside(package), next: inside(next), scratch };
    for (name, step) in STEPS {
        match step(&trial) {
            Ok(seen) => println!("ok  {name}{}{seen}", if seen.is_empty() { "" } else { ": " }),
            Err(why) => {
                let journal = trial.scratch.shell("journalctl --no-pager --lines=40 --unit='plcrun@*'").text;
                return Err(format!("the package's trial failed at `{name}`: {why}\n--- journal:\n{journal}"));
            }
        }
    }
    Ok(())
}

impl Trial {
    /// A line of shell that must succeed; gives what it said.
    fn must(&self, line: &str) -> Result<String, String> {
        let Said { code, text } = self.scratch.shell(line);
        if code == 0 { Ok(text.trim().to_owned()) } else { Err(format!("`{line}` ended with {code}: {text}")) }
    }

    /// A property of an instance.
    fn property(&self, instance: &str, name: &str) -> Result<String, String> {
        self.must(&format!("systemctl show plcrun@{instance} --value --property={name}"))
    }

    /// An instance has this property.
    fn has(&self, instance: &str, name: &str, wanted: &str) -> Result<(), String> {
        let value = self.property(instance, name)?;
        if value == wanted { Ok(()) } else { Err(format!("{name} of plcrun@{instance} is {value}, not {wanted}")) }
    }

    /// Settings for one instance, put over the unit's.
    fn drop_in(&self, instance: &str, settings: &str) -> Result<(), String> {
        let folder = format!("/etc/systemd/system/plcrun@{instance}.service.d");
        let line = format!(
            "mkdir -p {folder} /etc/plcrun/{instance} && touch /etc/plcrun/{instance}/service.conf && \
             printf '[Service]\\n%s\\n' '{settings}' >{folder}/trial.conf && systemctl daemon-reload"
        );
        self.must(&line).map(|_| ())
    }
}

fn installs(trial: &Trial) -> Result<String, String> {
    trial.must(&format!("dpkg --install {}", trial.package))?;
    trial.must("dpkg --listfiles plcrun >/root/trial/files")?;
    let groups = trial.must("id --name --groups plcrun")?;
    if !groups.split_whitespace().any(|g| g == "gpio") {
        return Err(format!("the user plcrun is in the groups {groups}"));
    }
    for file in [
        "/usr/share/man/man1/plcrun-run.1.gz",
        "/usr/share/bash-completion/completions/plcrun",
        "/usr/lib/udev/rules.d/60-plcrun.rules",
        "/usr/share/doc/plcrun/copyright",
    ] {
        trial.must(&format!("test -s {file}"))?;
    }
    trial.must("bash -n /usr/share/bash-completion/completions/plcrun")?;
    trial.must("cd /etc/plcrun/example && plcrun check start_stop.ld --io start_stop.io.yaml || test $? = 1")?;
    trial.must("plcrun --version")
}

/// No udev runs in a scratch root: what the installed file gives is worked out here, and udev's own check reads it where there is one.
fn udev_rule(trial: &Trial) -> Result<String, String> {
    const RULES: &str = "/usr/lib/udev/rules.d/60-plcrun.rules";
    let rules = trial.must(&format!("cat {RULES}"))?;
    let ours = Given { group: Some("gpio".to_owned()), mode: Some("0660".to_owned()) };
    for (subsystem, kernel, wanted) in [
        ("gpio", "gpiochip0", ours.clone()),
        ("misc", "cpu_dma_latency", ours),
        ("watchdog", "watchdog0", Given::default()),
    ] {
        let given = udev::given(&rules, subsystem, kernel)?;
        if given != wanted {
            return Err(format!("{kernel} gets {given:?}, not {wanted:?}"));
        }
    }
    trial.must("getent group gpio")?;
    // Since version 254.
    if trial.scratch.shell("udevadm verify --help").code != 0 {
        return Ok("by its text; udevadm verify is not on this machine".to_owned());
    }
    trial.must(&format!("udevadm verify --resolve-names=early {RULES}"))?;
    Ok("by its text and by udevadm verify".to_owned())
}

fn verify(trial: &Trial) -> Result<String, String> {
    let said = trial.must("systemd-analyze verify plcrun@example.service")?;
    if said.is_empty() { Ok(said) } else { Err(said) }
}

fn exposure(trial: &Trial) -> Result<String, String> {
    let report = trial.must(&format!(
        "systemd-analyze security --offline=true --no-pager --threshold={EXPOSURE_TENTHS_MAX} plcrun@example.service"
    ))?;
    let last = report.lines().rfind(|line| line.contains("Overall exposure level"));
    let score = last.and_then(|line| line.rsplit(": ").next()).unwrap_or("no score").to_owned();
    Ok(format!("{score}, at most {}.{} allowed", EXPOSURE_TENTHS_MAX / 10, EXPOSURE_TENTHS_MAX % 10))
}

/// The real-time class, locked memory and code made at run time, under everything the unit forbids. Then each of two
/// options that must stay off is put on: the probe must notice, or it would show nothing.
fn probe(trial: &Trial) -> Result<String, String> {
    const START: &str = "Type=oneshot\nWatchdogSec=0\nExecStart=\nExecStart=/usr/local/bin/plcrun-probe";
    trial.must("install -m 755 /root/trial/probe /usr/local/bin/plcrun-probe")?;
    // Where systemd itself may not raise limits (a container without CAP_SYS_RESOURCE), the unit's limits have no effect
    // and capabilities stand in for them: the filters of the unit are what is tried here.
    let raised = trial.must("grep -i '^CapEff' /proc/1/status | tr -d '\\t ' | cut -d: -f2")?;
    let mask = u64::from_str_radix(&raised, 16).map_err(|e| format!("CapEff is {raised}: {e}"))?;
    const CAP_SYS_RESOURCE: u32 = 24;
    let (rights, how) = if mask >> CAP_SYS_RESOURCE & 1 == 1 {
        (String::new(), "by the unit's limits")
    } else {
        let rights = format!("\nCapabilityBoundingSet={CAPABILITIES}\nAmbientCapabilities={CAPABILITIES}");
        (rights, "by capabilities, because systemd may not raise limits on this machine")
    };
    trial.drop_in("probe", &format!("{START}{rights}"))?;
    trial.must("systemctl start plcrun@probe")?;
    for (option, refused) in
        [("MemoryDenyWriteExecute=yes", "code made at run time: "), ("RestrictRealtime=yes", "real-time class: ")]
    {
        trial.drop_in("probe", &format!("{START}{rights}\n{option}"))?;
        let code = trial.scratch.shell("systemctl start plcrun@probe").code;
        // What was refused by the last of all starts.
        let said = trial
            .must(&format!("journalctl --no-pager --output=cat --unit=plcrun@probe --grep='^{refused}' | tail -1"))?;
        if code == 0 || said.ends_with("granted") {
            return Err(format!("{option} changed nothing (`{said}`): the probe tests nothing"));
        }
    }
    Ok(format!("real-time class, locked memory, code made at run time, granted {how}"))
}

fn example(trial: &Trial) -> Result<String, String> {
    // Type=notify: this ends when the first scan has been reported.
    trial.must("systemctl start plcrun@example")?;
    trial.has("example", "ActiveState", "active")?;
    trial.must("test -d /var/lib/plcrun/example && test \"$(stat -c %U /var/lib/plcrun/example)\" = plcrun")?;
    // Longer than the unit's WatchdogSec: without signs of life it would be killed by now.
    trial.must("sleep 7")?;
    trial.has("example", "ActiveState", "active")?;
    trial.must("systemctl stop plcrun@example")?;
    trial.has("example", "Result", "success")?;
    trial.has("example", "ExecMainStatus", "0")?;
    Ok(String::new())
}

/// An instance whose program is broken ends with code 1 and stays down, even where a drop-in asks for restarts.
fn no_restart(trial: &Trial) -> Result<String, String> {
    trial.drop_in("broken", "Restart=on-failure\nRestartSec=100ms")?;
    trial.must(
        "printf 'PROGRAM=broken.ld\\n' >/etc/plcrun/broken/service.conf && echo nonsense >/etc/plcrun/broken/broken.ld",
    )?;
    let said = trial.scratch.shell("systemctl start plcrun@broken");
    if said.code == 0 {
        return Err("a broken program was started".to_owned());
    }
    trial.must("sleep 1")?;
    trial.has("broken", "ActiveState", "failed")?;
    trial.has("broken", "NRestarts", "0")?;
    trial.has("broken", "ExecMainStatus", "1")?;
    Ok(String::new())
}

/// Real lines (a file chip), so that there are two processes. The scan process is killed with an output on: the output is
/// off, the service has failed with code 3, nobody has restarted it although a drop-in asks for that, and the next start
/// is granted.
fn killed(trial: &Trial) -> Result<String, String> {
    const CHIP: &str = "/dev/shm/plcrun-trial";
    const PROGRAM: &str = "PROGRAM Plant VAR lamp AT %QX0.0 : BOOL; END_VAR lamp := TRUE; END_PROGRAM";
    let map = format!(
        "outputs: {{ lamp: {{ gpio: {{ chip: \"file:{CHIP}\", line: 0 }}, restart: auto, restart_reason: a trial }} }}"
    );
    trial.drop_in("plant", "Restart=on-failure\nRestartSec=100ms")?;
    let folder = "/etc/plcrun/plant";
    trial.must(&format!(
        "printf '%s\\n' '{PROGRAM}' >{folder}/plant.st && printf '%s\\n' '{map}' >{folder}/cabinet.yaml"
    ))?;
    trial.must(&format!("printf 'PROGRAM=plant.st\\nOPTIONS=--io cabinet.yaml\\n' >{folder}/service.conf"))?;
    let lines = format!("runuser --user plcrun -- plcrun lines {CHIP}");
    trial.must(&format!("{lines} --make 2"))?;
    trial.must("systemctl start plcrun@plant")?;
    let high = format!("{lines} | grep -Eq '^ +0 +high'");
    trial.must(&format!("for i in $(seq 50); do {high} && break; sleep 0.1; done; {high}"))?;
    let (guardian, group) = (trial.property("plant", "MainPID")?, trial.property("plant", "ControlGroup")?);
    let all = trial.must(&format!("cat /sys/fs/cgroup{group}/cgroup.procs"))?;
    let others: Vec<&str> = all.split_whitespace().filter(|pid| *pid != guardian).collect();
    let [scan] = others.as_slice() else { return Err(format!("not two processes but {all}")) };
    trial.must(&format!("kill -KILL {scan}"))?;
    trial
        .must("for i in $(seq 100); do systemctl is-failed --quiet plcrun@plant && break; sleep 0.1; done; sleep 1")?;
    trial.has("plant", "ActiveState", "failed")?;
    trial.has("plant", "ExecMainStatus", "3")?;
    trial.has("plant", "NRestarts", "0")?;
    trial.must(&format!("! {high}"))?;
    trial.must("systemctl start plcrun@plant && systemctl stop plcrun@plant")?;
    trial.has("plant", "Result", "success")?;
    Ok(String::new())
}

fn upgrade(trial: &Trial) -> Result<String, String> {
    trial.must("systemctl start plcrun@example")?;
    let before = trial.property("example", "MainPID")?;
    trial.must("echo '# mine' >>/etc/plcrun/example/service.conf && echo kept >/var/lib/plcrun/example/kept")?;
    let said = trial.must(&format!("dpkg --install {}", trial.next))?;
    if !said.contains("still running the version before: plcrun@example.service") {
        return Err(format!("nobody is told that a controller runs the version before: {said}"));
    }
    trial.has("example", "MainPID", &before)?;
    trial.must("tail -1 /etc/plcrun/example/service.conf | grep -qx '# mine'")?;
    trial.must("systemctl restart plcrun@example")?;
    trial.has("example", "ActiveState", "active")?;
    trial.must("grep -qx kept /var/lib/plcrun/example/kept")?;
    trial.must("dpkg-query --show --showformat='${Version}' plcrun")
}

fn remove(trial: &Trial) -> Result<String, String> {
    trial.must("systemctl enable plcrun@example && mkdir -p /etc/plcrun/pump && touch /etc/plcrun/pump/pump.ld")?;
    trial.must("dpkg --remove plcrun")?;
    trial.has("example", "ActiveState", "inactive")?;
    trial.must("journalctl --no-pager --output=cat --unit=plcrun@example | grep -q 'stopped by SIGTERM'")?;
    trial.must("test -e /var/lib/plcrun/example/kept && test -e /etc/plcrun/example/service.conf")?;
    trial.must("test ! -e /usr/bin/plcrun")
}

fn purge(trial: &Trial) -> Result<String, String> {
    trial.must("dpkg --purge plcrun")?;
    let left = trial.must("while read -r f; do if [ -f \"$f\" ]; then echo \"$f\"; fi; done </root/trial/files")?;
    if !left.is_empty() {
        return Err(format!("files of the package are left:\n{left}"));
    }
    trial.must("test ! -e /var/lib/plcrun && test ! -e /etc/plcrun/example")?;
    trial.must("test -z \"$(find /etc/systemd/system -name 'plcrun@*.service')\"")?;
    // A program the user put there is the user's.
    trial.must("test -e /etc/plcrun/pump/pump.ld")
}
