#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# myc-load as a person uses it: messages, exit codes, and what is left afterwards. In a network and a
# mount namespace of its own, which take everything with them.
set -u
if [ -z "${MYC_LOAD_TEST_INSIDE:-}" ]; then
	if [ "$(id -u)" -ne 0 ] || ! unshare -n -m true 2>/dev/null; then
		echo "skipped: network and mount namespaces of its own need root"
		exit 77
	fi
	MYC_LOAD_TEST_INSIDE=yes exec unshare -n -m --propagation private "$0" "$@"
fi

bpffs=/sys/fs/bpf
work=$(mktemp -d /tmp/mycload.XXXXXX)
trap 'rm -rf "$work"' EXIT
# Beside other users' eyes: the unprivileged case below runs this copy.
cp "${BUILD:-build}/bin/myc-load" "$work/"
chmod 755 "$work"
load=$work/myc-load
out=$work/out
failed=0

mount -t bpf -o mode=0700 bpf "$bpffs"
sysctl -qw net.ipv6.conf.default.disable_ipv6=1
ip link add mycload0 type veth peer name mycload1
ip link set mycload0 up
ip link set mycload1 up

# expect CODE TEXT COMMAND...: the exit code, and TEXT in the one line that is said ("" = nothing).
expect() {
	code=$1 text=$2
	shift 2
	"$@" >"$out" 2>&1
	got=$?
	if [ $got -ne "$code" ] || { [ -n "$text" ] && ! grep -qF -- "$text" "$out"; } ||
		{ [ -z "$text" ] && [ -s "$out" ]; } || [ "$(wc -l <"$out")" -gt 1 ]; then
		echo "FAILED: $*"
		echo "  wanted exit $code and: $text"
		echo "  got exit $got and: $(cat "$out")"
		failed=1
	fi
}

nothing_left() {
	[ ! -e "$bpffs/mycelium" ] || { echo "FAILED: $1 left pins"; ls -R "$bpffs/mycelium"; failed=1; }
	! ip link show mycload0 2>/dev/null | grep -q xdp || { echo "FAILED: $1 left a program"; failed=1; }
}

config() { # NAME INTERFACE CHANNELS
	printf 'name: %s\ninterface: %s\nmode: auto\nchannels:\n' "$1" "$2"
	i=0
	while [ $i -lt "$3" ]; do
		printf '  - name: c%d\n    protocol: moldudp64\n    lines: [{ group: 239.1.1.1, port: %d }]\n' \
			$i $((5000 + i))
		i=$((i + 1))
	done
}
config one mycload0 2 >"$work/good.yaml"
config one mycload0 16 >"$work/grown.yaml"
config one mycload0 17 >"$work/toomany.yaml"
config one mycload7 1 >"$work/wrong.yaml"
config two mycload0 1 >"$work/two.yaml"
sed 's/port: 5001/port: 70000/' "$work/good.yaml" >"$work/badport.yaml"
sed '/^name/d' "$work/good.yaml" >"$work/noname.yaml"

# ---- bad input: 2 --------------------------------------------------------------------------------
for command in load attach up replace status counters unload cleanup; do
	"$load" $command --help >"$out" && grep -q "^  $command " "$out" || { echo "FAILED: $command --help"; failed=1; }
done
expect 0 "myc-load $("${BUILD:-build}/bin/myc" --version | cut -d ' ' -f 2)" "$load" --version
expect 2 "no command 'lod' (see myc-load --help)" "$load" lod
expect 2 "attach: what? An argument is missing (see myc-load --help)" "$load" attach
expect 2 "--colour: no such option, or its value is missing" "$load" status --colour
expect 2 "--mode fast (use auto, native or generic)" "$load" up --mode fast "$work/good.yaml"
expect 2 "--sharing alone (use exclusive or dispatcher)" "$load" up --sharing alone "$work/good.yaml"
expect 2 "--priority 0 (use 1 to 65535)" "$load" up --priority 0 "$work/good.yaml"
expect 2 "extra is one too many" "$load" status one extra
expect 2 "$work/none.yaml: No such file or directory (check the path and its permissions)" "$load" up "$work/none.yaml"
expect 2 "badport.yaml:10: channels[1].lines[0].port: 70000: out of range (use 1 to 65535)" "$load" up "$work/badport.yaml"
expect 2 "noname.yaml: the system has no name (add 'name:' to the file, or --name)" "$load" up "$work/noname.yaml"
expect 2 "no interface 'mycload7' in this network namespace (see ip link; netns: of a topology" "$load" up "$work/wrong.yaml"
expect 2 "'No' is not a system's name (use 1 to 31 of a-z, 0-9 and -" "$load" up --name No "$work/good.yaml"
expect 2 "no system 'one' is loaded (see myc-load status for what is)" "$load" status one
expect 2 "no system 'one' is loaded" "$load" unload one
expect 2 "network namespace /run/netns/mycload-none: No such file" "$load" status --netns mycload-none
nothing_left "bad input"

