# The daemon, and the Claude CLI beside it: docs/docker.md says how it is used, deploy/compose.yaml uses it.
#
# Nothing secret belongs into an image: the daemon reads its secret from the .env in /data, which `orchestrator init` makes.

FROM rust:1.95.0-slim-trixie AS build
WORKDIR /src
# The dependencies by themselves, so that they are compiled again only when they change. Tests and benches stay outside.
COPY .cargo .cargo
COPY Cargo.toml Cargo.lock ./
RUN sed -i '/^\[\[/,/^$/d' Cargo.toml \
 && mkdir src && echo 'fn main() {}' >src/main.rs && touch src/lib.rs \
 && cargo build --release --locked
COPY .sqlx .sqlx
COPY build.rs config.toml.example ./
COPY examples/first-tasks.md examples/
COPY migrations migrations
COPY n8n_workflows n8n_workflows
COPY src src
# Cargo goes by the time of the last change, and a clone's files may be older than those of the step above.
RUN touch src/main.rs src/lib.rs && SQLX_OFFLINE=true cargo build --release --locked

FROM debian:trixie-slim AS claude
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates curl \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /claude
COPY deploy/claude.lock ./
RUN read -r _ name version sum < <(grep "^$(dpkg --print-architecture) " claude.lock) \
 && curl --fail --silent --show-error --retry 3 --output claude.tgz \
      "https://registry.npmjs.org/@anthropic-ai/$name/-/$name-$version.tgz" \
 && echo "$sum  claude.tgz" | sha512sum --check \
 && tar --extract --file claude.tgz --strip-components 1 --no-same-owner \
 && chmod 755 claude \
 && rm claude.tgz

# What is published. Whoever has it needs no compiler: `--build-context daemon=docker-image://…` puts it into this stage's place.
FROM debian:trixie-slim AS daemon
LABEL org.opencontainers.image.title="orchestrator" \
      org.opencontainers.image.description="Works through a task file with Claude Code, and asks its operator before anything that matters" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
# Debian's updates are wanted, so no versions; tini is the init that the daemon needs above it, the others are Claude's tools.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates git ripgrep tini \
 && rm -rf /var/lib/apt/lists/*
ARG UID=1000
RUN useradd --uid "$UID" --user-group --create-home --shell /bin/bash orchestrator \
 && install --directory --owner="$UID" --group="$UID" --mode=700 /data \
 && install --directory --owner="$UID" --group="$UID" /project \
 && git config --system --add safe.directory /project
COPY LICENSE /usr/share/doc/orchestrator/
COPY --from=build /src/target/release/orchestrator /usr/local/bin/
ENV LANG=C.UTF-8 \
    DISABLE_AUTOUPDATER=1 \
    ORCHESTRATOR__SERVER__HOST=0.0.0.0 \
    ORCHESTRATOR__PATHS__PROJECT_DIR=/project \
    ORCHESTRATOR__PATHS__TASKS_DIR=/project/orchestrator_tasks \
    ORCHESTRATOR__PATHS__DAILY_DIR=/project/daily_logs
USER $UID:$UID
# config.toml, .env, the database and the logs; what Claude works on; Claude's login and git's settings.
WORKDIR /data
VOLUME ["/data", "/project", "/home/orchestrator"]
EXPOSE 5000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s --start-interval=1s CMD ["orchestrator", "health"]
ENTRYPOINT ["tini", "--", "orchestrator"]
CMD ["serve"]

# The Claude CLI comes last and isn't published: its licence is Anthropic's to give.
FROM daemon
COPY --from=claude /claude/claude /usr/local/bin/
