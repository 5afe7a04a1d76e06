#!/usr/bin/env bash
# Walks one small project through Agent OS, offline and without a key: a local
# forge, real git, the same commands that cron would run. Everything it makes is
# in one directory, which is kept and named at the end.
#
#   ./demo.sh [--dir DIR]
#   ./demo.sh --agent NAME [--model MODEL] [--base-url URL] [--dir DIR]     with a real agent (scripts/demo-agent.sh)
#   ./demo.sh --github OWNER/NAME [--api-url URL] [--dir DIR]               on GitHub (scripts/demo-github.sh)
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
dir= github= api= agent= model= base=

fail() { printf '\ndemo: %s\n' "$*" >&2; exit 1; }
usage() {
  cat <<'TXT'
usage: ./demo.sh [--dir DIR]
       ./demo.sh --agent NAME [--model MODEL] [--base-url URL] [--dir DIR]
       ./demo.sh --github OWNER/NAME [--api-url URL] [--dir DIR]

  --dir DIR             a new or empty directory to work in (default: a new temporary one)
  --agent NAME          claude, codex, gemini, deepseek (their CLI and key are needed) or api (a key alone):
                        one small task offline but for the model, which costs what it costs
  --model MODEL         another model than the usual one of that agent
  --base-url URL        another address of the model
  --github OWNER/NAME   a repository of yours on GitHub: makes an issue and a pull request there, merges nothing;
                        with the token in GITHUB_TOKEN, or the login of `gh`
  --api-url URL         of a GitHub Enterprise server: https://HOST/api/v3
TXT
}
misuse() { printf 'demo: %s\n' "$*" >&2; exit 64; }
name_repository() {
  [[ $1 =~ ^[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+$ ]] || misuse "write the repository as OWNER/NAME, not \`$1\`"
  github=$1
}

while [ $# -gt 0 ]; do
  case $1 in
    --dir) [ $# -ge 2 ] || { usage >&2; exit 64; }; dir=$2; shift 2 ;;
    --dir=*) dir=${1#--dir=}; shift ;;
    --github) [ $# -ge 2 ] || { usage >&2; exit 64; }; name_repository "$2"; shift 2 ;;
    --github=*) name_repository "${1#--github=}"; shift ;;
    --agent) [ $# -ge 2 ] || { usage >&2; exit 64; }; agent=$2; shift 2 ;;
    --agent=*) agent=${1#--agent=}; shift ;;
    --model) [ $# -ge 2 ] || { usage >&2; exit 64; }; model=$2; shift 2 ;;
    --model=*) model=${1#--model=}; shift ;;
    --base-url) [ $# -ge 2 ] || { usage >&2; exit 64; }; base=$2; shift 2 ;;
    --base-url=*) base=${1#--base-url=}; shift ;;
    --api-url) [ $# -ge 2 ] || { usage >&2; exit 64; }; api=$2; shift 2 ;;
    --api-url=*) api=${1#--api-url=}; shift ;;
    -h|--help) usage; exit 0 ;;
    *) usage >&2; exit 64 ;;
  esac
done
case $agent in '' | claude | codex | gemini | deepseek | api) ;; *) misuse "there is no agent \`$agent\`; known are claude, codex, gemini, deepseek and api" ;; esac
[ -z "$agent" ] || [ -z "$github" ] || misuse '`--agent` and `--github` are two walks: name one'
[ -z "$model$base" ] || [ -n "$agent" ] || misuse '`--model` and `--base-url` go with `--agent`'
[ -z "$api" ] || [ -n "$github" ] || misuse '`--api-url` goes with `--github`'

for program in node npm git; do command -v "$program" >/dev/null || fail "\`$program\` is not on PATH; install it and run this again"; done
node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
  fail "Node $(node --version) is too old; 20.19 or newer is needed"

say() { printf '\n== %s\n' "$*"; }
agentos() { AGENTOS_CONFIG="$dir/config.yaml" node "$here/bin/agentos.js" "$@"; }
# Shows a command as a person would type it, then runs it.
run() { printf '\n$ agentos'; printf ' %q' "$@"; printf '\n'; agentos "$@"; }
field() { node -e 'let s = ""; process.stdin.on("data", (d) => (s += d)).on("end", () => console.log(process.argv[1].split(".").reduce((v, k) => v?.[k], JSON.parse(s)) ?? ""))' "$1"; }
# Creates a Ready issue and remembers its number: issues and pull requests share one sequence, as on GitHub.
create_issue() {
  printf '\n$ agentos local issue create demo/shop --title %q --body-file %q --label ready\n' "$1" "$2"
  issue=$(agentos local issue create demo/shop --title "$1" --body-file "$2" --label ready --json | field number)
  printf '%s\n' "$issue"
}
issue_state() { agentos local issue view demo/shop "$1" --json | field state; }
tray_of() { local f; f=$(cd "$dir/state/mailbox" && ls -- */"demo__shop-$1-1"*.md); printf '%s' "${f%%/*}"; }
expect() { [ "$2" = "$3" ] || fail "$1 is \`$2\`, expected \`$3\`; everything is in $dir"; printf 'ok: %s is %s\n' "$1" "$2"; }

