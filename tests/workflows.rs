//! The shipped n8n workflows as files: complete, readable, and free of anything that is nobody's business. What they do is
//! held by `tests/e2e`.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value;

const CREDENTIALS: [(&str, &str); 5] = [
    ("telegramApi", "Orchestrator Telegram bot"),
    ("httpBasicAuth", "Orchestrator Telegram address"),
    ("httpHeaderAuth", "Orchestrator secret"),
    ("httpHeaderAuth", "Orchestrator notify header"),
    ("crypto", "Orchestrator signature"),
];

#[test]
fn a_file_holds_a_workflow_and_nothing_of_whoever_made_it() {
    for (file, workflow) in workflows() {
        let fields: Vec<&str> = workflow.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(fields, ["connections", "name", "nodes", "settings"], "{file}");
        for node in nodes(&workflow) {
            let place = format!("{file}: {}", node["name"]);
            // With its id, n8n would make the trigger's secret token from something that everybody knows.
            let is_trigger = node["type"] == "n8n-nodes-base.telegramTrigger";
            assert!(!(is_trigger && node.get("webhookId").is_some()), "{place}");
            for (kind, credential) in node["credentials"].as_object().into_iter().flatten() {
                let name = credential["name"].as_str().unwrap();
                assert!(CREDENTIALS.contains(&(kind.as_str(), name)), "{place}: {kind} {name}");
            }
            let text = node.to_string();
            for secret in ["Bearer ey", "whsec_\"", "api.telegram.org/bot1", "$env", "$vars"] {
                assert!(!text.contains(secret), "{place} holds {secret}");
            }
        }
    }
}

#[test]
fn settings_are_in_one_place_and_empty_but_for_the_daemons_address() {
    let expected = BTreeMap::from([
        ("daily-startup.json", vec![("chat", ""), ("daemonUrl", "http://127.0.0.1:5000")]),
        ("orchestrator-to-telegram.json", vec![("daemonUrl", "http://127.0.0.1:5000"), ("defaultChat", "")]),
        (
            "telegram-to-orchestrator.json",
            vec![("allowedChats", ""), ("allowedUsers", ""), ("daemonUrl", "http://127.0.0.1:5000")],
        ),
    ]);
    for (file, workflow) in workflows() {
        let [settings] =
            nodes(&workflow).iter().filter(|node| node["name"] == "Settings").collect::<Vec<_>>()[..]
        else {
            panic!("{file}: one node is called Settings")
        };
        let fields = settings["parameters"]["assignments"]["assignments"].as_array().unwrap();
        let mut fields: Vec<(&str, &str)> = fields
            .iter()
            .map(|field| (field["name"].as_str().unwrap(), field["value"].as_str().unwrap()))
            .collect();
        fields.sort_unstable();
        assert_eq!(fields, expected[file.as_str()], "{file}");
    }
}

#[test]
fn every_node_is_named_connected_and_free_to_be_seen() {
    for (file, workflow) in workflows() {
        let all = nodes(&workflow);
        let names: BTreeSet<&str> = all.iter().map(|node| node["name"].as_str().unwrap()).collect();
        assert_eq!(names.len(), all.len(), "{file}: no name is given twice");
        let ids: BTreeSet<&str> = all.iter().map(|node| node["id"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), all.len(), "{file}: no id is given twice");

        let mut reached = BTreeSet::new();
        for (from, outputs) in workflow["connections"].as_object().unwrap() {
            assert!(names.contains(from.as_str()), "{file}: {from}");
            for link in
                outputs["main"].as_array().unwrap().iter().flat_map(|output| output.as_array().unwrap())
            {
                reached.insert(link["node"].as_str().unwrap());
            }
        }
        for node in all {
            let (name, kind) = (node["name"].as_str().unwrap(), node["type"].as_str().unwrap());
            let begins = ["telegramTrigger", "webhook", "scheduleTrigger", "manualTrigger", "stickyNote"];
            let begins = begins.iter().any(|begin| kind == format!("n8n-nodes-base.{begin}"));
            assert_eq!(reached.contains(name), !begins, "{file}: {name}");
        }
        for (at, one) in all.iter().enumerate() {
            for other in &all[at + 1..] {
                assert!(
                    !overlap(area(one), area(other)),
                    "{file}: {} lies on {}",
                    one["name"],
                    other["name"]
                );
            }
        }
    }
}

/// Left, top, right, bottom on n8n's canvas; a node with its name below.
fn area(node: &Value) -> [i64; 4] {
    let [x, y] = [0, 1].map(|axis| node["position"][axis].as_i64().unwrap());
    let size = |name: &str, otherwise| node["parameters"][name].as_i64().unwrap_or(otherwise);
    let (width, height) = if node["type"] == "n8n-nodes-base.stickyNote" {
        (size("width", 240), size("height", 160))
    } else {
        (96, 150)
    };
    [x, y, x + width, y + height]
}

fn overlap(one: [i64; 4], other: [i64; 4]) -> bool {
    one[0] < other[2] && other[0] < one[2] && one[1] < other[3] && other[1] < one[3]
}

fn nodes(workflow: &Value) -> &[Value] {
    workflow["nodes"].as_array().unwrap()
}

fn workflows() -> BTreeMap<String, Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("n8n_workflows");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: &Path| serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let workflows: BTreeMap<String, Value> =
        files.map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), read(&path))).collect();
    assert_eq!(workflows.len(), 3, "{:?}", workflows.keys());
    workflows
}
