//! lintian's opinion of the package. It is fetched into a scratch root when this machine has none; where it cannot be had,
//! that is said.

use std::path::Path;
use std::process::Command;

const OVERLAY: &str = include_str!("overlay.sh");
/// Ends with 77 where lintian cannot be had.
const SCRIPT: &str = r#"
mount --rbind /dev root/dev
cp "$2" root/root/plcrun.deb
if ! chroot root sh -c 'command -v lintian' >/dev/null; then
    chroot root sh -c 'apt-get update && apt-get install -y --no-install-recommends lintian' >/dev/null 2>&1 || exit 77
fi
chroot root lintian --allow-root --fail-on error /root/plcrun.deb
"#;

/// Prints what lintian says.
///
/// # Errors
/// It found an error.
pub fn run(package: &Path) -> Result<(), String> {
    if !super::scratch::is_root() {
        println!("== lintian: skipped, fetching it needs root");
        return Ok(());
    }
    println!("== lintian");
    let folder = super::scratch::folder()?;
    let status = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "sh", "-c", &format!("{OVERLAY}{SCRIPT}"), "sh"])
        .arg(&folder)
        .arg(std::path::absolute(package).map_err(|e| e.to_string())?)
        .status();
    // The mounts went with the namespace; an empty folder is left.
    let _ = std::fs::remove_dir(&folder);
    match status.map_err(|e| format!("cannot run unshare: {e}"))?.code() {
        Some(0) => Ok(()),
        Some(77) => {
            println!("== lintian: skipped, it is not installed and cannot be fetched");
            Ok(())
        }
        _ => Err("lintian found errors in the package, see above".to_owned()),
    }
}
