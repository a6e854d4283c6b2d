#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What `make install` leaves is what a stranger needs: the README's first C example compiles with
# nothing but `pkg-config mycelium`, shared and static, and runs, and so do the guides'; every public header stands
# alone, in C and C++; every tool and public function has its man page.
set -eu
build=${BUILD:-build}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed() { echo "failed: $*"; exit 1; }

san='' flags=''
case $build in
*san-address) san=address flags=-fsanitize=address,undefined ;;
*san-thread) san=thread flags=-fsanitize=thread ;;
*san-undefined) san=undefined flags=-fsanitize=undefined ;;
esac
# The flags of the make around this test are its own affair.
make_install() { env -u MAKEFLAGS -u MAKELEVEL make --no-print-directory SAN=$san BUILD="$build" install "$@"; }
make_install PREFIX="$dir/prefix" >"$dir/log" 2>&1 || { cat "$dir/log"; failed "make install"; }
make_install DESTDIR="$dir/stage" PREFIX=/usr >"$dir/log" 2>&1 || { cat "$dir/log"; failed "make install DESTDIR=..."; }
(cd "$dir/prefix" && find . ! -type d | sort) >"$dir/plain"
(cd "$dir/stage/usr" && find . ! -type d | sort) >"$dir/staged"
cmp "$dir/plain" "$dir/staged" || failed "DESTDIR changes what is installed"
! grep -q "$dir" "$dir/stage/usr/lib/pkgconfig/mycelium.pc" || failed "DESTDIR is in mycelium.pc"
for tool in myc myc-load myc-feed myc-gen; do
	[ -x "$dir/prefix/bin/$tool" ] || failed "no $tool"
	page=$dir/prefix/share/man/man1/$tool.1
	[ -f "$page" ] || failed "no man page of $tool"
	for option in --help -h --version; do
		"$dir/prefix/bin/$tool" $option >"$dir/says$option" || failed "$tool has no $option"
	done
	cmp "$dir/says-h" "$dir/says--help" || failed "$tool -h is not --help"
	grep -qxE "$tool [0-9.]+" "$dir/says--version" || failed "$tool --version says: $(cat "$dir/says--version")"
	# Both name the same options (but --help and --version, which go without saying).
	options() { { grep -oE -- '--[a-z][a-z-]+' || :; printf '%s\n' --help --version; } | sort -u; }
	options <"$dir/says--help" >"$dir/helps"
	sed 's/\\-/-/g' "$page" | options | diff - "$dir/helps" || failed "$tool.1 and $tool --help name different options"
done

export PKG_CONFIG_PATH="$dir/prefix/lib/pkgconfig"
awk '/^```c$/ && !n++ {on=1; next} /^```$/ {on=0} on' README.md >"$dir/ping.c"
[ -s "$dir/ping.c" ] || failed "README.md has no C example"
rallies() { # NAME PKG_CONFIG_OPTION...: compiles and runs the example
	name=$1
	shift
	# shellcheck disable=SC2046,SC2086
	${CC:-gcc} -std=gnu11 -Wall -Wextra -Werror $flags "$dir/ping.c" $(pkg-config --cflags --libs "$@" mycelium) \
		-o "$dir/$name" || failed "the $name example does not compile"
	out=$(LD_LIBRARY_PATH="$dir/prefix/lib" "$dir/$name") || failed "the $name example ends with $?"
	case $out in
	"left: 1000 rallies" | "right: 1000 rallies") echo "$name: $out" ;;
	*) failed "the $name example says: $out" ;;
	esac
}
rallies shared
# The program of a guide says what the guide says that it does.
guide() { # GUIDE LINE...
	guide=$1 name=$(basename "$1" .md)
	shift
	awk '/^```c$/ && !n++ {on=1; next} /^```$/ {on=0} on' "$guide" >"$dir/$name.c"
	awk '/^```xml$/ && !n++ {on=1; next} /^```$/ {on=0} on' "$guide" >"$dir/desk.xml"
	[ ! -s "$dir/desk.xml" ] || "$dir/prefix/bin/myc-gen" -o "$dir/desk.h" "$dir/desk.xml" || failed "the schema of $guide"
	# shellcheck disable=SC2046,SC2086
	${CC:-gcc} -std=gnu11 -Wall -Wextra -Werror $flags "$dir/$name.c" $(pkg-config --cflags --libs mycelium) -pthread \
		-o "$dir/$name" || failed "the example of $guide does not compile"
	LD_LIBRARY_PATH="$dir/prefix/lib" timeout 60 "$dir/$name" >"$dir/$name.out" || failed "the example of $guide ends with $?"
	printf '%s\n' "$@" | cmp - "$dir/$name.out" || failed "the example of $guide says something else"
}
guide docs/ACTORS.md 'order 1: sent' 'order 2: refused' 'the risk check is down (-1)' 'order 4: sent' \
	'all orders are dealt with'
