//! The laboratory's kernel: built once from a source archive, kept outside the checkout, and found again by what it was made of.
//!
//! An entry of the cache is a folder that appears by a rename when everything in it is complete, with the digest of each file
//! in `complete`. An entry that does not fit its digests is thrown away and built again. A lock file beside it makes two commands
//! that want the same kernel wait for each other.

use super::packages::{self, Need, logged};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Options on top of `tinyconfig`.
const CONFIG: &str = include_str!("../../lab/kernel.config");
/// Counts up when the steps below change, so that old entries of the cache are not taken.
const RECIPE: u32 = 2;
/// What an entry has: the kernel, and modules.
const FILES: [(&str, &str); 3] =
    [("linux", "linux"), ("drivers/i2c/i2c-stub.ko", "i2c-stub.ko"), ("drivers/watchdog/softdog.ko", "softdog.ko")];
/// Where a user-mode kernel says how much room it has for the floating-point registers of a process, in bytes, and how much it gets here. Kernel 6.1 has
/// room for AVX-512; where the processor has AMX the host hands out 11 kB, takes back nothing shorter, and the first process dies.
const REGISTERS: (&str, &str, &str) =
    ("arch/x86/um/user-offsets.c", "DEFINE_LONGS(HOST_FP_SIZE, 2696)", "DEFINE_LONGS(HOST_FP_SIZE, 16384)");
/// Left out when unpacking: 300 MB that no option of ours can reach.
const NOT_UNPACKED: &str = "--exclude=*/drivers/gpu/drm/amd/include";

/// A kernel that is ready to boot.
#[derive(Debug)]
pub struct Kernel {
    /// Folder of the cache entry.
    folder: PathBuf,
}

impl Kernel {
    /// The executable.
    pub fn executable(&self) -> PathBuf {
        self.folder.join("linux")
    }

    /// The kernel modules.
    pub fn modules(&self) -> [PathBuf; 2] {
        [self.folder.join("i2c-stub.ko"), self.folder.join("softdog.ko")]
    }
}

/// The kernel from the cache, or built into it.
///
/// # Errors
/// Something needed is missing, or a step of the build fails: the message has the end of its log.
pub fn get(source: Option<&Path>, keep: bool) -> Result<Kernel, String> {
    if std::env::consts::ARCH != "x86_64" {
        return Err("the laboratory's user-mode kernel exists for x86-64 only: run it on such a machine".to_owned());
    }
    let cache = cache_folder()?;
    fs::create_dir_all(&cache).map_err(|e| format!("cannot create {}: {e}", cache.display()))?;
    let key = match source {
        // The cache must be found without the archive, which may have been removed after the build.
        None => key(packages::SOURCE_PACKAGE, 0),
        Some(path) => {
            let length = fs::metadata(path).map_err(|e| format!("--source {}: {e}", path.display()))?.len();
            key(&stem(path), length)
        }
    };
    let folder = cache.join(&key);
    let _held = lock(&cache.join(format!("{key}.lock")))?;
    match complete(&folder) {
        Ok(()) => {
            println!("gpio-lab: kernel from the cache: {}", folder.display());
            return Ok(Kernel { folder });
        }
        Err(why) if folder.exists() => println!("gpio-lab: {} cannot be used ({why}): built again", folder.display()),
        Err(_) => {}
    }
    remove(&folder)?;
    packages::require(Need::Build)?;
    let archive = packages::source(source)?;
    build(&archive, &cache, &key, keep)?;
    complete(&folder)?;
    Ok(Kernel { folder })
}

/// `${XDG_CACHE_HOME:-~/.cache}/plcrun/gpio-lab`.
///
/// # Errors
/// Neither variable is set.
pub fn cache_folder() -> Result<PathBuf, String> {
    let set = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let base = set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")));
    let base = base.ok_or("neither XDG_CACHE_HOME nor HOME is set: there is no place to keep the kernel")?;
    Ok(base.join("plcrun/gpio-lab"))
}

