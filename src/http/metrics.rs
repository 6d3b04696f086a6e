//! `GET /metrics`: figures for Prometheus.
//!
//! What is counted for ever comes from the [`tallies`], which survive restarts; what stands now from the snapshot; what
//! only this process knows begins anew with it. A scrape costs the same however long the history.

use std::time::Duration;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::App;
use super::error::ApiError;
use super::events::STREAMS;
use super::exposition::{CONTENT_TYPE, Exposition, Kind};
use super::insider::Insider;
use super::openapi::outcomes::MayBeTurnedAway;
use super::process;
use crate::domain::hold::HoldKind;
use crate::domain::usd::Usd;
use crate::store::outbox::Counts;
use crate::store::tallies::{self, Bucket, Tally};

/// Tells the figures as they are now, for Prometheus.
#[utoipa::path(get, path = "/metrics", responses(
    (status = 200, description = "The text format of Prometheus", body = String, content_type = "text/plain",
        example = "# TYPE orchestrator_cost_usd_total counter\norchestrator_cost_usd_total 0.42\n"),
    MayBeTurnedAway,
))]
pub(super) async fn metrics(State(app): State<App>, _: Insider) -> Result<Response, ApiError> {
    let readers = app.engine.store().readers();
    let (tallies, durations) = (tallies::all(readers).await?, tallies::durations(readers).await?);
    let mut figures = Exposition::default();
    tell_what_was(&mut figures, &tallies, &durations);
    tell_notifications(&mut figures, &tallies, app.engine.snapshot().notifications);
    tell_what_is(&mut figures, &app);
    app.traffic.tell(&mut figures);
    process::tell(&mut figures, app.started_at);
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], figures.finish()).into_response())
}

fn tell_what_was(figures: &mut Exposition, tallies: &[Tally], durations: &[Bucket]) {
    let of = |what: &'static str| {
        let counted = tallies.iter().filter(move |tally| tally.what == what);
        counted.map(|tally| (tally.kind.as_str(), tally.count))
    };
    let mut events =
        figures.family("orchestrator_events_total", Kind::Counter, "What happened, by kind of event.");
    of("events").for_each(|(kind, count)| events.sample(&[("kind", kind)], count));

    let mut tasks = figures.family(
        "orchestrator_tasks_total",
        Kind::Counter,
        "How often a task came to an outcome; a task that is retried comes to several.",
    );
    for outcome in ["completed", "failed", "interrupted", "skipped"] {
        let count = of("events").find(|(kind, _)| kind.strip_prefix("task_") == Some(outcome));
        tasks.sample(&[("outcome", outcome)], count.map_or(0, |(_, count)| count));
    }

    let mut runs =
        figures.family("orchestrator_runs_total", Kind::Counter, "Runs of Claude that ended, by verdict.");
    of("runs").for_each(|(verdict, count)| runs.sample(&[("verdict", verdict)], count));
    let took = "How long runs of Claude took, from claim to verdict.";
    tell_durations(figures, "orchestrator_run_duration_seconds", took, "runs", durations);
    let waited = "How long gates waited until a person answered them.";
    tell_durations(figures, "orchestrator_gate_wait_seconds", waited, "gates", durations);

    let spent = of("micro_usd").map(|(_, micros)| Usd::from_micros(micros)).sum::<Usd>();
    let help = "What runs cost, as the Claude CLI reported it.";
    figures.figure("orchestrator_cost_usd_total", Kind::Counter, help, spent.dollars());

    let untold = of("untold").map(|(_, runs)| runs).sum::<i64>();
    let help = "Runs that ended without telling what they cost: what they were seen to use counts, their cost is in no figure.";
    figures.figure("orchestrator_runs_of_unknown_cost_total", Kind::Counter, help, untold);

    let mut sessions = figures.family("orchestrator_sessions", Kind::Gauge, "Sessions, by status.");
    of("sessions").for_each(|(status, count)| sessions.sample(&[("status", status)], count));
}

fn tell_notifications(figures: &mut Exposition, tallies: &[Tally], counts: Counts) {
    let help =
        "Notifications that are no longer on their way: delivered, dead when they were given up, or dropped.";
    let mut settled = figures.family("orchestrator_notifications_total", Kind::Counter, help);
    for tally in tallies.iter().filter(|tally| tally.what == "notifications") {
        settled.sample(&[("outcome", &tally.kind)], tally.count);
    }
    let help = "Notifications that wait to be delivered, and those that were given up and neither retried nor dropped.";
    let mut waiting = figures.family("orchestrator_notifications", Kind::Gauge, help);
    waiting.sample(&[("state", "pending")], counts.pending);
    waiting.sample(&[("state", "dead")], counts.dead);
}

fn tell_durations(
    figures: &mut Exposition,
    name: &'static str,
    help: &'static str,
    what: &str,
    durations: &[Bucket],
) {
    let buckets: Vec<_> = durations.iter().filter(|bucket| bucket.what == what).collect();
    let bounds = buckets.iter().map(|bucket| match bucket.up_to {
        i64::MAX => (f64::INFINITY, bucket.count.unsigned_abs()),
        up_to => (seconds(up_to), bucket.count.unsigned_abs()),
    });
    let sum = buckets.iter().map(|bucket| bucket.milliseconds).sum();
    figures.family(name, Kind::Histogram, help).histogram(&[], bounds, seconds(sum));
}

fn tell_what_is(figures: &mut Exposition, app: &App) {
    let snapshot = app.engine.snapshot();
    let gates = snapshot.sessions.iter().filter(|session| session.gate().is_some()).count();
    figures.figure("orchestrator_open_gates", Kind::Gauge, "Gates that wait for a person.", gates);
    let spent = app.engine.account();
    let help = "What the runs that ended today cost, as `limits.cost_per_day` counts it.";
    figures.figure("orchestrator_spent_today_usd", Kind::Gauge, help, spent.cost.dollars());
    let help = "Tokens of the runs that ended today, in and out, as `limits.tokens_per_day` counts them.";
    figures.figure("orchestrator_tokens_today", Kind::Gauge, help, spent.tokens);
    let hold = app.engine.hold();
    let help = "Whether nothing may start for this reason: 1 or 0.";
    let mut holds = figures.family("orchestrator_hold", Kind::Gauge, help);
    for kind in HoldKind::ALL {
        let stands = hold.as_ref().is_some_and(|hold| hold.kind == kind);
        holds.sample(&[("kind", kind.as_str())], u8::from(stands));
    }
    let streams = STREAMS.saturating_sub(app.streams.available_permits());
    figures.figure("orchestrator_event_streams", Kind::Gauge, "Open event streams.", streams);
    let store = app.engine.store();
    let help = "Whether the database was looked through and found damaged: 1 or 0.";
    figures.figure("orchestrator_database_damaged", Kind::Gauge, help, u8::from(store.damage().is_some()));
    let help = "How long the database is, and the log of what isn't in it yet.";
    let mut sizes = figures.family("orchestrator_database_bytes", Kind::Gauge, help);
    for (file, bytes) in store.sizes() {
        sizes.sample(&[("file", file)], bytes);
    }
    let help = "1; the program's version is the label.";
    let mut build = figures.family("orchestrator_build_info", Kind::Gauge, help);
    build.sample(&[("version", env!("CARGO_PKG_VERSION"))], 1);
}

fn seconds(milliseconds: i64) -> f64 {
    Duration::from_millis(milliseconds.unsigned_abs()).as_secs_f64()
}