# Which real agents this machine has, with the line that tries them.
found_agents() {
  local name found
  found=$(bash "$here/scripts/demo-agent.sh" --found)
  if [ -z "$found" ]; then
    printf 'No real agent was found. With a key, and its CLI on PATH where it has one:\n  ./demo.sh --agent claude|codex|gemini|deepseek|api\n'
    return
  fi
  printf 'Found on this machine, each does one small task (which costs what it costs):\n'
  for name in $found; do printf '  ./demo.sh --agent %s\n' "$name"; done
}

if [ ! -d "$here/node_modules" ]; then say "Installing what is needed to build (npm ci)"; (cd "$here" && npm ci --no-audit --no-fund --loglevel=error); fi
if [ ! -e "$here/dist/main.js" ] || [ -n "$(find "$here/src" -newer "$here/dist/main.js" -name '*.ts' -print -quit)" ]; then
  say "Building"; (cd "$here" && npm run --silent build)
fi

if [ -z "$dir" ]; then dir=$(mktemp -d "${TMPDIR:-/tmp}/agentos-demo.XXXXXX"); fi
mkdir -p "$dir"; dir=$(cd "$dir" && pwd -P)
[ -z "$(ls -A "$dir")" ] || fail "\`$dir\` is not empty; name a new directory"

if [ -n "$agent" ]; then exec bash "$here/scripts/demo-agent.sh" "$agent" "$dir" "$model" "$base"; fi
if [ -n "$github" ]; then exec bash "$here/scripts/demo-github.sh" "$github" "$dir" "${api:-https://api.github.com}"; fi

say "A small project with tests, as a git repository"
cp -R "$here/examples/shop" "$dir/shop"
git -C "$dir/shop" init -q -b main
git -C "$dir/shop" add -A
git -C "$dir/shop" -c user.name=Demo -c user.email=demo@example.com -c commit.gpgsign=false commit -qm 'A shopping cart'
git -C "$dir/shop" log --oneline

say "A configuration: two agents without a model, a chain of both, full automation"
cat > "$dir/config.yaml" <<YAML
state_dir: ./state
forge: { kind: local, root: ./forge }
repos:
  - name: demo/shop
    automation: full
    verify: ["node --test"]
    local_ci: ["node --test", "node scripts/lint.js"]
agents:
  patch: { kind: patch }
  scribe: { kind: command, command: ["$here/examples/agents/scribe.mjs"] }
routing:
  default: [patch, scribe]
sandbox: { mode: auto }
YAML
chmod 600 "$dir/config.yaml"
cat "$dir/config.yaml"
run config check
run local init demo/shop --from "$dir/shop"

say "1. An issue that carries its change and its test: merged and closed"
create_issue 'Give a discount on the total' "$here/examples/issues/discount.md"
run dispatch
printf '\n$ cat state/mailbox/inbox/demo__shop-1-1.md\n'
cat "$dir/state/mailbox/inbox/demo__shop-1-1.md"
run queue
run pr-monitor -v
run local ci
run pr-monitor
expect "issue $issue" "$(issue_state "$issue")" closed
expect "the task of issue $issue" "$(tray_of "$issue")" 'done'

say "2. An issue that the first agent gives up and the second one finishes"
create_issue 'Describe what every function does' "$here/examples/issues/document.md"
run dispatch
run queue
run queue
run local ci
run pr-monitor
expect "issue $issue" "$(issue_state "$issue")" closed
expect "the task of issue $issue" "$(tray_of "$issue")" 'done'

say "3. A change that breaks a check which only the forge runs: fixed once in vain, then a person is asked"
create_issue 'Print a receipt' "$here/examples/issues/receipt.md"
run dispatch
run queue
run local ci || true
run pr-monitor
run queue
run local ci || true
run pr-monitor
run dispatch
expect "issue $issue" "$(issue_state "$issue")" open
expect "the task of issue $issue" "$(tray_of "$issue")" escalated
run local issue view demo/shop "$issue"

say "4. A requirements list becomes issues, once"
run plan --requirements "$here/examples/requirements.md"
run plan --requirements "$here/examples/requirements.md"
run local issue list demo/shop
expect 'number of open issues' "$(agentos local issue list demo/shop --json | field length)" 4

say "What just happened, by its own log"
run analyze-logs
run status
run fsck

say "The mailbox, and the branch that the agents built"
printf '\n$ ls state/mailbox/*\n'
(cd "$dir/state/mailbox" && ls -- *)
printf '\n$ git log main\n'
git --git-dir="$dir/forge/demo/shop/repo.git" log --format='%h %an: %s' main
merged=$(git --git-dir="$dir/forge/demo/shop/repo.git" rev-list --count main)
expect 'number of commits on main' "$merged" 3

cat <<TXT

Everything is in $dir: read it with ls and cat.

$(found_agents)
To go on with a repository of yours on GitHub:
  ./demo.sh --github OWNER/NAME               one issue, one pull request, nothing merged

To go on with a repository of your own, offline:
  node $here/bin/agentos.js init --repo you/project --forge-root ./forge --agent patch=patch
  node $here/bin/agentos.js local init you/project --from PATH
  node $here/bin/agentos.js cron print        the crontab lines that run it unattended
TXT
