#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The YAML that README, guides and man pages show is taken by `myc check` as it stands there (a filter's message names
# are those of a schema of ours).
set -eu
build=${BUILD:-build}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed() { echo "failed: $*"; exit 1; }

cat >"$dir/book.c" <<'END'
#include <mycelium/mycelium.h>
static int feed(struct myc_actor *self, const struct myc_feed_event *event)
{
	(void)self;
	return event->kind == MYC_FEED_MESSAGE ? 0 : 1;
}
extern const struct myc_behaviour myc_behaviour_book;
const struct myc_behaviour myc_behaviour_book = {.name = "book", .feed = feed};
END
gcc -shared -fPIC -Wall -Wextra -Werror -Iinclude "$dir/book.c" -o "$dir/desk.so"
ln -s desk.so "$dir/libbook.so"
cp tests/schemas/good/feed_mdp3.xml "$dir/templates_FixBinary.xml"

yaml() { # FILE N: its Nth block of YAML
	awk -v n="$2" '/^```yaml$/ {on = ++k == n; next} /^```$/ {on = 0} on' "$1"
}
example() { # PAGE SECTION: what stands between .nf and .fi there
	awk -v head=".SH $2" '/^\.SH/ {in_it = $0 == head} /^\.fi$/ {on = 0} on; in_it && /^\.nf$/ {on = 1}' "$1" | sed 's/\\-/-/g'
}
topology() { # NAME, on standard input
	cat >"$dir/$1.yaml"
	[ "$(wc -l <"$dir/$1.yaml")" -ge 8 ] || failed "$1: no YAML there"
	# This machine may have one core only.
	sed -i 's/core: 1/core: 0/' "$dir/$1.yaml"
	said=$("$build/bin/myc" check "$dir/$1.yaml" 2>&1) || failed "$1: $said"
}
fed='processes: [ { name: one, library: desk.so, actors: [ { name: book, behaviour: book, feeds: [futures] } ] } ]'
yaml README.md 1 | topology readme
{ printf 'system: topics\nprocesses:\n' && yaml docs/TOPICS.md 1; } | topology topics
{ printf 'system: feeds\nnetwork: { kind: udp }\n%s\n' "$fed" && yaml docs/FEEDS.md 1; } | topology feeds
{ cat "$dir/feeds.yaml" && yaml docs/FEEDS.md 2 | sed 's/MDIncrementalRefreshBook46/IncrementalRefreshBook/'; } | topology filter
example docs/man/myc-topology.5 EXAMPLE | topology man

# Every key that there is stands in the man page: who meets an unknown one names those it knows.
count=0
keys() { # PAGE YAML TOOL...: of the mapping that has the key zzzzzz; "; " ends a line of the YAML
	page=$1
	printf '%s\n' "$2" | sed 's/; /\n/g' >"$dir/keys.yaml"
	shift 2
	! said=$("$@" "$dir/keys.yaml" 2>&1) || failed "zzzzzz is a key: $(cat "$dir/keys.yaml")"
	known=$(echo "$said" | sed -n 's/.*(known here: \([a-z_, ]*\)).*/\1/p' | tr -d ,)
	[ -n "$known" ] || failed "no keys: $said"
	for key in $known; do
		grep -qw -- "$key" "$page" || failed "$page has not '$key' of: $known"
	done
	count=$((count + 1))
}
lines='lines: [ { group: 239.1.1.1, port: 1 } ]'
process='name: one, library: desk.so, actors: [ { name: book, behaviour: book } ]'
while read -r line; do
	keys docs/man/myc-topology.5 "system: a; $line" "$build/bin/myc" check
done <<END
zzzzzz: 1; processes: [ { $process } ]
network: { zzzzzz: 1 }; processes: [ { $process } ]
supervisor: { zzzzzz: 1 }; processes: [ { $process } ]
phases: [ { zzzzzz: 1 } ]; processes: [ { $process } ]
channels: [ { zzzzzz: 1 } ]; processes: [ { $process } ]
channels: [ { name: a, protocol: moldudp64, lines: [ { zzzzzz: 1 } ] } ]; processes: [ { $process } ]
channels: [ { name: a, protocol: moldudp64, $lines, filter: { zzzzzz: 1 } } ]; processes: [ { $process } ]
channels: [ { name: a, protocol: mdp3, $lines, filter: { zzzzzz: 1 } } ]; processes: [ { $process } ]
processes: [ { zzzzzz: 1 } ]
processes: [ { $process, executors: [ { zzzzzz: 1 } ] } ]
processes: [ { $process, topics: [ { zzzzzz: 1 } ] } ]
processes: [ { $process, buffers: [ { zzzzzz: 1 } ] } ]
processes: [ { name: one, library: desk.so, actors: [ { zzzzzz: 1 } ] } ]
END
while read -r line; do
	keys docs/man/myc-load.1 "$line" "$build/bin/myc-load" load
done <<END
zzzzzz: 1; channels: [ { name: a, protocol: moldudp64, $lines } ]
name: a; channels: [ { zzzzzz: 1 } ]
name: a; channels: [ { name: a, protocol: moldudp64, lines: [ { zzzzzz: 1 } ] } ]
name: a; channels: [ { name: a, protocol: moldudp64, $lines, filter: { zzzzzz: 1 } } ]
name: a; channels: [ { name: a, protocol: mdp3, $lines, filter: { zzzzzz: 1 } } ]
name: a; channels: [ { name: a, protocol: iextp, $lines, iex: { zzzzzz: 1 } } ]
name: a; channels: [ { name: a, protocol: generic, $lines, generic: { zzzzzz: 1 } } ]
END
echo "$count mappings"
