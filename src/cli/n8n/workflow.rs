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
/// The nodes whose parameters people change in n8n and expect to stay as they are.
const SCHEDULE: &str = "n8n-nodes-base.scheduleTrigger";
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
        match theirs {
            Some(theirs) if node["type"] == SCHEDULE => node["parameters"] = theirs["parameters"].clone(),
            _ if node["name"] == SETTINGS => fill_in(node, request),
            _ => {}
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

fn fill_in(node: &mut Value, request: &Request<'_>) {
    for assignment in node["parameters"]["assignments"]["assignments"].as_array_mut().into_iter().flatten() {
        if let Some(value) = assignment["name"].as_str().and_then(|name| setting(name, request)) {
            assignment["value"] = value.into();
        }
    }
}

fn setting(name: &str, request: &Request<'_>) -> Option<String> {
    let telegram = &request.config.telegram;
    Some(match name {
        "daemonUrl" => shown(&request.daemon_url).to_owned(),
        "chat" | "defaultChat" => telegram.chat_id.first().cloned().unwrap_or_default(),
        "allowedChats" => telegram.chat_id.join(","),
        "allowedUsers" => telegram.user_id.join(","),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::credentials::WANTED;
    use super::super::stock::STOCK;
    use super::SETTINGS;

    const KNOWN: [&str; 5] = ["daemonUrl", "chat", "defaultChat", "allowedChats", "allowedUsers"];

    #[test]
    fn whatever_the_workflows_need_is_pushed() {
        for stocked in STOCK {
            let workflow = stocked.content();
            assert_eq!(workflow["name"], stocked.name);
            let nodes = workflow["nodes"].as_array().unwrap();
            let settings: Vec<&Value> = nodes.iter().filter(|node| node["name"] == SETTINGS).collect();
            assert_eq!(settings.len(), 1, "{} has no node {SETTINGS}", stocked.name);
            for assignment in settings[0]["parameters"]["assignments"]["assignments"].as_array().unwrap() {
                let name = assignment["name"].as_str().unwrap();
                assert!(KNOWN.contains(&name), "{} has a setting {name} that nobody fills in", stocked.name);
            }
            for (kind, used) in nodes.iter().filter_map(|node| node["credentials"].as_object()).flatten() {
                let is_ours = WANTED.iter().any(|wanted| used["name"] == wanted.name && kind == wanted.kind);
                assert!(is_ours, "{} uses {used}, which nobody makes", stocked.name);
                // With an id that it doesn't know, n8n's editor forgets a credential; without one it goes by the name.
                assert!(used["id"].is_null(), "{} names {used} by an id", stocked.name);
            }
        }
    }
}
