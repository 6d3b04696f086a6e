//! The push itself: look at everything, refuse what can't go well, and only then change something.

use super::api::{Api, Credential, Workflow};
use super::bot::{Bot, Identity};
use super::credentials::{self, WANTED, Wanted};
use super::dotenv::Additions;
use super::ready::{self, Listener};
use super::request::{Request, quoted};
use super::stock::{DAILY, FROM_TELEGRAM, STOCK, Stocked};
use super::trouble::Trouble;
use super::workflow;
use crate::cli::say::{self, BOLD};
use crate::cli::{git, shown};
use crate::outward::place;

/// What n8n has of ours.
struct Found {
    credentials: Vec<(Wanted, Option<Credential>)>,
    workflows: Vec<(Stocked, Option<Workflow>)>,
}

pub(super) async fn push(request: &Request<'_>) -> Result<(), Trouble> {
    let bot = Bot::new(&request.options.telegram_url, &request.token)?;
    let identity = known(&bot).await?;
    let api = Api::new(&request.options.url, &request.api_key)?;
    let found = Found::look(&api).await?;
    if let Some(identity) = &identity {
        say::out(format_args!("The bot is @{}.", identity.username));
        free(&bot, identity, request, &found).await?;
    }
    chats(&bot, identity.as_ref(), request).await?;
    let additions = Additions::of(request);
    if request.options.dry_run {
        rehearse(request, &found, &additions);
        return Ok(());
    }
    write(&additions, request)?;
    if identity.is_some() && found.workflow(FROM_TELEGRAM).is_none_or(|workflow| !workflow.active) {
        // The button Start writes /start: nobody means it to begin a session some minutes later.
        bot.forget().await?;
        say::out("cleared   what was written to the bot so far");
    }
    let credentials = push_credentials(&api, request, &found).await?;
    let listener = push_workflows(&api, request, &found, &credentials).await?;
    ready::wait(&api, request, identity.is_some().then_some(&bot), &listener).await?;
    close(&additions);
    Ok(())
}

/// Who the bot is; `None` where Telegram can't be reached from here, which n8n may do better.
async fn known(bot: &Bot<'_>) -> Result<Option<Identity>, Trouble> {
    match bot.identity().await {
        Ok(identity) => Ok(Some(identity)),
        Err(trouble @ Trouble::Unreachable { .. }) => {
            say::err(format_args!(
                "note: {trouble}. The bot isn't checked: n8n may reach it where this machine can't."
            ));
            Ok(None)
        }
        Err(other) => Err(other),
    }
}

/// Refuses a bot whose messages go to somebody else.
async fn free(bot: &Bot<'_>, who: &Identity, request: &Request<'_>, found: &Found) -> Result<(), Trouble> {
    let webhook = bot.webhook().await?.url;
    let Ok(receiver) = webhook.parse::<reqwest::Url>() else { return Ok(()) };
    let ours = found.workflow(FROM_TELEGRAM).and_then(workflow::telegram_webhook);
    let is_ours = ours.is_some_and(|id| webhook.contains(id));
    let is_here = place(&receiver) == place(&request.options.url);
    if is_here && !is_ours {
        say::err(
            "note: another workflow of this n8n receives the bot's messages until now, and no longer will",
        );
    }
    if is_ours || is_here || request.options.take_bot {
        return Ok(());
    }
    Err(Trouble::BotTaken { bot: format!("@{}", who.username), host: place(&receiver) })
}

/// Refuses to let everybody in, and helps to find out who should be.
async fn chats(bot: &Bot<'_>, who: Option<&Identity>, request: &Request<'_>) -> Result<(), Trouble> {
    if !request.config.telegram.chat_id.is_empty() {
        return Ok(());
    }
    let dotenv = quoted(&request.dotenv);
    let line = |id: &str| format!("\n  echo TELEGRAM_CHAT_ID={id} >> {dotenv}");
    let chats = bot.chats().await;
    let advice = match (chats.as_slice(), who) {
        ([], None) => format!("Put your chat's number into it:{}", line("123456789")),
        ([], Some(who)) => {
            format!(
                "Write anything to @{} in Telegram, and call this again: it will tell your chat's number",
                who.username
            )
        }
        (chats, _) => {
            let those =
                chats.iter().map(|chat| format!("{}   # {}", line(&chat.id.to_string()), chat.name()));
            format!("These have written to the bot; if one is yours:{}", those.collect::<String>())
        }
    };
    Err(Trouble::NoChat { advice })
}

impl Found {
    async fn look(api: &Api<'_>) -> Result<Self, Trouble> {
        let (workflows, credentials) = (api.workflows().await?, api.credentials().await?);
        let credentials = WANTED
            .map(|wanted| credentials::find(wanted, &credentials).map(|found| (wanted, found.cloned())))
            .into_iter()
            .collect::<Result<_, _>>()?;
        let workflows = STOCK
            .map(|stocked| workflow::find(stocked, &workflows).map(|found| (stocked, found.cloned())))
            .into_iter()
            .collect::<Result<_, _>>()?;
        Ok(Self { credentials, workflows })
    }

