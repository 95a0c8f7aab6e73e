# Sourced by the build scripts: results that take minutes are kept outside the repository,
# under a name made of the hash of everything that goes into them.

cache_root=${XDG_CACHE_HOME:-$HOME/.cache}/microvm

# cache_key INPUT...: a hash of the contents of files and of the words that are no files.
cache_key() {
  local input
  for input in "$@"; do
    if [ -f "$input" ]; then sha256sum < "$input"; else printf '%s\n' "$input"; fi
  done | sha256sum | cut -c 1-16
}

# cached NAME KEY BUILDER...: prints the directory NAME-KEY of the cache. If it is not there, runs
# `BUILDER... DIR` with an empty DIR, which becomes the entry only if the builder succeeds. One at a time:
# a second caller waits for the first and takes its result; one whose entry is there waits for nobody.
cached() {
  local name=$1 key=$2 entry=$cache_root/$1-$2 fresh lock
  shift 2
  mkdir -p "$cache_root"
  exec {lock}> "$cache_root/$name.lock"
  [ -d "$entry" ] || flock "$lock"
  if [ ! -d "$entry" ]; then
    printf 'building %s (once; kept in %s)\n' "$name" "$entry" >&2
    fresh=$(mktemp -d "$cache_root/$name.XXXXXX")
    if ! "$@" "$fresh" > "$cache_root/$name.log" 2>&1; then
      tail -n 40 "$cache_root/$name.log" >&2
      printf 'building %s failed; the whole log is %s\n' "$name" "$cache_root/$name.log" >&2
      rm -rf "$fresh"
      return 1
    fi
    chmod 0755 "$fresh"
    mv -T "$fresh" "$entry"
  fi
  exec {lock}>&-
  printf '%s\n' "$entry"
}
