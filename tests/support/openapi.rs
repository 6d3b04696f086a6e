//! The daemon's own description of its interface, held against every answer that a test receives.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock};

use jsonschema::Validator;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use super::chat_message;

/// The description, and what it says of answers as schemas that are compiled when they are first needed.
pub struct Description {
    pub document: Value,
    validators: Mutex<HashMap<String, Validator>>,
}

impl Description {
    /// What this build describes; a test holds that the daemon serves the same.
    pub fn get() -> &'static Self {
        static DESCRIPTION: OnceLock<Description> = OnceLock::new();
        DESCRIPTION.get_or_init(|| {
            let document = serde_json::from_str(orchestrator::http::openapi::text()).unwrap();
            Self { document, validators: Mutex::default() }
        })
    }

    /// Fails if the answer isn't one that the description knows.
    #[track_caller]
    pub fn assert_knows(&self, method: &str, path: &str, status: u16, headers: &HeaderMap, body: &str) {
        if let Err(drift) = self.check(method, path, status, headers, body) {
            panic!(
                "the OpenAPI document doesn't know this answer to {method} {path}: {drift}\n{status} {body}"
            );
        }
    }

    fn check(
        &self,
        method: &str,
        path: &str,
        status: u16,
        headers: &HeaderMap,
        body: &str,
    ) -> Result<(), String> {
        let path = path.split('?').next().unwrap();
        let answer = self.answer(method, path, status).ok_or("nothing is said of this status")?;
        let described = self.document.pointer(&answer).unwrap();
        if !headers.contains_key("x-request-id") {
            return Err("it has no x-request-id".into());
        }
        for (name, header) in described["headers"].as_object().into_iter().flatten() {
            let value = headers.get(name);
            match (value, header["required"].as_bool()) {
                (None, Some(true)) => return Err(format!("the header {name} is missing")),
                (None, _) => {}
                (Some(value), _) => {
                    let text = value.to_str().map_err(|error| error.to_string())?;
                    let value = if header["schema"]["type"] == "integer" {
                        serde_json::from_str(text).map_err(|error| format!("{name}: {error}"))?
                    } else {
                        json!(text)
                    };
                    self.conforms(&format!("{answer}/headers/{name}/schema"), &value)?;
                }
            }
        }
        if method == "HEAD" {
            return Ok(());
        }
        let kind = headers.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let essence = kind.split(';').next().unwrap().trim();
        if !described["content"][essence].is_object() {
            return Err(format!("it is {kind:?}, not {}", described["content"]));
        }
        if essence != "application/json" {
            return Ok(());
        }
        let body: Value = serde_json::from_str(body).map_err(|error| format!("not JSON: {error}"))?;
        if let Some(telegram) = body.get("telegram") {
            chat_message::check(telegram)?;
        }
        self.conforms(&format!("{answer}/content/application~1json/schema"), &body)
    }

    /// Where an answer is described. What no operation answers is answered alike everywhere.
    fn answer(&self, method: &str, path: &str, status: u16) -> Option<String> {
        let method = if method == "HEAD" { "get".to_owned() } else { method.to_lowercase() };
        let item = format!("/paths/{}", escaped(path));
        let operation = format!("{item}/{method}");
        let described = format!("{operation}/responses/{status}");
        let common = |name: &str| Some(format!("/components/responses/{name}"));
        if let Some(answer) = self.document.pointer(&described) {
            return match answer["$ref"].as_str() {
                Some(target) => Some(target.strip_prefix('#').unwrap().to_owned()),
                None => Some(described),
            };
        }
        let (path_is_known, operation_is_known) =
            (self.document.pointer(&item).is_some(), self.document.pointer(&operation).is_some());
        match status {
            404 if !path_is_known => common("NotFound"),
            405 if path_is_known && !operation_is_known => common("MethodNotAllowed"),
            403 if !operation_is_known => common("Forbidden"),
            _ => None,
        }
    }

    /// Whether a value is what the schema at this place of the document describes, and nothing more.
    pub fn conforms(&self, schema: &str, value: &Value) -> Result<(), String> {
        let mut validators = self.validators.lock().unwrap();
        let validator = validators.entry(schema.to_owned()).or_insert_with(|| self.compile(schema));
        let problems: Vec<_> =
            validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
        if problems.is_empty() { Ok(()) } else { Err(problems.join("; ")) }
    }

    fn compile(&self, schema: &str) -> Validator {
        let mut schema = self.document.pointer(schema).unwrap_or_else(|| panic!("no {schema}")).clone();
        let mut components = self.document["components"].clone();
        tighten(&mut schema, true);
        tighten(&mut components["schemas"], true);
        schema["components"] = components;
        jsonschema::draft202012::options().should_validate_formats(true).build(&schema).unwrap()
    }
}

/// Where an object is meant, nothing that isn't described may be in it. Clients are told no such thing, so that an answer
/// may say more one day; what it says then has to be described.
fn tighten(schema: &mut Value, is_whole: bool) {
    match schema {
        Value::Object(keys) => {
            for (key, inner) in
                keys.iter_mut().filter(|(key, _)| !["example", "examples"].contains(&key.as_str()))
            {
                tighten(inner, key != "allOf");
            }
            if is_whole && keys.get("$ref").is_some_and(Value::is_string) {
                keys.insert("unevaluatedProperties".into(), json!(false));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| tighten(item, is_whole)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
