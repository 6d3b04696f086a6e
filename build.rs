//! Has the linker keep together what a daemon at rest doesn't run: `.cargo/rooms.ld` says why.

use std::env::{var, var_os};
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=.cargo/rooms.ld");
    let is = |variable: &str, value: &str| var(variable).is_ok_and(|is| is == value);
    // The linkers of Rust and of GNU can; whoever has chosen one of the others does without.
    let chosen = var_os("RUSTC_LINKER").is_some()
        || var("CARGO_ENCODED_RUSTFLAGS").is_ok_and(|flags| flags.contains("fuse-ld"));
    if is("CARGO_CFG_TARGET_OS", "linux") && is("PROFILE", "release") && !chosen {
        let folder = var("CARGO_MANIFEST_DIR").unwrap_or_default();
        println!("cargo::rustc-link-arg-bins=-Wl,-T,{folder}/.cargo/rooms.ld");
        if is("CARGO_CFG_TARGET_ENV", "gnu") && var("HOST") == var("TARGET") && relocates_in_short() {
            println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
        }
    }
}

/// Whether the system's loader understands relocations in their short form, which are 5 KB in place of 400: glibc does since
/// 2.36. A program that has them asks for it by name, so an older loader refuses it in words.
fn relocates_in_short() -> bool {
    let told = Command::new("getconf").arg("GNU_LIBC_VERSION").output();
    let told = told.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let mut version = told.trim().trim_start_matches("glibc ").split('.').map_while(|part| part.parse().ok());
    version.next().zip(version.next()) >= Some((2, 36))
}
