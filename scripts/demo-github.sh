#!/usr/bin/env bash
# The walk of demo.sh on a repository on GitHub: makes one small issue there,
# runs the commands that cron would run, and shows the pull request that comes
# of it. It merges nothing, and has a label of its own, so that no other issue
# is worked on. Called by `demo.sh --github`.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
repo=$1 dir=$2 api=$3
label=agentos-demo

fail() { printf '\ndemo: %s\n' "$*" >&2; exit 1; }
say() { printf '\n== %s\n' "$*"; }
agentos() { AGENTOS_CONFIG="$dir/config.yaml" node "$here/bin/agentos.js" "$@"; }
run() { printf '\n$ agentos'; printf ' %q' "$@"; printf '\n'; agentos "$@"; }
# One value of a JSON document; what node prints of it, nothing where it is not there.
pick() { node -e 'let s = ""; process.stdin.on("data", (d) => (s += d)).on("end", () => console.log(new Function("it", `return ${process.argv[1]}`)(JSON.parse(s)) ?? ""))' "$1"; }

say "A configuration: one agent without a model, and nothing is merged"
cat > "$dir/config.yaml" <<YAML
state_dir: ./state
forge: { kind: github, api_url: "$api" }
repos:
  - name: $repo
    automation: dispatch_only
    ready: { label: $label }
agents:
  patch: { kind: patch }
routing:
  default: [patch]
sandbox: { mode: auto }
YAML
chmod 600 "$dir/config.yaml"
cat "$dir/config.yaml"
run config check
run doctor || fail "put that right, then run this again; nothing was changed on $repo"

say "An issue on $repo with the label \`$label\`"
made=$(node "$here/scripts/demo-issue.mjs" "$api" "$repo" "$label" "$here/examples/issues/hello.md") || exit 1
issue=$(pick it.number <<<"$made") url=$(pick it.url <<<"$made")
printf '%s\n' "$url"

say "Dispatch makes a task of it"
run dispatch
# GitHub may take a few seconds to list an issue that was just made.
for wait in 2 4 8; do
  if ls "$dir"/state/mailbox/inbox/*.md >/dev/null 2>&1; then break; fi
  printf '\n$ sleep %s\n' "$wait"; sleep "$wait"; run dispatch
done
ls "$dir"/state/mailbox/inbox/*.md >/dev/null 2>&1 || { run explain "$repo#$issue" || true; fail "no task came of $url"; }
printf '\n$ cat state/mailbox/inbox/*.md\n'
cat "$dir"/state/mailbox/inbox/*.md

say "The queue lets an agent work on it, and opens a pull request"
run queue
run pr-monitor -v
run status

pull=$(agentos status --json | pick "it.tasks.find((one) => one.issue === $issue)?.pullRequest")
[ -n "$pull" ] || fail "no pull request came of $url; \`AGENTOS_CONFIG=$dir/config.yaml node $here/bin/agentos.js explain $repo#$issue\` says why"

cat <<TXT

ok: ${url%/issues/*}/pull/$pull

Nothing was merged: close the pull request and the issue, or merge it.
Everything else is in $dir: read it with ls and cat.

To let it run unattended:
  AGENTOS_CONFIG=$dir/config.yaml node $here/bin/agentos.js cron print
TXT