/// Name of the cache entry: which source, and a digest of everything else that makes the result.
fn key(source: &str, length: u64) -> String {
    let digest = Sha256::new().chain_update(CONFIG).chain_update(format!("{source} {length} {RECIPE}")).finalize();
    let digest: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    format!("{source}-{digest}")
}

fn stem(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.split(".tar").next().unwrap_or_default().to_owned()
}

/// Waits until nobody else builds this kernel. The lock is held as long as the file is open.
fn lock(path: &Path) -> Result<fs::File, String> {
    let file = fs::File::create(path).map_err(|e| format!("cannot create {}: {e}", path.display()))?;
    if file.try_lock().is_err() {
        println!("gpio-lab: waits for another command that builds the same kernel");
        file.lock().map_err(|e| format!("cannot lock {}: {e}", path.display()))?;
    }
    Ok(file)
}

/// Why an entry cannot be used, if so.
fn complete(folder: &Path) -> Result<(), String> {
    let said = fs::read_to_string(folder.join("complete")).map_err(|_| "it was not finished".to_owned())?;
    let is = digests(folder)?;
    if said == is { Ok(()) } else { Err("a file in it was changed or cut short".to_owned()) }
}

/// A line for each file of an entry: digest, name.
fn digests(folder: &Path) -> Result<String, String> {
    let mut lines = String::new();
    for (_, name) in FILES {
        let bytes = fs::read(folder.join(name)).map_err(|e| format!("{name}: {e}"))?;
        for byte in Sha256::digest(&bytes) {
            lines.push_str(&format!("{byte:02x}"));
        }
        lines.push_str(&format!(" {name}\n"));
    }
    Ok(lines)
}

fn build(archive: &Path, cache: &Path, key: &str, keep: bool) -> Result<(), String> {
    let start = Instant::now();
    let (tree, made) = (cache.join(format!("{key}.build")), cache.join(format!("{key}.new")));
    let log = cache.join(format!("{key}.log"));
    remove(&tree)?;
    remove(&made)?;
    for folder in [&tree, &made] {
        fs::create_dir_all(folder).map_err(|e| format!("cannot create {}: {e}", folder.display()))?;
    }
    fs::write(&log, "").map_err(|e| format!("cannot write {}: {e}", log.display()))?;
    println!("gpio-lab: unpacks {} (about 1.5 GB for the time of the build)", archive.display());
    let file = archive.to_string_lossy();
    logged("tar", &["--extract", "--strip-components=1", NOT_UNPACKED, "--file", &file], &tree, &log)?;
    make_room(&tree)?;
    configure(&tree, &log)?;
    let jobs = format!("-j{}", std::thread::available_parallelism().map_or(1, usize::from));
    println!("gpio-lab: builds the kernel (about 6 minutes of CPU time; log: {})", log.display());
    logged("make", &["ARCH=um", &jobs, "linux"], &tree, &log)?;
    logged("make", &["ARCH=um", &jobs, "modules"], &tree, &log)?;
    for (from, to) in FILES {
        fs::copy(tree.join(from), made.join(to)).map_err(|e| format!("cannot keep {from}: {e}"))?;
    }
    fs::copy(tree.join(".config"), made.join("config")).map_err(|e| format!("cannot keep the configuration: {e}"))?;
    fs::write(made.join("complete"), digests(&made)?).map_err(|e| format!("cannot finish {}: {e}", made.display()))?;
    fs::rename(&made, cache.join(key)).map_err(|e| format!("cannot move {}: {e}", made.display()))?;
    if keep {
        println!("gpio-lab: build tree kept: {}", tree.display());
    } else {
        remove(&tree)?;
    }
    println!("gpio-lab: kernel built in {:.0} s", start.elapsed().as_secs_f64());
    Ok(())
}

