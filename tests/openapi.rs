//! The description of the interface: a valid document, true of the running daemon, and enough to build a client from.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Output};

use serde_json::{Value, json};
use support::claude::{Claude, succeeds};
use support::daemon::{Daemon, SECRET};
use support::http::{ask, post, stranger};
use support::openapi::Description;
use support::python::Tools;
use support::taskfile::Task;

const METHODS: [&str; 2] = ["get", "post"];

#[test]
fn the_document_is_served_to_anyone_and_printed_without_a_daemon() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    let served = daemon.ask(ask("GET", "/openapi.json"));
    assert_eq!(served.succeeds(), Description::get().document);
    assert_eq!(served.succeeds()["openapi"], "3.1.0");
    assert_eq!(printed(&["openapi"]), format!("{}\n", served.text));
}

#[test]
fn the_document_is_a_valid_one() {
    let folder = tempfile::tempdir().unwrap();
    let document = folder.path().join("openapi.json");
    fs::write(&document, orchestrator::http::openapi::text()).unwrap();
    assert_succeeds(Tools::get().command("openapi-spec-validator").arg(&document).output());
}

#[test]
fn every_example_is_an_example_of_its_schema() {
    let mut examples = Vec::new();
    collect(&Description::get().document, "", &mut examples);
    assert!(examples.len() > 80, "{}", examples.len());
    for (schema, example) in examples {
        if let Err(drift) = Description::get().conforms(&schema, &example) {
            panic!("{schema}: {drift}\n{example:#}");
        }
    }
}

#[test]
fn every_operation_is_described_and_shown() {
    let mut ids = Vec::new();
    for (path, method, operation) in operations(&Description::get().document) {
        let told = format!("{method} {path}");
        assert!(operation["summary"].is_string(), "{told}");
        ids.push(operation["operationId"].as_str().expect("an id").to_owned());
        let content = operation["responses"]["200"]["content"].as_object().expect("a success");
        for (kind, answer) in content {
            assert!(!answer["example"].is_null() || path == "/openapi.json", "{told} {kind}");
        }
        if method == "post" {
            let asked = &operation["requestBody"]["content"]["application/json"];
            assert!(asked["example"].is_object(), "{told}");
            assert_eq!(operation["security"].as_array().unwrap().len(), 3, "{told}");
            assert!(Description::get().document["paths"].get(other_name(path)).is_some(), "{told}");
        }
    }
    let all = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), all, "an id names one operation");
    let codes = &Description::get().document["components"]["schemas"]["Code"]["enum"];
    let shown: Vec<&Value> = examples_of_failures().map(|example| &example["error"]["code"]).collect();
    for code in codes.as_array().unwrap() {
        assert!(shown.contains(&code), "{code} has no example");
    }
}

#[test]
fn what_is_described_as_needing_a_proof_is_not_answered_without_one() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    for (path, method, operation) in operations(&Description::get().document) {
        let stranger = match method {
            "post" => stranger(path, &json!({"command": "status"})),
            _ => ask("GET", path),
        };
        let status = daemon.ask(stranger).status;
        let expected: &[u16] = if operation["security"].is_array() { &[401, 429] } else { &[200] };
        assert!(expected.contains(&status), "{method} {path}: {status}");
    }
}

/// Schemathesis makes up requests, right ones and wrong ones, and compares the answers with the document.
/// `SCHEMATHESIS_EXAMPLES` says how many for each operation, and has the second names asked too, which answer alike;
/// `SCHEMATHESIS_SEED` makes up others.
#[test]
fn whatever_is_asked_the_answer_is_as_described() {
    // A stream of events doesn't end.
    let (examples, left_out) = std::env::var("SCHEMATHESIS_EXAMPLES")
        .map_or_else(|_| ("10".to_owned(), "^/webhook/|^/events$"), |examples| (examples, "^/events$"));
    let seed = std::env::var("SCHEMATHESIS_SEED").unwrap_or_else(|_| "1".to_owned());
    let daemon = Daemon::with(Claude::stand_in()).start();
    daemon.start(&[Task::new("One", &succeeds(0.5)), Task::new("Two", &succeeds(0.5))]);
    let checks = [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
        "negative_data_rejection",
        "unsupported_method",
        "allow_header_conformance",
    ];
    let ran = Tools::get()
        .command("schemathesis")
        .current_dir(daemon.folder())
        .arg("run")
        .arg(format!("http://127.0.0.1:{}/openapi.json", daemon.port()))
        .args(["--header", &format!("Authorization: Bearer {SECRET}")])
        .args(["--checks", &checks.join(",")])
        .args(["--phases", "examples,coverage,fuzzing"])
        .args(["--exclude-path-regex", left_out])
        .args(["--max-examples", &examples, "--seed", &seed, "--no-shrink", "--workers", "2"])
        .args(["--request-timeout", "20"])
        .output();
    println!("{}", String::from_utf8_lossy(&ran.as_ref().unwrap().stdout));
    assert_succeeds(ran);
    let answered = answered_by_status(&daemon);
    println!("answers by status, as the daemon counts them: {answered:?}");
    assert!(answered.keys().all(|status| *status < 500), "{answered:?}");
    assert!(answered.values().sum::<u64>() > 1000, "{answered:?}");
}

