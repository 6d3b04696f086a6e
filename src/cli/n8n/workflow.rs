//! A workflow of ours, made fit for one n8n: its credentials by their ids there, its settings as the configuration has
//! them.

use serde_json::{Map, Value, json};

use super::api::{Credential, Workflow};
use super::request::Request;
use super::shown;
use super::stock::Stocked;
use super::trouble::Trouble;

/// The node in which everything stands that differs from place to place.
const SETTINGS: &str = "Settings";
/// What people change in n8n and expect to stay as it is.
const THEIRS: [&str; 1] = ["schedule"];
/// What n8n accepts of a workflow.
const SENT: [&str; 4] = ["name", "nodes", "connections", "settings"];
/// What n8n makes up for a node that has none. It is part of the address that Telegram was told.
const WEBHOOK_ID: &str = "webhookId";

/// The one that n8n has already. An archived one is as good as gone.
pub(super) fn find(stocked: Stocked, all: &[Workflow]) -> Result<Option<&Workflow>, Trouble> {
    let named: Vec<&Workflow> =
        all.iter().filter(|workflow| workflow.name == stocked.name && !workflow.is_archived).collect();
    match named.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        several => {
            let ids: Vec<&str> = several.iter().map(|workflow| workflow.id.as_str()).collect();
            let (number, ids) = (several.len(), ids.join(", "));
            Err(Trouble::Ambiguous { kind: "workflows", number, name: stocked.name, ids })
        }
    }
}

/// What n8n is to have.
pub(super) fn content(
    stocked: Stocked,
    request: &Request<'_>,
    credentials: &[Credential],
    known: Option<&Workflow>,
) -> Value {
    let mut workflow = stocked.content();
    for node in workflow["nodes"].as_array_mut().into_iter().flatten() {
        let theirs = known.and_then(|known| known.nodes.iter().find(|their| their["name"] == node["name"]));
        name_credentials(node, credentials);
        if let (None, Some(id)) = (node.get(WEBHOOK_ID), theirs.and_then(|their| their.get(WEBHOOK_ID))) {
            node[WEBHOOK_ID] = id.clone();
        }
        if node["name"] == SETTINGS {
            fill_in(node, request, theirs);
        }
    }
    if let Some(zone) = request.config.orchestrator.timezone.iana_name() {
        workflow["settings"]["timezone"] = zone.into();
    }
    let sent = SENT.iter().map(|key| ((*key).to_owned(), workflow[*key].take()));
    Value::Object(sent.collect::<Map<_, _>>())
}

/// Whether n8n has it like that; what it adds by itself doesn't count.
pub(super) fn is_same(content: &Value, known: &Workflow) -> bool {
    let ours = content["nodes"].as_array().map_or(&[][..], Vec::as_slice);
    ours.len() == known.nodes.len()
        && content["connections"] == known.connections
        && has_all(&known.settings, &content["settings"])
        && ours.iter().all(|node| {
            let theirs = known.nodes.iter().find(|their| their["name"] == node["name"]);
            theirs.is_some_and(|theirs| has_all(theirs, node))
        })
}

/// The part of the webhook's address by which Telegram's side of a workflow is known.
pub(super) fn telegram_webhook(workflow: &Workflow) -> Option<&str> {
    let trigger = workflow.nodes.iter().find(|node| node["type"] == "n8n-nodes-base.telegramTrigger")?;
    trigger[WEBHOOK_ID].as_str()
}

fn has_all(theirs: &Value, ours: &Value) -> bool {
    ours.as_object().is_some_and(|ours| ours.iter().all(|(key, value)| theirs.get(key) == Some(value)))
}

fn name_credentials(node: &mut Value, credentials: &[Credential]) {
    for used in
        node.get_mut("credentials").and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut)
    {
        let Some(known) = credentials.iter().find(|credential| used["name"] == credential.name.as_str())
        else {
            continue;
        };
        *used = json!({ "id": known.id, "name": known.name });
    }
}

fn fill_in(node: &mut Value, request: &Request<'_>, theirs: Option<&Value>) {
    let old = theirs.and_then(|their| assignments(their)).cloned().unwrap_or_default();
    for assignment in node["parameters"]["assignments"]["assignments"].as_array_mut().into_iter().flatten() {
        let name = assignment["name"].as_str().unwrap_or_default().to_owned();
        if let Some(value) = setting(&name, request) {
            assignment["value"] = value;
        } else if THEIRS.contains(&name.as_str())
            && let Some(old) = old.iter().find(|old| old["name"] == name.as_str())
        {
            assignment["value"] = old["value"].clone();
        }
    }
}

fn assignments(node: &Value) -> Option<&Vec<Value>> {
    node["parameters"]["assignments"]["assignments"].as_array()
}

fn setting(name: &str, request: &Request<'_>) -> Option<Value> {
    let telegram = &request.config.telegram;
    Some(match name {
        "daemon_url" => shown(&request.daemon_url).into(),
        "telegram_url" => shown(&request.options.telegram_url).into(),
        "default_chat" => telegram.chat_id.first().cloned().unwrap_or_default().into(),
        "allowed_chats" => telegram.chat_id.join(",").into(),
        "allowed_users" => telegram.user_id.join(",").into(),
        _ => return None,
    })
}
