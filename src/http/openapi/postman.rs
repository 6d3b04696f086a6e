//! The same interface as a Postman collection (v2.1), for those who click: made from the document alone.

use serde_json::{Value, json};

const FORMAT: &str = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json";
const JSON: &str = "application/json";

/// Turns the document into a collection with the variables `baseUrl` and `secret` and one request an endpoint, under its
/// short name.
pub fn collection(document: &Value) -> Value {
    let paths = document["paths"].as_object().into_iter().flatten();
    let (mut commands, mut others) = (Vec::new(), Vec::new());
    for (path, item) in paths.filter(|(path, _)| !path.starts_with("/webhook/")) {
        for (method, operation) in item.as_object().into_iter().flatten() {
            let request = request(document, path, method, operation);
            if operation["requestBody"].is_object() { commands.push(request) } else { others.push(request) }
        }
    }
    json!({
        "info": {
            "name": document["info"]["title"],
            "description": document["info"]["description"],
            "version": document["info"]["version"],
            "schema": FORMAT,
        },
        "auth": { "type": "bearer", "bearer": [{ "key": "token", "value": "{{secret}}", "type": "string" }] },
        "variable": [
            { "key": "baseUrl", "value": document["servers"][0]["url"], "type": "string" },
            { "key": "secret", "value": "", "type": "string" },
        ],
        "item": [{ "name": "commands", "item": commands }, { "name": "daemon", "item": others }],
    })
}

fn request(document: &Value, path: &str, method: &str, operation: &Value) -> Value {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let mut request = json!({
        "method": method.to_uppercase(),
        "description": described(operation),
        "header": headers(operation),
        "url": { "raw": format!("{{{{baseUrl}}}}{path}"), "host": ["{{baseUrl}}"], "path": parts },
    });
    let asked = &operation["requestBody"]["content"][JSON];
    if asked.is_object() {
        request["body"] = json!({
            "mode": "raw",
            "raw": pretty(&asked["example"]),
            "options": { "raw": { "language": "json" } },
        });
    }
    if operation["security"].is_null() {
        request["auth"] = json!({ "type": "noauth" });
    }
    let answers = operation["responses"].as_object().into_iter().flatten();
    let examples: Vec<Value> =
        answers.flat_map(|(status, answer)| examples(status, resolved(document, answer), &request)).collect();
    json!({ "name": path.trim_start_matches('/'), "request": request, "response": examples })
}

fn described(operation: &Value) -> String {
    let texts = [&operation["summary"], &operation["description"]];
    texts.into_iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n\n")
}

/// Those that a request has are declared; those that it may have are there to be switched on.
fn headers(operation: &Value) -> Vec<Value> {
    let mut headers = Vec::new();
    if operation["requestBody"].is_object() {
        headers.push(json!({ "key": "Content-Type", "value": JSON }));
    }
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    for parameter in parameters.filter(|parameter| parameter["in"] == "header") {
        headers.push(json!({
            "key": parameter["name"],
            "value": "",
            "description": parameter["description"],
            "disabled": true,
        }));
    }
    headers
}

fn examples(status: &str, answer: &Value, request: &Value) -> Vec<Value> {
    let content = &answer["content"][JSON];
    let named = content["examples"].as_object().into_iter().flatten();
    let named = named.map(|(name, example)| (name.as_str(), &example["value"]));
    let only = content.get("example").map(|example| ("ok", example));
    only.into_iter()
        .chain(named)
        .map(|(name, body)| {
            json!({
                "name": format!("{status} {name}"),
                "originalRequest": request,
                "code": status.parse::<u16>().unwrap_or_default(),
                "header": [{ "key": "Content-Type", "value": JSON }],
                "body": pretty(body),
                "_postman_previewlanguage": "json",
            })
        })
        .collect()
}

fn resolved<'a>(document: &'a Value, part: &'a Value) -> &'a Value {
    let target = part["$ref"].as_str().and_then(|target| document.pointer(target.strip_prefix('#')?));
    target.unwrap_or(part)
}

fn pretty(value: &Value) -> String {
    format!("{value:#}")
}
