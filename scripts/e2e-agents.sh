#!/usr/bin/env bash
# The matrix of real agents: installs the pinned command-line agents beside the
# project (not into it), and runs each of them against every fault on the test
# model server, through the whole of the built program. Offline but for the
# install. Prints the table of outcomes.
#
#   npm run e2e:agents [-- AGENT ...]        all of them, or these: claude codex gemini deepseek api api-openai …
#   AGENTOS_CLIS=DIR npm run e2e:agents      with programs that are installed in DIR already
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

if [ -z "${AGENTOS_CLIS:-}" ]; then
  export AGENTOS_CLIS="$scratch/clis"
  mkdir -p "$AGENTOS_CLIS"
  cp test/agents/clis/package.json "$AGENTOS_CLIS/"
  printf 'Installing the agents that test/agents/clis/package.json pins\n'
  npm install --prefix "$AGENTOS_CLIS" --no-audit --no-fund --no-package-lock --loglevel=error
fi

files=()
for agent; do
  [ -e "test/agents/$agent.e2e.ts" ] || { printf 'e2e:agents: there is no agent `%s`\n' "$agent" >&2; exit 64; }
  files+=("test/agents/$agent.e2e.ts")
done

export AGENTOS_OUTCOMES="$scratch/outcomes.ndjson"
: > "$AGENTOS_OUTCOMES"
status=0
npx --no-install vitest run --config vitest.agents.config.ts ${files[@]+"${files[@]}"} || status=$?
printf '\n'
npx --no-install tsx test/agents/print-outcomes.ts "$AGENTOS_OUTCOMES"
exit "$status"
