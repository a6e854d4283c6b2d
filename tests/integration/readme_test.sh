#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# README.md's system, run as it says there, as an ordinary user: every message of the feed is handled, filtered, or (a
# socket's buffer may be small, and this machine busy) known to be lost. In a network namespace of its own.
set -eu
if [ -z "${README_TEST_INSIDE:-}" ]; then
	if [ "$(id -u)" -ne 0 ] || ! unshare -n true 2>/dev/null; then
		echo "skipped: a network namespace of its own needs root"
		exit 77
	fi
	README_TEST_INSIDE=yes exec unshare -n "$0" "$@"
fi
failed() { echo "failed: $*"; [ ! -s "$dir/out" ] || cat "$dir/out"; exit 1; }

name=readme-$$ dir=$(mktemp -d /tmp/readme.XXXXXX)
nobody() { env -u XDG_RUNTIME_DIR setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
# shellcheck disable=SC2154 # by the trap
trap 'status=$?; nobody "$dir/bin/myc" stop "$name" >"$dir/out" 2>&1 || :; rm -rf "$dir"; exit $status' EXIT
trap 'exit 130' INT TERM HUP
ip link set lo up
mkdir "$dir/bin"
cp "${BUILD:-build}/bin/myc" "${BUILD:-build}/bin/myc-feed" "$dir/bin"
chmod -R a+rX "$dir"

awk '/^```yaml$/ && !n++ {on = 1; next} /^```$/ {on = 0} on' README.md |
	sed -e "s/^system: desk/system: $name/" -e 's/core: 1/core: 0/' >"$dir/desk.yaml"
cat >"$dir/book.c" <<'END'
#include <mycelium/mycelium.h>
static int feed(struct myc_actor *self, const struct myc_feed_event *event)
{
	(void)self, (void)event;
	return 0;
}
extern const struct myc_behaviour myc_behaviour_book;
const struct myc_behaviour myc_behaviour_book = {.name = "book", .feed = feed};
END
gcc -shared -fPIC -Iinclude "$dir/book.c" -o "$dir/desk.so"
chmod a+r "$dir"/*

sed -n '/^myc run desk.yaml -d /p; /^myc-feed --messages /p' README.md |
	sed -e "s|desk\.yaml|$dir/desk.yaml|" -e "s|^|$dir/bin/|" >"$dir/commands"
[ "$(wc -l <"$dir/commands")" -eq 2 ] || failed "README.md has no such commands"
nobody sh -e "$dir/commands" >"$dir/out" 2>&1 || failed "exit $?"
# The last packets may be in a socket still.
for _ in $(seq 100); do
	nobody "$dir/bin/myc" ps "$name" >"$dir/out" || failed "myc ps"
	sum=$(sed -n 's/.*feed itch: .*messages \([0-9]*\),.*filtered \([0-9]*\),.*(\([0-9]*\) lost).*/\1 + \2 + \3/p' "$dir/out")
	[ $((${sum:-0})) -lt 100000 ] || break
	sleep 0.1
done
[ $((${sum:-0})) -eq 100000 ] || failed "$sum messages, not 100000"
nobody "$dir/bin/myc" stop "$name" >"$dir/out" 2>&1 || failed "myc stop: exit $?"
echo "$sum messages"
