//! n8n's public API, as much of it as a push needs. Says of each refusal what was asked for.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderValue, LOCATION};
use reqwest::{Client, Method, StatusCode, Url};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::shown;
use super::trouble::Trouble;
use crate::cli::page::shortened;
use crate::outward;

/// n8n answers at once; a sleeping one in the cloud takes its time.
const ANSWERED: Duration = Duration::from_mins(1);
const PAGE: u32 = 100;
const LONGEST_MESSAGE: usize = 300;

/// An n8n that accepts a key.
#[derive(Debug)]
pub(super) struct Api<'a> {
    client: Client,
    url: &'a Url,
    key: HeaderValue,
}

/// What n8n calls a thing, and what it is known by.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Credential {
    pub(super) id: String,
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
}

/// A workflow as n8n keeps it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Workflow {
    pub(super) id: String,
    pub(super) name: String,
    #[serde(default)]
    pub(super) active: bool,
    #[serde(default)]
    pub(super) is_archived: bool,
    #[serde(default)]
    pub(super) version_id: Option<String>,
    /// The version that is published.
    #[serde(default)]
    pub(super) active_version_id: Option<String>,
    #[serde(default)]
    pub(super) nodes: Vec<Value>,
    #[serde(default)]
    pub(super) connections: Value,
    #[serde(default)]
    pub(super) settings: Value,
}

