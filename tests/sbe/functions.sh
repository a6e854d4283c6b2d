# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2154
# What the tests of generated headers share: $dir, gone at the end; headers lie in it, and driver.c.
dir=$(mktemp -d)
mkdir "$dir/again"
trap 'rm -rf "$dir"' EXIT
failed() { echo "failed: $*"; exit 1; }

# -iquote: a schema called "strings" must not stand before <strings.h>
flags="-std=c11 -D_GNU_SOURCE -Wall -Wextra -Wshadow -Wconversion -Werror -Iinclude -Itests -iquote $dir"
# shellcheck disable=SC2086
warnings() { # COMPILER
	$1 $flags -fsyntax-only "$dir/driver.c" >"$dir/log" 2>&1 || failed "$1: $(head -n 30 "$dir/log")"
}
# shellcheck disable=SC2086
driver() { # COMPILER OPTION...
	compiler=$1
	shift
	# checks as calls: half the time to compile, and these programs are run once
	case $compiler in
		clang) checked="-mllvm -asan-instrumentation-with-call-threshold=0" ;;
		*) checked="--param asan-instrumentation-with-call-threshold=0" ;;
	esac
	$compiler $flags "$@" $checked -fsanitize=address "$dir/driver.c" -o "$dir/driver" >"$dir/log" 2>&1 ||
		failed "$compiler: $(head -n 30 "$dir/log")"
}