    fn workflow(&self, stocked: Stocked) -> Option<&Workflow> {
        let found = self.workflows.iter().find(|(one, _)| one.name == stocked.name);
        found.and_then(|(_, workflow)| workflow.as_ref())
    }
}

fn rehearse(request: &Request<'_>, found: &Found, additions: &Additions) {
    for what in &additions.what {
        say::out(format_args!("would add     {} ({what})", shown(&request.dotenv)));
    }
    for (wanted, known) in &found.credentials {
        let verb = if known.is_some() { "would update " } else { "would make   " };
        say::out(format_args!("{verb} credential {}", wanted.name));
    }
    let known: Vec<Credential> = found.credentials.iter().filter_map(|(_, known)| known.clone()).collect();
    for (stocked, workflow) in &found.workflows {
        let content = workflow::content(*stocked, request, &known, workflow.as_ref());
        let verb = match workflow {
            None => "would make   ",
            Some(workflow) if !workflow::is_same(&content, workflow) => "would update ",
            Some(workflow) if is_wanted(*stocked, request) && !workflow.is_published() => "would publish",
            Some(_) => "would keep   ",
        };
        say::out(format_args!("{verb} workflow {}", stocked.name));
    }
    say::out("\nNothing was changed.");
    advise(additions);
}

fn write(additions: &Additions, request: &Request<'_>) -> Result<(), Trouble> {
    additions.write(&request.dotenv)?;
    for what in &additions.what {
        say::out(format_args!("added     {} ({what})", shown(&request.dotenv)));
    }
    let folder = request.dotenv.parent().filter(|folder| git::is_repository(folder));
    if folder.is_some_and(|folder| !git::ignores(folder, &request.dotenv)) {
        let dotenv = shown(&request.dotenv);
        say::err(format_args!(
            "note: git doesn't ignore {dotenv}, so that the keys in it can get into a commit"
        ));
    }
    Ok(())
}

async fn push_credentials(
    api: &Api<'_>,
    request: &Request<'_>,
    found: &Found,
) -> Result<Vec<Credential>, Trouble> {
    let mut pushed = Vec::new();
    for (wanted, known) in &found.credentials {
        let content = credentials::content(*wanted, request);
        let (verb, credential) = match known {
            None => ("made     ", api.make_credential(&content).await?),
            // What n8n keeps it doesn't tell, so that there is no knowing whether it is the same.
            Some(known) => ("updated  ", api.update_credential(&known.id, &content).await?),
        };
        say::out(format_args!("{verb} credential {}", wanted.name));
        pushed.push(credential);
    }
    Ok(pushed)
}

async fn push_workflows(
    api: &Api<'_>,
    request: &Request<'_>,
    found: &Found,
    credentials: &[Credential],
) -> Result<Listener, Trouble> {
    let mut listener = None;
    for (stocked, known) in &found.workflows {
        let content = workflow::content(*stocked, request, credentials, known.as_ref());
        let (verb, workflow) = match known {
            None => ("made     ", api.make_workflow(&content).await?),
            Some(known) if workflow::is_same(&content, known) => ("kept     ", known.clone()),
            Some(known) => ("updated  ", api.update_workflow(&known.id, &content).await?),
        };
        let is_fresh = known.is_none() || !workflow.is_published();
        let workflow = match (is_wanted(*stocked, request), workflow.is_published()) {
            (true, false) => api.publish(&workflow).await?,
            (true, true) | (false, false) => workflow,
            (false, true) => api.unpublish(&workflow).await?,
        };
        let state = if is_wanted(*stocked, request) { "published" } else { "not published" };
        say::out(format_args!("{verb} workflow {} ({state})", stocked.name));
        if stocked.name == FROM_TELEGRAM.name {
            listener = Some(Listener { workflow, is_fresh });
        }
    }
    listener.ok_or(Trouble::NotListening { seconds: 0, what: FROM_TELEGRAM.name.to_owned() })
}

fn is_wanted(stocked: Stocked, request: &Request<'_>) -> bool {
    stocked.name != DAILY.name || !request.options.no_daily
}

fn advise(additions: &Additions) {
    if let Some(advice) = &additions.advice {
        say::out(format_args!("\n{BOLD}To do:{BOLD:#} {advice}."));
    }
}

fn close(additions: &Additions) {
    advise(additions);
    let restart = if additions.what.is_empty() && additions.advice.is_none() {
        ""
    } else {
        "\n  orchestrator serve                  (again, if it runs: it reads .env when it starts)"
    };
    say::out(format_args!(
        "\nNext:{restart}\n  orchestrator doctor --round-trip    (a message to your chat, and each leg of its way)"
    ));
}