guide docs/ASKS.md 'the third level: 302 at 1000300' 'the last of 20: 998600' 'without room: -90, it has 320 bytes' 'too many: -22'
guide docs/WORKERS.md '7: 705' '8: 800' '1 worker died, 1 job was given again' 'client: a price' 'client: too fast' \
	'client: too fast' 'client: asks no more' 'accepted 5, done 3, too fast 2'
guide docs/EXECUTORS.md 'left waits for credit of right, which waits for credit of left' '3 records written' \
	'all went on, and ended'
guide docs/MOVING.md '50 moves: done' '30000 orders, 0 gaps' 'it has a thread of its own'
guide docs/TOPICS.md 'MSFT: 200' 'AAPL: 101' 'feed.nasdaq has started' '3 checks are told' '3 checks have noted it' \
	'2 checks are left'
guide docs/STATES.md 'logged on' 'order 1' 'order 2' 'order 3' 'logged off' 'logged on' 'order 4' '4 orders sent'
guide docs/LIVES.md 'message 1 was taken' 'message 2 was taken' 'the book failed with a total of 5, and is there again' \
	'its total is 0 now' 'and 5 after a repair' 'keeper has stopped' 'book has stopped' 'ended, 0 were late'
guide docs/REFERENCES.md 'the book closes after 6 trades' 'it has ended, as it should'
guide docs/MAILBOXES.md 'the feed is through, the journal is not' 'it has more than 1024 messages waiting' 'all is written'
guide docs/FRAME.md 'order 1 of 100' 'order 3 of 100' '2 frames, 1 damaged; the stream ends within a frame, after 240 bytes'
guide docs/TYPED.md 'order 6 of 5' 'accepted, place 1' \
	"actor 'book' accepts desk.Matcher (schema 7, interface 1, version 1), not desk.Screen (schema 7, interface 2, version 1)" \
	'order 7 of 100' 'accepted, place 2' 'order 7 is cancelled' '100 at 1000' '100 at 999'
guide docs/OUTSIDE.md '1 gives 2' '20 gives 40' '300000000000 gives 600000000000' '4 gives 8'

