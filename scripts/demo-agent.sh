#!/usr/bin/env bash
# The walk of demo.sh with a real agent, found on this machine: one issue in
# plain words on the local forge, worked on by the agent, merged when every gate
# passes. It costs what one small task costs. Called by `demo.sh --agent`, and
# by `demo.sh` with no name to say which agents it found.
#
#   scripts/demo-agent.sh --found
#   scripts/demo-agent.sh NAME DIR [MODEL] [BASE_URL]
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

fail() { printf '\ndemo: %s\n' "$*" >&2; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }
# Prints the first of these variables that is set.
key_of() { local name; for name; do if [ -n "${!name:-}" ]; then printf '%s' "$name"; return; fi; done; }

# Sets kind, program, key, model and provider of an agent by its name; program and provider only where the kind has one.
describe() {
  provider='' program=''
  case $1 in
    claude) kind=claude program=claude model=sonnet key=$(key_of ANTHROPIC_API_KEY) keys=ANTHROPIC_API_KEY ;;
    codex) kind=codex program=codex model=gpt-5-codex key=$(key_of OPENAI_API_KEY) keys=OPENAI_API_KEY ;;
    gemini) kind=gemini program=gemini model=gemini-2.5-pro key=$(key_of GEMINI_API_KEY) keys=GEMINI_API_KEY ;;
    deepseek) kind=claude program=claude model=deepseek-chat key=$(key_of DEEPSEEK_API_KEY) keys=DEEPSEEK_API_KEY ;;
    api)
      kind=api keys='ANTHROPIC_API_KEY, OPENAI_API_KEY, GEMINI_API_KEY or DEEPSEEK_API_KEY'
      key=$(key_of ANTHROPIC_API_KEY OPENAI_API_KEY GEMINI_API_KEY DEEPSEEK_API_KEY)
      case $key in
        OPENAI_API_KEY) provider=openai model=gpt-5 ;;
        GEMINI_API_KEY) provider=google model=gemini-2.5-pro ;;
        DEEPSEEK_API_KEY) provider=deepseek model=deepseek-chat ;;
        *) provider=anthropic model=claude-sonnet-4-5 ;;
      esac ;;
    *) fail "there is no agent \`$1\`" ;;
  esac
}

if [ "${1:-}" = --found ]; then
  for name in claude codex gemini deepseek api; do
    describe "$name"
    if [ -n "$key" ] && { [ -z "$program" ] || has "$program"; }; then printf '%s\n' "$name"; fi
  done
  exit 0
fi

name=$1 dir=$2
describe "$name"
model=${3:-$model} url=${4:-}
[ -z "$program" ] || has "$program" || fail "\`$program\` is not on PATH; install it, or use \`--agent api\`, which needs a key only"
[ -n "$key" ] || fail "no key: set $keys"

say() { printf '\n== %s\n' "$*"; }
agentos() { AGENTOS_CONFIG="$dir/config.yaml" node "$here/bin/agentos.js" "$@"; }
run() { printf '\n$ agentos'; printf ' %q' "$@"; printf '\n'; agentos "$@"; }
# One value of a JSON document; what node prints of it, nothing where it is not there.
pick() { node -e 'let s = ""; process.stdin.on("data", (d) => (s += d)).on("end", () => console.log(new Function("it", `return ${process.argv[1]}`)(JSON.parse(s)) ?? ""))' "$1"; }

say "A small project with tests, as a git repository"
cp -R "$here/examples/shop" "$dir/shop"
git -C "$dir/shop" init -q -b main
git -C "$dir/shop" add -A
git -C "$dir/shop" -c user.name=Demo -c user.email=demo@example.com -c commit.gpgsign=false commit -qm 'A shopping cart'

say "A configuration: $name alone, two attempts at most, full automation"
cat > "$dir/config.yaml" <<YAML
state_dir: ./state
forge: { kind: local, root: ./forge }
repos:
  - name: demo/shop
    automation: full
    verify: ["node --test"]
    local_ci: ["node --test", "node scripts/lint.js"]
agents:
  $name:
    kind: $kind
${provider:+    provider: $provider
}    model: "$model"
    key_env: $key
${url:+    base_url: "$url"
}    timeout_minutes: 15
routing:
  default: [$name]
queue: { max_attempts: 2 }
sandbox: { mode: auto }
YAML
chmod 600 "$dir/config.yaml"
cat "$dir/config.yaml"
run config check
run local init demo/shop --from "$dir/shop"

say "An issue in plain words"
issue=$(agentos local issue create demo/shop --title 'Take an item out of the cart' --body-file "$here/examples/issues/remove-item.md" --label ready --json | pick it.number)
run local issue view demo/shop "$issue"
run dispatch

state() { agentos local issue view demo/shop "$issue" --json | pick it.state; }
for pass in 1 2; do
  say "The queue lets $name work on it (pass $pass; a minute or more)"
  run queue
  run local ci || true
  run pr-monitor
  [ "$(state)" = open ] || break
done

say "What came of it"
run show "demo/shop#$issue"
run status
if [ "$(state)" != closed ]; then
  fail "$name did not finish the task; its transcripts lie in $dir/state/runs"
fi
printf '\n$ git show main\n'
git --git-dir="$dir/forge/demo/shop/repo.git" show --stat --format='%h %an: %s%n%n%b' main
cat <<TXT

ok: issue $issue is closed, its change is on main

Everything is in $dir: read it with ls and cat.
TXT
