#!/bin/sh
# Builds unrolled, and installs first what a step needs and this machine has not.
#
#   ./build.sh [step...]    without a step: wasm js page
#
#   wasm          dist/unrolled.wasm, the C core
#   js            dist/*.js: a bundle for each name that package.json exports, and the declarations
#   page          build/page, the static site, with the guides, and with the reference if that was made
#   start         all of these, then serves the page; $PORT names the port
#   docs          the page with the reference: build/reference, from the declarations, by typedoc
#   native        build/native: libunrolled.a, and the C tests under sanitizers;
#                 with CC=clang, say, that compiler's build in build/native-clang
#   native-test   runs them
#   wasm-test     runs the same C tests as WebAssembly, in Node
#   coverage      runs them natively and prints what of src/ they reach, lines and branches
#   fuzz-test     the exports under a fuzzer, from recorded inputs and for a short while
#   fuzz          the long form, ten minutes: $FUZZ_RUNS inputs (default 750,000), and 100,000 broken files
#                 for each reader
#   soak          trains, makes and forgets for long, and looks whether memory stays flat
#   types         checks the types; lint the types, the format and the include direction
#   format        rewrites C and JavaScript in the project's format
#   test          everything, checked
#   clean         removes what was built
#
# What is newer than its sources is left alone.
#
# shellcheck disable=SC2046,SC2086  # lists of flags and files are meant to be split at spaces
set -eu
cd "$(dirname "$0")"

# ---- Flags, each with its reason -----------------------------------------------------------------

# One language, and nothing that a second compiler could take amiss.
WARN='-std=c11 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Werror'
# The same bits everywhere: a product and a sum stay two roundings. A square root is an instruction,
# not a call that might set errno.
MATH='-ffp-contract=off -fno-math-errno'
# What ships: no ASSERT, so no path of the building machine either.
RELEASE="-DNDEBUG $WARN $MATH"
# As WebAssembly it has a heap of its own, src/heap.c, and so imports nothing.
HEAP=-DUNROLLED_HEAP
# Small is as fast: what the time is spent in is inlined and unrolled by the source itself.
SMALL=-Os
# All of it as one unit: what has one caller is made for that caller.
ONE=-flto
# What is tested: ASSERTs live, memory that can be refused, lines for the sanitizers' reports, fast enough for long tests.
DEBUG="-O1 -g -DUNROLLED_FAULTS $WARN $MATH"
SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer'
FUZZER='-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer'
# Counted: the code as it ships, without ASSERTs, but with memory that can be refused.
COUNTED="-O1 -g -DUNROLLED_FAULTS -DNDEBUG $WARN $MATH -fprofile-instr-generate -fcoverage-mapping"
# Every engine has SIMD128, and whichever has it has the other three: less code. Relaxed SIMD is
# another matter: its results differ between machines.
SIMD='-msimd128 -mbulk-memory -mnontrapping-fptoint -msign-ext'
# The same, as Binaryen's tools call them.
FEATURES='--enable-simd --enable-bulk-memory --enable-nontrapping-float-to-int --enable-sign-ext --enable-mutable-globals'
# What is to be vectors is written so: all that Clang would find besides are the loops' last elements.
BY_HAND='-fno-vectorize -fno-slp-vectorize'
# To be said again where the whole is optimized: the linker does not hear the compiler's word.
BY_HAND_LINKED='-Wl,-mllvm,-vectorize-loops=false'
# Memory grows as far as 32 bits reach, but for the last page: so no array ends at address 0.
MEMORY='-sALLOW_MEMORY_GROWTH -sMAXIMUM_MEMORY=4294901760'
# A library, not a program; large buffers never live on its stack (TOTAL_STACK is the older name of
# STACK_SIZE, and known to every Emscripten); no files, no malloc.
LIBRARY="--no-entry -sTOTAL_STACK=65536 -sINITIAL_MEMORY=2MB -sFILESYSTEM=0 -sMALLOC=none"
# A C test is a program that prints, and may keep large arrays, some on its stack.
PROGRAM="-sSTANDALONE_WASM -sTOTAL_STACK=1MB -sINITIAL_MEMORY=16MB"
# The release of the Emscripten SDK to fetch where there is no Debian package.
EMSDK_VERSION=3.1.74

# ---- What a step needs ---------------------------------------------------------------------------

has() { command -v "$1" >/dev/null 2>&1; }

fail() {
    echo "build.sh: $*" >&2
    exit 1
}

has node || fail 'Node is missing: install Node 20.19 or newer'
node=$(command -v node)
PATH="$PWD/node_modules/.bin:$PATH"
jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)

can_install() { [ "$(id -u)" = 0 ] && has apt-get; }

# Debian's packages. Some bring Debian's Node along, which must not take the running one's place.
install() {
    can_install || fail "missing: $*. As root on Debian: apt-get install $*"
    keep=
    if [ "$node" = /usr/bin/node ] && ! dpkg -S "$node" >/dev/null 2>&1; then
        keep="-o Dpkg::Options::=--path-exclude=$node"
    fi
    apt-get update
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $keep "$@"
    [ "$(command -v node)" = "$node" ] || PATH="${node%/*}:$PATH"
}

