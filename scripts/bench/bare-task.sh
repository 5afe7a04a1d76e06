#!/bin/sh
# What one task costs without Agent OS: the git commands that it runs from inbox
# to review, the agent between them, and the removal of the checkout. The bench
# checks that the commands are still the same ones, in the same order. Nothing is
# fetched: neither mirror is behind its forge.
set -eu
forge=$1 mirror=$2 preserved=$3 work=$4 agent=$5 branch=$6

export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_ATTR_NOSYSTEM=1 GIT_NO_REPLACE_OBJECTS=1
export GIT_AUTHOR_NAME=Bench GIT_AUTHOR_EMAIL=bench@example.com GIT_COMMITTER_NAME=Bench GIT_COMMITTER_EMAIL=bench@example.com
durable='-c core.fsync=all,-index -c core.fsyncMethod=batch'

read -r base < "$mirror/refs/heads/main"
mkdir "$work"
GIT_INDEX_FILE="$work.index"
export GIT_INDEX_FILE
git --git-dir="$mirror" --work-tree="$work" -c core.bare=false -c checkout.workers=2 -c checkout.thresholdForParallelism=500 \
  read-tree --reset -u "$base"
(cd "$work" && "$agent")
# shellcheck disable=SC2086
git --git-dir="$preserved" --work-tree="$work" -c core.bare=false $durable -c core.excludesFile="$work.exclude" add --all
# shellcheck disable=SC2086
tree=$(git --git-dir="$preserved" $durable write-tree)
git --git-dir="$preserved" diff-tree -r -z --raw --no-abbrev --no-renames "$base" "$tree" > /dev/null
git --git-dir="$preserved" diff-tree -r -p --no-renames --full-index "$base" "$tree" > "$work.patch"
# shellcheck disable=SC2086
commit=$(git --git-dir="$preserved" $durable commit-tree -p "$base" -m "Add a file" "$tree")
git --git-dir="$preserved" push --porcelain --no-verify --atomic --force-with-lease="refs/heads/$branch:" \
  "$forge" "$commit:refs/heads/$branch" > /dev/null 2>&1
git --git-dir="$forge" rev-list --max-count=1 "$base..$commit" > /dev/null
git --git-dir="$forge" merge-tree --write-tree -z --name-only --no-messages "$base" "$commit" > /dev/null
rm -rf "$work" "$work.index"
