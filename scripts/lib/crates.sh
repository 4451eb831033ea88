# shellcheck shell=bash
# Published packages, downloaded once: kept in ${XDG_CACHE_HOME:-~/.cache}/longshore/crates
# and checked on every use. Needs `scratch`, a directory on the same filesystem
# as $crates_cache.

readonly crates_download=https://static.crates.io/crates # the public address that cargo itself downloads from
readonly crates_cache=${XDG_CACHE_HOME:-$HOME/.cache}/longshore/crates

die() {
    echo "$(basename "$0"): $*" >&2
    exit 1
}

sha256() {
    if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d ' ' -f 1
}

# crates_scratch: sets `scratch`, which is gone when the script ends. In the
# cache, so that a finished download can be moved into place in one step.
crates_scratch() {
    mkdir -p "$crates_cache"
    scratch=$(mktemp -d -p "$crates_cache")
    trap 'rm -rf "$scratch"' EXIT
}

# fetch NAME VERSION SHA256: prints where the verified package lies.
fetch() {
    local file="$crates_cache/$1-$2.crate" found
    if ! [ -f "$file" ] || [ "$(sha256 "$file")" != "$3" ]; then
        curl -fsSL --retry 3 -o "$scratch/download" "$crates_download/$1/$2/download" ||
            die "failed to download $1 $2 from $crates_download"
        found=$(sha256 "$scratch/download")
        [ "$found" = "$3" ] || die "$1 $2 has the sha256 $found, expected $3"
        mv "$scratch/download" "$file"
    fi
    echo "$file"
}