/// Room for the registers of processors that are younger than the source; a source that measures them itself stays as it is.
fn make_room(tree: &Path) -> Result<(), String> {
    let (file, from, to) = REGISTERS;
    let path = tree.join(file);
    let text = fs::read_to_string(&path).map_err(|e| format!("this source has no {file}: {e}"))?;
    fs::write(&path, text.replace(from, to)).map_err(|e| format!("cannot write {}: {e}", path.display()))
}

/// `tinyconfig` and our options, with a look at what is left of them.
fn configure(tree: &Path, log: &Path) -> Result<(), String> {
    logged("make", &["ARCH=um", "tinyconfig"], tree, log)?;
    fs::write(tree.join("lab.config"), CONFIG).map_err(|e| format!("cannot write the configuration: {e}"))?;
    logged("sh", &["scripts/kconfig/merge_config.sh", "-m", ".config", "lab.config"], tree, log)?;
    logged("make", &["ARCH=um", "olddefconfig"], tree, log)?;
    let got = fs::read_to_string(tree.join(".config")).map_err(|e| format!("cannot read the configuration: {e}"))?;
    let vanished = vanished(CONFIG, &got);
    if vanished.is_empty() {
        return Ok(());
    }
    Err(format!(
        "this source does not take all options of xtask/lab/kernel.config; olddefconfig dropped\n    {}",
        vanished.join("\n    ")
    ))
}

/// Wanted options that the configuration does not have.
fn vanished<'a>(wanted: &'a str, got: &str) -> Vec<&'a str> {
    let wanted = wanted.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    wanted.filter(|option| !got.lines().any(|line| line == *option)).collect()
}

fn remove(folder: &Path) -> Result<(), String> {
    match fs::remove_dir_all(folder) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(format!("cannot remove {}: {e}", folder.display())),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_that_lost_its_dependency_is_found() {
        let got = "CONFIG_GPIO_SIM=y\n# CONFIG_FTRACE is not set\nCONFIG_I2C_STUB=y\n";
        let wanted = "# comment\nCONFIG_GPIO_SIM=y\n\nCONFIG_FTRACE=y\nCONFIG_I2C_STUB=m\n";
        assert_eq!(vanished(wanted, got), ["CONFIG_FTRACE=y", "CONFIG_I2C_STUB=m"]);
    }

    #[test]
    fn room_for_registers_is_made_where_the_source_has_too_little() {
        let tree = tempfile::tempdir().unwrap();
        let path = tree.path().join(REGISTERS.0);
        assert!(make_room(tree.path()).unwrap_err().contains("user-offsets.c"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("\t{};\n", REGISTERS.1)).unwrap();
        make_room(tree.path()).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("\t{};\n", REGISTERS.2));
    }

    #[test]
    fn a_changed_file_spoils_an_entry() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(complete(folder.path()).unwrap_err(), "it was not finished");
        for (_, name) in FILES {
            fs::write(folder.path().join(name), name).unwrap();
        }
        fs::write(folder.path().join("complete"), digests(folder.path()).unwrap()).unwrap();
        assert_eq!(complete(folder.path()), Ok(()));
        fs::write(folder.path().join("softdog.ko"), "soft").unwrap();
        assert!(complete(folder.path()).unwrap_err().contains("cut short"));
        fs::remove_file(folder.path().join("softdog.ko")).unwrap();
        assert!(complete(folder.path()).unwrap_err().contains("softdog.ko"));
    }

    #[test]
    fn another_source_is_another_entry() {
        assert_eq!(stem(Path::new("/usr/src/linux-source-6.1.tar.xz")), "linux-source-6.1");
        assert_ne!(key("linux-source-6.1", 0), key("linux-6.1.170", 0));
        assert_ne!(key("linux-source-6.1", 0), key("linux-source-6.1", 7));
        assert!(key("linux-source-6.1", 0).starts_with("linux-source-6.1-"));
    }
}