# need COMMAND PACKAGE
need() { has "$1" || install "$2"; }

# emcc and Binaryen's tools: on PATH, in $EMSDK or in .emsdk; else Debian's packages; else the SDK,
# which has both, into .emsdk.
need_emscripten() {
    PATH="$PATH${EMSDK:+:$EMSDK/upstream/emscripten:$EMSDK/upstream/bin}:$PWD/.emsdk/upstream/emscripten:$PWD/.emsdk/upstream/bin"
    # An emcc from elsewhere keeps its own off the PATH, and knows where.
    if has em-config; then PATH="$PATH:$(em-config BINARYEN_ROOT 2>/dev/null)/bin"; fi
    if has emcc && has wasm-metadce && has wasm-opt; then return; fi
    if can_install; then
        install emscripten binaryen
        return
    fi
    has git && has python3 ||
        fail 'missing: Emscripten with Binaryen (Debian: apt-get install emscripten; macOS: brew install emscripten binaryen), or git and python3 to fetch it'
    [ -d .emsdk ] || git clone --depth 1 https://github.com/emscripten-core/emsdk.git .emsdk
    .emsdk/emsdk install $EMSDK_VERSION
    .emsdk/emsdk activate $EMSDK_VERSION
}

# npm's packages, again whenever the lock file is newer than they are; of another folder, where it is named.
need_packages() (
    cd "${1:-.}"
    [ -n "$(find node_modules/.package-lock.json ! -newer package-lock.json 2>&1)" ] || return 0
    npm ci --include=dev --no-dry-run --ignore-scripts --no-audit --no-fund --loglevel=error
)

# The compiler of the sanitizers, their run time, the names in their reports, three browsers, and the
# display that one of them must have.
need_test_tools() {
    need clang clang
    need llvm-symbolizer llvm
    echo 'int main(void) { return 0; }' | clang $SANITIZE -x c - -o /dev/null 2>/dev/null ||
        install libclang-rt-dev
    node tests/tools/chromium.js >/dev/null 2>&1 || install chromium
    has firefox || need firefox-esr firefox-esr
    need WebKitWebDriver webkit2gtk-driver
    need xvfb-run xvfb
    need xauth xauth
}

# ---- Compiling -----------------------------------------------------------------------------------

# In one order everywhere: the order of the sources is the order of the functions in the .wasm.
files() { find "$@" | LC_ALL=C sort; }

# newer OUTPUT SOURCE...: true when a source, or this file, has changed since the output was made
newer() {
    output=$1
    shift
    [ ! -e "$output" ] || [ -n "$(find "$@" build.sh -newer "$output")" ]
}

# objects FOLDER COMPILER...: compiles the files that standard input names, one on each core
objects() {
    into=$1
    shift
    rm -rf "$into"
    mkdir -p "$into"
    xargs -P "$jobs" -I FILE sh -c '
        file=$1 object=$2/$(basename "$1" .c).o
        shift 2
        exec "$@" -c "$file" -o "$object"' sh FILE "$into" "$@"
}

