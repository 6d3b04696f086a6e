//! The requests that this process has answered, counted by endpoint and status.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::exposition::{Exposition, Kind};

/// What counts as the endpoint of every path at which there is nothing, so that strangers can't make up new ones.
const OTHER: &str = "other";
/// In seconds; what took longer than the last counts as infinite.
const BOUNDS: [f64; 9] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0];

/// The requests answered so far.
#[derive(Debug, Default)]
pub(super) struct Traffic(Mutex<BTreeMap<String, Endpoint>>);

#[derive(Debug, Default)]
struct Endpoint {
    statuses: BTreeMap<u16, u64>,
    /// How many took at most each bound's time and more than the one before it.
    buckets: [u64; BOUNDS.len() + 1],
    took: Duration,
}

impl Traffic {
    /// Counts a request once its answer's head is there; a stream that goes on after it is not waited for.
    /// `/webhook/start` and `/start` are one endpoint.
    pub(super) fn answered(&self, path: Option<&str>, status: u16, took: Duration) {
        let endpoint = path.map_or(OTHER, |path| path.strip_prefix("/webhook").unwrap_or(path));
        let bucket = BOUNDS.iter().position(|bound| took.as_secs_f64() <= *bound).unwrap_or(BOUNDS.len());
        let mut endpoints = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !endpoints.contains_key(endpoint) {
            endpoints.insert(endpoint.to_owned(), Endpoint::default());
        }
        let Some(endpoint) = endpoints.get_mut(endpoint) else { return };
        *endpoint.statuses.entry(status).or_default() += 1;
        endpoint.buckets[bucket] += 1;
        endpoint.took += took;
    }

    pub(super) fn tell(&self, figures: &mut Exposition) {
        let endpoints = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut requests =
            figures.family("orchestrator_http_requests_total", Kind::Counter, "Requests answered.");
        for (name, endpoint) in &*endpoints {
            for (status, count) in &endpoint.statuses {
                requests.sample(&[("endpoint", name), ("status", &status.to_string())], count);
            }
        }
        let mut took = figures.family(
            "orchestrator_http_request_duration_seconds",
            Kind::Histogram,
            "Time from a request's arrival to the head of its answer.",
        );
        for (name, endpoint) in &*endpoints {
            let bounds = BOUNDS.into_iter().chain([f64::INFINITY]);
            let buckets = bounds.zip(endpoint.buckets);
            took.histogram(&[("endpoint", name)], buckets, endpoint.took.as_secs_f64());
        }
    }
}
