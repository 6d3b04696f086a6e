//! What can be in the way of a push: what it is, what it is about, and what to do next.

use std::path::PathBuf;

/// Why the workflows aren't in place.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum Trouble {
    #[error(
        "{name} is not set: {advice}; then `read -rs {name} && export {name}` keeps it out of the shell's history"
    )]
    NotSet { name: &'static str, advice: &'static str },
    #[error("TELEGRAM_BOT_TOKEN is no token of a bot: @BotFather's look like 123456789:AAE…")]
    NoToken,
    #[error("webhooks.require_signature is set, but n8n's workflows send the secret itself: set it to false")]
    SignatureRequired,
    #[error(
        "webhooks.{key} begins with whsec_ and holds bytes that are no text, which n8n's Crypto credential can't keep: \
         take a secret such as `openssl rand -hex 32` makes"
    )]
    BinaryKey { key: &'static str },
    #[error(
        "webhooks.notify_headers is set, but holds no X-Orchestrator-Key: add \"X-Orchestrator-Key\" = \
         \"${{N8N_NOTIFY_KEY}}\" to it, and a key to .env:\n  \
         echo \"N8N_NOTIFY_KEY=$(openssl rand -hex 32)\" >> {dotenv}"
    )]
    KeyMissing { dotenv: String },
    #[error(
        "telegram.chat_id is not set, and without it anyone who finds the bot could give commands. {advice}"
    )]
    NoChat { advice: String },
    #[error(
        "n8n at {n8n} can't reach the daemon at {daemon}, which only this machine can: name with --daemon-url an address \
         that n8n reaches (docs/n8n.md tells how to make one)"
    )]
    DaemonOutOfReach { n8n: String, daemon: String },
    #[error(
        "server.port is 0, so that the daemon's port is another one each time: set it, or use --daemon-url"
    )]
    NoPort,
    #[error(
        "n8n would call the daemon {host}, a name that it doesn't answer to: add it to server.allowed_hosts, or name another \
         one with --daemon-url"
    )]
    HostNotAllowed { host: String },
    #[error("{who} at {at} can't be reached: {why}; {advice}")]
    Unreachable { who: &'static str, at: String, why: String, advice: String },
    #[error("n8n doesn't accept the key in N8N_API_KEY: make one in n8n under Settings > n8n API")]
    WrongKey,
    #[error(
        "the key in N8N_API_KEY may not {task}: in n8n under Settings > n8n API, give it the scopes for credentials \
         (create, list, update) and workflows (activate, create, deactivate, list, read, update)"
    )]
    NotAllowed { task: String },
    #[error(
        "what answers at {at} is not n8n's public API (HTTP {status}): is --url right, and without what n8n's pages add to \
         it, such as /home/workflows? Is N8N_PUBLIC_API_DISABLED set?"
    )]
    NotN8n { at: String, status: u16 },
    #[error("{at} sends callers on to {to}: use that as --url")]
    Elsewhere { at: String, to: String },
    #[error("this n8n is too old: its API can't {task}, and n8n 2.8 is the first that could. Update it")]
    TooOld { task: String },
    #[error("n8n failed to {task} ({message}): its log says why")]
    Failed { task: String, message: String },
    #[error(
        "n8n would not {task}: {message} If another workflow has the same webhook, unpublish it; if a review of this one is \
         open, end it"
    )]
    Conflict { task: String, message: String },
    #[error("n8n would not {task}: {message}")]
    Refused { task: String, message: String },
    #[error("n8n has {number} {kind} named {name:?} ({ids}): delete or rename all but one")]
    Ambiguous { kind: &'static str, number: usize, name: &'static str, ids: String },
    #[error("the credential {name:?} in n8n is a {is}, not a {wanted}: rename or delete it")]
    OtherType { name: &'static str, is: String, wanted: &'static str },
    #[error("Telegram doesn't know this bot (HTTP {status}: {message}): is TELEGRAM_BOT_TOKEN right?")]
    UnknownBot { status: u16, message: String },
    #[error("what answers at {at} is no Bot API server (HTTP {status}): is --telegram-url right?")]
    NotTelegram { at: String, status: u16 },
    #[error(
        "{bot}'s messages go to {host}, and a bot serves one receiver: make another bot with @BotFather, or take this one \
         with --take-bot"
    )]
    BotTaken { bot: String, host: String },
    #[error("can't write {path}: {why}")]
    CannotWrite { path: PathBuf, why: String },
    #[error(
        "n8n has the workflows, but not all of them listen after {seconds} s: {what}. In n8n, the workflow's button Publish tells \
         which trigger failed, when the mouse rests on it; publish again when you have mended it"
    )]
    NotListening { seconds: u64, what: String },
}