/// How many requests the daemon has answered with each status.
fn answered_by_status(daemon: &Daemon) -> BTreeMap<u16, u64> {
    let (_, figures) = daemon.get("/metrics").unwrap();
    let mut answered = BTreeMap::new();
    for line in figures.lines().filter(|line| line.starts_with("orchestrator_http_requests_total{")) {
        let (labels, count) = line.rsplit_once(' ').unwrap();
        let status = labels.split("status=\"").nth(1).unwrap().trim_end_matches("\"}");
        *answered.entry(status.parse().unwrap()).or_default() += count.parse::<u64>().unwrap();
    }
    answered
}

/// A client in another language, generated from the document alone, starts a session and answers its gate.
#[test]
fn a_client_generated_from_the_document_sees_a_session_through() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    daemon.write_tasks("plan.md", &[Task::new("One", &succeeds(0.5)), Task::new("Two", &succeeds(0.25))]);
    let document = daemon.folder().join("openapi.json");
    fs::write(&document, orchestrator::http::openapi::text()).unwrap();
    let generated = Tools::get()
        .command("openapi-python-client")
        .current_dir(daemon.folder())
        .args(["generate", "--meta", "none", "--fail-on-warning", "--output-path", "generated", "--path"])
        .arg(&document)
        .output();
    assert_succeeds(generated);
    let walked = Tools::get()
        .command("python")
        .current_dir(daemon.folder())
        .env("PYTHONPATH", daemon.folder())
        .arg(Tools::script("walk.py"))
        .args([&format!("http://127.0.0.1:{}", daemon.port()), SECRET, "plan.md"])
        .output();
    assert_succeeds(walked);
    assert_eq!(daemon.status()["status"], "completed");
}

/// As someone who clicks through the collection with the daemon's address and secret filled in.
#[test]
fn every_request_of_the_postman_collection_is_understood() {
    let daemon = Daemon::with(Claude::stand_in()).start();
    let collection: Value = serde_json::from_str(&printed(&["openapi", "--postman"])).unwrap();
    let variables: Vec<_> = collection["variable"].as_array().unwrap().iter().map(|v| &v["key"]).collect();
    assert_eq!(variables, ["baseUrl", "secret"]);
    assert_eq!(collection["auth"]["bearer"][0]["value"], "{{secret}}");

    let mut named = Vec::new();
    for request in collection["item"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|folder| folder["item"].as_array().unwrap().iter())
    {
        named.push(request["name"].as_str().unwrap());
        assert!(!request["response"].as_array().unwrap().is_empty() || request["name"] == "openapi.json");
        let request = &request["request"];
        let path = request["url"]["raw"].as_str().unwrap().strip_prefix("{{baseUrl}}").unwrap();
        if path == "/events" {
            continue;
        }
        let asked = match request["body"]["raw"].as_str() {
            Some(body) => post(path, &serde_json::from_str(body).unwrap()),
            None => ask(request["method"].as_str().unwrap(), path).header("x-webhook-secret", SECRET),
        };
        let answer = daemon.ask(asked);
        let fine = [200, 404, 409];
        assert!(fine.contains(&answer.status), "{path}: {}", answer.text);
    }
    let mut described: Vec<_> = operations(&Description::get().document)
        .map(|(path, ..)| &path[1..])
        .filter(|name| !name.starts_with("webhook/"))
        .collect();
    named.sort_unstable();
    described.sort_unstable();
    assert_eq!(named, described);
}

fn operations(document: &Value) -> impl Iterator<Item = (&str, &'static str, &Value)> {
    document["paths"].as_object().unwrap().iter().flat_map(|(path, item)| {
        METHODS.into_iter().filter_map(move |method| Some((path.as_str(), method, item.get(method)?)))
    })
}

fn other_name(path: &str) -> String {
    path.strip_prefix("/webhook").map_or_else(|| format!("/webhook{path}"), str::to_owned)
}

fn examples_of_failures() -> impl Iterator<Item = &'static Value> {
    let responses = Description::get().document["components"]["responses"].as_object().unwrap().values();
    responses
        .flat_map(|response| {
            response["content"]["application/json"]["examples"].as_object().unwrap().values()
        })
        .map(|example| &example["value"])
}

/// Every example in the document, with the place of its schema.
fn collect(part: &Value, place: &str, examples: &mut Vec<(String, Value)>) {
    match part {
        Value::Object(keys) => {
            let has_schema = keys.get("schema").is_some_and(Value::is_object);
            for (key, inner) in keys {
                let below = format!("{place}/{}", key.replace('~', "~0").replace('/', "~1"));
                match key.as_str() {
                    "example" if has_schema => examples.push((format!("{place}/schema"), inner.clone())),
                    "examples" if has_schema => {
                        let named = inner.as_object().unwrap().values();
                        examples
                            .extend(named.map(|named| (format!("{place}/schema"), named["value"].clone())));
                    }
                    "examples" if inner.is_array() => {
                        let values = inner.as_array().unwrap().iter();
                        examples.extend(values.map(|value| (place.to_owned(), value.clone())));
                    }
                    _ => collect(inner, &below, examples),
                }
            }
        }
        Value::Array(items) => {
            for (index, inner) in items.iter().enumerate() {
                collect(inner, &format!("{place}/{index}"), examples);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn printed(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_orchestrator")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[track_caller]
fn assert_succeeds(output: std::io::Result<Output>) {
    let output = output.unwrap();
    assert!(
        output.status.success(),
        "{}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