# Copied out of the tree, an example is built as README.md says.
for example in examples/*/; do
	name=$(basename "$example")
	cp -r "$example" "$dir/$name"
	for schema in "$dir/$name"/*.xml; do
		[ ! -f "$schema" ] || "$dir/prefix/bin/myc-gen" -o "${schema%.xml}.h" "$schema" || failed "the schema of a copy of $example"
	done
	# shellcheck disable=SC2046,SC2086
	${CC:-gcc} -O2 -Wall -Wextra -Werror $flags -shared -fPIC -o "$dir/$name/$name.so" "$dir/$name"/*.c $(pkg-config --cflags mycelium) ||
		failed "a copy of $example does not compile"
	sed -i -e "s|\.\./\.\./build/examples/|./|" -e 's/core: 1/core: 0/' "$dir/$name/topology.yaml"
	"$dir/prefix/bin/myc" check "$dir/$name/topology.yaml" >"$dir/log" || failed "the topology of a copy of $example"
done

# The example of docs/ACTORS.md in C++, and as a shared object that myc finds its behaviour in.
awk '/^```cpp$/ {on=1; next} /^```$/ {on=0} on' docs/ACTORS.md >"$dir/book.cc"
awk '/^```xml$/ && !n++ {on=1; next} /^```$/ {on=0} on' docs/MESSAGES.md >"$dir/desk.xml"
"$dir/prefix/bin/myc-gen" -o "$dir/desk.h" "$dir/desk.xml" || failed "the schema of docs/MESSAGES.md"
printf 'system: book\nprocesses: [ { name: one, library: book.so, actors: [ { name: book, behaviour: book } ] } ]\n' >"$dir/book.yaml"
for compiler in g++ "${CLANG:-clang}++"; do
	command -v "$compiler" >"$dir/compiler" || continue
	# The library's sanitizer is gcc's.
	[ -z "$san" ] || [ "$compiler" = g++ ] || continue
	# shellcheck disable=SC2046,SC2086
	application() { # OPTION...
		$compiler -std=c++17 -Wall -Wextra -Wpedantic -Wconversion -Werror $flags "$dir/book.cc" \
			$(pkg-config --cflags mycelium) "$@" || failed "the C++ example under $compiler"
	}
	# shellcheck disable=SC2046
	application $(pkg-config --libs mycelium) -o "$dir/book"
	LD_LIBRARY_PATH="$dir/prefix/lib" timeout 60 "$dir/book" >"$dir/book.out" || failed "the C++ example ends with $?"
	printf '1: order 17\n2: order 18\n' | cmp - "$dir/book.out" || failed "the C++ example says something else"
	application -shared -fPIC -o "$dir/book.so"
	"$dir/prefix/bin/myc" check "$dir/book.yaml" >"$dir/book.out" || failed "myc finds no behaviour that C++ made"
done

# Every function that the library shows and a public header names has its page.
nm -D --defined-only "$dir/prefix/lib/libmycelium.so" | awk '$3 ~ /^myc_/ {print $3}' | sort >"$dir/shown"
cat include/mycelium/*.h include/mycelium/market/*.h | grep -oE 'myc_[a-z0-9_]+\(' | tr -d '(' | sort -u >"$dir/named"
[ "$(comm -12 "$dir/shown" "$dir/named" | wc -l)" -gt 100 ] || failed "the public functions are not found"
comm -12 "$dir/shown" "$dir/named" | while read -r function; do
	page=$dir/prefix/share/man/man3/$function.3
	[ -f "$page" ] || failed "no man page of $function"
	! grep -q 'a function of mycelium' "$page" || failed "$function has no comment"
	grep -q '^\.so man3/' "$page" || { grep -q '^\.SH SYNOPSIS' "$page" && grep -q "$function(" "$page"; } || failed "the man page of $function"
done
# And C++ finds each by its name in C.
if command -v g++ >"$dir/compiler"; then
	(cd "$dir/prefix/include" && ls mycelium/*.h mycelium/market/*.h) | sed 's/.*/#include <&>/' >"$dir/all.cc"
	echo 'extern const void *const all[]; const void *const all[] = {' >>"$dir/all.cc"
	comm -12 "$dir/shown" "$dir/named" | sed 's/.*/reinterpret_cast<const void *>(\&&),/' >>"$dir/all.cc"
	echo '}; int main() { return all[0] == nullptr; }' >>"$dir/all.cc"
	# shellcheck disable=SC2046,SC2086
	g++ -std=c++17 $flags "$dir/all.cc" $(pkg-config --cflags --libs mycelium) -o "$dir/all" || failed "C++ does not link all functions"
fi
readelf -d "$dir/shared" | grep -q 'NEEDED.*libmycelium.so.0' || failed "the shared example has not the library"
rm "$dir"/prefix/lib/libmycelium.so*
rallies static --static

cd "$dir/prefix/include"
for header in mycelium/*.h mycelium/*/*.h; do
	echo "#include <$header>" >"$dir/header.c"
	for language in c++ c; do
		# Strict: nothing that only GNU's or POSIX's dialect of C has.
		[ $language = c ] && standard=c11 || standard=c++17
		# shellcheck disable=SC2046
		${CLANG:-clang} -x $language -std=$standard -fsyntax-only -Wall -Wextra -Werror $(pkg-config --cflags mycelium) \
			"$dir/header.c" || failed "$header as $standard"
	done
done
# An application's, where there is a g++, which has not clang's leniency.
for header in mycelium/*.h mycelium/market/*.h; do
	command -v g++ >"$dir/gxx" || break
	echo "#include <$header>" >"$dir/header.cc"
	# shellcheck disable=SC2046
	g++ -fsyntax-only $(pkg-config --cflags mycelium) "$dir/header.cc" || failed "$header by g++"
done
echo "$(grep -c '\.h$' "$dir/plain") headers"