# c_tests FOLDER SUFFIX LINK COMPILER...: each tests/c/test_*.c as a program, with all of src/ and
# the naive twins beside it
c_tests() {
    folder=$1 suffix=$2 link=$3
    shift 3
    files src tests/c -name '*.c' ! -name 'test_*' | objects "$folder/core" "$@" -Isrc
    files tests/c -name 'test_*.c' | objects "$folder/tests" "$@" -Isrc
    for object in "$folder"/tests/*.o; do
        "$@" "$object" "$folder"/core/*.o $link -lm -o "$folder/$(basename "$object" .o)$suffix"
    done
}

# run_tests RUNNER PROGRAM...
run_tests() {
    runner=$1
    shift
    for program in "$@"; do
        echo "$program"
        UBSAN_OPTIONS=print_stacktrace=1 ASAN_OPTIONS=allocator_may_return_null=1 \
            $runner "$program" || fail "$program failed"
    done
}

# fuzz_api RUNS SEED: new inputs are kept in build/fuzz/corpus, what breaks it in build/fuzz
fuzz_api() {
    mkdir -p build/fuzz/corpus
    UBSAN_OPTIONS=print_stacktrace=1 build/fuzz/fuzz_api -runs="$1" -seed="$2" -max_len=2048 -len_control=0 -timeout=10 -rss_limit_mb=2048 \
        -artifact_prefix=build/fuzz/ -print_final_stats=1 -verbosity=0 \
        build/fuzz/corpus tests/fuzz/corpus/api || fail 'the exports broke under the fuzzer'
}

# ---- Steps ---------------------------------------------------------------------------------------

step() {
    case $1 in
    wasm)
        newer dist/unrolled.wasm src || return 0
        need_emscripten
        mkdir -p dist build/link
        files src -name '*.c' | objects build/release emcc $SMALL $ONE $RELEASE $HEAP $SIMD $BY_HAND
        emcc $SMALL $SIMD $BY_HAND_LINKED $MEMORY $LIBRARY $(files build/release -name '*.o') -o build/link/linked.wasm
        # What emcc exports for JavaScript of its own is not wanted.
        {
            echo '[ { "name": "memory", "root": true, "export": "memory" }'
            sed -n 's/^UNROLLED_API(\([a-z0-9_]*\)).*/, { "name": "\1", "root": true, "export": "\1" }/p' src/unrolled.h
            echo ']'
        } >build/link/exports.json
        wasm-metadce $FEATURES build/link/linked.wasm -f build/link/exports.json -o build/link/exports.wasm >build/link/unused.txt
        wasm-opt $FEATURES -Oz build/link/exports.wasm -o dist/unrolled.wasm
        ;;
    js)
        step wasm # inline.js holds a copy
        newer dist/index.d.ts js rolldown.config.js package.json package-lock.json dist/unrolled.wasm || return 0
        need_packages
        rm -f dist/*.js dist/*.map dist/*.d.ts
        rolldown -c --logLevel warn >/dev/null
        tsc -p js
        ;;
    docs)
        step reference
        step page
        ;;
    reference)
        step js
        newer build/reference/index.html js $(files web/reference -type f ! -path '*/node_modules/*') || return 0
        need_packages web/reference
        (cd web/reference && node_modules/.bin/typedoc)
        ;;
    page)
        # One of other sources is out of date.
        if newer build/reference/index.html js; then rm -rf build/reference; fi
        need_packages
        vite build
        vite build tests/bench --logLevel warn
        ;;
    start)
        step wasm
        step js
        step page
        exec vite preview
        ;;
    native)
        cc=${CC:-$(command -v cc || command -v clang || command -v gcc)} || fail 'missing: a C compiler'
        out=build/native${CC:+-$CC}
        newer $out/libunrolled.a src tests/c || return 0
        files src -name '*.c' | objects $out/release $cc -O2 $RELEASE
        c_tests $out '' '' $cc $DEBUG $SANITIZE
        ar rcs $out/libunrolled.a $out/release/*.o
        ;;
    native-test)
        step native
        run_tests '' build/native${CC:+-$CC}/test_*
        ;;
    wasm-test)
        if newer build/wasm/built src tests/c; then
            need_emscripten
            c_tests build/wasm .wasm "$MEMORY $PROGRAM" emcc $DEBUG $SIMD
            touch build/wasm/built
        fi
        run_tests 'node --disable-warning=ExperimentalWarning tests/wasi.js' build/wasm/test_*.wasm
        ;;
    coverage)
        need clang clang
        need llvm-cov llvm
        out=build/coverage
        if newer $out/coverage.json src tests/c; then
            c_tests $out '' '' clang $COUNTED
            for program in $(files $out -maxdepth 1 -name 'test_*'); do
                LLVM_PROFILE_FILE=$out/counts.d/${program##*/} $program >/dev/null ||
                    fail "$program failed"
            done
            llvm-profdata merge -o $out/counts $out/counts.d/*
            programs=$(printf ' -object %s' $(files $out -maxdepth 1 -name 'test_*'))
            llvm-cov export -instr-profile=$out/counts ${programs# -object } \
                $(files src -name '*.[ch]') >$out/coverage.json
        fi
        node tests/tools/coverage.js $out/coverage.json
        ;;
    fuzz-program)
        need clang clang
        need llvm-symbolizer llvm
        out=build/fuzz
        newer $out/fuzz_api src tests/fuzz/fuzz_api.c || return 0
        files src -name '*.c' | objects $out/core clang $DEBUG $FUZZER
        clang $DEBUG $FUZZER -Isrc tests/fuzz/fuzz_api.c $out/core/*.o -lm -o $out/fuzz_api
        ;;
    fuzz-test)
        step fuzz-program
        fuzz_api 10000 1
        ;;
    fuzz)
        step wasm
        step js
        step fuzz-program
        fuzz_api "${FUZZ_RUNS:-750000}" 0
        node tests/fuzz/files.js
        ;;
    soak)
        step wasm
        step js
        node --expose-gc tests/soak/soak.js
        ;;
    types)
        need_packages
        tsc -p js --noEmit
        tsc -p .
        ;;
    lint)
        need clang-format clang-format
        node tests/tools/includes.js
        node tests/tools/exports.js
        clang-format --dry-run -Werror $(files src tests -name '*.[ch]')
        need_packages
        biome check
        step types
        ;;
    format)
        need clang-format clang-format
        clang-format -i $(files src tests -name '*.[ch]')
        need_packages
        biome check --write
        ;;
    test)
        need_emscripten
        need_test_tools
        step lint
        step wasm
        step js
        step docs
        (CC=clang && step native-test)
        if has gcc; then (CC=gcc && step native-test); fi
        step wasm-test
        step fuzz-test
        step coverage
        exec node --test --test-reporter=spec --test-concurrency="$jobs" \
            $(files tests -name '*.test.js')
        ;;
    clean)
        rm -rf dist build
        ;;
    *)
        fail "there is no step $1: see the head of build.sh"
        ;;
    esac
}

[ $# -gt 0 ] || set -- wasm js page
for name in "$@"; do step "$name"; done
