//! What n8n says by itself, and what only shows that messages arrive.

use std::fs;
use std::path::Path;

use orchestrator::telegram;

use crate::gallery::Gallery;
use crate::support::follower::TREE;

pub fn show(gallery: &mut Gallery) {
    gallery.section("What n8n adds", "The workflows in `n8n_workflows/` have few words of their own.");
    let workflow = |name: &str| fs::read_to_string(Path::new(TREE).join("n8n_workflows").join(name)).unwrap();
    let silent = "⚠️ Orchestrator not responding";
    for name in ["telegram-to-orchestrator.json", "daily-startup.json"] {
        assert!(workflow(name).contains(silent), "{name}");
    }
    gallery.line("The daemon doesn't answer", "After three tries.", silent);
    let pressed = workflow("telegram-to-orchestrator.json");
    for part in ["'👉 ' + ", "'⚠️ ' + ", " + ' – ' + "] {
        assert!(pressed.contains(part), "{part}");
    }
    gallery.line(
        "A button was pressed",
        "Below the message that had it, in the place of its buttons.",
        "👉 Ana: ✅ Approve",
    );
    gallery.line(
        "A button was pressed in vain",
        "Likewise, with why.",
        "⚠️ Ana: ✅ Approve – gate g7_qky7 was already approved by Ben at 09:31:02 on 2025-11-20: nothing was changed",
    );
    gallery.message("A test of the way", "`orchestrator doctor --round-trip`.", &telegram::probe());
}
