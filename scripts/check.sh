#!/usr/bin/env bash
# Everything a contributor needs before a commit: format, lint, types, unused
# code, tests, architecture, example config, generated docs, demo.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n== %s\n' "$*"; "$@"; }

step npx --no-install biome ci .
step npx --no-install tsc
step npx --no-install knip
step node scripts/build.mjs
step node scripts/configuration-docs.mjs --check
check_example() {
  local dir; dir=$(mktemp -d)
  sed "s#^state_dir:.*#state_dir: $dir/state#" config.example.yaml > "$dir/config.yaml"
  chmod 600 "$dir/config.yaml"
  node bin/agentos.js --config "$dir/config.yaml" config check > /dev/null
  rm -rf "$dir"
}
step check_example
step npx --no-install vitest run
step ./demo.sh > /dev/null
printf '\nall checks passed\n'
