#!/usr/bin/env bash
# Downloads @COUNT@ files (@SIZE@ bytes) into the folder @NAME@, or the one that DEEPFIELD_FOLDER names.
# Run it again to go on after an interruption: whole files are kept, half ones resumed, every one is verified.
# Files under exclusive access need a token: as the first argument, or in MAST_API_TOKEN.
#
# Left out:
@LEFT_OUT@
set -u -o pipefail

FOLDER="${DEEPFIELD_FOLDER:-@NAME@}"
TRIES="${DEEPFIELD_TRIES:-10}"
TOKEN="${1:-${MAST_API_TOKEN:-}}"

command -v curl >/dev/null || { echo "this script needs curl" >&2; exit 2; }
if command -v sha256sum >/dev/null; then SUM=(sha256sum)
elif command -v shasum >/dev/null; then SUM=(shasum -a 256)
else echo "this script needs sha256sum or shasum" >&2; exit 2
fi

size_of() { wc -c < "$1" | tr -d ' '; }
sum_of() { "${SUM[@]}" < "$1" | cut -d' ' -f1; }
transfer() {  # part address; the token goes in through a pipe, out of sight of other users of the machine
  if [ -n "$TOKEN" ]; then
    printf 'header = "Authorization: token %s"\n' "$TOKEN" |
      curl --config - --globoff --location --fail --silent --show-error --continue-at - --output "$1" "$2"
  else
    curl --globoff --location --fail --silent --show-error --continue-at - --output "$1" "$2"
  fi
}

fetch() {  # sha256 size path address
  local target="$FOLDER/$3" part="$FOLDER/$3.part" try have
  if [ -f "$target" ] && [ "$(size_of "$target")" = "$2" ] && [ "$(sum_of "$target")" = "$1" ]; then
    echo "have     $3"
    return 0
  fi
  mkdir -p "$(dirname "$target")" || return 1
  for ((try = 1; try <= TRIES; try++)); do
    have=0
    [ -f "$part" ] && have=$(size_of "$part")
    if [ "$have" -gt "$2" ]; then
      rm -f "$part"
      have=0
    fi
    [ "$2" = 0 ] && : > "$part"
    if [ "$have" -lt "$2" ]; then
      transfer "$part" "$4" </dev/null || [ "$try" = "$TRIES" ] || sleep "${DEEPFIELD_PAUSE:-$try}"
    fi
    if [ -f "$part" ] && [ "$(size_of "$part")" = "$2" ]; then
      if [ "$(sum_of "$part")" = "$1" ]; then
        mv -f "$part" "$target" && echo "verified $3"
        return
      fi
      echo "WRONG    $3: its checksum differs; fetching it again" >&2
      rm -f "$part"
    fi
  done
  return 1
}

failed=0
while read -r sha256 size path address; do
  [ -n "$sha256" ] || continue
  if ! fetch "$sha256" "$size" "$path" "$address"; then
    echo "FAILED   $path" >&2
    failed=$((failed + 1))
  fi
done <<'FILES'
@FILES@
FILES

if [ "$failed" -gt 0 ]; then
  echo "$failed of @COUNT@ files failed; run the script again to go on" >&2
  exit 1
fi
echo "all @COUNT@ files are in $FOLDER, verified"