impl Workflow {
    /// Whether what is published is the newest version.
    pub(super) fn is_published(&self) -> bool {
        self.active && (self.active_version_id.is_none() || self.active_version_id == self.version_id)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page<T> {
    data: Vec<T>,
    #[serde(default)]
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
struct Refusal {
    message: String,
}

struct Answer {
    status: StatusCode,
    location: Option<String>,
    text: String,
}

impl<'a> Api<'a> {
    pub(super) fn new(url: &'a Url, key: &SecretString) -> Result<Self, Trouble> {
        let client = outward::client(url.as_str()).timeout(ANSWERED).build();
        let client = client.map_err(|error| unreachable("n8n", url, &error))?;
        let mut key = HeaderValue::try_from(key.expose_secret()).map_err(|_| Trouble::WrongKey)?;
        key.set_sensitive(true);
        Ok(Self { client, url, key })
    }

    pub(super) async fn workflows(&self) -> Result<Vec<Workflow>, Trouble> {
        self.all("workflows", "list workflows").await
    }

    pub(super) async fn credentials(&self) -> Result<Vec<Credential>, Trouble> {
        self.all("credentials", "list credentials").await
    }

    pub(super) async fn make_credential(&self, credential: &Value) -> Result<Credential, Trouble> {
        let task = format!("make the credential {}", credential["name"]);
        self.call(Method::POST, "credentials", Some(credential), &task).await
    }

    pub(super) async fn update_credential(
        &self,
        id: &str,
        credential: &Value,
    ) -> Result<Credential, Trouble> {
        let task = format!("update the credential {}", credential["name"]);
        self.call(Method::PATCH, &format!("credentials/{id}"), Some(credential), &task).await
    }

    pub(super) async fn make_workflow(&self, workflow: &Value) -> Result<Workflow, Trouble> {
        let task = format!("make the workflow {}", workflow["name"]);
        self.call(Method::POST, "workflows", Some(workflow), &task).await
    }

    pub(super) async fn update_workflow(&self, id: &str, workflow: &Value) -> Result<Workflow, Trouble> {
        let task = format!("update the workflow {}", workflow["name"]);
        self.call(Method::PUT, &format!("workflows/{id}"), Some(workflow), &task).await
    }

    /// Publishes a workflow; n8n does it when it has answered.
    pub(super) async fn publish(&self, workflow: &Workflow) -> Result<Workflow, Trouble> {
        self.switch(workflow, "publish", "activate").await
    }

    pub(super) async fn unpublish(&self, workflow: &Workflow) -> Result<Workflow, Trouble> {
        self.switch(workflow, "unpublish", "deactivate").await
    }

    /// An n8n from before July 2026 knows the older word only.
    async fn switch(&self, workflow: &Workflow, word: &str, older: &str) -> Result<Workflow, Trouble> {
        let task = format!("{word} the workflow {:?}", workflow.name);
        let (path, body) = (format!("workflows/{}", workflow.id), json!({}));
        let answer = self.ask(Method::POST, &format!("{path}/{word}"), Some(&body)).await?;
        if matches!(answer.status, StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED) {
            return self.call(Method::POST, &format!("{path}/{older}"), Some(&body), &task).await;
        }
        self.read(answer, &task)
    }

    async fn all<T: DeserializeOwned>(&self, what: &str, task: &str) -> Result<Vec<T>, Trouble> {
        let mut all = Vec::new();
        let mut cursor = String::new();
        loop {
            let path = format!("{what}?limit={PAGE}{cursor}");
            let page: Page<T> = self.call(Method::GET, &path, None, task).await?;
            all.extend(page.data);
            match page.next_cursor {
                Some(next) if !next.is_empty() => cursor = format!("&cursor={}", encoded(&next)),
                _ => return Ok(all),
            }
        }
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        task: &str,
    ) -> Result<T, Trouble> {
        let answer = self.ask(method, path, body).await?;
        self.read(answer, task)
    }

    async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer, Trouble> {
        let url = format!("{}/api/v1/{path}", shown(self.url));
        let mut request = self.client.request(method, url).header("X-N8N-API-KEY", self.key.clone());
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
        }
        let failed = |error| unreachable("n8n", self.url, &error);
        let response = request.send().await.map_err(failed)?;
        let status = response.status();
        let location = response.headers().get(LOCATION).and_then(|to| to.to_str().ok()).map(str::to_owned);
        Ok(Answer { status, location, text: response.text().await.map_err(failed)? })
    }

    fn read<T: DeserializeOwned>(&self, answer: Answer, task: &str) -> Result<T, Trouble> {
        let (status, at, task) = (answer.status, shown(self.url).to_owned(), task.to_owned());
        let is_not_n8n = || Trouble::NotN8n { at: at.clone(), status: status.as_u16() };
        if status.is_success() {
            return serde_json::from_str(&answer.text).map_err(|_| is_not_n8n());
        }
        if let (true, Some(to)) = (status.is_redirection(), answer.location) {
            let to = to.split("/api/v1/").next().unwrap_or_default();
            return Err(Trouble::Elsewhere { at, to: shortened(to, LONGEST_MESSAGE) });
        }
        let refusal: Option<Refusal> = serde_json::from_str(&answer.text).ok();
        Err(match (status, refusal) {
            (_, None) => is_not_n8n(),
            (StatusCode::UNAUTHORIZED, _) => Trouble::WrongKey,
            (StatusCode::FORBIDDEN, Some(refusal)) if refusal.message == "Forbidden" => {
                Trouble::NotAllowed { task }
            }
            (StatusCode::METHOD_NOT_ALLOWED, _) => Trouble::TooOld { task },
            (status, Some(refusal)) if status.is_server_error() => {
                Trouble::Failed { task, message: shortened(&refusal.message, LONGEST_MESSAGE) }
            }
            (StatusCode::NOT_FOUND, _) if task.starts_with("list") => is_not_n8n(),
            (StatusCode::CONFLICT, Some(refusal)) => {
                Trouble::Conflict { task, message: shortened(&refusal.message, LONGEST_MESSAGE) }
            }
            (_, Some(refusal)) => {
                Trouble::Refused { task, message: shortened(&refusal.message, LONGEST_MESSAGE) }
            }
        })
    }
}

/// Why there is no answer, and what would help.
pub(super) fn unreachable(who: &'static str, url: &Url, error: &reqwest::Error) -> Trouble {
    let advice = if outward::is_untrusted(error) {
        "its certificate must come from an authority that this system knows (on Debian the package ca-certificates), or \
         from one in the file that SSL_CERT_FILE names"
            .to_owned()
    } else {
        format!("see whether it runs, and {} is right", if who == "n8n" { "--url" } else { "--telegram-url" })
    };
    Trouble::Unreachable { who, at: outward::place(url), why: outward::root(error), advice }
}

/// A cursor is base64, of which three characters mean something else in a query.
fn encoded(cursor: &str) -> String {
    cursor.replace('%', "%25").replace('+', "%2B").replace('&', "%26").replace('=', "%3D")
}
