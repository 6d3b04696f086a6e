//! A file system of its own, small enough to be filled. Only root can mount one.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::statvfs;
use tempfile::TempDir;

/// A tmpfs that is gone with the test.
pub struct Disk {
    folder: TempDir,
}

impl Disk {
    /// Mounts one, if this is root; `options` as for `mount`, such as `size=32m`.
    pub fn mount(options: &str) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            eprintln!("LEFT OUT: only root can mount the small file system that this test fills");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "orchestrator-test"])
            .arg(folder.path())
            .status()
            .unwrap();
        assert!(mounted.success());
        Some(Self { folder })
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes until there is no byte left.
    pub fn fill(&self) {
        let mut filler = File::create(self.filler()).unwrap();
        for size in [64 * 1024, 1024, 16] {
            let block = vec![b'x'; size];
            while filler.write_all(&block).is_ok() {}
        }
    }

    /// Makes files until it can hold no more.
    pub fn fill_with_files(&self) {
        fs::create_dir(self.filler()).unwrap();
        for number in 0.. {
            if File::create(self.filler().join(number.to_string())).is_err() {
                return;
            }
        }
    }

    /// Takes the filling away.
    pub fn clear(&self) {
        let filler = self.filler();
        if filler.is_dir() { fs::remove_dir_all(filler) } else { fs::remove_file(filler) }.unwrap();
    }

    /// How many bytes there are left.
    pub fn free(&self) -> u64 {
        let system = statvfs(self.path()).unwrap();
        system.f_bavail * system.f_frsize
    }

    fn filler(&self) -> PathBuf {
        self.path().join("filler")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}
