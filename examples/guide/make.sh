#!/bin/sh
# One page of the guide, in the order in which its README lists the pages, and of the reference: sh examples/guide/make.sh BUILD
set -eu
build=$1
here=examples/guide
if ! command -v pandoc >/dev/null; then
    echo "guide: pandoc is not installed (Debian: pandoc)" >&2
    exit 1
fi
mkdir -p "$build/guide"
files=
for page in README $(sed -nE 's/^\| \[[^]]*\]\(([a-z-]+)\.md\).*/\1/p' "$here/README.md"); do
    # Links between pages become links within the one page; those to files of the project stay what they are in text.
    sed -E -e 's/<!-- (made by|end).*-->//' \
        -e 's#\]\(([a-z-]+)\.md\)#](\#p-\1)#g' -e 's#\]\([a-z-]+\.md\##](\##g' -e 's#\[([^]]*)\]\(\.\./[^)]*\)#\1#g' \
        -e "1s/^# (.*)/# \1 {#p-$page}/" "$here/$page.md" >"$build/guide/$page.md"
    echo >>"$build/guide/$page.md"
    files="$files $build/guide/$page.md"
done
sed -e '1s/^# .*/# Reference {#reference}/' "$build/reference.md" >"$build/guide/reference.md"
cp "$here/page.html" "$build/guide/search.html"
# shellcheck disable=SC2086 # names of pages have no spaces
pandoc --from markdown-yaml_metadata_block+gfm_auto_identifiers --to html5 --standalone --toc --toc-depth=2 \
    --metadata title="fellowship" --metadata lang=en --include-in-header "$build/guide/search.html" \
    --output "$build/guide.html" $files "$build/guide/reference.md"
