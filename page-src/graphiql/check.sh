#!/bin/sh
# Rebuilds the page from its source and its lock, elsewhere, and compares it with what is committed.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT

mkdir -p "$copy/page-src/graphiql" "$copy/keysteward/page"
cd "$here"
cp -R .npmrc package.json package-lock.json *.js index.html operations src "$copy/page-src/graphiql"
cd "$copy/page-src/graphiql"
npm ci --ignore-scripts --silent
npm run build --silent -- --logLevel warn
diff -r "$copy/keysteward/page/graphiql" "$here/../../keysteward/page/graphiql"
echo "keysteward/page/graphiql is what page-src/graphiql makes."