# ---- privilege and kernel features: 3 ------------------------------------------------------------
chmod 644 "$work"/*.yaml
expect 3 "(run as root" setpriv --reuid 65534 --regid 65534 --clear-groups "$load" up "$work/good.yaml"
expect 3 "attaching 'one' to lo: no native XDP on lo: its driver has no XDP (use mode auto or generic" \
	"$load" up --interface lo --mode native "$work/good.yaml"
nothing_left "a refused privilege"

# ---- its life ------------------------------------------------------------------------------------
expect 0 "" "$load" status
expect 0 "one: loaded, not attached; program" "$load" load "$work/good.yaml"
expect 4 "loading 'one': a system 'one' is loaded already (replace it, unload it, or take another name)" \
	"$load" up "$work/good.yaml"
expect 0 "one: native on mycload0; program" "$load" attach one
expect 4 "attaching 'one' to mycload0: it is attached already (unload it first, or replace it)" "$load" attach one
expect 4 "mycload0 has an XDP program already: 'myc_steer', id " "$load" up "$work/two.yaml"
expect 0 ", 2 channels" "$load" status one
expect 0 ": copy (its driver has no zero-copy: vm-tests" "$load" status one
expect 0 '"trust": "veth on ' "$load" status one --json
link=$("$load" status one --json | sed 's/.*"link_id": \([0-9]*\).*/\1/')
expect 0 ", link $link, 16 channels" "$load" replace "$work/grown.yaml"
expect 1 "replacing 'one': 17 channels, but its state was made for 16 (unload it and load it anew)" \
	"$load" replace "$work/toomany.yaml"
expect 2 "badport.yaml:10:" "$load" replace "$work/badport.yaml"
expect 0 "\"link_id\": $link, " "$load" status --json
expect 0 '"attached": "native"' "$load" status --json
expect 4 "'one' is attached to an interface and steering (unload it, or clean up by force)" "$load" cleanup one
expect 0 "" "$load" cleanup
expect 0 "link $link" "$load" status
expect 0 "" "$load" unload one
nothing_left "unload"
# The configuration that the man page shows.
awk '/^\.SH/ {shown = $0 == ".SH CONFIGURATION"} /^\.fi$/ {on = 0} on; shown && /^\.nf$/ {on = 1}' docs/man/myc-load.1 |
	sed 's/\\-/-/g' >"$work/man.yaml"
expect 0 "feed: loaded, not attached; program" "$load" load "$work/man.yaml" --interface mycload0
expect 0 "" "$load" unload feed
nothing_left "the man page's configuration"

# ---- beside others, or alone with the reason: by what kernel and libxdp are like -------------------
expect 0 "one: native on mycload0" "$load" up --sharing dispatcher --priority 20 "$work/good.yaml"
grep -qE ', in a dispatcher at priority 20|; not in a dispatcher: ' "$out" || {
	echo "FAILED: no word about the dispatcher: $(cat "$out")"
	failed=1
}
expect 0 "one: native on mycload0" "$load" replace "$work/grown.yaml"
expect 4 "'one' is attached to an interface and steering" "$load" cleanup one
expect 0 "" "$load" unload one
nothing_left "sharing"

# ---- counters add up: three packets for channel 0 and nothing else --------------------------------
expect 0 "one: native on mycload0" "$load" up "$work/good.yaml"
ip addr add 10.99.0.1/24 dev mycload1
ip route add 239.1.1.0/24 dev mycload1
bash -c 'for _ in 1 2 3; do echo x >/dev/udp/239.1.1.1/5000; done'
"$load" counters one --json >"$work/counters"
grep -q '^{"channel": 0, "packets": 3, "reasons": {"PASS_NO_SOCKET": 3}' "$work/counters" || {
	echo "FAILED: counters: $(cat "$work/counters")"
	failed=1
}
expect 0 "" "$load" cleanup --force one
nothing_left "cleanup --force"

# ---- generic, and another namespace ---------------------------------------------------------------
expect 0 "one: generic on mycload0; not native: generic was asked for" "$load" up --mode generic "$work/good.yaml"
expect 0 "" "$load" unload one
unshare -n sleep 60 &
other=$!
while [ "$(readlink /proc/$other/ns/net)" = "$(readlink /proc/self/ns/net)" ]; do :; done
ip link set mycload0 netns "$other"
expect 2 "no interface 'mycload0' in this network namespace" "$load" up "$work/good.yaml"
expect 0 "one: native on mycload0" "$load" up --netns "/proc/$other/ns/net" "$work/good.yaml"
expect 0 "" "$load" unload one
kill "$other"
wait "$other" 2>/dev/null
nothing_left "another namespace"

# ---- what ip netns exec does: no bpffs in a private mount namespace --------------------------------
while mountpoint -q "$bpffs" && umount "$bpffs"; do :; done
expect 3 "is no bpffs in this private mount namespace (enter the network namespace by nsenter" \
	unshare -m "$load" status one

[ $failed -eq 0 ] && echo "all as expected"
exit $failed
