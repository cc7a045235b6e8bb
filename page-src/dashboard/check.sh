#!/bin/sh
# Rebuilds the libraries of the dashboard from their lock, elsewhere, and compares them with what is committed.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT

mkdir -p "$copy/page-src/dashboard" "$copy/page-src/graphiql" "$copy/keysteward/page/dashboard"
cd "$here"
cp -R .npmrc package.json package-lock.json vite.config.js src "$copy/page-src/dashboard"
cp ../graphiql/licences.js ../graphiql/package.json "$copy/page-src/graphiql"
cd "$copy/page-src/dashboard"
npm ci --ignore-scripts --silent
npm run build --silent -- --logLevel warn
diff -r "$copy/keysteward/page/dashboard/vendor" "$here/../../keysteward/page/dashboard/vendor"
echo "keysteward/page/dashboard/vendor is what page-src/dashboard makes."
